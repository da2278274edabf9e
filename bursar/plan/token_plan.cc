#include "bursar/plan/token_plan.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

namespace bursar::plan {
namespace {

constexpr std::array<std::int64_t, 5> kTokens{200, 250, 350, 450, 600};
constexpr std::size_t kMostSteps = 5;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t from = text.find_first_not_of(kBlanks);
  return from == std::string_view::npos ? std::string_view()
                                        : text.substr(from, text.find_last_not_of(kBlanks) - from + 1);
}

// What follows "12." at the beginning of a line; nothing where it begins otherwise.
std::optional<std::string_view> numbered(std::string_view line) {
  std::size_t at = 0;
  while (at < line.size() && std::isdigit(static_cast<unsigned char>(line[at])) != 0) ++at;
  if (at == 0 || at > 3 || at >= line.size() || (line[at] != '.' && line[at] != ')')) return std::nullopt;
  return trimmed(line.substr(at + 1));
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    out.push_back(trimmed(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

}  // namespace

std::vector<SubQuestion> parse_steps(std::string_view text) {
  std::vector<SubQuestion> out;
  for (const std::string_view line : lines_of(text)) {
    if (const auto step = numbered(line); step && !step->empty()) {
      out.push_back({.text = std::string(*step)});
    } else if (line.starts_with("Hint:") && !out.empty() && out.back().hint.empty()) {
      out.back().hint = trimmed(line.substr(5));
    }
  }
  if (out.empty()) out.push_back({.text = "solve directly"});
  return out;
}

std::vector<SubQuestion> heuristic_steps(std::string_view question) {
  std::vector<SubQuestion> out;
  const auto add = [&](std::string_view part) {
    part = trimmed(part);
    if (!part.empty()) out.push_back({.text = std::string(part), .credit = static_cast<double>(part.size())});
  };
  std::size_t from = 0;
  for (std::size_t i = 0; i < question.size() && out.size() + 1 < kMostSteps; ++i) {
    const std::string_view rest = question.substr(i);
    const bool ends = question[i] == '?' || question[i] == ';' || question[i] == '\n';
    const bool then = rest.starts_with(", then ") || rest.starts_with(". Then ") || rest.starts_with(" and then ");
    if (!ends && !then) continue;
    add(question.substr(from, i - from + (question[i] == '?' ? 1 : 0)));
    from = i + 1;
  }
  add(question.substr(std::min(from, question.size())));
  if (out.empty()) out.push_back({.text = "solve directly"});
  return out;
}

Result<std::int64_t> tokens_of_level(int level) {
  if (level < 1 || level > 5) return invalid_argument("level is " + std::to_string(level) + "; it must be from 1 to 5");
  return kTokens.at(static_cast<std::size_t>(level - 1));
}

Result<TokenPlan> plan_tokens(std::vector<SubQuestion> steps, const TokenPlanOptions& options) {
  auto total = options.total ? Result<std::int64_t>(*options.total) : tokens_of_level(options.level);
  if (!total) return tl::unexpected(total.error());
  std::vector<double> credits;
  credits.reserve(steps.size());
  for (const SubQuestion& step : steps) credits.push_back(step.credit);
  auto tokens = allocate::split_tokens(credits, *total, options.decay, options.shape);
  if (!tokens) return tl::unexpected(tokens.error());
  return TokenPlan{.steps = std::move(steps), .tokens = std::move(*tokens), .total = *total};
}

std::string one_call_prompt(std::string_view question, const TokenPlan& plan) {
  std::string out(question);
  out += "\n\nWork along these steps, or another way if it is better. Think only a little at each.\n";
  for (std::size_t j = 0; j < plan.steps.size(); ++j) {
    out.append(std::to_string(j + 1)).append(". ").append(plan.steps[j].text);
    out.append(" (at most ").append(std::to_string(plan.tokens[j])).append(" words)\n");
  }
  return out;
}

StepRunner::StepRunner(TokenPlan plan, bool carry_over) : plan_(std::move(plan)), carry_over_(carry_over) {}

// A share of what the steps before left over, in proportion to this step's among those that remain.
std::int64_t StepRunner::tokens_of(std::size_t step) const {
  if (!carry_over_) return plan_.tokens[step];
  std::int64_t later = 0;
  for (std::size_t j = step; j < plan_.tokens.size(); ++j) later += plan_.tokens[j];
  if (later <= 0) return plan_.tokens[step] + spare_ / static_cast<std::int64_t>(plan_.tokens.size() - step);
  const double share = static_cast<double>(plan_.tokens[step]) / static_cast<double>(later);
  return plan_.tokens[step] + static_cast<std::int64_t>(std::floor(share * static_cast<double>(spare_)));
}

std::optional<StepRunner::Step> StepRunner::next() const {
  const std::size_t index = answers_.size(), steps = plan_.steps.size();
  if (index > steps) return std::nullopt;
  Step step{.index = index,
            .tokens = index < steps ? tokens_of(index) : std::max<std::int64_t>(0, plan_.total - spent_)};
  if (step.tokens <= 0 && index == steps) return std::nullopt;  // nothing is left to put the answers together with
  for (std::size_t j = 0; j < index; ++j)
    step.prompt.append(plan_.steps[j].text).append("\n").append(answers_[j]).append("\n\n");
  step.prompt += index < steps ? plan_.steps[index].text : "Put these together into one final answer.";
  if (index < steps && !plan_.steps[index].hint.empty()) step.prompt.append("\nHint: ").append(plan_.steps[index].hint);
  return step;
}

Result<void> StepRunner::report(std::int64_t tokens_used, std::string answer) {
  const auto step = next();
  if (!step) return invalid_argument("no step is open; every one was reported");
  if (tokens_used < 0)
    return invalid_argument("tokens_used is " + std::to_string(tokens_used) + "; it must be at least 0");
  spent_ += tokens_used;
  if (step->index < plan_.steps.size()) spare_ += plan_.tokens[step->index] - tokens_used;
  answers_.push_back(std::move(answer));
  return {};
}

double e3(double accuracy_percent, double mean_tokens) {
  return mean_tokens > 0 ? accuracy_percent * accuracy_percent / mean_tokens : 0;
}

// Records of a level are grouped by tokens into tenths, for the logarithm of a single success says nothing.
std::vector<std::optional<LevelCurve>> learn_level_curves(std::span<const SolveRecord> records, std::size_t enough) {
  std::vector<std::optional<LevelCurve>> out(kTokens.size());
  for (std::size_t level = 1; level <= kTokens.size(); ++level) {
    std::vector<SolveRecord> own;
    for (const SolveRecord& record : records) {
      if (record.level == static_cast<int>(level) && record.tokens > 0) own.push_back(record);
    }
    if (own.size() < std::max<std::size_t>(enough, 10)) continue;
    std::ranges::sort(own, {}, &SolveRecord::tokens);
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (std::size_t g = 0; g < 10; ++g) {
      const std::size_t from = g * own.size() / 10, to = (g + 1) * own.size() / 10;
      double right = .5, x = 0;  // half a success and half a failure, so that no group is certain
      for (std::size_t i = from; i < to; ++i) {
        right += own[i].correct ? 1 : 0;
        x += std::log(static_cast<double>(own[i].tokens)) / static_cast<double>(to - from);
      }
      const double p = right / (static_cast<double>(to - from) + 1), y = std::log(-std::log(p));
      const double weight = static_cast<double>(to - from) * p / (1 - p) * std::log(p) * std::log(p);
      n += weight, sx += weight * x, sy += weight * y, sxx += weight * x * x, sxy += weight * x * y;
    }
    const double spread = n * sxx - sx * sx;
    if (spread <= 1e-12 * n * n) continue;
    const double slope = (n * sxy - sx * sy) / spread;
    if (slope >= 0) continue;  // more tokens did not help: there is no curve
    out[level - 1] = LevelCurve{.c = std::exp((sy - slope * sx) / n), .a = -slope};
  }
  return out;
}

}  // namespace bursar::plan
