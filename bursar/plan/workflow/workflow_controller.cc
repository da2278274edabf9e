#include "bursar/plan/workflow/workflow_controller.h"

#include <algorithm>
#include <cmath>

#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::plan {
namespace {

constexpr std::uint64_t kSeedStream = 0x517cc1b7;  // of the samples' seeds, apart from the planner's own draws

double elapsed_ms(const Purse& purse) {
  if (!purse.time || !purse.time_left) return 0;
  return static_cast<double>((*purse.time - *purse.time_left).count()) / 1000;
}

// What a run counts of a cost.
Amounts counted(const Amounts& cost) {
  Amounts out;
  for (const Resource resource : {kUsd, kTokens}) {
    if (cost[resource] > 0) (void)out.set(resource, cost[resource]);
  }
  return out;
}

std::size_t letters(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

Result<std::unique_ptr<WorkflowController>> WorkflowController::make(WorkflowFile file, WorkflowSetup setup) {
  for (std::size_t node = 0; node < file.texts.size(); ++node) {
    const std::string where = "subtask " + file.workflow[node].id + ": ";
    if (file.texts[node].prompt.empty()) return invalid_argument(where + "has no prompt, so it cannot be run");
    if (!file.texts[node].check.regex.empty() && !setup.passes) {
      return invalid_argument(where + "has a regex to check answers by, and nobody here who can");
    }
  }
  auto run = WorkflowRun::make(file.workflow, setup.limits);
  if (!run) return tl::unexpected(run.error());
  auto planner = PortfolioPlanner::make(file.workflow, setup.planner);
  if (!planner) return tl::unexpected(planner.error());
  return std::unique_ptr<WorkflowController>(
      new WorkflowController(std::move(file), std::move(setup), std::move(*run), std::move(*planner)));
}

WorkflowController::WorkflowController(WorkflowFile file, WorkflowSetup setup, WorkflowRun run,
                                       PortfolioPlanner planner)
    : file_(std::move(file)),
      setup_(std::move(setup)),
      run_(std::move(run)),
      planner_(std::move(planner)),
      answers_(file_.workflow.size()) {}

Step WorkflowController::next(const Purse& purse) {
  now_ms_ = std::max(now_ms_, elapsed_ms(purse));
  const bool ended = take_reports(now_ms_);
  if (run_.complete()) return {.done = true};
  if (begun_ && !ended) return {};  // others of the batch still run
  begun_ = true;
  Step step;
  auto decision = wrong_.empty() ? planner_.decide(run_.state(now_ms_)) : fail(ErrorCode::kInternal, wrong_);
  if (!decision) {
    step.why["stopped"] = decision.error().message;
    step.done = run_.idle();
    return step;
  }
  step.why = {{"p_complete", decision->p_complete}, {"simulated_runs", decision->runs}};
  boost::json::array starts;  // no reference into step.why: start() may add to it
  for (const Start& one : decision->starts) {
    const Subtask& subtask = file_.workflow[one.node];
    starts.push_back(boost::json::object{
        {"subtask", subtask.id}, {"model", subtask.options[one.option].model}, {"samples", one.samples}});
    start(one, now_ms_, step);
  }
  step.why["starts"] = std::move(starts);
  step.done = step.actions.empty() && run_.idle();
  return step;
}

bool WorkflowController::take_reports(double now_ms) {
  bool ended = false;
  for (const Observation& seen : std::exchange(arrived_, {})) {
    const auto found = running_.find(seen.action);
    if (found == running_.end()) continue;
    const std::size_t node = found->second;
    running_.erase(found);
    const bool success = seen.ok() && passes(node, seen.text);
    if (success && answers_[node].empty()) answers_[node] = seen.text;
    const auto after = run_.finished(node, {.success = success, .cost = counted(seen.cost)}, now_ms);
    if (!after) wrong_ = after.error().message;
    ended = ended || !after || after->batch_ended;
  }
  return ended;
}

bool WorkflowController::passes(std::size_t node, const std::string& answer) const {
  const AnswerCheck& check = file_.texts[node].check;
  if (letters(answer) < check.min_chars) return false;
  return check.regex.empty() || setup_.passes(check, answer);
}

void WorkflowController::start(const Start& start, double now_ms, Step& step) {
  const Subtask& subtask = file_.workflow[start.node];
  const Option& option = subtask.options[start.option];
  auto prompt = prompt_for(file_, start.node, answers_);
  if (!prompt) {
    wrong_ = prompt.error().message;
    return;
  }
  // What the planner found to fit by means may not fit by caps; then the subtask waits for the next plan.
  if (auto held = run_.started(start, now_ms); !held) {
    step.why["not_started"] = held.error().message;
    return;
  }
  const std::int64_t tokens = sample_cap(option.cost, setup_.limits.reserve)[kTokens];
  for (int sample = 0; sample < start.samples; ++sample) {
    Action action{.id = ++actions_, .purpose = subtask.id};
    action.seed = RandomStream(setup_.planner.seed).split(kSeedStream).split(action.id)() >> 33U;
    action.ask = ModelAsk{.model = option.model,
                          .messages = {{"user", *prompt}},
                          .max_tokens = tokens > 0 ? tokens : setup_.max_tokens,
                          .temperature = setup_.temperature};
    running_.emplace(action.id, start.node);
    step.actions.push_back(std::move(action));
  }
}

std::optional<Answer> WorkflowController::best() const {
  boost::json::object texts;
  for (std::size_t node = 0; node < answers_.size(); ++node) {
    if (!answers_[node].empty()) texts[file_.workflow[node].id] = answers_[node];
  }
  if (texts.empty()) return std::nullopt;
  return Answer{.text = to_json(texts), .certainty = run_.complete() ? 1.0 : 0.0};
}

}  // namespace bursar::plan
