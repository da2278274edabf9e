#include "bursar/plan/workflow/workflow_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/core/json.h"
#include "bursar/plan/workflow/portfolio_planner.h"
#include "bursar/plan/workflow/test_workflows.h"

namespace bursar::plan {
namespace {

using ::testing::HasSubstr;

WorkflowRun fresh(const Workflow& workflow, const std::string& budget, double deadline_ms = 60'000,
                  bool cancel = false) {
  return *WorkflowRun::make(
      workflow, {.budget = *parse_amounts(budget), .deadline_ms = deadline_ms, .cancel_on_success = cancel});
}
Amounts usd(std::int64_t micro) {
  Amounts out;
  (void)out.set(kUsd, micro);
  return out;
}

TEST(WorkflowRun, HoldsWhatSamplesMayCostAndBooksWhatTheyDid) {
  WorkflowRun run = fresh(diamond(.5), "0.02 usd");
  const auto cap = run.started({.node = 0, .samples = 4}, 0);
  ASSERT_TRUE(cap);
  EXPECT_EQ((*cap)[kUsd], 1500);  // 1.5 x .001 usd
  EXPECT_EQ(run.held()[kUsd], 6000);
  EXPECT_EQ(run.held()[kTokens], 0);  // not limited
  EXPECT_NEAR(run.state(10).usd, .014, 1e-12);
  EXPECT_FALSE(run.finished(0, {.success = false, .cost = usd(900)}, 100)->batch_ended);
  EXPECT_FALSE(run.finished(0, {.success = true, .cost = usd(1400)}, 200)->batch_ended);
  const RunState state = run.state(250);
  ASSERT_EQ(state.running.size(), 1U);
  EXPECT_EQ(state.running[0].pending, 2);
  EXPECT_TRUE(state.running[0].succeeded);
  EXPECT_EQ(state.running[0].elapsed_ms, 250);
  EXPECT_EQ(state.failures[0], 1);
  EXPECT_NEAR(state.usd, .02 - .0023 - .003, 1e-12);
  EXPECT_NEAR(state.ms, 59'750, 1e-9);
  (void)run.finished(0, {.success = false, .cost = usd(1000)}, 300);
  const auto last = run.finished(0, {.success = false, .cost = usd(1000)}, 400);
  EXPECT_TRUE(last->batch_ended);
  EXPECT_TRUE(last->completed);
  EXPECT_TRUE(run.idle());
  EXPECT_EQ(run.spent()[kUsd], 4300);
  EXPECT_EQ(run.state(400).completed, 1U);
}

TEST(WorkflowRun, StartsNothingThatDoesNotFit) {
  WorkflowRun run = fresh(diamond(.5), "0.0059 usd");
  EXPECT_EQ(run.started({.node = 0, .samples = 4}, 0).error().code, ErrorCode::kExhausted);
  ASSERT_TRUE(run.started({.node = 0, .samples = 3}, 0));
  EXPECT_EQ(run.started({.node = 0, .samples = 1}, 0).error().code, ErrorCode::kInvalidArgument);  // it runs
  EXPECT_EQ(run.started({.node = 1, .samples = 1}, 0).error().code, ErrorCode::kInvalidArgument);  // its parent is open
  EXPECT_FALSE(run.finished(1, {}, 0));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(run.finished(0, {.success = true, .cost = usd(1900)}, 10));
  // More than the caps: it is booked, and nothing fits any more.
  EXPECT_EQ(run.spent()[kUsd], 5700);
  EXPECT_EQ(run.started({.node = 1, .samples = 1}, 20).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(fresh(diamond(.5), "1 usd").started({.node = 0}, 60'000).error().code, ErrorCode::kTimeout);
  EXPECT_THAT(run.started({.node = 1}, 5).error().message, HasSubstr("it was 10"));
}

TEST(WorkflowRun, CompletesWithTheFirstSuccessWhereAsked) {
  WorkflowRun run = fresh(diamond(.5), "1 usd", 60'000, true);
  ASSERT_TRUE(run.started({.node = 0, .samples = 3}, 0));
  EXPECT_FALSE(run.finished(0, {.success = false, .cost = usd(1)}, 1)->batch_ended);
  const auto first = run.finished(0, {.success = true, .cost = usd(1)}, 2);
  EXPECT_TRUE(first->batch_ended && first->completed);
  EXPECT_TRUE(run.state(3).running.empty());
  EXPECT_EQ(run.held()[kUsd], 1500);  // the sibling has not reported
  EXPECT_TRUE(run.started({.node = 1}, 3));
  const auto sibling = run.finished(0, {.success = false, .cost = usd(700)}, 4);
  EXPECT_FALSE(sibling->batch_ended);
  EXPECT_EQ(run.spent()[kUsd], 702);
  EXPECT_EQ(run.state(4).failures[0], 1);  // a cancelled sample says nothing of the model
}

TEST(WorkflowRun, NamesWhatIsWrong) {
  EXPECT_THAT(WorkflowRun::make(diamond(.5), {.budget = *parse_amounts("3 calls")}).error().message,
              HasSubstr("calls"));
  EXPECT_FALSE(WorkflowRun::make(diamond(.5), {.deadline_ms = 0}));
  EXPECT_FALSE(WorkflowRun::make(diamond(.5), {.reserve = .5}));
  WorkflowRun run = fresh(diamond(.5), "1 usd");
  ASSERT_TRUE(run.started({.node = 0}, 0));
  EXPECT_FALSE(run.finished(0, {.cost = usd(-1)}, 1));
  boost::json::object saved = run.save();
  EXPECT_EQ(WorkflowRun::restore(random_workflow(4, RandomStream(1)), saved).error().code, ErrorCode::kCorrupt);
  for (const char* key : {"subtasks", "budget", "completed", "batches", "failures", "spent", "events", "now_ms"}) {
    boost::json::object broken = saved;
    broken[key] = "?";
    EXPECT_EQ(WorkflowRun::restore(diamond(.5), broken).error().code, ErrorCode::kCorrupt) << key;
    broken.erase(key);
    EXPECT_FALSE(WorkflowRun::restore(diamond(.5), broken)) << key;
  }
}

// An executor at the mercy of a random stream: starts what the planner says, or anything; samples cost at most their
// cap, or at times more.
struct Executor {
  WorkflowRun run;
  RandomStream random;
  double now = 0;
  std::vector<Amounts> caps;  // [subtasks]

  void start(const Start& start) {
    const Amounts before = run.held();
    const auto cap = run.started(start, now);
    if (!cap) {
      RC_ASSERT(run.held() == before);
      return;
    }
    caps[start.node] = *cap;
  }
  void finish_one() {
    for (std::size_t v = 0; v < caps.size(); ++v) {
      if (run.pending(v) == 0 || random.bernoulli(.3)) continue;
      SampleReport report{.success = random.bernoulli(.5)};
      for (const Amount& cap : caps[v].items())
        (void)report.cost.set(cap.resource, random.uniform_int(std::int64_t{0}, cap.units));
      RC_ASSERT(run.finished(v, report, now).has_value());
      return;
    }
  }
  void step() {
    now += random.uniform(0, 500);
    const std::size_t v = random.uniform_int(std::uint64_t{caps.size()});
    const auto samples = static_cast<int>(random.uniform_int(std::int64_t{1}, 6));
    if (random.bernoulli(.5)) start({.node = v, .samples = samples});
    if (random.bernoulli(.7)) finish_one();
  }
};

Executor draw_executor(std::uint64_t seed) {
  RandomStream random(seed);
  const Workflow workflow = random_workflow(1 + random.uniform_int(std::uint64_t{9}), random.split("workflow"));
  RunLimits limits{.deadline_ms = random.uniform(1000, 60'000),
                   .reserve = random.uniform(1, 3),
                   .cancel_on_success = random.bernoulli(.5)};
  (void)limits.budget.set(kUsd, random.uniform_int(std::int64_t{0}, 200'000));
  if (random.bernoulli(.5)) (void)limits.budget.set(kTokens, random.uniform_int(std::int64_t{0}, 20'000));
  return {.run = *WorkflowRun::make(workflow, limits),
          .random = random.split("events"),
          .caps = std::vector<Amounts>(workflow.size())};
}

RC_GTEST_PROP(WorkflowRun, NeverSpendsOrHoldsBeyondItsBudget, (std::uint64_t seed)) {
  Executor executor = draw_executor(seed);
  for (int i = 0; i < 120; ++i) {
    executor.step();
    for (const Amount& limit : executor.run.limits().budget.items()) {
      const std::int64_t used = executor.run.spent()[limit.resource] + executor.run.held()[limit.resource];
      RC_ASSERT(used <= limit.units);
    }
  }
}

RC_GTEST_PROP(WorkflowRun, GoesOnExactlyWhereItWasSaved, (std::uint64_t seed)) {
  Executor executor = draw_executor(seed);
  for (int i = 0; i < 40; ++i) executor.step();
  const std::string text = to_json(executor.run.save());
  const auto parsed = parse_json(text);
  auto restored = WorkflowRun::restore(executor.run.workflow(), parsed->as_object());
  RC_ASSERT(restored.has_value());
  RC_ASSERT(to_json(restored->save()) == text);
  Executor other{.run = std::move(*restored), .random = executor.random, .now = executor.now, .caps = executor.caps};
  for (int i = 0; i < 40; ++i) {
    executor.step();
    other.step();
  }
  RC_ASSERT(to_json(executor.run.save()) == to_json(other.run.save()));
}

RC_GTEST_PROP(WorkflowRun, CanHoldWhateverThePlannerProposes, (std::uint64_t seed)) {
  Executor executor = draw_executor(seed);
  PlannerOptions options{.rounds = {{1, 4}, {2, 1}}, .fresh_runs = 0, .reserve = executor.run.limits().reserve};
  auto planner = *PortfolioPlanner::make(executor.run.workflow(), options);
  for (int i = 0; i < 30; ++i) {
    executor.now += executor.random.uniform(0, 300);
    if (executor.now >= executor.run.limits().deadline_ms) break;
    const Decision now = *planner.decide(executor.run.state(executor.now));
    for (const Start& start : now.starts) {
      const auto cap = executor.run.started(start, executor.now);
      RC_ASSERT(cap.has_value());
      executor.caps[start.node] = *cap;
    }
    executor.finish_one();
  }
}

}  // namespace
}  // namespace bursar::plan
