#include "bursar/plan/workflow/portfolio_planner.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/plan/workflow/exact_chain.h"
#include "bursar/plan/workflow/simulated_run.h"
#include "bursar/plan/workflow/test_workflows.h"
#include "bursar/plan/workflow/workflow_run.h"

namespace bursar::plan {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kPublished = PlannerOptions::Search::kPublished;

Decision decide(const Workflow& workflow, PlannerOptions options, const RunState& state) {
  return PortfolioPlanner::make(workflow, std::move(options))->decide(state).value();
}

TEST(PortfolioPlanner, TakesTheBestNumberOfSamplesForOneSubtask) {
  // One batch has time; k samples have money for k <= 4: 1 - .7^4.
  const Workflow workflow =
      must_make({{.id = "a", .options = {{.model = "m", .p = .3, .latency = {.mean_ms = 1000}, .cost = {.usd = 1}}}}});
  for (const auto search : {PlannerOptions::Search::kRacing, kPublished}) {
    const Decision now = decide(workflow, {.search = search, .runs = 1000}, {.usd = 5, .ms = 1500});
    ASSERT_THAT(now.starts, SizeIs(1));
    EXPECT_EQ(now.starts[0].samples, 4);
    EXPECT_NEAR(now.p_complete, 1 - std::pow(.7, 4), .1);
    EXPECT_EQ(now.epsilon.has_value(), search == kPublished);
  }
}

TEST(PortfolioPlanner, IsAsGoodOnAChainAsExactRolloutsAre) {
  const std::vector<int> samples{1, 2, 3};
  const ExactChain chain({{{1, 1, .35}, {4, 3, .8}}, {{1, 1, .5}, {4, 3, .9}}, {{1, 1, .25}, {4, 3, .7}}}, samples);
  PlannerOptions options{.samples = samples, .fresh_runs = 0};
  auto planner = *PortfolioPlanner::make(*chain.workflow(), options);
  for (const auto& [budget, time] : {std::pair(6, 5), {10, 8}, {15, 9}}) {
    const auto planned = [&](const ChainState& state) {
      std::vector<ExactChain::Choice> out;
      constexpr int kSeeds = 4;
      for (std::uint64_t s = 0; s < kSeeds; ++s) {
        const auto now = *planner.decide({.completed = (NodeSet{1} << state.task) - 1,
                                          .usd = static_cast<double>(state.budget),
                                          .ms = static_cast<double>(state.time),
                                          .events = s});
        if (now.starts.empty()) continue;
        out.push_back({{now.starts[0].option, now.starts[0].samples}, 1. / kSeeds});
      }
      return out;
    };
    const double best = chain.optimum(budget, time), ours = chain.value(budget, time, planned);
    EXPECT_LE(ours, best + 1e-12);
    EXPECT_GE(ours, chain.rollout(budget, time) - .015) << budget;
  }
}

TEST(PortfolioPlanner, ExpectsMoreOfMoreMoneyAndTime) {
  const Workflow workflow = random_workflow(8, RandomStream(11));
  const double usd = budget_scale_usd(workflow), ms = deadline_scale_ms(workflow);
  constexpr double kError = .05;  // of a difference, at 2,000 fresh runs each
  double before = 0;
  for (const double share : {.2, .4, .6, .8, 1.0}) {
    const double p = decide(workflow, {.fresh_runs = 2000}, {.usd = share * usd, .ms = ms}).p_complete;
    EXPECT_GE(p, before - kError) << share;
    before = p;
  }
  before = 0;
  for (const double share : {.3, .5, .8, 1.2, 2.0}) {
    const double p = decide(workflow, {.fresh_runs = 2000}, {.usd = .6 * usd, .ms = share * ms}).p_complete;
    EXPECT_GE(p, before - kError) << share;
    before = p;
  }
  EXPECT_GT(before, .3);
}

TEST(PortfolioPlanner, IsTheSameForTheSameSeed) {
  const Workflow workflow = random_workflow(9, RandomStream(12));
  const RunState state{.usd = .5 * budget_scale_usd(workflow), .ms = .8 * deadline_scale_ms(workflow), .events = 3};
  auto one = *PortfolioPlanner::make(workflow, {.seed = 9}), other = *PortfolioPlanner::make(workflow, {.seed = 9});
  (void)other.decide({.usd = 1, .ms = 1e5});  // what was decided before does not matter
  const Decision a = *one.decide(state), b = *other.decide(state);
  EXPECT_EQ(a.starts, b.starts);
  EXPECT_EQ(a.p_complete, b.p_complete);
  EXPECT_EQ(a.runs, b.runs);
}

TEST(PortfolioPlanner, SaysWhatToExpectWithoutTheWinnersBias) {
  // Time for one batch and money for twelve samples: the rule behind an action does not matter, and four pairs are
  // equally good.
  std::vector<Subtask> tasks;
  for (std::size_t v = 0; v < 3; ++v)
    tasks.push_back({.id = std::to_string(v),
                     .options = {{.model = "m", .p = .3, .latency = {.mean_ms = 1000}, .cost = {.usd = 1}}}});
  const Workflow workflow = must_make(tasks);
  double expected = 0, of_winners = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const Decision now = decide(workflow, {.search = kPublished, .runs = 16, .fresh_runs = 400, .seed = seed},
                                {.usd = 12.5, .ms = 1500});
    expected += now.p_complete / 40;
    of_winners += now.leaders[0].share() / 40;
  }
  EXPECT_NEAR(expected, std::pow(1 - std::pow(.7, 4), 3), .05);
  EXPECT_GT(of_winners, expected + .06);
}

TEST(PortfolioPlanner, KnowsWhenThereIsNothingToDo) {
  const Workflow workflow = diamond(.5);
  EXPECT_EQ(decide(workflow, {}, {.completed = 0b1111}).p_complete, 1);
  for (const RunState& state : {RunState{.usd = 0}, RunState{.tokens = -1}, RunState{.ms = 0}}) {
    const Decision now = decide(workflow, {}, state);
    EXPECT_THAT(now.starts, IsEmpty());
    EXPECT_EQ(now.p_complete, 0);
  }
  // Nothing is dispatchable: it waits, and says what to expect.
  const Decision now = decide(workflow, {}, {.running = {{.node = 0, .pending = 2}}});
  EXPECT_THAT(now.starts, IsEmpty());
  EXPECT_EQ(now.p_complete, 1);
  // All is spent, on what runs: it may still complete.
  const Decision last = decide(workflow, {}, {.completed = 0b0111, .usd = 0, .running = {{.node = 3, .pending = 3}}});
  EXPECT_THAT(last.starts, IsEmpty());
  EXPECT_NEAR(last.p_complete, 1 - .125, .1);
}

TEST(PortfolioPlanner, CountsCandidatesAsPublished) {
  std::vector<Subtask> tasks;
  for (std::size_t v = 0; v < 4; ++v)
    tasks.push_back({.id = std::to_string(v), .options = {{.model = "m", .p = .5, .latency = {.mean_ms = 1}}}});
  const auto candidates = [&](std::size_t nodes, PlannerOptions options) {
    return decide(must_make({tasks.begin(), tasks.begin() + static_cast<std::ptrdiff_t>(nodes)}), std::move(options),
                  {})
        .candidates;
  };
  const PlannerOptions published{.search = kPublished, .samples = {1, 4, 16, 64}, .runs = 1};
  EXPECT_EQ(candidates(1, published), 4U);
  EXPECT_EQ(candidates(2, published), 16U);
  EXPECT_EQ(candidates(3, published), 64U);
  // 4 alike, and 4^3 x 4 of which 4 are alike: at most 260 are looked at, those that repeat left out.
  EXPECT_EQ(candidates(4, published), 256U);
  PlannerOptions few = published;
  few.max_candidates = 10;
  EXPECT_LE(candidates(4, few), 10U);
  few.search = PlannerOptions::Search::kRacing;
  EXPECT_LE(candidates(4, few), 10U);
}

TEST(PortfolioPlanner, ProposesOnlyWhatCanBeHeld) {
  // Two subtasks at once cost 2, and 3 must be held: 2.5 is enough for one after the other.
  const Option option{.model = "m", .p = 1, .latency = {.mean_ms = 1000}, .cost = {.usd = 1}};
  const Workflow workflow = must_make({{.id = "a", .options = {option}}, {.id = "b", .options = {option}}});
  const Decision alone = decide(workflow, {.reserve = 1.5}, {.usd = 2.5, .ms = 1e4});
  ASSERT_THAT(alone.starts, SizeIs(1));
  EXPECT_EQ(alone.starts[0].samples, 1);
  EXPECT_EQ(alone.p_complete, 1);
  EXPECT_THAT(decide(workflow, {}, {.usd = 2.5, .ms = 1e4}).starts, SizeIs(2));
  EXPECT_THAT(decide(workflow, {.reserve = 1.5}, {.usd = 1.2, .ms = 1e4}).starts, IsEmpty());
}

TEST(PortfolioPlanner, NamesWhatIsWrong) {
  const auto refused = [](PlannerOptions options) {
    return PortfolioPlanner::make(diamond(.5), std::move(options)).error().message;
  };
  EXPECT_THAT(refused({.samples = {}}), HasSubstr("samples"));
  EXPECT_THAT(refused({.samples = {2, 2}}), HasSubstr("must increase"));
  EXPECT_THAT(refused({.samples = {65}}), HasSubstr("from 1 to 64"));
  EXPECT_THAT(refused({.free_nodes = 0}), HasSubstr("free_nodes"));
  EXPECT_THAT(refused({.runs = 0}), HasSubstr("runs"));
  EXPECT_THAT(refused({.delta = 1}), HasSubstr("delta"));
  EXPECT_FALSE(PortfolioPlanner::make(diamond(.5))->decide({.completed = 0b0010}));
}

}  // namespace
}  // namespace bursar::plan
