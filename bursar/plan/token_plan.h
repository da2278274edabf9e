// A question cut into sub-questions, with a budget of tokens each: early, uncertain steps get more.
//
//   auto steps = parse_steps(model_text);                        // "1. … Hint: …"; or heuristic_steps(question)
//   auto plan = plan_tokens(*steps, {.level = 4, .decay = allocate::Decay::kPolynomial});
//   StepRunner run(*plan);
//   while (auto step = run.next()) { … ask with max_tokens = step->tokens …; run.report(used, answer); }
//
// The total comes from a level of 1 to 5, each step's share from its credit times a decay along the plan
// (allocate/token_split.h). In sequence, what an early step leaves over goes to the later ones in proportion to theirs
// (carry_over [choice]). The paper solves in one call whose prompt names the budgets: `one_call_prompt`; the model is
// asked there, and not forced. Plan and assessment cost tokens too: charge them to the same account.
// Source: systems/plan-and-budget.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/allocate/token_split.h"
#include "bursar/core/result.h"

namespace bursar::plan {

struct SubQuestion {
  std::string text, hint;
  double credit = 1;  // >= 0: how much of the difficulty is here
};

// Lines "N. text", each followed by "Hint: …" where there is one. Where nothing parses: one step, "solve directly".
[[nodiscard]] std::vector<SubQuestion> parse_steps(std::string_view text);
// Without a model: splits at enumerations, question marks and "then"; credit by length. At most 5 [choice].
[[nodiscard]] std::vector<SubQuestion> heuristic_steps(std::string_view question);

// 200, 250, 350, 450, 600 for levels 1 … 5. kInvalidArgument elsewhere.
[[nodiscard]] Result<std::int64_t> tokens_of_level(int level);

struct TokenPlanOptions {
  int level = 3;
  std::optional<std::int64_t> total;  // instead of the level's
  allocate::Decay decay = allocate::Decay::kPolynomial;
  allocate::DecayShape shape;
};
struct TokenPlan {
  std::vector<SubQuestion> steps;
  std::vector<std::int64_t> tokens;  // [steps], sum = total
  std::int64_t total = 0;
};
[[nodiscard]] Result<TokenPlan> plan_tokens(std::vector<SubQuestion> steps, const TokenPlanOptions& options = {});

// The prompt of the published code: every sub-question with the words it may take.
[[nodiscard]] std::string one_call_prompt(std::string_view question, const TokenPlan& plan);

// One call a step, each with the answers before it; then one that puts them together, from what is left.
class StepRunner {
 public:
  struct Step {
    std::size_t index = 0;  // plan.steps.size(): the last call, that puts them together
    std::int64_t tokens = 0;
    std::string prompt;
  };
  explicit StepRunner(TokenPlan plan, bool carry_over = true);
  // Absent at the end. The same until its report.
  [[nodiscard]] std::optional<Step> next() const;
  // Errors, state unchanged: kInvalidArgument for tokens below 0; a report without a step.
  [[nodiscard]] Result<void> report(std::int64_t tokens_used, std::string answer);
  [[nodiscard]] std::int64_t spent() const { return spent_; }
  [[nodiscard]] const std::vector<std::string>& answers() const { return answers_; }

 private:
  [[nodiscard]] std::int64_t tokens_of(std::size_t step) const;

  TokenPlan plan_;
  bool carry_over_;
  std::vector<std::string> answers_;
  std::int64_t spent_ = 0, spare_ = 0;  // spare_: left over by the steps so far
};

// accuracy^2 / tokens, with the accuracy in per cent: 0 … 100.
[[nodiscard]] double e3(double accuracy_percent, double mean_tokens);

// -ln P(correct) = c / tokens^a per level, by weighted least squares in logarithms; levels with fewer than `enough`
// pairs are absent [choice].
struct LevelCurve {
  double c = 0, a = 0;
};
struct SolveRecord {
  int level = 1;
  std::int64_t tokens = 0;
  bool correct = false;
};
[[nodiscard]] std::vector<std::optional<LevelCurve>> learn_level_curves(std::span<const SolveRecord> records,
                                                                        std::size_t enough = 50);

}  // namespace bursar::plan
