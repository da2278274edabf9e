#include "bursar/plan/strategies/asks.h"

#include <algorithm>
#include <cmath>

namespace bursar::plan {
namespace {

constexpr std::size_t kMostConversation = 16 << 10;
constexpr std::int64_t kAssessTokens = 96, kDecomposeTokens = 768;
constexpr std::int64_t kInstructionTokens = 120, kInstructionBytes = 640, kBytesAToken = 4;

// What was said before the question; empty where nothing was.
std::string conversation_of(const JobSetup& setup) {
  std::size_t last = setup.messages.size();
  while (last > 0 && setup.messages[last - 1].role != "user") --last;
  std::string out;
  for (std::size_t i = 0; i + 1 < last; ++i)
    out.append(setup.messages[i].role).append(": ").append(setup.messages[i].content).append("\n");
  if (out.size() <= kMostConversation) return out;
  std::size_t from = out.size() - kMostConversation;
  while (from < out.size() && (static_cast<unsigned char>(out[from]) & 0xC0U) == 0x80) ++from;  // whole characters
  return out.substr(from);
}

}  // namespace

Action ask_of(const Job& job, Task task, std::vector<Section> sections, ModelAsk ask) {
  std::vector<Section> all;
  if (std::string before = conversation_of(job.setup()); !before.empty())
    all.emplace_back("conversation", std::move(before));
  if (std::ranges::none_of(sections, [](const Section& section) { return section.first == "question"; }))
    all.emplace_back("question", job.setup().question);
  std::ranges::move(sections, std::back_inserter(all));
  if (ask.model.empty()) ask.model = job.setup().model;
  return {.purpose = std::string(name_of(task)), .ask = prompt_for(task, all, std::move(ask))};
}

Section limit_section(std::int64_t max_tokens) {
  const std::int64_t told = std::max<std::int64_t>(max_tokens - kAnswerLine, 8);
  return {"limit", "Write at most " + std::to_string(told) + " tokens before the last line."};
}

std::size_t affordable(const Job& job, std::span<const Observation> seen, std::size_t want, std::size_t keep) {
  Amounts sum;
  std::int64_t paid = 0;
  for (const Observation& one : seen) {
    if (!one.ok() || !sum.add(one.cost)) continue;
    ++paid;
  }
  for (const Amount& amount : sum.items()) {
    const auto left = job.purse().left(amount.resource);
    if (!left || amount.units <= 0) continue;
    const double calls = static_cast<double>(*left) * static_cast<double>(paid) / static_cast<double>(amount.units);
    const double spare = calls - static_cast<double>(keep);
    want = std::min(want, spare >= 1 ? static_cast<std::size_t>(std::min(spare, 1e6)) : 0);
  }
  return want;
}

std::int64_t prompt_estimate(const Job& job) {
  return kInstructionTokens + static_cast<std::int64_t>(job.setup().question.size()) / kBytesAToken;
}

std::int64_t prompt_bound(const Job& job) {
  return kInstructionBytes + static_cast<std::int64_t>(job.setup().question.size());
}

bool purse_holds(const Job& job, std::int64_t tokens) {
  const auto left = job.purse().left(kTokens);
  return !left || *left >= tokens;
}

std::string steps_text(std::span<const AnsweredStep> steps) {
  std::string out;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    out.append(std::to_string(i + 1)).append(". ").append(steps[i].text).append("\n");
    if (!steps[i].answer.empty()) out.append("Answer: ").append(steps[i].answer).append("\n");
  }
  return out;
}

Answer answer_so_far(std::span<const AnsweredStep> steps) {
  Answer out{.text = steps_text(steps)};
  const auto last = std::find_if(steps.rbegin(), steps.rend(), [](const AnsweredStep& s) { return !s.answer.empty(); });
  if (last != steps.rend() && last != steps.rbegin()) out.text += "Answer: " + last->answer + "\n";
  return out;
}

std::optional<int> level_of(const Observation& seen) {
  const auto level = seen.ok() ? read_number(seen.text, "Level") : std::nullopt;
  if (!level) return std::nullopt;
  return static_cast<int>(std::lround(std::clamp(*level, 1.0, 5.0)));
}

Action assess_of(const Job& job, const std::string& text) {
  std::vector<Section> sections;
  if (text != job.setup().question) sections.emplace_back("context", job.setup().question);
  sections.emplace_back("question", text);
  return ask_of(job, Task::kAssess, std::move(sections),
                {.model = job.setup().small_model, .max_tokens = kAssessTokens, .temperature = 0});
}

Action decompose_of(const Job& job) {
  return ask_of(job, Task::kDecompose, {},
                {.model = job.setup().small_model,
                 .max_tokens = kDecomposeTokens,
                 .least_tokens = kDecomposeTokens / 4,
                 .temperature = job.setup().temperature});
}

}  // namespace bursar::plan
