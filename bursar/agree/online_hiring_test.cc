#include "bursar/agree/online_hiring.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/agree/hiring_simulation.h"
#include "bursar/agree/sample_games.h"
#include "bursar/core/json.h"

namespace bursar::agree {
namespace {

using testing::HasSubstr;

const StrictRule kOnAMatch{.pay = {{0, 0, 0, 0}, {.5, 0, 0, .5}}};

OnlineSpec coin_spec(std::uint64_t horizon, std::uint64_t seed = 1) {
  return {.efforts = {2, 2},
          .signals = {2, 2},
          .states = 2,
          .utility = {1, 0, 0, 1},
          .pay_cap = 1,
          .rules = {kOnAMatch, kOnAMatch},
          .horizon = horizon,
          .seed = seed};
}

TEST(OnlineHiring, LearnsCostsAndCommitsNearTheOptimum) {
  const HiringGame game = coin_game(2, .05, 1);
  double regret = 0;
  int obeyed = 0;
  constexpr int kSeeds = 8;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto run =
        simulate_hiring(game, .594737, *OnlineHiring::make(coin_spec(1'000'000, seed)), RandomStream(seed));
    ASSERT_TRUE(run) << run.error().message;
    ASSERT_EQ(run->phase, HiringPhase::kCommit);
    EXPECT_EQ(run->explored, 4 * 2500 + 2 * 10 * 553U);
    for (const auto& costs : run->costs) EXPECT_NEAR(costs[1], .05, .01);
    regret += run->regret / kSeeds;
    obeyed += run->obeyed ? 1 : 0;
  }
  EXPECT_LT(regret, 69'700.0 / 2) << "half of what the best uncorrelated mechanism loses";
  EXPECT_GE(obeyed, 6);
}

TEST(OnlineHiring, SpendsItsRoundsAsPlanned) {
  auto online = OnlineHiring::make(coin_spec(10'000)).value();
  EXPECT_EQ(online.exploration_rounds(), 4 * 117 + 2 * 7 * 369U);
  EXPECT_EQ(online.next().phase, HiringPhase::kExplore);
  EXPECT_THAT(online.next().efforts, testing::ElementsAre(0, 0));
  const std::vector<std::size_t> reports{0, 1};
  for (int k = 0; k < 117; ++k) ASSERT_TRUE(online.observe(reports, 0));
  EXPECT_THAT(online.next().efforts, testing::ElementsAre(0, 1));
  EXPECT_EQ(online.next().pay[1][0], .5);
  EXPECT_EQ(online.pay(1, std::vector<std::size_t>{0, 1}, 1), .5);
  EXPECT_EQ(online.pay(1, std::vector<std::size_t>{0, 1}, 0), 0);
}

// Plays by its own draws, and saves and loads wherever `at` says.
std::string play(std::uint64_t rounds, std::uint64_t every) {
  const HiringGame game = coin_game(2, .05, 1);
  const HiringShape shape = shape_of(game).value();
  auto online = OnlineHiring::make(coin_spec(10'000)).value();
  RandomStream random(5);
  std::string seen;
  for (std::uint64_t k = 0; k < rounds; ++k) {
    if (every > 0 && k % every == every - 1) {
      const std::string text = online.save();
      auto again = OnlineHiring::load(text);
      if (!again) return again.error().message;
      if (again->save() != text) return "saved twice, and differently";
      online = std::move(*again);
    }
    const Offer& offer = online.next();
    const std::size_t theta = random.uniform_int(std::uint64_t{2}), x = random.bernoulli(.7) ? theta : 1 - theta;
    std::vector<std::size_t> reports;
    for (std::size_t i = 0; i < 2; ++i) {
      const bool works = online.mechanism() != nullptr ? offer.efforts[i] == 1 : offer.pay[i][0] > .25;
      const std::size_t coin = random.uniform_int(std::uint64_t{2});
      reports.push_back(works ? x : coin);
    }
    seen += std::to_string(offer.efforts[0]) + std::to_string(offer.efforts[1]) + std::to_string(online.act(reports)) +
            std::to_string(online.pay(0, reports, theta)) + ";";
    if (!online.observe(reports, theta)) seen += "stuck";
  }
  return seen + online.save();
}

TEST(OnlineHiring, SavedAndLoadedAnywhereGoesOnExactly) {
  const std::string whole = play(7'000, 0);
  EXPECT_THAT(whole, HasSubstr("\"phase\":\"commit\""));
  EXPECT_EQ(play(7'000, 97), whole);
  EXPECT_EQ(play(7'000, 1'111), whole);
}

TEST(OnlineHiring, DrawsProfilesAsOftenAsTheMechanismSays) {
  auto online = OnlineHiring::make(coin_spec(100'000)).value();
  const HiringGame game = coin_game(2, .05, 1);
  RandomStream random(8);
  while (online.mechanism() == nullptr) {
    const std::size_t theta = random.uniform_int(std::uint64_t{2}), x = random.bernoulli(.7) ? theta : 1 - theta;
    std::vector<std::size_t> reports;
    for (const auto& pay : online.next().pay) {
      const std::size_t coin = random.uniform_int(std::uint64_t{2});
      reports.push_back(pay[0] > .25 ? x : coin);
    }
    ASSERT_TRUE(online.observe(reports, theta));
  }
  std::vector<double> drawn(4);
  const std::vector<std::size_t> reports{0, 0};
  for (int k = 0; k < 4000; ++k) {
    drawn[2 * online.next().efforts[0] + online.next().efforts[1]] += 1.0 / 4000;
    ASSERT_TRUE(online.observe(reports, 0));
  }
  for (std::size_t b = 0; b < 4; ++b) EXPECT_NEAR(drawn[b], online.mechanism()->mu[b], .03);
}

TEST(OnlineHiring, DoesNotCommitWhereSignalsTellNothing) {
  const HiringGame blind = coin_game(2, .05, 1, .5);  // work shows a coin that has nothing to do with theta
  const auto run = simulate_hiring(blind, .5, *OnlineHiring::make(coin_spec(100'000)), RandomStream(1));
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->phase, HiringPhase::kStuck);
  auto online = OnlineHiring::make(coin_spec(100'000)).value();
  RandomStream random(3);
  Result<void> ok;
  while (ok) {
    const std::vector<std::size_t> reports{random.uniform_int(std::uint64_t{2}), random.uniform_int(std::uint64_t{2})};
    ok = online.observe(reports, random.uniform_int(std::uint64_t{2}));
  }
  EXPECT_EQ(ok.error().code, ErrorCode::kInfeasible);
  EXPECT_THAT(ok.error().message, HasSubstr("unidentifiable: efforts 0 and 1 of agent 0"));
  const std::vector<std::size_t> any{0, 0};
  EXPECT_FALSE(online.observe(any, 0)) << "it says so for ever";
  EXPECT_EQ(online.mechanism(), nullptr);
  EXPECT_EQ(OnlineHiring::load(online.save())->save(), online.save());
}

TEST(OnlineHiring, FollowsTheSegmentPastAThirdEffort) {
  // One agent: idle, look, look twice. Match chances .5, .7, .9; costs 0, .04, .12.
  HiringGame game{
      .agents = {{.costs = {0, .04, .12}, .signals = 2}}, .prior = {.5, .5}, .utility = {1, 0, 0, 1}, .pay_cap = 1};
  for (const double match : {.5, .7, .9}) {
    for (const std::size_t cell : {0U, 1U, 2U, 3U}) game.joint.push_back(.5 * (cell % 3 == 0 ? match : 1 - match));
  }
  // On a match 0, .3 or .6: more effort is worth .2 of that, so .3 pays for one look and .6 for two.
  const StrictRule rule{.pay = {{0, 0, 0, 0}, {.3, 0, 0, .3}, {.6, 0, 0, .6}}};
  const auto online = OnlineHiring::make({.efforts = {3},
                                          .signals = {2},
                                          .states = 2,
                                          .utility = {1, 0, 0, 1},
                                          .pay_cap = 1,
                                          .rules = {rule},
                                          .horizon = 1'000'000,
                                          .seed = 1});
  ASSERT_TRUE(online) << online.error().message;
  const double optimum = optimal_mechanism(game)->value;
  int obeyed = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const auto run = simulate_hiring(game, optimum, *online, RandomStream(seed));
    ASSERT_TRUE(run) << run.error().message;
    ASSERT_EQ(run->phase, HiringPhase::kCommit);
    EXPECT_NEAR(run->costs[0][1], .04, .01);
    EXPECT_NEAR(run->costs[0][2], .12, .02);
    obeyed += run->obeyed && run->commit_value > optimum - .05 ? 1 : 0;
  }
  EXPECT_GE(obeyed, 5);
}

TEST(OnlineHiring, MixedWithStrictRulesObeysAndPaysForIt) {
  const HiringGame game = coin_game(2, .05, 1);
  OnlineSpec spec = coin_spec(1'000'000);
  spec.options = {.kappa = 1, .robustness = Robustness::kMix, .strict_margin = .05};
  const auto run = simulate_hiring(game, .594737, *OnlineHiring::make(spec), RandomStream(1));
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_TRUE(run->obeyed);
  EXPECT_LT(run->commit_value, .45) << "at a million rounds the mixture is nothing but the strict rules";
}

TEST(OnlineHiring, RefusesWhatCannotBe) {
  const auto wrong = [](auto change) {
    OnlineSpec spec = coin_spec(1'000'000);
    change(spec);
    return OnlineHiring::make(spec).error().message;
  };
  EXPECT_THAT(wrong([](OnlineSpec& s) { s.horizon = 50; }), HasSubstr("the horizon is 50"));
  EXPECT_THAT(wrong([](OnlineSpec& s) { s.horizon = 2000; }), HasSubstr("exploring takes about"));
  EXPECT_THAT(wrong([](OnlineSpec& s) { s.rules.pop_back(); }), HasSubstr("2 agents and strict rules for 1"));
  EXPECT_THAT(wrong([](OnlineSpec& s) { s.rules[1].pay[1][0] = 2; }), HasSubstr("strict rules of agent 1 pay 2"));
  EXPECT_THAT(wrong([](OnlineSpec& s) { s.pay_cap = NAN; }), HasSubstr("pay_cap is nan"));
  EXPECT_THAT(wrong([](OnlineSpec& s) { s.options.kappa = -1; }), HasSubstr("kappa is -1"));
  EXPECT_THAT(wrong([](OnlineSpec& s) { s.options.robustness = Robustness::kMix; }), HasSubstr("strict_margin is 0"));
  EXPECT_THAT(wrong([](OnlineSpec& s) { s.efforts.clear(); }), HasSubstr("0 agents"));
  auto online = OnlineHiring::make(coin_spec(1'000'000)).value();
  EXPECT_THAT(online.observe(std::vector<std::size_t>{0, 2}, 0).error().message, HasSubstr("agent 1 reports signal 2"));
  EXPECT_THAT(online.observe(std::vector<std::size_t>{0, 0}, 2).error().message, HasSubstr("state 2"));
  EXPECT_EQ(online.round(), 0U);
}

TEST(OnlineHiring, LoadNamesThePlaceOfWhatIsWrong) {
  const std::string good = OnlineHiring::make(coin_spec(10'000))->save();
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return OnlineHiring::load(text).error().message;
  };
  EXPECT_THAT(with("bursar-hiring/1", "other"), HasSubstr("the format is not"));
  EXPECT_THAT(with("\"phase\":\"explore\"", "\"phase\":\"sleep\""), HasSubstr("no such phase"));
  EXPECT_THAT(with("\"phase\":\"explore\"", "\"phase\":\"compare\""), HasSubstr("$"));
  EXPECT_THAT(with("\"phase\":\"explore\"", "\"phase\":\"commit\""), HasSubstr("$.pay"));
  EXPECT_THAT(with("\"in_part\":0", "\"in_part\":500"), HasSubstr("in_part"));
  EXPECT_THAT(with("\"round\":0", "\"round\":-1"), HasSubstr("$.round"));
  EXPECT_THAT(with("\"horizon\":10000", "\"horizon\":10"), HasSubstr("$.spec"));
  EXPECT_THAT(OnlineHiring::load("").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace bursar::agree
