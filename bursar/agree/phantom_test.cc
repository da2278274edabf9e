#include "bursar/agree/phantom.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/agree/sample_profiles.h"

namespace bursar::agree {
namespace {

using testing::HasSubstr;

double phantom_of(std::vector<double> reports) { return uniform_phantom({.reports = reports}).value(); }

// The definition: the middle one of the reports and the phantoms.
double median_of_all(std::vector<double> reports, const std::vector<double>& phantoms) {
  reports.insert(reports.end(), phantoms.begin(), phantoms.end());
  std::ranges::sort(reports);
  return reports[reports.size() / 2];
}

std::vector<double> all_phantoms(std::size_t n) {
  std::vector<double> out;
  for (std::size_t k = 0; k <= n; ++k) out.push_back(static_cast<double>(k) / static_cast<double>(n));
  return out;
}

TEST(UniformPhantom, GivesTheOutcomesOfTheSheet) {
  EXPECT_EQ(phantom_of({0, 0, 1}), 1.0 / 3);
  EXPECT_EQ(phantom_of({.2, .9}), .5);
  EXPECT_EQ(phantom_of({.6, .9}), .6);
  EXPECT_EQ(phantom_of({.1, .2, .9, .95}), .5);
  EXPECT_EQ(phantom_of({.8, .9, .9, .9}), .8);
  EXPECT_EQ(phantom_of({.37}), .37);
  EXPECT_EQ(phantom_of({.7, .4, .3, .2, .1}), .4);
  EXPECT_EQ(phantom_of({1, .4, .3, .2, .1}), .4);
}

TEST(UniformPhantom, EqualsTheMedianWithItsPhantoms) {
  RandomStream random(1);
  for (int trial = 0; trial < 5000; ++trial) {
    const auto x = any_profile(1 + random.uniform_int(std::uint64_t{9}), random);
    ASSERT_EQ(phantom_of(x), median_of_all(x, all_phantoms(x.size())));
  }
}

TEST(UniformPhantom, IsSymmetricMonotoneAndMovesNoFasterThanAReport) {
  RandomStream random(2);
  for (int trial = 0; trial < 3000; ++trial) {
    auto x = any_profile(1 + random.uniform_int(std::uint64_t{8}), random);
    const double y = phantom_of(x);
    auto shuffled = x;
    random.shuffle(std::span(shuffled));
    ASSERT_EQ(phantom_of(shuffled), y);
    ASSERT_GE(y, std::ranges::min(x));
    ASSERT_LE(y, std::ranges::max(x));
    auto mirrored = x;
    for (double& v : mirrored) v = 1 - v;
    ASSERT_NEAR(phantom_of(mirrored), 1 - y, 1e-15);
    const std::size_t i = random.uniform_int(x.size());
    const double before = x[i];
    x[i] = random.uniform01();
    const double moved = phantom_of(x);
    ASSERT_GE((moved - y) * (x[i] - before), 0);
    ASSERT_LE(std::abs(moved - y), std::abs(x[i] - before) + 1e-15);
  }
}

TEST(UniformPhantom, CountsAWeightAsSoManyParties) {
  RandomStream random(3);
  for (int trial = 0; trial < 2000; ++trial) {
    const auto x = any_profile(1 + random.uniform_int(std::uint64_t{6}), random);
    std::vector<double> w, repeated;
    for (const double v : x) {
      w.push_back(static_cast<double>(random.uniform_int(1, 4)));
      for (int k = 0; k < static_cast<int>(w.back()); ++k) repeated.push_back(v);
    }
    ASSERT_EQ(uniform_phantom({.reports = x, .weights = w}).value(), phantom_of(repeated));
  }
}

TEST(UniformPhantom, WithFractionalWeightsIsTheLargestPointThatHasItsShareAbove) {
  RandomStream random(4);
  for (int trial = 0; trial < 500; ++trial) {
    const auto x = any_profile(1 + random.uniform_int(std::uint64_t{6}), random);
    std::vector<double> w(x.size());
    double total = 0;
    for (double& v : w) total += v = random.uniform(.1, 3);
    const auto above = [&](double y) {
      double sum = 0;
      for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] >= y ? w[i] : 0;
      return sum / total;
    };
    const double y = uniform_phantom({.reports = x, .weights = w}).value();
    ASSERT_GE(above(y), y - 1e-12);
    for (const double beyond : {y + 1e-9, y + .01, y + .3}) ASSERT_TRUE(beyond > 1 || above(beyond) < beyond);
  }
}

TEST(UniformPhantom, ScalesWithTheInterval) {
  RandomStream random(5);
  for (int trial = 0; trial < 1000; ++trial) {
    const auto x = any_profile(1 + random.uniform_int(std::uint64_t{7}), random);
    std::vector<double> scaled;
    for (const double v : x) scaled.push_back(-20 + 50 * v);
    for (const SplitRule rule : kSplitRules) {
      ASSERT_NEAR(decide(rule, {.reports = scaled, .interval = {-20, 30}}).value(),
                  -20 + 50 * decide(rule, {.reports = x}).value(), 1e-12);
    }
  }
  EXPECT_EQ(uniform_phantom({.reports = std::vector{.3, .3}, .interval = {.1, .3}}).value(), .3);
}

TEST(PhantomMedian, IsTheMiddleOfReportsAndPhantoms) {
  RandomStream random(6);
  for (int trial = 0; trial < 3000; ++trial) {
    const std::size_t n = 1 + random.uniform_int(std::uint64_t{7});
    const auto x = any_profile(n, random);
    std::vector<double> inner(n - 1);
    for (double& a : inner) a = random.uniform01();
    auto all = inner;
    all.insert(all.end(), {0, 1});
    const double y = phantom_median({.reports = x}, inner).value();
    ASSERT_EQ(y, median_of_all(x, all));
    ASSERT_EQ(y, phantom_median({.reports = x}, all).value());
  }
}

TEST(SplitRule, MedianTakesTheMiddleAndOfEvenNumbersTheLower) {
  EXPECT_EQ(decide(SplitRule::kMedian, {.reports = std::vector{.9, .1, .4}}).value(), .4);
  EXPECT_EQ(decide(SplitRule::kMedian, {.reports = std::vector{.9, .1, .4, .6}}).value(), .4);
}

TEST(SplitRule, FamilyOnTheStoryOfFiveTeams) {
  const std::vector<double> truth{.7, .4, .3, .2, .1}, lie{1, .4, .3, .2, .1};
  EXPECT_NEAR(decide(SplitRule::kAverage, {.reports = truth}).value(), .34, 1e-15);
  EXPECT_NEAR(decide(SplitRule::kAverage, {.reports = lie}).value(), .40, 1e-15);
  EXPECT_EQ(decide(SplitRule::kMedian, {.reports = truth}).value(), .3);
  EXPECT_EQ(decide(SplitRule::kIfs, {.reports = truth}).value(), .3);
  EXPECT_NEAR(decide(SplitRule::kMidrange, {.reports = truth}).value(), .4, 1e-15);
  EXPECT_NEAR(decide(SplitRule::kAverage, {.reports = std::vector{0., 1.}, .weights = std::vector{1., 3.}}).value(),
              .75, 1e-15);
}

TEST(SplitRule, IfsNeedsItsPhantomsBetweenOneShareAndAllButOne) {
  EXPECT_THAT(ifs_phantoms(4), testing::ElementsAre(.25, .25, .75));
  EXPECT_THAT(ifs_phantoms(1), testing::IsEmpty());
  EXPECT_THAT(median_phantoms(5), testing::ElementsAre(0, 0, 1, 1));
  const std::vector<double> one_off{0, 0, 0, 1};
  EXPECT_EQ(decide(SplitRule::kIfs, {.reports = one_off}).value(), .25);
  EXPECT_EQ(decide(SplitRule::kMedian, {.reports = one_off}).value(), 0);
}

TEST(SplitRule, NamesReadBack) {
  for (const SplitRule rule : kSplitRules) EXPECT_EQ(rule_named(name_of(rule)).value(), rule);
  EXPECT_THAT(rule_named("mean").error().message, HasSubstr("no mechanism 'mean'; known are uniform-phantom, median"));
}

TEST(Profile, RefusesWhatCannotBeMeantByName) {
  const auto message = [](const Profile& p) { return uniform_phantom(p).error().message; };
  EXPECT_THAT(message({}), HasSubstr("there is no report"));
  EXPECT_THAT(message({.reports = std::vector{.2, std::nan("")}}), HasSubstr("party 1: the report nan is outside"));
  EXPECT_THAT(message({.reports = std::vector{1.5}}), HasSubstr("party 0: the report 1.5 is outside of [0, 1]"));
  EXPECT_THAT(message({.reports = std::vector{.5}, .weights = std::vector{0.}}), HasSubstr("party 0: the weight 0"));
  EXPECT_THAT(message({.reports = std::vector{.5}, .weights = std::vector{1., 1.}}),
              HasSubstr("1 reports and 2 weights"));
  EXPECT_THAT(message({.reports = std::vector{.5}, .interval = {1, 1}}), HasSubstr("interval [1, 1] is empty"));
  EXPECT_THAT(message({.reports = std::vector{.5}, .interval = {-1e308, 1e308}}), HasSubstr("not finite"));
  const std::vector<double> two{.5, .6}, weights{1, 2};
  EXPECT_THAT(phantom_median({.reports = two}, std::vector{.1, .2}).error().message,
              HasSubstr("2 parties need 1 inner"));
  EXPECT_THAT(phantom_median({.reports = two}, std::vector{1.1}).error().message, HasSubstr("phantom 0 is 1.1"));
  for (const SplitRule rule : {SplitRule::kMedian, SplitRule::kIfs, SplitRule::kMidrange})
    EXPECT_THAT(decide(rule, {.reports = two, .weights = weights}).error().message, HasSubstr("weights are for"));
}

}  // namespace
}  // namespace bursar::agree
