#include "bursar/admit/priced_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/admit/fixed_prices.h"
#include "bursar/admit/policies.h"
#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::admit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<Policy> policy(const std::string& words, std::vector<double> budget, std::uint64_t horizon = 0) {
  auto parsed = parse_policy_words(words);
  EXPECT_TRUE(parsed) << parsed.error().message;
  auto entry = policy_named(policies(), parsed->name);
  EXPECT_TRUE(entry) << entry.error().message;
  auto made = make_policy(**entry, {.budget = std::move(budget), .horizon = horizon, .parameters = parsed->parameters});
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

Decision decided(Policy& p, std::vector<double> rewards, std::vector<double> costs, std::vector<double> holds = {},
                 std::vector<double> purse = {}) {
  auto d = p.decide({.rewards = rewards, .costs = costs, .holds = holds, .purse = purse});
  EXPECT_TRUE(d) << d.error().message;
  return *d;
}

TEST(PricedPolicy, TakesTheBestOptionAtItsPrices) {
  auto p = policy("static-prices:prices=[1;2]", {10, 10});
  EXPECT_EQ(decided(*p, {3, 5}, {1, 0, 2, 1}).option, 0U);  // nets 2 and 1
  const Decision none = decided(*p, {2, 1}, {2, 0, 0, 1});  // a tie at 0 is left
  EXPECT_FALSE(none.option || none.intended);
  EXPECT_EQ(none.reason, DecisionReason::kNothingPays);
  EXPECT_THAT(p->remaining(), ElementsAre(9, 10));
}

TEST(PricedPolicy, RefusesWhatDoesNotFitAndSaysWhatItWanted) {
  auto p = policy("greedy", {1, 5});
  const Decision d = decided(*p, {1, 3}, {1, 1, 2, 1});
  EXPECT_FALSE(d.option);
  EXPECT_EQ(d.intended, 1U);
  EXPECT_EQ(d.reason, DecisionReason::kBudget);
  auto next = policy("greedy:next_best=true", {1, 5});
  EXPECT_EQ(decided(*next, {1, 3}, {1, 1, 2, 1}).option, 0U);
}

TEST(PricedPolicy, HeedsThePurseOfThePayer) {
  auto p = policy("greedy", {10});
  EXPECT_FALSE(decided(*p, {1}, {2}, {}, {1.5}).option);
  EXPECT_TRUE(decided(*p, {1}, {2}, {}, {2}).option);
}

TEST(PricedPolicy, HoldsTheMostAndSettlesTheActualCost) {
  auto p = policy("greedy", {10});
  const Decision d = decided(*p, {1}, {2}, {5});
  EXPECT_THAT(p->remaining(), ElementsAre(5));
  EXPECT_TRUE(p->observe(d.id, {.costs = std::vector{3.0}}));
  EXPECT_THAT(p->remaining(), ElementsAre(7));
  const auto twice = p->observe(d.id, {.costs = std::vector{3.0}});
  EXPECT_EQ(twice.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(p->observe(99, {}).error().message, HasSubstr("was never made"));
  EXPECT_THAT(p->remaining(), ElementsAre(7));
}

TEST(PricedPolicy, GivesBackWhatSomebodyElseRefused) {
  auto p = policy("dual-mirror-descent:mirror=euclidean,reward_scale=1,cost_scale=[1]", {10}, 100);
  const Decision d = decided(*p, {1}, {1});
  const double price = p->prices()[0];
  EXPECT_TRUE(p->observe(d.id, {.refused = true}));
  EXPECT_THAT(p->remaining(), ElementsAre(10));
  EXPECT_EQ(p->prices()[0], price);  // step 4: it was wanted
}

// With linear steps away from zero the estimate and its correction add up to a step at the real cost.
TEST(PricedPolicy, CorrectsItsPricesByTheDifference) {
  const std::string words = "dual-mirror-descent:mirror=euclidean,reward_scale=1,cost_scale=[1],initial_prices=[0.5]";
  auto guessed = policy(words, {10}, 100), known = policy(words, {10}, 100);
  const Decision a = decided(*guessed, {1}, {.2}, {1}), b = decided(*known, {1}, {.7});
  EXPECT_TRUE(guessed->observe(a.id, {.costs = std::vector{.7}}) && known->observe(b.id, {}));
  EXPECT_NEAR(guessed->prices()[0], known->prices()[0], 1e-15);
  EXPECT_DOUBLE_EQ(guessed->remaining()[0], known->remaining()[0]);
}

TEST(PricedPolicy, CountsForgottenDecisionsAtTheirHold) {
  auto p = policy("greedy:max_open=2", {100});
  const Decision first = decided(*p, {1}, {1}, {3});
  (void)decided(*p, {1}, {1}, {3});
  (void)decided(*p, {1}, {1}, {3});  // takes the place of the first
  EXPECT_THAT(p->observe(first.id, {.costs = std::vector{1.0}}).error().message, HasSubstr("is not open"));
  EXPECT_THAT(p->remaining(), ElementsAre(91));
}

TEST(PricedPolicy, BidsWithinWhatRemains) {
  auto p = policy("static-prices:prices=[0.25]", {2});
  const Decision d = decided(*p, {1}, {});
  EXPECT_DOUBLE_EQ(d.bid, .8);
  EXPECT_TRUE(p->observe(d.id, {.costs = std::vector{.6}}));
  EXPECT_DOUBLE_EQ(p->remaining()[0], 1.4);
  EXPECT_DOUBLE_EQ(decided(*p, {10}, {}).bid, 1.4);
  auto values = policy("static-prices:prices=[0.25],goal=value", {20});
  EXPECT_DOUBLE_EQ(decided(*values, {1}, {}).bid, 4);
}

TEST(PricedPolicy, LearnsThePriceOfAnAuctionWhenItIsObserved) {
  auto p = policy("dual-mirror-descent:mirror=euclidean,reward_scale=1,cost_scale=[1]", {10}, 100);
  const Decision won = decided(*p, {1}, {});
  EXPECT_EQ(p->prices()[0], 0);
  EXPECT_TRUE(p->observe(won.id, {.costs = std::vector{.6}}));
  EXPECT_NEAR(p->prices()[0], .1 * (.6 - .1), 1e-15);
}

// Step 4 of the sheet: the price would collapse exactly when the budget is gone.
TEST(PricedPolicy, LearnsWhatABidWithoutBudgetWouldHavePaid) {
  auto p = policy("dual-mirror-descent:mirror=euclidean,reward_scale=1,cost_scale=[1]", {1}, 100);
  EXPECT_TRUE(p->observe(decided(*p, {1}, {}).id, {.costs = std::vector{1.0}}));
  const double before = p->prices()[0];
  const Decision broke = decided(*p, {1}, {});
  EXPECT_FALSE(broke.option);
  EXPECT_EQ(broke.bid, 0);
  EXPECT_DOUBLE_EQ(broke.wanted_bid, 1 / (1 + before));
  EXPECT_TRUE(p->observe(broke.id, {.costs = std::vector{.5}, .refused = true}));
  EXPECT_NEAR(p->prices()[0], before + .1 * (.5 - .01), 1e-15);
  EXPECT_THAT(p->remaining(), ElementsAre(0));
}

TEST(PricedPolicy, NamesBadInputAndStaysAsItWas) {
  auto p = policy("dual-mirror-descent", {10, 10}, 100);
  const std::string before = to_json(p->save());
  const auto refused = [&](std::vector<double> rewards, std::vector<double> costs) {
    auto d = p->decide({.rewards = rewards, .costs = costs});
    return d ? "" : d.error().message;
  };
  EXPECT_THAT(refused({}, {}), HasSubstr("rewards: has 0 options"));
  EXPECT_THAT(refused({1}, {1}), HasSubstr("1 options of 2 resources need 2"));
  EXPECT_THAT(refused({1, -1}, {1, 1, 1, 1}), HasSubstr("reward of option 1: must be finite and at least 0, is -1"));
  EXPECT_THAT(refused({1}, {1, NAN}), HasSubstr("cost of option 0, resource 1"));
  EXPECT_THAT(refused({INFINITY}, {1, 1}), HasSubstr("reward of option 0"));
  EXPECT_EQ(to_json(p->save()), before);
}

TEST(PricedPolicy, FlagsRequestsPastTheHorizon) {
  auto p = policy("dual-mirror-descent", {10}, 2);
  EXPECT_FALSE(decided(*p, {1}, {1}).past_horizon);
  EXPECT_FALSE(decided(*p, {1}, {1}).past_horizon);
  EXPECT_TRUE(decided(*p, {1}, {1}).past_horizon);
}

TEST(DecideWith, AsksTheOracleAtThePrices) {
  PricedPolicy p({.name = "greedy", .setup = {.budget = {3}}}, std::make_unique<FixedPrices>(std::vector{.5}));
  struct Best {
    std::string action;
    double reward;
    std::vector<double> cost;
  };
  const auto oracle = [](std::span<const double> mu) { return Best{"serve at " + std::to_string(mu[0]), 1, {2}}; };
  auto taken = decide_with(p, oracle);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->action, "serve at 0.500000");
  EXPECT_TRUE(taken->decision.option);
  EXPECT_FALSE(decide_with(p, oracle)->decision.option);  // one unit is left
}

const std::vector<std::string> kAll{"dual-mirror-descent",
                                    "dual-mirror-descent:mirror=euclidean,pace=receding",
                                    "dual-mirror-descent:mirror=weighted,pace=doubling,first_epoch=16",
                                    "dual-mirror-descent:period_s=60,clip=false",
                                    "lp-prices:first=20,sample=40",
                                    "static-prices:prices=[0.1;0.2;0.3]",
                                    "greedy:next_best=true,max_open=8"};

// Streams with wrong estimates, late, missing and doubled outcomes: real costs stay within the holds, and no budget is
// exceeded in any coordinate.
RC_GTEST_PROP(PricedPolicy, NeverOverspends, (std::uint64_t seed)) {
  RandomStream random(seed);
  const std::vector<double> budget{5, 7, 9};
  auto p = policy(kAll[random.uniform_int(std::uint64_t{kAll.size()})], budget, 200);
  std::vector<double> spent(3, 0.0);
  std::vector<std::pair<DecisionId, std::vector<double>>> late;
  for (int t = 0; t < 300; ++t) {
    const std::size_t k = 1 + random.uniform_int(std::uint64_t{3});
    std::vector<double> rewards(k), costs(3 * k), holds(3 * k);
    for (double& f : rewards) f = random.uniform01();
    for (std::size_t i = 0; i < costs.size(); ++i)
      costs[i] = random.uniform01(), holds[i] = costs[i] * random.uniform(1, 2);
    auto d = p->decide({.rewards = rewards, .costs = costs, .holds = holds, .time_s = t * .3});
    RC_ASSERT(d.has_value());
    for (const double r : p->remaining()) RC_ASSERT(r >= 0);
    if (!d->option) continue;
    std::vector<double> actual(3);
    for (std::size_t j = 0; j < 3; ++j) {
      actual[j] = holds[*d->option * 3 + j] * random.uniform01();
      spent[j] += actual[j];  // it happens whether or not anybody says so
    }
    if (!random.bernoulli(.1)) late.emplace_back(d->id, actual);
    while (!late.empty() && random.bernoulli(.7)) {
      const std::size_t n = random.uniform_int(std::uint64_t{late.size()});
      (void)p->observe(late[n].first, {.costs = late[n].second});
      RC_ASSERT(!p->observe(late[n].first, {.costs = late[n].second}).has_value());
      late.erase(late.begin() + static_cast<std::ptrdiff_t>(n));
    }
  }
  for (std::size_t j = 0; j < 3; ++j) RC_ASSERT(spent[j] <= budget[j] * (1 + 1e-12));
}

// Saved and restored at any point, through text, every policy goes on as if nothing had happened, to the last bit.
TEST(PricedPolicy, GoesOnFromItsSavedState) {
  for (const std::string& words : kAll) {
    RandomStream random(7);
    auto p = policy(words, {20, 30, 40}, 200);
    for (int t = 0; t < 250; ++t) {
      std::vector<double> rewards(2), costs(6), actual(3);
      for (double& f : rewards) f = random.uniform01();
      for (double& b : costs) b = random.uniform01();
      for (double& b : actual) b = random.uniform01() * .1;
      const std::string text = to_json(p->save());
      auto copy = restore_policy(policies(), *parse_json(text));
      ASSERT_TRUE(copy) << words << ": " << copy.error().message;
      ASSERT_EQ(to_json((*copy)->save()), text) << words;
      const Request request{.rewards = rewards, .costs = costs, .time_s = t * .3};
      const auto a = p->decide(request), b = (*copy)->decide(request);
      ASSERT_EQ(a->option, b->option);
      if (a->option && t % 3 != 0) {
        (void)p->observe(a->id, {.costs = actual});
        (void)(*copy)->observe(b->id, {.costs = actual});
      }
      ASSERT_EQ(to_json(p->save()), to_json((*copy)->save())) << words << " at " << t;
      if (t % 2 == 0) p = std::move(*copy);
    }
  }
}

TEST(PricedPolicy, RefusesASavedStateThatContradictsItself) {
  auto p = policy("dual-mirror-descent", {10}, 100);
  (void)decided(*p, {1}, {1});
  boost::json::object good = p->save();
  for (const char* key : {"budget", "parameters", "decided", "remaining", "open", "source"}) {
    boost::json::object bad = good;
    bad[key] = "nonsense";
    auto restored = restore_policy(policies(), bad);
    ASSERT_FALSE(restored) << key;
    EXPECT_EQ(restored.error().code, ErrorCode::kCorrupt) << key;
  }
  boost::json::object bad = good;
  bad["decided"] = 0;
  EXPECT_THAT(restore_policy(policies(), bad).error().message, HasSubstr("open decision 0 cannot be"));
}

}  // namespace
}  // namespace bursar::admit
