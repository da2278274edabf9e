#include "bursar/agree/misreport.h"

#include <array>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/agree/sample_profiles.h"

namespace bursar::agree {
namespace {

TEST(Lie, OfTheFirstTeamMovesTheAverageAndNotTheUniformPhantom) {
  const std::vector<double> x{.7, .4, .3, .2, .1};
  const auto lie = find_lie(rule_of(SplitRule::kAverage), {.reports = x});
  ASSERT_TRUE(lie && *lie);
  EXPECT_EQ((*lie)->party, 0U);
  EXPECT_EQ((*lie)->report, 1);
  EXPECT_NEAR((*lie)->outcome, .40, 1e-15);
  EXPECT_NEAR((*lie)->gain, .06, 1e-15);
  EXPECT_FALSE(find_lie(rule_of(SplitRule::kUniformPhantom), {.reports = x}).value());
}

TEST(Lie, IsFoundForNoStrategyproofRuleAndOftenForTheOthers) {
  RandomStream random(1);
  std::array<int, std::size(kSplitRules)> found{};
  for (int trial = 0; trial < 400; ++trial) {
    const auto x = any_profile(1 + random.uniform_int(std::uint64_t{7}), random);
    for (std::size_t r = 0; r < found.size(); ++r)
      found[r] += find_lie(rule_of(kSplitRules[r]), {.reports = x}, {.grid = 21}).value().has_value();
  }
  for (std::size_t r = 0; r < found.size(); ++r) {
    EXPECT_EQ(found[r] == 0, is_strategyproof(kSplitRules[r])) << name_of(kSplitRules[r]);
    EXPECT_TRUE(found[r] == 0 || found[r] > 80) << name_of(kSplitRules[r]);
  }
}

TEST(Lie, IsFoundForNoWeightsAndNoPhantoms) {
  RandomStream random(2);
  for (int trial = 0; trial < 300; ++trial) {
    const auto x = any_profile(1 + random.uniform_int(std::uint64_t{6}), random);
    std::vector<double> w(x.size()), phantoms(x.size() - 1);
    for (double& v : w) v = random.uniform(.1, 4);
    for (double& a : phantoms) a = random.uniform01();
    ASSERT_FALSE(find_lie(rule_of(SplitRule::kUniformPhantom), {.reports = x, .weights = w}).value());
    const Rule rule = [&](const Profile& p) { return phantom_median(p, phantoms); };
    ASSERT_FALSE(find_lie(rule, {.reports = x}).value());
  }
}

TEST(BestResponses, ToTheAverageEndAtTheUniformPhantom) {
  RandomStream random(3);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<double> x(2 + random.uniform_int(std::uint64_t{10}));
    for (double& v : x) v = random.uniform01();
    const auto end = best_responses_to_average({.reports = x});
    ASSERT_TRUE(end);
    ASSERT_NEAR(end->outcome, uniform_phantom({.reports = x}).value(), 1e-9);
  }
}

TEST(BestResponses, ByBisectionAgreeWithTheClosedFormAndHoldForAnotherRule) {
  // Half average, half uniform phantom: continuous, strictly monotone, unanimous fair share.
  const Rule mixed = [](const Profile& p) -> Result<double> {
    return .5 * decide(SplitRule::kAverage, p).value() + .5 * uniform_phantom(p).value();
  };
  RandomStream random(4);
  for (int trial = 0; trial < 40; ++trial) {
    std::vector<double> x(2 + random.uniform_int(std::uint64_t{4}));
    for (double& v : x) v = random.uniform01();
    const double y = uniform_phantom({.reports = x}).value();
    ASSERT_NEAR(best_responses(rule_of(SplitRule::kAverage), {.reports = x}, 1000)->outcome, y, 1e-9);
    ASSERT_NEAR(best_responses(mixed, {.reports = x}, 1000)->outcome, y, 1e-6);
  }
}

TEST(Lie, RefusesSearchesWithoutEnd) {
  const std::vector<double> many(10'001, .5), one{.5};
  EXPECT_THAT(find_lie(rule_of(SplitRule::kAverage), {.reports = many}).error().message, testing::HasSubstr("sample"));
  EXPECT_THAT(find_lie(rule_of(SplitRule::kAverage), {.reports = one}, {.grid = 1}).error().message,
              testing::HasSubstr("grid"));
  EXPECT_THAT(find_lie(rule_of(SplitRule::kAverage), {}).error().message, testing::HasSubstr("no report"));
}

}  // namespace
}  // namespace bursar::agree
