#include "bursar/plan/workflow/simulated_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/plan/workflow/test_workflows.h"

namespace bursar::plan {
namespace {

using ::testing::ElementsAre;

TEST(SimulatedRun, NeverSpendsBeyondItsBudget) {
  for (std::uint64_t i = 0; i < 12; ++i) {
    const Workflow workflow = random_workflow(8, RandomStream(i));
    const WorkflowBudget budget{
        .usd = .4 * budget_scale_usd(workflow), .tokens = 4000, .ms = .7 * deadline_scale_ms(workflow)};
    auto planner = *PortfolioPlanner::make(workflow, {.fresh_runs = 0, .seed = i});
    const std::vector<WorkflowPolicy> policies{
        planned_by(planner), fixed_rule(workflow, {.samples = 3}),
        dispatch_once(workflow, split_once(workflow, StaticSplit::kFailure, budget.usd, 0, RandomStream(i)), 0)};
    for (const WorkflowPolicy& policy : policies) {
      for (std::uint64_t r = 0; r < 5; ++r) {
        const SimulatedRun run = *simulate_run(workflow, budget, policy, RandomStream(r));
        EXPECT_LE(run.usd, budget.usd);
        EXPECT_LE(run.tokens, budget.tokens);
        EXPECT_LE(run.ms, budget.ms);
      }
    }
  }
}

TEST(SimulatedRun, TellsThePolicyOnlyWhatHasEnded) {
  const Workflow workflow = diamond(.5, .5);
  const auto policy = [&](const RunState& state) {
    for (const RunningBatch& batch : state.running) EXPECT_GE(batch.pending, 1);
    EXPECT_TRUE(workflow.check(state));
    return fixed_rule(workflow, {.samples = 2})(state);
  };
  for (std::uint64_t r = 0; r < 50; ++r) EXPECT_TRUE(simulate_run(workflow, {}, policy, RandomStream(r))->completed);
}

TEST(SimulatedRun, CompletesSureThingsInTheirCriticalPath) {
  const Workflow workflow = diamond(1);
  const SimulatedRun run = *simulate_run(workflow, {}, fixed_rule(workflow, {.samples = 2}), RandomStream(1));
  EXPECT_TRUE(run.completed);
  EXPECT_EQ(run.ms, 8000);
  EXPECT_NEAR(run.usd, .008, 1e-12);
  EXPECT_EQ(run.batches, 4);
  EXPECT_EQ(run.samples, 8);
}

TEST(SimulatedRun, CancelsSiblingsWhereAsked) {
  const Workflow workflow = diamond(.7, .8);
  double plain = 0, cancelled = 0, usd = 0;
  for (std::uint64_t r = 0; r < 200; ++r) {
    const WorkflowPolicy policy = fixed_rule(workflow, {.samples = 4});
    const SimulatedRun a = *simulate_run(workflow, {}, policy, RandomStream(r));
    const SimulatedRun b = *simulate_run(workflow, {}, policy, RandomStream(r), true);
    plain += a.ms;
    cancelled += b.ms;
    usd += b.usd - a.usd;
  }
  EXPECT_LT(cancelled, .6 * plain);
  EXPECT_EQ(usd, 0);  // what was launched is paid
}

TEST(SimulatedRun, RefusesStartsThatCannotBe) {
  const Workflow workflow = diamond(.5);
  for (const Start& wrong : {Start{.node = 1}, Start{.node = 9}, Start{.option = 1}, Start{.samples = 0}}) {
    const auto policy = [&](const RunState&) -> Result<std::vector<Start>> { return std::vector{wrong}; };
    EXPECT_FALSE(simulate_run(workflow, {}, policy, RandomStream(1)));
  }
}

TEST(StaticSplits, BuyWhatTheirSharesAreWorth) {
  const Workflow workflow = diamond(.5);
  const auto split = [&](StaticSplit how) { return split_once(workflow, how, .0201, 0, RandomStream(1)); };
  EXPECT_THAT(split(StaticSplit::kUniform), ElementsAre(5, 5, 5, 5));
  EXPECT_THAT(split(StaticSplit::kFailure), ElementsAre(5, 5, 5, 5));
  EXPECT_THAT(split(StaticSplit::kLatency), ElementsAre(2, 4, 6, 8));       // 1 : 2 : 3 : 4
  EXPECT_THAT(split(StaticSplit::kCriticalPath), ElementsAre(6, 4, 5, 3));  // 8 : 6 : 7 : 4
  int sum = 0;
  for (const int k : split(StaticSplit::kRandom)) sum += k;
  EXPECT_LE(sum, 20);
  EXPECT_GE(sum, 17);
  const SimulatedRun once = *simulate_run(diamond(.01), {}, dispatch_once(workflow, {1, 1, 1, 1}, 0), RandomStream(1));
  EXPECT_EQ(once.batches, 1);  // it failed, and is not tried again
  EXPECT_FALSE(once.completed);
}

}  // namespace
}  // namespace bursar::plan
