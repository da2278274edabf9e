#include "bursar/explore/bandit_policy.h"

#include <boost/json/array.hpp>
#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/explore/policies.h"

namespace bursar::explore {
namespace {

// Parameters with which each policy of the table can be made: three arms, and what else it needs.
PolicySetup setup_of(const PolicyEntry& entry) {
  PolicySetup out{.budget = {50}, .horizon = 400, .parameters = {{"arms", 3}, {"most", boost::json::array{1.0}}}};
  if (entry.name == "hidden-exploration") out.parameters["arms"] = 2;
  for (const PolicyParameter& p : entry.parameters) {
    if (p.preset.empty() && p.name != "arms") out.parameters[p.name] = 2;
  }
  return out;
}

// A context of the shape that the policy wants.
std::vector<double> context_of(const Policy& policy, std::uint64_t t) {
  const auto saved = policy.save();
  const auto& parameters = saved.at("parameters").get_object();
  if (parameters.contains("dimension")) return {.1, .2, .3, .4, .5, static_cast<double>(t % 2)};
  if (parameters.contains("contexts") || parameters.contains("learner")) return {static_cast<double>(t % 2)};
  return {};
}

Result<Decision> step(Policy& policy, std::uint64_t t, bool observe) {
  RandomStream world = RandomStream(5).split(t);
  const auto context = context_of(policy, t);
  const auto decision = policy.decide({.context = context});
  if (!decision || !decision->option || !observe) return decision;
  const double cost = .2 + .2 * static_cast<double>(*decision->option);
  const double reward = world.bernoulli(.3 + .2 * static_cast<double>(*decision->option)) ? 1 : 0;
  EXPECT_TRUE(policy.observe(decision->id, {.costs = std::span(&cost, 1), .reward = reward}));
  return decision;
}

TEST(BanditPolicies, NeverExceedTheirBudget) {
  for (const PolicyEntry& entry : policies()) {
    SCOPED_TRACE(entry.name);
    auto policy = make_policy(entry, setup_of(entry));
    ASSERT_TRUE(policy) << policy.error().message;
    for (std::uint64_t t = 0; t < 400; ++t) {
      ASSERT_TRUE(step(**policy, t, t % 7 != 0));
      ASSERT_GE((*policy)->remaining()[0], 0);
    }
  }
}

TEST(BanditPolicies, GoOnFromTheirSavedStateAsTheyWouldHave) {
  for (const PolicyEntry& entry : policies()) {
    SCOPED_TRACE(entry.name);
    auto policy = make_policy(entry, setup_of(entry)).value();
    for (std::uint64_t t = 0; t < 60; ++t) ASSERT_TRUE(step(*policy, t, t % 5 != 0));
    const auto text = to_json(policy->save());
    auto again = restore_policy(policies(), parse_json(text).value());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(to_json((*again)->save()), text);
    for (std::uint64_t t = 60; t < 90; ++t) {
      EXPECT_EQ(step(*policy, t, true)->option, step(**again, t, true)->option) << t;
    }
    EXPECT_EQ(to_json((*again)->save()), to_json(policy->save()));
  }
}

TEST(BanditPolicies, RefuseWhatIsWrongAndStayAsTheyWere) {
  for (const PolicyEntry& entry : policies()) {
    SCOPED_TRACE(entry.name);
    auto policy = make_policy(entry, setup_of(entry)).value();
    Decision decision = step(*policy, 0, false).value();
    while (!decision.option) decision = step(*policy, 0, false).value();  // some may rest
    const auto before = to_json(policy->save());
    const std::vector<double> five(5, 1.0), negative{-1};
    EXPECT_EQ(policy->decide({.rewards = five}).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(policy->decide({.costs = five}).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(policy->observe(decision.id, {.reward = 2}).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(policy->observe(decision.id, {.costs = negative}).error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(policy->observe(99, {}).error().code, ErrorCode::kNotFound);
    EXPECT_EQ(to_json(policy->save()), before);
    EXPECT_TRUE(policy->observe(decision.id, {.reward = 1}));
    EXPECT_EQ(policy->observe(decision.id, {.reward = 1}).error().code, ErrorCode::kNotFound);
  }
}

TEST(BanditPolicy, ClosesArmsThatDoNotFit) {
  auto policy = make_policy(*find_policy(policies(), "ucb1"), {.budget = {2}, .parameters = {{"arms", 2}}}).value();
  const std::vector<double> costs{1.5, .4};
  const auto first = policy->decide({.costs = costs}).value();
  EXPECT_EQ(first.option, 0);
  EXPECT_DOUBLE_EQ(policy->remaining()[0], .5);
  EXPECT_EQ(policy->decide({.costs = costs})->option, 1);
  const auto nothing = policy->decide({.costs = costs}).value();
  EXPECT_EQ(nothing.option, std::nullopt);
  EXPECT_EQ(nothing.reason, DecisionReason::kBudget);
  EXPECT_TRUE(policy->observe(first.id, {.refused = true}));
  EXPECT_EQ(policy->decide({.costs = costs})->option, 0);
}

TEST(BanditPolicy, KeepsWhatItLearnedWhereTheBudgetIsThereAnew) {
  auto policy = make_policy(*find_policy(policies(), "ucb1"), {.budget = {2}, .parameters = {{"arms", 2}}}).value();
  const std::vector<double> costs{1, 1};
  const double cost = .5;
  const auto first = policy->decide({.costs = costs}).value(), second = policy->decide({.costs = costs}).value();
  EXPECT_TRUE(policy->observe(first.id, {.costs = std::span(&cost, 1), .reward = .8}));
  dynamic_cast<BanditPolicy&>(*policy).renew();
  EXPECT_DOUBLE_EQ(policy->remaining()[0], 2);
  EXPECT_TRUE(policy->observe(second.id, {.costs = std::span(&cost, 1), .reward = .4}));
  EXPECT_DOUBLE_EQ(policy->remaining()[0], 2) << "of the budget before";
  EXPECT_DOUBLE_EQ(dynamic_cast<BanditPolicy&>(*policy).bandit().intervals()[0].mean, .8);
  EXPECT_DOUBLE_EQ(dynamic_cast<BanditPolicy&>(*policy).bandit().intervals()[1].mean, .4);
}

TEST(BanditPolicy, CountsCostsWhereTheRewardIsMissing) {
  auto policy = make_policy(*find_policy(policies(), "ucb1"), {.budget = {2}, .parameters = {{"arms", 2}}}).value();
  const double cost = .5;
  const auto decision = policy->decide({}).value();
  EXPECT_TRUE(policy->observe(decision.id, {.costs = std::span(&cost, 1)}));
  EXPECT_DOUBLE_EQ(policy->remaining()[0], 1.5);
  EXPECT_EQ(dynamic_cast<BanditPolicy&>(*policy).bandit().intervals()[0].pulls, 0);
}

}  // namespace
}  // namespace bursar::explore
