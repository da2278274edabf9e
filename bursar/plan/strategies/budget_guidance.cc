// Thinks within a budget of tokens, steered line by line; then answers.
//
// The thinking is written as the beginning of the assistant's own message, which the endpoint continues. At each line
// start one call brings the likeliest next tokens; they are re-weighted by the chance that the thinking ends within
// what is left (sample/guidance), one is drawn, and a second call goes on to the end of the line. The laws of lengths
// are the parameter `laws`, what was learned (beliefs["length_table"]), or a stated prior: any line but the end mark
// leaves some 40 tokens, so that what is steered is the last line or two alone. The cap holds in any case. An endpoint
// that gives no log-probabilities cannot be steered: then the cap alone works, in one call, and the note says "driver":
// "cap"; so does one that breaks on the way. Every line costs two prompts: this pays where prompts are cached, or free.
// Source: systems/budget-guidance.
#include <algorithm>
#include <memory>

#include "bursar/core/json.h"
#include "bursar/plan/strategies/entries.h"
#include "bursar/plan/strategies/prompts.h"
#include "bursar/plan/strategies/search_log.h"
#include "bursar/sample/guidance/line_guide.h"

namespace bursar::plan {
namespace {

constexpr int kTopTokens = 20;
constexpr std::int64_t kLeastAnswer = 32;
constexpr int kMostEmpty = 3;         // lines in a row: the model has ended without a mark
constexpr double kTimeToAnswer = .2;  // of the job's time

// ln(L + 1) has mean 3.7 and standard deviation .64 [choice]: a longer law ends honest thinking early where it is
// wrong.
class PriorLaws final : public sample::LengthPredictor {
 public:
  [[nodiscard]] std::vector<std::optional<sample::LengthLaw>> predict(
      const sample::LineContext& /*context*/, std::span<const std::string_view> candidates) const override {
    std::vector<std::optional<sample::LengthLaw>> out;
    for (const std::string_view candidate : candidates) {
      const bool ends = sample::line_classes()[sample::line_class_of(candidate)] == "end";
      out.emplace_back(ends ? sample::kEndsNow : sample::LengthLaw{.shape = 33, .rate = 9});
    }
    return out;
  }
};

struct Laws {
  std::shared_ptr<const sample::LengthPredictor> laws;
  std::string_view from;
};

Laws laws_of(const Job& job) {
  const auto table = [](const boost::json::object& saved) -> std::shared_ptr<const sample::LengthPredictor> {
    auto restored = sample::LengthTable::restore(saved);
    return restored ? std::make_shared<const sample::LengthTable>(std::move(*restored)) : nullptr;
  };
  if (const auto given = parse_json(job.text("laws")); given && given->is_object()) {
    if (auto laws = table(given->get_object())) return {std::move(laws), "given"};
  }
  if (const auto* learned = job.setup().beliefs.if_contains("length_table");
      learned != nullptr && learned->is_object()) {
    if (auto laws = table(learned->get_object())) return {std::move(laws), "learned"};
  }
  return {std::make_shared<const PriorLaws>(), "prior"};
}

sample::LineGuideOptions options_of(const Job& job) {
  return {.budget = job.integer("thinking_budget"),
          .end_mark = std::string(job.text("end_mark")),
          .most_lines = static_cast<std::size_t>(job.integer("most_lines")),
          .greedy = job.flag("greedy"),
          .seed = job.setup().seed};
}

class Thinking {
 public:
  explicit Thinking(Job& job) : job_(job), laws_(laws_of(job)) {
    auto guide = sample::LineGuide::make(options_of(job), laws_.laws);
    if (guide)
      guide_ = std::move(*guide);
    else
      over_ = true;
    capped_ = !job.flag("steer");
    note(capped_ ? "cap" : "guide");
  }

  [[nodiscard]] bool goes_on() const;
  [[nodiscard]] Action ask() const;
  void take(const Observation& seen);
  [[nodiscard]] Action answer() const;

 private:
  [[nodiscard]] Action continued(std::string purpose, const std::string& written, std::int64_t tokens) const;
  [[nodiscard]] std::string written() const { return std::string(job_.text("begin_mark")) + text_; }
  void take_candidates(const Observation& seen);
  void take_line(const Observation& seen);
  void take_capped(const Observation& seen);
  void note(std::string_view driver) const;

  Job& job_;
  Laws laws_;
  std::optional<sample::LineGuide> guide_;
  std::string text_;
  std::int64_t prompt_ = 0;
  int empty_ = 0;
  bool capped_ = false, over_ = false;
};

void Thinking::note(std::string_view driver) const { job_.note({{"driver", driver}, {"laws", laws_.from}}); }

// Until the thinking has ended, or what is left is needed for the answer.
bool Thinking::goes_on() const {
  if (over_) return false;
  const Purse& purse = job_.purse();
  const auto tokens = purse.left(kTokens);
  if (tokens && *tokens < 2 * (prompt_ + 1) + job_.integer("answer_tokens")) return false;
  return !purse.time || !purse.time_left ||
         static_cast<double>(purse.time_left->count()) >= kTimeToAnswer * static_cast<double>(purse.time->count());
}

Action Thinking::continued(std::string purpose, const std::string& written, std::int64_t tokens) const {
  ModelAsk ask{.model = job_.setup().model,
               .messages = job_.setup().messages,
               .max_tokens = tokens,
               .temperature = job_.setup().temperature};
  if (ask.messages.empty()) ask.messages.push_back({"user", job_.setup().question});
  ask.messages.push_back({"assistant", written});
  return {.purpose = std::move(purpose), .ask = std::move(ask)};
}

Action Thinking::ask() const {
  const std::string end(job_.text("end_mark"));
  if (capped_) {
    Action out =
        continued("think", written(), std::max<std::int64_t>(job_.integer("thinking_budget") - guide_->spent(), 1));
    std::get<ModelAsk>(out.ask).stop = {end};
    std::get<ModelAsk>(out.ask).least_tokens = 1;
    return out;
  }
  const sample::LineAsk next = guide_->next();
  const bool candidates = next.kind == sample::LineAskKind::kCandidates;
  Action out = continued(candidates ? "candidates" : "line", written(), next.max_tokens);
  if (candidates) {
    std::get<ModelAsk>(out.ask).top_logprobs = kTopTokens;
  } else {
    std::get<ModelAsk>(out.ask).stop = {"\n"};
    std::get<ModelAsk>(out.ask).least_tokens = 1;
  }
  return out;
}

void Thinking::take(const Observation& seen) {
  prompt_ = std::max(prompt_, seen.prompt_tokens);
  if (capped_) return take_capped(seen);
  if (guide_->next().kind == sample::LineAskKind::kCandidates)
    take_candidates(seen);
  else
    take_line(seen);
  if (guide_->ended() != sample::ThinkingEnd::kNotYet) over_ = true;
  if (!capped_) text_ = guide_->text();
}

void Thinking::take_candidates(const Observation& seen) {
  std::vector<sample::LineCandidate> candidates;
  candidates.reserve(seen.first_token.size());
  for (const TokenChance& chance : seen.first_token) candidates.push_back({chance.token, chance.logprob});
  std::erase_if(candidates, [](const sample::LineCandidate& candidate) { return candidate.token.empty(); });
  const auto chosen = guide_->report_candidates(candidates);
  if (!chosen) {
    capped_ = true;
    job_.note(
        {{"driver", "cap"},
         {"because", seen.ok() ? "no log-probabilities of the next token: " + chosen.error().message : seen.why}});
    return;
  }
  const sample::LineRecord& record = guide_->records().back();
  job_.note({{"line", record.line},
             {"remaining", record.remaining},
             {"token", record.token},
             {"before", record.before},
             {"after", record.after},
             {"finish", record.finish},
             {"fell_back", record.fell_back}});
}

void Thinking::take_line(const Observation& seen) {
  if (!seen.ok()) {
    over_ = true;  // the answer is made from what there is
    return;
  }
  const std::string_view text(seen.text);
  sample::LineText line{.text = std::string(text.substr(0, text.find('\n'))),
                        .tokens = std::max<std::int64_t>(seen.completion_tokens, 0),
                        .stop = seen.finish == "length" ? sample::LineStop::kLength : sample::LineStop::kNewline};
  empty_ = line.text.empty() ? empty_ + 1 : 0;
  if (empty_ >= kMostEmpty) line.stop = sample::LineStop::kEnd;
  if (!guide_->report_line(line)) over_ = true;  // an endpoint that counts no tokens would never come to its end
}

void Thinking::take_capped(const Observation& seen) {
  over_ = true;
  if (seen.ok()) text_ += seen.text;
}

Action Thinking::answer() const {
  std::string all = written();
  const std::string_view end = job_.text("end_mark");
  if (!all.ends_with(end)) all.append(all.ends_with('\n') ? "" : "\n").append(end);
  Action out = continued("answer", all + "\n", job_.setup().max_tokens);
  std::get<ModelAsk>(out.ask).least_tokens = std::min(kLeastAnswer, job_.setup().max_tokens);
  if (guide_) job_.note({{"thinking_tokens", guide_->spent()}, {"ended", sample::name_of(guide_->ended())}});
  return out;
}

}  // namespace

Script budget_guidance(Job& job) {
  Thinking thinking(job);
  while (thinking.goes_on()) {
    Action ask = thinking.ask();
    const std::vector<Observation> seen = co_await job.run(std::move(ask));
    thinking.take(seen.front());
  }
  Action answer = thinking.answer();
  const std::vector<Observation> said = co_await job.run(std::move(answer));
  if (!said.front().ok() || said.front().text.empty()) co_return job.best();
  co_return Answer{.text = said.front().text, .source = said.front().action};
}

namespace {
constexpr PolicyParameter kParameters[] = {
    {.name = "thinking_budget",
     .about = "tokens of thinking, at most",
     .kind = ParameterKind::kInteger,
     .preset = "500",
     .low = 1,
     .high = 100000},
    {.name = "begin_mark",
     .about = "what the model's thinking begins with",
     .kind = ParameterKind::kText,
     .preset = "\"<think>\""},
    {.name = "end_mark", .about = "and ends with", .kind = ParameterKind::kText, .preset = "\"</think>\""},
    {.name = "steer",
     .about = "steer line by line; false: the cap alone, in one call",
     .kind = ParameterKind::kFlag,
     .preset = "true"},
    {.name = "laws",
     .about = "laws of lengths, as `bursar sample fit-lengths` writes them; empty: what was learned, or the prior",
     .kind = ParameterKind::kText,
     .preset = "\"\""},
    {.name = "most_lines",
     .about = "lines of thinking, at most",
     .kind = ParameterKind::kInteger,
     .preset = "100",
     .low = 1,
     .high = 10000},
    {.name = "greedy",
     .about = "the likeliest start of a line, not a draw",
     .kind = ParameterKind::kFlag,
     .preset = "false"},
    kAnswerTokensParameter,
};
}  // namespace

const StrategyEntry kBudgetGuidance{.name = "budget-guidance",
                                    .slug = "budget-guidance",
                                    .about = "Thinks within a budget of tokens, steered line by line, then answers",
                                    .parameters = kParameters,
                                    .script = budget_guidance};

}  // namespace bursar::plan
