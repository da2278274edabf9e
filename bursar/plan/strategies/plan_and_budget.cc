// The question is cut into sub-questions; its level gives the tokens in all, and each sub-question gets its share.
//
// The small model plans and assesses (or rules without a model do); shares are credit times a decay along the plan
// (token_plan.h). In sequence, each sub-question is one call that is told and held to its tokens, and what it leaves
// goes to the later ones; a last call puts them together from the share that was kept for it. In one call, as
// published, the model is told the budgets and not held to them. beliefs["level_curves"]: five of {"c", "a"} or null;
// a level with a curve gets the tokens with which it succeeds nine times in ten, another the published ones twice:
// those are words that models were asked to keep to, these are tokens at which they are cut [choice]. Source:
// systems/plan-and-budget.
#include <algorithm>
#include <array>
#include <cmath>

#include "bursar/plan/recovery_gate.h"
#include "bursar/plan/strategies/asks.h"
#include "bursar/plan/strategies/entries.h"
#include "bursar/plan/token_plan.h"

namespace bursar::plan {
namespace {

constexpr std::size_t kMostSteps = 5;
constexpr std::int64_t kLeastStep = 48;  // tokens: less is not worth a call [choice]
constexpr double kTarget = .9;

constexpr std::string_view kDecays[] = {"constant", "linear", "polynomial", "exponential", "cosine"};

allocate::Decay decay_of(const Job& job) {
  return static_cast<allocate::Decay>(std::ranges::find(kDecays, job.text("decay")) - std::begin(kDecays));
}

// Without a model: the level by the request's own look.
int level_by_look(const std::string& text) {
  return std::clamp(1 + static_cast<int>(std::lround(4 * estimate_request(text).difficulty)), 1, 5);
}

std::optional<std::int64_t> learned_tokens(const Job& job, int level) {
  const auto* curves = job.setup().beliefs.if_contains("level_curves");
  if (curves == nullptr || !curves->is_array() || curves->get_array().size() < 5) return std::nullopt;
  const boost::json::value& curve = curves->get_array()[static_cast<std::size_t>(level - 1)];
  if (!curve.is_object()) return std::nullopt;
  const auto *c = curve.get_object().if_contains("c"), *a = curve.get_object().if_contains("a");
  if (c == nullptr || a == nullptr || !c->is_number() || !a->is_number()) return std::nullopt;
  const double tokens = std::pow(c->to_number<double>() / -std::log(kTarget), 1 / a->to_number<double>());
  if (!std::isfinite(tokens)) return std::nullopt;
  return static_cast<std::int64_t>(std::clamp(tokens, 100.0, static_cast<double>(8 * job.setup().max_tokens)));
}

// Tokens for all sub-questions and the last call: as asked, or the level's.
std::int64_t wanted_of(const Job& job, int level) {
  if (const std::int64_t given = job.integer("total"); given > 0) return given;
  const double published = job.number("stretch") * static_cast<double>(tokens_of_level(level).value());
  return std::max(learned_tokens(job, level).value_or(static_cast<std::int64_t>(published)), kLeastStep);
}

// That, and no more than the purse has beside the prompts of so many calls.
std::int64_t affordable_of(const Job& job, std::int64_t wanted, std::size_t calls, std::int64_t prompt_tokens) {
  const auto left = job.purse().left(kTokens);
  if (!left) return wanted;
  const std::int64_t prompts = prompt_tokens * static_cast<std::int64_t>(calls - 1) + prompt_bound(job);
  return std::clamp(*left - prompts, kLeastStep, wanted);
}

struct Assessed {
  int level = 3;
  std::vector<SubQuestion> steps;
  std::int64_t prompt_tokens = 0;  // of a step: half as much again as the longest prompt seen
};

std::vector<Action> assessments(const Job& job, const std::vector<SubQuestion>& steps) {
  std::vector<Action> out{assess_of(job, job.setup().question)};
  if (steps.size() > 1) {
    for (const SubQuestion& step : steps) out.push_back(assess_of(job, step.text));
  }
  return out;
}

void read_levels(Assessed& plan, const std::vector<Observation>& seen) {
  plan.level = level_of(seen[0]).value_or(plan.level);
  for (std::size_t j = 0; j + 1 < seen.size(); ++j) plan.steps[j].credit = level_of(seen[j + 1]).value_or(plan.level);
  for (const Observation& one : seen) plan.prompt_tokens = std::max(plan.prompt_tokens, one.prompt_tokens * 3 / 2);
}

// Whether the purse pays a plan and an assessment of it, and then for what the level by its look wants.
bool pays_plan(const Job& job, const Assessed& assessed) {
  return purse_holds(job, wanted_of(job, assessed.level) + 10 * prompt_estimate(job));
}
bool pays_assessment(const Job& job, const Assessed& assessed) {
  const auto calls = static_cast<std::int64_t>(assessed.steps.size() + 1);
  return purse_holds(job, wanted_of(job, assessed.level) + 2 * calls * assessed.prompt_tokens);
}

Action step_of(const Job& job, const SubQuestion& step, const std::vector<AnsweredStep>& before, std::int64_t tokens) {
  std::vector<Section> sections;
  if (!before.empty()) sections.emplace_back("steps", steps_text(before));
  sections.emplace_back("step", step.text);
  if (!step.hint.empty()) sections.emplace_back("hint", step.hint);
  sections.push_back(limit_section(tokens));
  return ask_of(job, Task::kStep, std::move(sections),
                {.max_tokens = tokens, .least_tokens = kLeastStep, .temperature = job.setup().temperature});
}

Action combination(const Job& job, const std::vector<AnsweredStep>& steps, std::int64_t tokens) {
  return ask_of(job, Task::kCombine, {{"steps", steps_text(steps)}, limit_section(tokens)},
                {.max_tokens = tokens, .least_tokens = kLeastStep, .temperature = job.setup().temperature});
}

// The whole question at once: where there is nothing to cut, or as published.
Action whole(const Job& job, const TokenPlan& plan, bool published) {
  if (published) {
    return ask_of(job, Task::kSolve, {{"plan", one_call_prompt("", plan)}},
                  {.max_tokens = job.setup().max_tokens, .temperature = job.setup().temperature});
  }
  return ask_of(job, Task::kSolve, {limit_section(plan.total)},
                {.max_tokens = std::min(plan.total, job.setup().max_tokens),
                 .least_tokens = kLeastStep,
                 .temperature = job.setup().temperature});
}

boost::json::object numbers_of(const Assessed& assessed, const TokenPlan& plan) {
  boost::json::array tokens, credits;
  for (const std::int64_t t : plan.tokens) tokens.push_back(t);
  for (const SubQuestion& step : plan.steps) credits.push_back(step.credit);
  return {{"level", assessed.level}, {"total", plan.total}, {"credits", credits}, {"tokens", tokens}};
}

}  // namespace

Script plan_and_budget(Job& job) {
  Assessed assessed{.level = level_by_look(job.setup().question), .steps = {}, .prompt_tokens = prompt_estimate(job)};
  if (!pays_plan(job, assessed)) {
    assessed.steps = {{.text = job.setup().question}};
  } else if (job.text("plan") == "model") {
    Action cut = decompose_of(job);
    const std::vector<Observation> seen = co_await job.run(std::move(cut));
    assessed.prompt_tokens = std::max(assessed.prompt_tokens, seen[0].prompt_tokens * 3 / 2);
    if (seen[0].ok()) assessed.steps = parse_steps(seen[0].text);
  }
  if (assessed.steps.empty()) assessed.steps = heuristic_steps(job.setup().question);
  if (assessed.steps.size() > kMostSteps) assessed.steps.resize(kMostSteps);
  if (job.text("assess") == "model" && pays_assessment(job, assessed)) {
    std::vector<Action> asks = assessments(job, assessed.steps);
    const std::vector<Observation> seen = co_await job.run(std::move(asks));
    read_levels(assessed, seen);
  }
  const std::int64_t wanted = wanted_of(job, assessed.level);
  std::int64_t total = affordable_of(job, wanted, assessed.steps.size() + 1, assessed.prompt_tokens);
  const bool published = job.text("mode") == "one-call";
  // Where steps would starve, the question gets all that there is.
  const bool alone = assessed.steps.size() == 1 || (!published && 2 * total < wanted);
  if (alone) {
    assessed.steps = {{.text = job.setup().question}};
    total = affordable_of(job, wanted, 1, assessed.prompt_tokens);
  }
  const double kept = published || alone ? 0 : job.number("combine_share");
  const auto last = static_cast<std::int64_t>(std::llround(kept * static_cast<double>(total)));
  const auto plan = plan_tokens(assessed.steps, {.total = total - last, .decay = decay_of(job)});
  if (!plan) co_return std::nullopt;  // credits are 1 … 5, and the total is positive
  job.note(numbers_of(assessed, *plan));
  if (published || alone) {
    Action ask = whole(job, *plan, published && !alone);
    const std::vector<Observation> seen = co_await job.run(std::move(ask));
    if (!seen[0].ok() || seen[0].text.empty()) co_return std::nullopt;
    co_return Answer{.text = seen[0].text, .source = seen[0].action};
  }
  StepRunner runner(*plan, job.flag("carry_over"));
  std::vector<AnsweredStep> answered;
  while (answered.size() < plan->steps.size()) {
    const auto next = runner.next();
    const std::int64_t tokens = std::max(next->tokens, kLeastStep);
    Action ask = step_of(job, plan->steps[next->index], answered, tokens);
    const std::vector<Observation> seen = co_await job.run(std::move(ask));
    answered.push_back({plan->steps[next->index].text, seen[0].ok() ? final_answer(seen[0].text) : std::string()});
    (void)runner.report(std::max<std::int64_t>(seen[0].completion_tokens, 0), answered.back().answer);
    job.note({{"step", next->index + 1}, {"tokens", tokens}, {"used", seen[0].completion_tokens}});
    if (!answered.back().answer.empty()) job.offer(answer_so_far(answered));
  }
  const auto rest = runner.next();
  const std::int64_t tokens = std::max(last + (rest ? rest->tokens : 0), kLeastStep);
  Action ask = combination(job, answered, tokens);
  const std::vector<Observation> seen = co_await job.run(std::move(ask));
  job.note({{"combine_tokens", tokens}, {"used", seen[0].completion_tokens}});
  if (!seen[0].ok() || seen[0].text.empty()) co_return job.best();
  co_return Answer{.text = seen[0].text, .source = seen[0].action};
}

namespace {
constexpr std::string_view kModes[] = {"sequential", "one-call"}, kBy[] = {"model", "heuristic"};
constexpr PolicyParameter kParameters[] = {
    {.name = "mode",
     .about = "a call for each step and one that combines them, or one call that is told the budgets",
     .kind = ParameterKind::kText,
     .preset = "\"sequential\"",
     .choices = kModes},
    {.name = "plan",
     .about = "who cuts the question into steps",
     .kind = ParameterKind::kText,
     .preset = "\"model\"",
     .choices = kBy},
    {.name = "assess",
     .about = "who says how hard question and steps are",
     .kind = ParameterKind::kText,
     .preset = "\"model\"",
     .choices = kBy},
    {.name = "decay",
     .about = "of the budgets along the steps",
     .kind = ParameterKind::kText,
     .preset = "\"polynomial\"",
     .choices = kDecays},
    {.name = "total",
     .about = "tokens of all answers; 0: by level, as learned or published",
     .kind = ParameterKind::kInteger,
     .preset = "0",
     .low = 0,
     .high = 1e6},
    {.name = "stretch", .about = "times the level's 200 to 600 tokens", .preset = "2", .low = .1, .high = 100},
    {.name = "combine_share", .about = "of the tokens, for the last call", .preset = "0.3", .low = 0, .high = .9},
    {.name = "carry_over",
     .about = "what a step leaves goes to the later ones",
     .kind = ParameterKind::kFlag,
     .preset = "true"},
};
}  // namespace

const StrategyEntry kPlanAndBudget{.name = "plan-and-budget",
                                   .slug = "plan-and-budget",
                                   .about = "Cuts the question into steps and gives each a share of its level's tokens",
                                   .parameters = kParameters,
                                   .script = plan_and_budget};

}  // namespace bursar::plan
