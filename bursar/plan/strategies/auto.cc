#include "bursar/plan/strategies/auto.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "bursar/plan/recovery_gate.h"
#include "bursar/plan/strategies/entries.h"
#include "bursar/plan/token_plan.h"

namespace bursar::plan {
namespace {

using namespace std::chrono_literals;

constexpr double kInstructions = 100;  // tokens that every call reads beside the question
constexpr Duration kShort = 20s;

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool contains_any(const std::string& text, std::span<const std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.contains(word); });
}

// "A)" and "B)", or with a full stop, each where a word begins.
bool lists_options(std::string_view question) {
  const auto has = [&](char letter) {
    for (std::size_t i = 0; i + 1 < question.size(); ++i) {
      const bool begins = i == 0 || std::isalnum(static_cast<unsigned char>(question[i - 1])) == 0;
      if (begins && question[i] == letter && (question[i + 1] == ')' || question[i + 1] == '.')) return true;
    }
    return false;
  };
  return (has('A') && has('B')) || (has('a') && has('b'));
}

double member(const boost::json::object& of, const char* key) {
  const auto* value = of.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

// Tokens of one answer with its prompt.
double answer_tokens(const JobSetup& setup) {
  double tokens = .5 * static_cast<double>(setup.max_tokens);
  const auto* lengths = setup.beliefs.if_contains("lengths");
  if (lengths != nullptr && lengths->is_object() && member(lengths->get_object(), "count") >= 1) {
    const double mean = member(lengths->get_object(), "log_mean"), sd = member(lengths->get_object(), "log_sd");
    tokens = std::min(std::exp(mean + sd * sd / 2), static_cast<double>(setup.max_tokens));
  }
  return tokens + kInstructions + static_cast<double>(setup.question.size()) / 4;
}

double answers_worth(const JobSetup& setup, const Purse& purse, double spend) {
  double n = spend;
  if (const auto left = purse.left(kTokens)) n = std::min(n, static_cast<double>(*left) / answer_tokens(setup));
  if (const auto left = purse.left(kCalls)) n = std::min(n, static_cast<double>(*left));
  return n;
}

// The chosen strategy's controller, from the first step on; the job's own purse decides which.
class AutoController final : public Controller {
 public:
  explicit AutoController(JobSetup setup) : setup_(std::move(setup)) {}

  [[nodiscard]] Pace pace() const override { return inner_ ? inner_->pace() : Pace::kRounds; }
  [[nodiscard]] Step next(const Purse& purse) override {
    if (inner_) return inner_->next(purse);
    const AutoChoice choice = choose_strategy(setup_, purse, setup_.parameters.at("spend").to_number<double>());
    setup_.parameters = {};
    auto inner = make_job(**strategy_named(choice.strategy), setup_);
    if (!inner) return {.done = true, .actions = {}, .why = {{"auto_error", inner.error().message}}};
    inner_ = std::move(*inner);
    Step step = inner_->next(purse);
    step.why["auto"] = choice.strategy;
    step.why["because"] = choice.because;
    step.why["answers_worth"] = choice.answers;
    return step;
  }
  void report(const Observation& seen) override {
    if (inner_) inner_->report(seen);
  }
  [[nodiscard]] std::optional<Answer> best() const override { return inner_ ? inner_->best() : std::nullopt; }

 private:
  JobSetup setup_;
  std::unique_ptr<Controller> inner_;
};

}  // namespace

std::string_view name_of(QuestionForm form) {
  switch (form) {
    case QuestionForm::kOptions: return "options";
    case QuestionForm::kValue: return "value";
    case QuestionForm::kText: return "text";
  }
  return "";
}

QuestionForm form_of(std::string_view question) {
  constexpr std::array<std::string_view, 12> kWriting{"write ",   "explain",  "summar",   "translate",
                                                      "describe", "draft ",   "rewrite ", "suggest ",
                                                      "list ",    "compose ", "discuss",  "tell me"};
  constexpr std::array<std::string_view, 14> kAsking{"how many", "how much",  "how far",  "how long", "how old",
                                                     "what is ", "what are ", "which ",   "who ",     "when ",
                                                     "where ",   "calculate", "compute ", "find the "};
  if (lists_options(question)) return QuestionForm::kOptions;
  const std::string text = lowered(question);
  const std::string first = text.substr(0, 40);
  if (contains_any(first, kWriting)) return QuestionForm::kText;
  const bool number = std::ranges::any_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
  if (contains_any(text, kAsking) || (number && text.contains('?'))) return QuestionForm::kValue;
  return QuestionForm::kText;
}

AutoChoice choose_strategy(const JobSetup& setup, const Purse& purse, double spend) {
  AutoChoice out{.strategy = {}, .because = {}, .answers = answers_worth(setup, purse, spend)};
  out.form = form_of(setup.question);
  const double n = out.answers;
  const std::string worth = "the purse is worth " + std::to_string(static_cast<std::int64_t>(n)) + " answers";
  const Attempt look = estimate_request(setup.question);
  // The lines of a list of options are no parts.
  const std::size_t parts = out.form == QuestionForm::kOptions ? 1 : heuristic_steps(setup.question).size();
  const auto choose = [&](std::string_view strategy, std::string because) {
    out.strategy = strategy;
    out.because = std::move(because);
    return out;
  };
  if (!setup.tools.empty() && look.retrieval_need > 0 && n >= 4)
    return choose("bats", "a question of facts, with a tool to search with, and " + worth);
  if (n < 3 || purse.share() < .1) return choose("sevra", worth + ": one, and a check where it helps");
  if (out.form == QuestionForm::kText) return choose("sevra", "no short answer that could be voted on");
  if (purse.time_left && *purse.time_left < kShort)
    return choose("bom", "little time: calls side by side, in two rounds");
  if (n >= 40) return choose("dora", worth + ": enough to search step by step");
  if ((parts >= 3 || look.difficulty >= .5) && n >= 5)
    return choose(n >= 8 ? "scale" : "plan-and-budget",
                  "a question of " + std::to_string(parts) + " parts, and " + worth);
  if (n >= 8) return choose("bom", "one short answer, and " + worth);
  if (out.form == QuestionForm::kOptions) return choose("pets", "a few votes between options: " + worth);
  return choose("sevra", worth + ", too few for a vote to beat one answer and a check");
}

Result<std::unique_ptr<Controller>> make_auto(JobSetup setup) {
  return std::make_unique<AutoController>(std::move(setup));
}

namespace {
constexpr PolicyParameter kParameters[] = {
    {.name = "spend",
     .about = "answers' worth of tokens that a job may be given, at most",
     .preset = "12",
     .low = 1,
     .high = 1000},
};
}  // namespace

const StrategyEntry kAuto{.name = "auto",
                          .slug = "",
                          .about = "Picks one of the others, by what the purse is worth and what is asked",
                          .parameters = kParameters,
                          .make = make_auto};

}  // namespace bursar::plan
