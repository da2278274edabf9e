#include "bursar/schedule/turn_simulator.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>

namespace bursar::schedule {
namespace {

const RandomStream kRoot(20260313);

// Means over scenarios that every policy shares.
TurnScore mean_score(auto scenario_of, double c, TurnPolicy policy, const TurnRun& run, std::size_t scenarios) {
  TurnScore mean;
  for (std::size_t i = 0; i < scenarios; ++i) {
    const auto scenario = scenario_of(c, kRoot.split("scenario").split(i));
    const auto score = run_turns(scenario, policy, run, kRoot.split("turns").split(i));
    mean.value += score.value / static_cast<double>(scenarios);
    mean.success += score.success / static_cast<double>(scenarios);
    mean.used_ms += score.used_ms / static_cast<double>(scenarios);
  }
  return mean;
}

TEST(TurnSimulator, IsTheSameForTheSameSeed) {
  const auto scenario = mixed_scenario(1.3, kRoot);
  const TurnRun run{.turns = 50, .knowledge = Knowledge::kKaplanMeier};
  const auto a = run_turns(scenario, TurnPolicy::kAtba, run, kRoot);
  const auto b = run_turns(scenario, TurnPolicy::kAtba, run, kRoot);
  EXPECT_EQ(a.value, b.value);
  EXPECT_EQ(a.used_ms, b.used_ms);
}

TEST(TurnSimulator, CallsFollowTheirLaw) {
  const ToolLaw law{.median_ms = 300, .sigma = .8, .hang = .1, .sticky = .3, .retry_correlation = .5};
  int below_median = 0, hung = 0, hung_twice = 0;
  double product = 0, pairs = 0;
  constexpr int kCalls = 40'000;
  for (std::uint64_t i = 0; i < kCalls; ++i) {
    SimulatedCall call(law, kRoot.split("law").split(i));
    const double first = call.next_attempt_ms(), second = call.next_attempt_ms();
    below_median += first < 300;
    hung += std::isinf(first);
    hung_twice += std::isinf(first) && std::isinf(second);
    if (std::isfinite(first) && std::isfinite(second)) {
      product += std::log(first / 300) / .8 * std::log(second / 300) / .8;
      ++pairs;
    }
  }
  EXPECT_NEAR(below_median / double{kCalls}, .45, .01);
  EXPECT_NEAR(hung / double{kCalls}, .1, .005);
  EXPECT_NEAR(hung_twice / double(hung), .3 + .7 * .1, .03);
  EXPECT_NEAR(product / pairs, .5, .03);
}

TEST(TurnSimulator, AMandatoryStepThatFailsMakesTheTurnWorthless) {
  TurnScenario scenario{.steps = {{.law = {.median_ms = 1}, .optional = true, .weight = .4},
                                  {.law = {.median_ms = 1, .hang = 1, .sticky = 1}, .weight = .6}},
                        .budget_ms = 1000};
  const auto lost = run_turns(scenario, TurnPolicy::kNoLimit, {.turns = 5}, kRoot);
  EXPECT_EQ(lost.value, 0);
  EXPECT_EQ(lost.success, 0);
  EXPECT_EQ(lost.used_ms, 1000);
  scenario.steps[1].optional = true;
  const auto partial = run_turns(scenario, TurnPolicy::kNoLimit, {.turns = 5}, kRoot);
  EXPECT_NEAR(partial.value, .4, 1e-12);
  EXPECT_EQ(partial.success, 1);
}

// H2 at full scale takes about a second; half of it decides the same question.
TEST(AdaptiveTimeouts, AreWorthMoreThanEveryBaselineInMixedTurnsAtEqualBudget) {
  for (const double c : {.9, 1.3, 1.8, 2.5, 4.0}) {
    std::map<TurnPolicy, double> value;
    for (const TurnPolicy policy : kTurnPolicies) {
      value[policy] = mean_score(mixed_scenario, c, policy, {.turns = 150}, 30).value;
    }
    for (const TurnPolicy policy : kTurnPolicies) {
      EXPECT_GE(value[TurnPolicy::kAtba], value[policy] - .01) << name_of(policy) << " at c = " << c;
      if (policy != TurnPolicy::kAtba && c <= 1.3) {
        EXPECT_GE(value[TurnPolicy::kAtba], value[policy] + .10) << name_of(policy) << " at c = " << c;
      }
    }
  }
}

TEST(AdaptiveTimeouts, DoNotLoseToAPlainOwnQuantileWhereEveryStepIsMandatory) {
  for (const double c : {1.3, 2.5}) {
    const TurnRun run{.turns = 150};
    const double atba = mean_score(mandatory_scenario, c, TurnPolicy::kAtba, run, 20).success;
    EXPECT_GE(atba, mean_score(mandatory_scenario, c, TurnPolicy::kOwnP95, run, 20).success - .015) << c;
    EXPECT_GE(atba, mean_score(mandatory_scenario, c, TurnPolicy::kEqualShares, run, 20).success + .05) << c;
  }
}

TEST(StoppingEarly, CostsAtMostAHundredthOfSuccessAndSavesTime) {
  const auto with = mean_score(mandatory_scenario, 1.3, TurnPolicy::kAtba, {.turns = 200}, 20);
  const auto without =
      mean_score(mandatory_scenario, 1.3, TurnPolicy::kAtba, {.turns = 200, .stop_early_fraction = 0}, 20);
  EXPECT_GE(with.success, without.success - .01);
  EXPECT_LT(with.used_ms, without.used_ms);
}

TEST(LearnedQuantiles, UnderKaplanMeierStayNearTheTruth) {
  for (const double c : {1.3, 1.8, 2.5}) {
    const auto value = [&](Knowledge knowledge) {
      const TurnRun run{.turns = 400, .scored_last = 150, .knowledge = knowledge};
      return mean_score(mixed_scenario, c, TurnPolicy::kAtba, run, 20).value;
    };
    const double truth = value(Knowledge::kTruth), learned = value(Knowledge::kKaplanMeier);
    EXPECT_NEAR(learned, truth, .04) << c;
    // With little time most calls are cut off: who forgets those learns that tools are faster than they are.
    if (c == 1.3) {
      EXPECT_LT(value(Knowledge::kCompletionsOnly), learned - .02);
    }
  }
}

TEST(TimeoutSpiral, KaplanMeierHoldsWhereCompletionsOnlyCollapse) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    const auto shares = [&](Knowledge k) { return run_spiral({}, k, kRoot.split("spiral").split(seed)); };
    const auto km = shares(Knowledge::kKaplanMeier);
    EXPECT_GE(km.before, .93);
    EXPECT_GE(km.after, .93);
    const auto completions = shares(Knowledge::kCompletionsOnly);
    EXPECT_LT(completions.before, .5);
    EXPECT_LT(completions.after, .1);
    const auto as_values = shares(Knowledge::kTimeoutsAsValues);
    EXPECT_LT(as_values.after, .7);
    EXPECT_LT(as_values.before, km.before);
  }
}

}  // namespace
}  // namespace bursar::schedule
