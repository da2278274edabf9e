// Sub-problems in order: those that look easy are answered at once by the small model, the others thought over by the
// main one, and the last one is the question itself.
//
// The small model cuts the question (of `candidates` cuts one call picks one) and says how hard each step is, before
// any is solved. A step is deliberate above tau, and the last one always; with rule = budget, where the success of all
// is likeliest within the purse's tokens (effort.h), by the success rates of either mode that the sheet's threshold
// table implies. A deliberate step that the purse cannot pay any more is answered fast instead, or not at all: the
// question itself comes first. tau = .2 is the best
// that was published; the published code has .5. Source: systems/scale.
#include <algorithm>
#include <array>

#include "bursar/plan/effort.h"
#include "bursar/plan/strategies/asks.h"
#include "bursar/plan/strategies/ballot.h"
#include "bursar/plan/strategies/entries.h"
#include "bursar/plan/token_plan.h"

namespace bursar::plan {
namespace {

constexpr std::size_t kMostSteps = 8;
constexpr std::int64_t kLeastStep = 48;
constexpr int kUnknownLevel = 3;

// By level 1 … 5: what the published table says of either mode [derived in the sheet].
constexpr std::array<double, 5> kFast{.985, .95, .87, .68, .487}, kDeliberate{.985, .98, .97, .95, .93};

struct Plan {
  std::vector<std::string> steps;
  std::vector<int> levels;
  std::vector<Effort> effort;
};

std::vector<Section> cuts_as_answers(const std::vector<Observation>& cuts) {
  std::vector<Section> out;
  out.reserve(cuts.size());
  for (const Observation& cut : cuts) out.emplace_back("answer", cut.text);
  return out;
}

// The chosen cut's steps; the last is the question itself.
std::vector<std::string> steps_of(const Job& job, const std::string& cut) {
  std::vector<std::string> out;
  for (SubQuestion& step : parse_steps(cut)) out.push_back(std::move(step.text));
  if (out.size() > kMostSteps) out.resize(kMostSteps);
  out.back() = job.setup().question;
  return out;
}

std::vector<Action> assessments(const Job& job, const std::vector<std::string>& steps) {
  std::vector<Action> out;
  for (std::size_t i = 0; i + 1 < steps.size(); ++i) out.push_back(assess_of(job, steps[i]));
  return out;
}

// What a step reads: the question, the steps before it and itself.
std::int64_t prompt_of(const Job& job) { return 2 * prompt_estimate(job); }

std::int64_t tokens_of(const Job& job, Effort effort) {
  if (effort == Effort::kFast) return std::min(job.integer("fast_tokens"), job.setup().max_tokens);
  return job.setup().max_tokens * job.integer("votes");
}

// Fast throughout where the purse holds no more.
std::vector<Effort> by_budget(const Job& job, const std::vector<int>& levels, std::int64_t tokens) {
  std::vector<EffortModel> models;
  for (const int level : levels) {
    const auto at = static_cast<std::size_t>(level - 1);
    const auto votes = static_cast<double>(job.integer("votes"));
    models.push_back({.success_fast = kFast.at(at),
                      .success_deliberate = kDeliberate.at(at),
                      .tokens_fast = static_cast<double>(tokens_of(job, Effort::kFast) + prompt_of(job)),
                      .tokens_deliberate = static_cast<double>(tokens_of(job, Effort::kDeliberate)) +
                                           votes * static_cast<double>(prompt_of(job))});
  }
  auto best = assign_budget(models, static_cast<double>(tokens));
  return best ? std::move(*best) : std::vector<Effort>(levels.size(), Effort::kFast);
}

void assign(const Job& job, Plan& plan) {
  const auto left = job.purse().left(kTokens);
  if (job.text("rule") == "budget" && left) {
    plan.effort = by_budget(job, plan.levels, *left);
    return;
  }
  std::vector<double> difficulty;
  difficulty.reserve(plan.levels.size());
  for (const int level : plan.levels) difficulty.push_back((level - 1) / 4.0);
  plan.effort = assign_threshold(difficulty, job.number("tau")).value();  // both are in range
}

boost::json::object numbers_of(const Plan& plan) {
  boost::json::array levels, deliberate;
  for (const int level : plan.levels) levels.push_back(level);
  for (const Effort effort : plan.effort) deliberate.push_back(effort == Effort::kDeliberate);
  return {{"levels", levels}, {"deliberate", deliberate}};
}

std::int64_t cost_of(const Job& job, Effort effort) { return tokens_of(job, effort) + prompt_bound(job); }

// The effort that the purse pays with a fast last step still to come; absent: not even a fast one.
std::optional<Effort> payable(const Job& job, Effort wanted, bool last) {
  const std::int64_t kept = last ? 0 : cost_of(job, Effort::kFast);
  if (purse_holds(job, cost_of(job, wanted) + kept)) return wanted;
  if (last || purse_holds(job, cost_of(job, Effort::kFast) + kept)) return Effort::kFast;
  return std::nullopt;
}

// Whether a plan leaves enough for a step and the question.
bool pays_plan(const Job& job) {
  const std::int64_t cuts = job.integer("candidates") * prompt_bound(job);
  return purse_holds(job, cuts + cost_of(job, Effort::kDeliberate) + cost_of(job, Effort::kFast));
}
bool pays_assessment(const Job& job, std::size_t steps) {
  return purse_holds(job, static_cast<std::int64_t>(steps) * prompt_of(job) + 2 * cost_of(job, Effort::kFast));
}

std::vector<Action> step_asks(const Job& job, const std::string& step, std::span<const AnsweredStep> before,
                              Effort effort) {
  const bool fast = effort == Effort::kFast;
  const std::int64_t tokens = fast ? tokens_of(job, effort) : job.setup().max_tokens;
  std::vector<Section> sections;
  if (!before.empty()) sections.emplace_back("steps", steps_text(before));
  sections.emplace_back("step", step);
  if (fast) sections.push_back(limit_section(tokens));
  const ModelAsk ask{.model = fast ? job.setup().small_model : job.setup().model,
                     .max_tokens = tokens,
                     .least_tokens = kLeastStep,
                     .temperature = job.setup().temperature};
  Action action = ask_of(job, Task::kStep, std::move(sections), ask);
  action.purpose = fast ? "fast" : "deliberate";
  return std::vector<Action>(fast ? 1 : static_cast<std::size_t>(job.integer("votes")), action);
}

}  // namespace

Script scale(Job& job) {
  const std::size_t candidates = pays_plan(job) ? static_cast<std::size_t>(job.integer("candidates")) : 0;
  std::vector<Action> cut(candidates, decompose_of(job));
  std::vector<Observation> cuts = co_await job.run(std::move(cut));
  std::erase_if(cuts, [](const Observation& one) { return !one.ok(); });
  std::size_t chosen = 0;
  if (cuts.size() > 1) {
    Action choose = ask_of(job, Task::kSelect, cuts_as_answers(cuts),
                           {.model = job.setup().small_model, .max_tokens = 128, .temperature = 0});
    const std::vector<Observation> seen = co_await job.run(std::move(choose));
    const double said = read_number(seen[0].text, "Choice").value_or(1);
    if (said >= 1 && said <= static_cast<double>(cuts.size())) chosen = static_cast<std::size_t>(said) - 1;
  }
  Plan plan{.steps = steps_of(job, cuts.empty() ? std::string() : cuts[chosen].text)};
  std::vector<Action> assess;
  if (pays_assessment(job, plan.steps.size())) assess = assessments(job, plan.steps);
  const std::vector<Observation> levels = co_await job.run(std::move(assess));
  for (const Observation& one : levels) plan.levels.push_back(level_of(one).value_or(kUnknownLevel));
  plan.levels.resize(plan.steps.size() - 1, kUnknownLevel);
  plan.levels.push_back(5);  // the question itself
  assign(job, plan);
  job.note(numbers_of(plan));
  std::vector<AnsweredStep> answered;
  while (answered.size() < plan.steps.size()) {
    const std::size_t at = answered.size();
    const auto effort = payable(job, plan.effort[at], at + 1 == plan.steps.size());
    job.note({{"step", at + 1},
              {"effort", !effort                    ? "none"
                         : *effort == Effort::kFast ? "fast"
                                                    : "deliberate"},
              {"downgraded", effort != plan.effort[at]}});
    answered.push_back({plan.steps[at], {}});
    if (!effort) continue;
    std::vector<Action> asks = step_asks(job, plan.steps[at], std::span(answered).first(at), *effort);
    const std::vector<Observation> seen = co_await job.run(std::move(asks));
    Ballots votes(answer_form(job));
    votes.take(seen);
    const auto best = votes.best();
    if (!best) continue;
    answered[at].answer = final_answer(best->text);
    if (at + 1 == plan.steps.size()) co_return best;
    job.offer(answer_so_far(answered));
  }
  co_return job.best();
}

namespace {
constexpr std::string_view kRules[] = {"threshold", "budget"};
constexpr PolicyParameter kParameters[] = {
    kAnswersParameter,
    {.name = "rule",
     .about = "deliberate above tau, or where it pays best within the purse's tokens (without such a purse: tau)",
     .kind = ParameterKind::kText,
     .preset = "\"threshold\"",
     .choices = kRules},
    {.name = "tau", .about = "difficulty above which a step is deliberate", .preset = "0.2", .low = 0, .high = 1},
    {.name = "candidates",
     .about = "cuts of the question, of which one is picked",
     .kind = ParameterKind::kInteger,
     .preset = "1",
     .low = 1,
     .high = 8},
    {.name = "fast_tokens",
     .about = "tokens of a fast step",
     .kind = ParameterKind::kInteger,
     .preset = "192",
     .low = 32,
     .high = 65536},
    {.name = "votes",
     .about = "answers to a deliberate step, of which the majority counts",
     .kind = ParameterKind::kInteger,
     .preset = "1",
     .low = 1,
     .high = 9},
};
}  // namespace

const StrategyEntry kScale{.name = "scale",
                           .slug = "scale",
                           .about = "Cuts the question into steps, and thinks long about the hard ones alone",
                           .parameters = kParameters,
                           .script = scale};

}  // namespace bursar::plan
