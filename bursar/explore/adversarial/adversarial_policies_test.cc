#include <array>
#include <boost/json/array.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/explore/policies.h"

namespace bursar::explore {
namespace {

using testing::HasSubstr;

// The arm of the first half pays nothing in the second.
double earned(Policy& policy, std::uint64_t rounds) {
  double sum = 0;
  for (std::uint64_t t = 0; t < rounds; ++t) {
    const Decision d = policy.decide({}).value();
    const double reward = *d.option == (t < rounds / 2 ? 0U : 1U) ? 1 : 0;
    EXPECT_TRUE(policy.observe(d.id, {.reward = reward}));
    sum += reward;
  }
  return sum;
}

TEST(AdversarialPolicies, FollowAWorldThatTurnsWhereAveragesDoNot) {
  constexpr std::uint64_t kRounds = 4000;
  const boost::json::object three{{"arms", 3}};
  // Either arm alone earns half of the rounds.
  EXPECT_GT(earned(**make_bandit("exp3-ix", three, kRounds), kRounds), .45 * kRounds);
  EXPECT_GT(earned(**make_bandit("exp3", three, kRounds), kRounds), .4 * kRounds);
  EXPECT_GT(earned(**make_bandit("exp4", three, kRounds), kRounds), .4 * kRounds);
}

TEST(AdversarialPolicies, RunWithoutAHorizonInEpochsThatDouble) {
  for (const std::string_view name : {"exp3", "exp3-ix", "exp4"}) {
    const auto policy = make_bandit(name, {{"arms", 2}}).value();
    for (int t = 0; t < 500; ++t) {
      const Decision d = policy->decide({}).value();
      EXPECT_TRUE(policy->observe(d.id, {.reward = *d.option == 0 ? .9 : .1}));
    }
    const auto saved = policy->save();
    EXPECT_EQ(saved.at("bandit").at("learner").at("epoch").to_number<int>(), 3);  // 64 + 128 + 256 are over
    const auto again = restore_policy(policies(), parse_json(to_json(saved)).value()).value();
    EXPECT_EQ(to_json(again->save()), to_json(saved));
  }
}

TEST(AdversarialPolicies, HearTheAdviceOfExperts) {
  const auto policy = make_bandit("exp4", {{"arms", 2}, {"experts", 3}}, 2000).value();
  double right = 0;
  for (int t = 0; t < 2000; ++t) {
    const double truth = t * 7 % 5 < 2 ? 0 : 1;
    const std::array advice{truth, 1 - truth, 0.0};
    const Decision d = policy->decide({.context = advice}).value();
    const double reward = static_cast<double>(*d.option) == truth ? 1 : 0;
    EXPECT_TRUE(policy->observe(d.id, {.reward = reward}));
    right += reward;
  }
  EXPECT_GT(right, 1700);
  EXPECT_THAT(policy->decide({}).error().message, HasSubstr("3 experts"));
}

TEST(AdversarialPolicies, SayWhatTheyNeed) {
  EXPECT_THAT(make_bandit("lagrange-bwk", {{"arms", 2}}).error().message, HasSubstr("horizon"));
  EXPECT_THAT(make_bandit("lagrange-bwk", {{"arms", 2}}, 10).error().message, HasSubstr("most"));
  EXPECT_THAT(make_bandit("hidden-exploration", {{"arms", 3}}, 10).error().message, HasSubstr("arms: must be 2"));
  EXPECT_THAT(make_bandit("bayesian-greedy", {{"arms", 3}, {"failures", boost::json::array{1, 2}}}).error().message,
              HasSubstr("failures: has 2 numbers for 3 arms"));
  const boost::json::object strong{
      {"arms", 2}, {"successes", boost::json::array{60, 1}}, {"failures", boost::json::array{20, 2}}};
  EXPECT_THAT(make_bandit("hidden-exploration", strong).error().message, HasSubstr("at least"));
}

}  // namespace
}  // namespace bursar::explore
