#include "bursar/admit/matching/matching_policies.h"

#include <boost/json/array.hpp>
#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::admit {
namespace {

constexpr const char* kSeats = R"({"items": ["seat", "bench"], "periods": [
  {"probability": 1, "value": [1, 0.2]}, {"probability": 0.5, "value": [3, 0.1]}, {"probability": 0.7, "value": [1, 1]}]})";

std::unique_ptr<Policy> make(std::string_view name, std::vector<double> budget, boost::json::object parameters) {
  auto policy = make_policy(**policy_named(matching_policies(), name),
                            {.budget = std::move(budget), .parameters = std::move(parameters)});
  EXPECT_TRUE(policy) << policy.error().message;
  return std::move(*policy);
}

std::unique_ptr<Policy> goals(std::vector<double> budget, std::string_view rule = "balance") {
  return make("stochastic-balance", std::move(budget), {{"weights", {1, 2, 1}}, {"rule", rule}});
}

TEST(StochasticBalancePolicy, SpendsSlotsOnGoalsAndKeepsTheBudget) {
  const auto policy = goals({3});
  const std::vector<double> rewards{.5, .8, 0}, costs{1, 1, 1}, dear{4, 4, 4};
  const auto first = *policy->decide({.rewards = rewards, .costs = costs});
  EXPECT_EQ(first.option, 1U);
  EXPECT_EQ(policy->remaining()[0], 2);
  const auto second = *policy->decide({.rewards = rewards, .costs = costs});
  EXPECT_EQ(second.option, 0U) << "goal 1 has a try under way";
  EXPECT_TRUE(policy->observe(first.id, {.costs = std::vector{.5}, .reward = 0.0}));
  EXPECT_TRUE(policy->observe(second.id, {.reward = 1.0}));
  EXPECT_EQ(policy->remaining()[0], 1.5);
  EXPECT_EQ(policy->decide({.rewards = rewards, .costs = dear})->reason, DecisionReason::kBudget);
  const auto third = *policy->decide({.rewards = rewards, .costs = costs});
  EXPECT_EQ(third.option, 1U) << "goal 0 is reached";
  EXPECT_TRUE(policy->observe(third.id, {.refused = true}));
  EXPECT_EQ(policy->remaining()[0], 1.5);
  EXPECT_EQ(policy->observe(third.id, {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(policy->decide({.rewards = std::vector{.5, 0.0, 0.0}, .costs = costs})->reason,
            DecisionReason::kNothingPays);
}

TEST(StochasticBalancePolicy, RefusesRewardsThatNoProbabilityExplains) {
  const auto policy = goals({3});
  for (const std::vector<double>& rewards : {std::vector<double>{1.5, 0, 0}, {-1, 0, 0}, {.5, .5}}) {
    EXPECT_EQ(policy->decide({.rewards = rewards}).error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(policy->decided(), 0U);
  const auto entry = find_policy(matching_policies(), "stochastic-balance");
  EXPECT_FALSE(make_policy(*entry, {.budget = {1}}));
  EXPECT_FALSE(make_policy(*entry, {.budget = {1}, .parameters = {{"weights", boost::json::array{}}}}));
}

TEST(MatchingPricesPolicy, SellsAtPostedPrices) {
  for (const char* kind : {"posted", "lp"}) {
    const auto policy = make("matching-prices", {1, 1}, {{"instance", kSeats}, {"prices", kind}});
    const std::vector<double> each{1, 0, 0, 1};
    // The seat is worth 1.5 and more to those who may come: the first buyer gets the bench at most. Dual prices are
    // degenerate, and only keep it from who values it at 1.
    const auto first = *policy->decide({.rewards = std::vector{1.0, .2}, .costs = each});
    EXPECT_NE(first.option, 0U);
    EXPECT_GT(policy->prices()[0], std::string_view(kind) == "posted" ? 1.4 : .99);
    const auto second = *policy->decide({.rewards = std::vector{3.0, .1}, .costs = each});
    EXPECT_EQ(second.option, 0U);
    const auto third = *policy->decide({.rewards = std::vector{9.0, .5}, .costs = each});
    EXPECT_NE(third.option, 0U) << "the seat is gone";
    const auto later = *policy->decide({.rewards = std::vector{.1, .1}, .costs = each});
    EXPECT_EQ(later.option.has_value(), policy->remaining()[1] < .5 && third.option != 1U);
  }
}

TEST(MatchingPricesPolicy, RefusesInstancesAndBudgetsThatDoNotFit) {
  const auto* entry = find_policy(matching_policies(), "matching-prices");
  EXPECT_FALSE(make_policy(*entry, {.budget = {1}, .parameters = {{"instance", kSeats}}}));
  EXPECT_FALSE(make_policy(*entry, {.budget = {1, 2}, .parameters = {{"instance", kSeats}}}));
  EXPECT_FALSE(make_policy(*entry, {.budget = {1, 1}, .parameters = {{"instance", "{"}}}));
  EXPECT_FALSE(make_policy(
      *entry, {.budget = {1, 1}, .resource_names = {"bench", "seat"}, .parameters = {{"instance", kSeats}}}));
}

// The same decisions whether or not the policy is saved and restored before each.
std::vector<std::int64_t> live(std::unique_ptr<Policy> policy, std::size_t options, std::span<const double> costs,
                               bool through_text) {
  RandomStream random(3);
  std::vector<std::int64_t> log;
  std::vector<DecisionId> open;
  for (int step = 0; step < 60; ++step) {
    if (through_text)
      policy = restore_policy(matching_policies(), *parse_json(to_json(boost::json::value(policy->save())))).value();
    std::vector<double> rewards(options);
    for (double& r : rewards) r = random.uniform01();
    const auto d = *policy->decide({.rewards = rewards, .costs = costs});
    log.push_back(d.option ? static_cast<std::int64_t>(*d.option) : -1);
    if (d.option) open.push_back(d.id);
    if (!open.empty() && random.bernoulli(.6)) {
      EXPECT_TRUE(policy->observe(open.back(), {.reward = random.bernoulli(.2) ? 1.0 : 0.0}));
      open.pop_back();
    }
    log.push_back(static_cast<std::int64_t>(1e6 * policy->remaining()[0]));
  }
  return log;
}

TEST(MatchingPolicies, GoOnExactlyAfterSavingAtAnyPoint) {
  const std::vector<double> costs{1, 1, 1}, each{1, 0, 0, 1};
  for (const char* rule : {"balance", "ranking", "random"})
    EXPECT_EQ(live(goals({30}, rule), 3, costs, false), live(goals({30}, rule), 3, costs, true)) << rule;
  const auto seats = [] { return make("matching-prices", {1, 1}, {{"instance", kSeats}}); };
  EXPECT_EQ(live(seats(), 2, each, false), live(seats(), 2, each, true));
}

TEST(MatchingPolicies, RestoreNothingThatContradictsItself) {
  const auto policy = goals({3});
  (void)*policy->decide({.rewards = std::vector{.5, .8, 0.0}, .costs = std::vector{1.0, 1.0, 1.0}});
  const std::string good = to_json(boost::json::value(policy->save()));
  EXPECT_TRUE(restore_policy(matching_policies(), *parse_json(good)));
  for (const auto& [from, to] : {std::pair{"\"decided\":1", "\"decided\":0"},
                                 {"\"budget\":[3E0]", "\"budget\":[]"},
                                 {"\"rule\":\"balance\",\"curve\"", "\"rule\":\"best\",\"curve\""},
                                 {"\"remaining\":[2E0]", "\"remaining\":[]"}}) {
    std::string bad = good;
    const std::size_t at = bad.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << good;
    bad.replace(at, std::string_view(from).size(), to);
    EXPECT_FALSE(restore_policy(matching_policies(), *parse_json(bad))) << to;
  }
}

}  // namespace
}  // namespace bursar::admit
