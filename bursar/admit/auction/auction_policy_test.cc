#include "bursar/admit/auction/auction_policy.h"

#include <boost/json/array.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/admit/auction/bid_replay.h"
#include "bursar/admit/auction/bid_table.h"
#include "bursar/admit/auction/bidder.h"
#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::admit {
namespace {

using testing::HasSubstr;

std::vector<Auction> draw_auctions(RandomStream random, int n) {
  std::vector<Auction> auctions;
  for (int i = 0; i < n; ++i) {
    auctions.push_back({.price = static_cast<int>(random.uniform_int(0, 30)), .theta = random.uniform01() * .1});
  }
  return auctions;
}

// What each entry of the table needs, taken from a training log where it can be.
boost::json::object parameters_for(std::string_view name) {
  CampaignFacts facts = *CampaignFacts::of(draw_auctions(RandomStream(9), 3000), 30);
  facts.clicks = 150;
  const boost::json::object known = campaign_parameters(facts);
  boost::json::object parameters{{"episode", 50}, {"episode_budget", 120}};
  for (const PolicyParameter& p : find_policy(auction_policies(), name)->parameters) {
    if (p.name != "thetas" && known.contains(p.name)) parameters[p.name] = known.at(p.name);
  }
  if (name == "lin") parameters["b0"] = 12;
  if (name == "lin" || name == "mcpc" || name == "dmd") parameters["highest_price"] = 30;
  return parameters;
}

std::unique_ptr<Policy> make(std::string_view name, double budget = 720, std::uint64_t horizon = 300,
                             boost::json::object more = {}) {
  boost::json::object parameters = parameters_for(name);
  for (const auto& [key, value] : more) parameters[key] = value;
  auto policy = make_policy(*find_policy(auction_policies(), name),
                            {.budget = {budget}, .horizon = horizon, .parameters = parameters});
  EXPECT_TRUE(policy) << name << ": " << policy.error().message;
  return *std::move(policy);
}

struct Gains {
  std::uint64_t wins = 0;
  double spend = 0, theta = 0;
};

Gains play(Policy& policy, std::span<const Auction> auctions) {
  Gains run;
  for (const Auction& auction : auctions) {
    const auto decision = policy.decide({.rewards = {&auction.theta, 1}});
    EXPECT_TRUE(decision) << decision.error().message;
    const bool won = decision->bid >= auction.price;
    const double cost = auction.price;
    EXPECT_TRUE(policy.observe(decision->id, {.costs = std::span(&cost, won ? 1 : 0)}));
    if (won) ++run.wins, run.spend += cost, run.theta += auction.theta;
  }
  return run;
}

constexpr std::array kAuctionNames{"rlb", "ssmdp", "lin", "mcpc", "dmd"};

TEST(AuctionPolicy, PlaysWhatItsRulePlays) {
  const auto auctions = draw_auctions(RandomStream(1), 300);
  const auto facts = *CampaignFacts::of(draw_auctions(RandomStream(9), 3000), 30);
  auto table = BidTable::solve(*PriceModel::from_histogram(facts.price_counts), *ThetaModel::average(150. / 3000),
                               {.horizon = 50, .budget = 120});
  Bidder bidder(std::make_shared<const BidTable>(*std::move(table)), Scale::kExact);
  const auto score = replay_bids(bidder, {50, 120}, auctions);
  const auto policy = make("rlb");
  const Gains run = play(*policy, auctions);
  EXPECT_EQ(run.wins, score->wins);
  EXPECT_EQ(run.spend, static_cast<double>(score->spend));
  EXPECT_EQ(policy->remaining()[0], 720 - run.spend);
}

TEST(AuctionPolicy, GoesOnFromItsSavedStateAtAnyPoint) {
  const auto auctions = draw_auctions(RandomStream(2), 220);
  for (const char* name : kAuctionNames) {
    const auto whole = make(name);
    const std::string before = to_json(whole->save());
    (void)play(*whole, auctions);
    const std::string end = to_json(whole->save());
    for (const std::size_t cut : {0U, 1U, 49U, 50U, 51U, 137U}) {
      const auto first = make(name);
      EXPECT_EQ(to_json(first->save()), before);
      (void)play(*first, std::span(auctions).first(cut));
      auto second = restore_policy(auction_policies(), *parse_json(to_json(first->save())));
      ASSERT_TRUE(second) << name << ": " << second.error().message;
      (void)play(**second, std::span(auctions).subspan(cut));
      EXPECT_EQ(to_json((*second)->save()), end) << name << " cut at " << cut;
    }
  }
}

TEST(AuctionPolicy, GoesOnInTheMiddleOfASegmentAndOfOpenBids) {
  const auto auctions = draw_auctions(RandomStream(3), 90);
  const auto first = make("rlb", 720, 300, {{"scale", "seg"}, {"table_auctions", 20}, {"table_budget", 60}});
  std::vector<DecisionId> ids;
  for (const Auction& auction : auctions) ids.push_back(first->decide({.rewards = {&auction.theta, 1}})->id);
  for (std::size_t i = 0; i < 80; i += 2) ASSERT_TRUE(first->observe(ids[i], {}));
  auto second = restore_policy(auction_policies(), *parse_json(to_json(first->save())));
  ASSERT_TRUE(second) << second.error().message;
  for (std::size_t i = 1; i < 90; i += 2) {
    EXPECT_EQ(first->observe(ids[i], {}).has_value(), (*second)->observe(ids[i], {}).has_value());
  }
  (void)play(*first, auctions);
  (void)play(**second, auctions);
  EXPECT_EQ(to_json(first->save()), to_json((*second)->save()));
}

RC_GTEST_PROP(AuctionPolicy, NeverSpendsMoreThanItsBudgetHoweverLateOutcomesCome, ()) {
  RandomStream random(*rc::gen::arbitrary<std::uint64_t>());
  const char* name = kAuctionNames[random.uniform_int(kAuctionNames.size())];
  const double budget = static_cast<double>(random.uniform_int(1, 700)) + .5;
  const auto policy = make(name, budget, 300);
  double spent = 0;
  struct Waiting {
    DecisionId id;
    double bid;
    int price;
  };
  std::vector<Waiting> waiting;
  for (const Auction& auction : draw_auctions(random.split("auctions"), 200)) {
    const double purse = random.uniform(0, 40);
    const bool has_purse = random.bernoulli(.3);
    const auto decision =
        policy->decide({.rewards = {&auction.theta, 1}, .purse = std::span(&purse, has_purse ? 1 : 0)});
    RC_ASSERT(decision.has_value());
    RC_ASSERT(decision->bid >= 0 && (!has_purse || decision->bid <= purse));
    waiting.push_back({decision->id, decision->bid, auction.price});
    while (!waiting.empty() && random.bernoulli(.6)) {
      const std::size_t at = random.uniform_int(waiting.size());
      const auto [id, bid, price] = waiting[at];
      const bool won = bid >= price && !random.bernoulli(.1);
      const double cost = price;
      RC_ASSERT(policy->observe(id, {.costs = std::span(&cost, won ? 1 : 0)}).has_value());
      if (won) spent += cost;
      waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(at));
    }
    RC_ASSERT(policy->remaining()[0] >= 0);
  }
  for (const Waiting& one : waiting) RC_ASSERT(policy->observe(one.id, {}).has_value());
  RC_ASSERT(policy->remaining()[0] == budget - spent);
}

TEST(AuctionPolicy, RefusesWhatIsNoAuctionAndLeavesItsStateAlone) {
  const auto policy = make("rlb");
  const std::string before = to_json(policy->save());
  const std::array one{.5}, large{1.5};
  const std::array two{.5, .6};
  EXPECT_THAT(policy->decide({.rewards = two}).error().message, HasSubstr("2 rewards"));
  EXPECT_THAT(policy->decide({.rewards = one, .costs = one}).error().message, HasSubstr("no costs"));
  EXPECT_THAT(policy->decide({.rewards = large}).error().message, HasSubstr("reward is 1.5"));
  EXPECT_EQ(policy->observe(0, {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(to_json(policy->save()), before);
  const auto decision = policy->decide({.rewards = one});
  const std::array negative{-1.0};
  EXPECT_THAT(policy->observe(decision->id, {.costs = negative}).error().message, HasSubstr("at least 0"));
  ASSERT_TRUE(policy->observe(decision->id, {.costs = one, .refused = true}));
  EXPECT_EQ(policy->remaining()[0], 720) << "somebody else's budget was short: nothing was used";
  EXPECT_EQ(policy->observe(decision->id, {}).error().code, ErrorCode::kNotFound);
}

TEST(AuctionPolicy, SaysWhichParameterIsMissingOrWrong) {
  const auto message = [](std::string_view name, boost::json::object parameters, std::uint64_t horizon = 300) {
    const auto policy = make_policy(*find_policy(auction_policies(), name),
                                    {.budget = {720}, .horizon = horizon, .parameters = std::move(parameters)});
    return policy ? "made" : policy.error().message;
  };
  EXPECT_THAT(message("rlb", {}), HasSubstr("price_counts"));
  auto lin = parameters_for("lin");
  lin["theta_avg"] = 0;
  EXPECT_THAT(message("lin", lin), HasSubstr("theta_avg is 0"));
  auto rlb = parameters_for("rlb");
  rlb["episode"] = 0;
  EXPECT_THAT(message("rlb", rlb, 0), HasSubstr("in how many auctions"));
  rlb = parameters_for("rlb");
  rlb["price_counts"] = boost::json::array{.5};
  EXPECT_THAT(message("rlb", rlb), HasSubstr("whole numbers"));
  rlb = parameters_for("rlb");
  rlb["episode_budget"] = 1'000'000'000;
  EXPECT_THAT(message("rlb", rlb), HasSubstr("value net"));
}

TEST(AuctionPolicy, RefusesStateThatContradictsItself) {
  const auto policy = make("dmd");
  (void)play(*policy, draw_auctions(RandomStream(3), 60));
  const double theta = .05;
  (void)policy->decide({.rewards = {&theta, 1}});
  const auto saved = policy->save();
  for (const char* key : {"budget", "horizon", "parameters", "decided", "remaining", "episode_budget", "auctions_left",
                          "budget_left", "carried", "pending", "open"}) {
    auto bad = saved;
    bad[key] = "no";
    const auto restored = restore_policy(auction_policies(), bad);
    ASSERT_FALSE(restored) << key;
    EXPECT_EQ(restored.error().code, ErrorCode::kCorrupt) << key;
  }
  auto bad = saved;
  bad["budget_left"] = 100'000;
  EXPECT_EQ(restore_policy(auction_policies(), bad).error().code, ErrorCode::kCorrupt);
}

TEST(ValueTable, PricesOptionsAtTheMarginalValueOfMoney) {
  const auto policy = make("value-table", 120, 50);
  const auto facts = *CampaignFacts::of(draw_auctions(RandomStream(9), 3000), 30);
  const auto table = BidTable::solve(*PriceModel::from_histogram(facts.price_counts), *ThetaModel::average(150. / 3000),
                                     {.horizon = 50, .budget = 120});
  EXPECT_EQ(policy->prices()[0], table->marginal(49, 119));
  // The dearer option is better by less than its further money is worth.
  const double mu = table->marginal(49, 119);
  const std::array rewards{4 * mu, 4 * mu + 8 * mu}, costs{2., 12.};
  EXPECT_EQ(*policy->decide({.rewards = rewards, .costs = costs})->option, 0U);
  const std::array better{4 * mu, 4 * mu + 12 * mu};
  EXPECT_EQ(*policy->decide({.rewards = better, .costs = costs})->option, 1U);
  EXPECT_NEAR(policy->remaining()[0], 106, 0);
  auto back = restore_policy(auction_policies(), policy->save());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json((*back)->save()), to_json(policy->save()));
}

}  // namespace
}  // namespace bursar::admit
