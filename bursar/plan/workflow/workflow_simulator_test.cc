#include "bursar/plan/workflow/workflow_simulator.h"

#include <cmath>
#include <gtest/gtest.h>

#include "bursar/plan/workflow/simulated_run.h"
#include "bursar/plan/workflow/test_workflows.h"

namespace bursar::plan {
namespace {

double share(WorkflowSimulator& simulator, const std::vector<Start>& first, PortfolioRule rule, int runs,
             std::uint64_t seed = 1) {
  RandomStream random(seed);
  int completed = 0;
  for (int i = 0; i < runs; ++i) completed += simulator.run(first, rule, random()) ? 1 : 0;
  return static_cast<double>(completed) / runs;
}

Workflow one_task(double p, double cv) {
  return must_make({{.id = "a", .options = {{.model = "m", .p = p, .latency = {.mean_ms = 1000, .cv = cv}}}}});
}

TEST(WorkflowSimulator, SucceedsInOneBatchAsOftenAsItShould) {
  const Workflow workflow = one_task(.3, 0);
  WorkflowSimulator simulator(workflow, {});
  simulator.begin({.ms = 1500});
  for (const int k : {1, 2, 8})
    EXPECT_NEAR(share(simulator, {}, {.samples = k}, 20'000), 1 - std::pow(.7, k), .013) << k;
  simulator.begin({.ms = 2500});  // two batches
  EXPECT_NEAR(share(simulator, {{.node = 0, .samples = 4}}, {.samples = 1}, 20'000), 1 - std::pow(.7, 5), .013);
}

TEST(WorkflowSimulator, DrawsLatenciesOfTheRightDistribution) {
  const Workflow workflow = one_task(1, .6);
  const LogNormal log = log_normal_of(workflow[0].options[0].latency);
  WorkflowSimulator simulator(workflow, {});
  for (const double ms : {500.0, 1000.0, 1800.0}) {
    simulator.begin({.ms = ms});
    const double below = .5 * std::erfc(-(std::log(ms) - log.mu) / log.sigma / std::sqrt(2.0));
    EXPECT_NEAR(share(simulator, {}, {.samples = 1}, 40'000), below, .01);
    EXPECT_NEAR(share(simulator, {}, {.samples = 3}, 40'000), std::pow(below, 3), .01);  // waits for the slowest
    WorkflowSimulator cancelling(workflow, {.cancel_on_success = true});
    cancelling.begin({.ms = ms});
    EXPECT_NEAR(share(cancelling, {}, {.samples = 3}, 40'000), 1 - std::pow(1 - below, 3), .01);
  }
}

TEST(WorkflowSimulator, ChargesWhatALatencyCosts) {
  std::vector<Subtask> tasks{
      {.id = "a", .options = {{.model = "m", .p = 1, .latency = {.mean_ms = 1000, .cv = .6}, .cost = {.usd = 1}}}}};
  const Workflow follows = must_make(tasks);
  tasks[0].options[0].cost.follows_latency = false;
  const Workflow fixed = must_make(tasks);
  WorkflowSimulator a(follows, {}), b(fixed, {});
  a.begin({.usd = .999, .ms = 1e9});
  b.begin({.usd = .999, .ms = 1e9});
  EXPECT_NEAR(share(a, {}, {}, 40'000), .5 * std::erfc(-std::sqrt(std::log1p(.36)) / 2 / std::sqrt(2.0)), .01);
  EXPECT_EQ(share(b, {}, {}, 100), 0);
  b.begin({.usd = 1, .ms = 1e9});
  EXPECT_EQ(share(b, {}, {}, 100), 1);
}

TEST(WorkflowSimulator, CompletesSureThingsExactlyWithinCriticalPathAndCost) {
  const Workflow workflow = diamond(1);
  WorkflowSimulator simulator(workflow, {});
  const auto completes = [&](double usd, double ms, int k) {
    simulator.begin({.usd = usd, .ms = ms});
    return simulator.run({}, {.samples = k}, 7);
  };
  EXPECT_TRUE(completes(.0041, 8000, 1));
  EXPECT_FALSE(completes(.0039, 8000, 1));
  EXPECT_FALSE(completes(.0041, 7999, 1));
  EXPECT_TRUE(completes(.0081, 8000, 2));
  EXPECT_FALSE(completes(.0079, 8000, 2));
}

TEST(WorkflowSimulator, DrawsAgainWhatRunsGivenHowLongItHas) {
  const Workflow workflow = one_task(.4, .5);
  WorkflowSimulator simulator(workflow, {});
  const LogNormal log = log_normal_of(workflow[0].options[0].latency);
  const auto below = [&](double ms) { return .5 * std::erfc(-(std::log(ms) - log.mu) / log.sigma / std::sqrt(2.0)); };
  simulator.begin({.ms = 300, .running = {{.node = 0, .pending = 2, .elapsed_ms = 1000}}});
  // Both end before 1,300, given that they have not before 1,000; one succeeds; no time for another batch.
  const double ends = (below(1300) - below(1000)) / (1 - below(1000));
  double again = share(simulator, {}, {}, 40'000);
  EXPECT_NEAR(again, (1 - .36) * ends * ends, .012);
  simulator.begin({.ms = 300, .running = {{.node = 0, .pending = 2, .succeeded = true, .elapsed_ms = 1000}}});
  EXPECT_NEAR(share(simulator, {}, {}, 40'000), ends * ends, .012);
  simulator.begin({.ms = 1e6, .running = {{.node = 0, .pending = 1, .elapsed_ms = 1e5}}});  // longer than any stratum
  EXPECT_GT(share(simulator, {}, {}, 100), .9);
}

TEST(WorkflowSimulator, LearnsFromFailuresWhereAsked) {
  const Workflow workflow = one_task(.5, 0);
  WorkflowSimulator simulator(workflow, {.prior_strength = 2});
  simulator.begin({.ms = 1500, .failures = {2}});  // a = b = 1: 1 / (2 + 2), then 1 / 5
  EXPECT_NEAR(share(simulator, {}, {.samples = 1}, 20'000), .25, .013);
  EXPECT_NEAR(share(simulator, {}, {.samples = 2}, 20'000), 1 - .75 * .8, .013);
  simulator.begin({.ms = 2500});  // 1/2, then after a failure 1/3
  EXPECT_NEAR(share(simulator, {}, {.samples = 1}, 20'000), .5 + .5 / 3, .013);
}

TEST(WorkflowSimulator, PlaysMeasuredSamples) {
  const Workflow workflow = must_make(
      {{.id = "a",
        .options = {{.model = "m", .cost = {.usd = .02}, .measured = {{1000, true, 10}, {3000, false, 30}}}}}});
  WorkflowSimulator simulator(workflow, {});
  simulator.begin({.ms = 2000});
  EXPECT_NEAR(share(simulator, {}, {.samples = 1}, 20'000), .5, .013);
  EXPECT_NEAR(share(simulator, {}, {.samples = 2}, 20'000), .25, .013);  // the slow one delays both
  simulator.begin({.usd = .015, .ms = 1e6});
  EXPECT_NEAR(share(simulator, {}, {.samples = 1}, 20'000), .5, .013);  // the slow one costs .03
}

TEST(WorkflowSimulator, AgreesWithExactDraws) {
  for (std::uint64_t i = 0; i < 4; ++i) {
    const Workflow workflow = random_workflow(7, RandomStream(i));
    const WorkflowBudget budget{.usd = .5 * budget_scale_usd(workflow), .ms = .8 * deadline_scale_ms(workflow)};
    WorkflowSimulator simulator(workflow, {});
    for (const int k : {1, 3}) {
      const PortfolioRule rule{.model = workflow.models().size() - 1, .samples = k};
      constexpr int kRuns = 4000;
      int exact = 0;
      for (std::uint64_t r = 0; r < kRuns; ++r)
        exact += simulate_run(workflow, budget, fixed_rule(workflow, rule), RandomStream(100 + r))->completed ? 1 : 0;
      simulator.begin({.usd = budget.usd, .ms = budget.ms});
      EXPECT_NEAR(share(simulator, {}, rule, 20'000), static_cast<double>(exact) / kRuns, .03) << i << " " << k;
    }
  }
}

TEST(WorkflowSimulator, IsAFunctionOfItsKey) {
  const Workflow workflow = random_workflow(9, RandomStream(3));
  WorkflowSimulator a(workflow, {}), b(workflow, {});
  const RunState state{.usd = .5 * budget_scale_usd(workflow), .ms = .8 * deadline_scale_ms(workflow)};
  a.begin(state);
  b.begin(state);
  RandomStream random(5);
  for (int i = 0; i < 200; ++i) {
    const std::uint64_t key = random();
    (void)b.run({}, {.samples = 4}, key ^ 1);
    EXPECT_EQ(a.run({}, {.samples = 2}, key), b.run({}, {.samples = 2}, key));
  }
}

}  // namespace
}  // namespace bursar::plan
