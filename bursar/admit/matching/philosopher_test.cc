#include "bursar/admit/matching/philosopher.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

#include "bursar/admit/matching/posted_prices.h"

namespace bursar::admit {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

BayesianMatching random_matching(RandomStream& random, std::size_t items, std::size_t periods, std::size_t types) {
  BayesianMatching m{.items = items, .periods = std::vector<Period>(periods)};
  for (Period& period : m.periods) {
    period.types.resize(1 + random.uniform_int(types));
    for (BuyerType& type : period.types) {
      type.probability = random.uniform01() / static_cast<double>(period.types.size());
      for (std::size_t i = 0; i < items; ++i) type.value.push_back(random.bernoulli(.2) ? 0 : random.uniform01());
    }
  }
  return m;
}

std::optional<std::size_t> draw_type(const Period& period, double u) {
  for (std::size_t j = 0; j < period.types.size(); ++j) {
    u -= period.types[j].probability;
    if (u < 0) return j;
  }
  return std::nullopt;
}

TEST(OnlineLpTest, HasPricesThatProveItsValue) {
  RandomStream random(1);
  for (int trial = 0; trial < 60; ++trial) {
    const auto m = random_matching(random, 1 + random.uniform_int(5), 1 + random.uniform_int(8), 3);
    const OnlineLp lp = *solve_online_lp(m);
    // Lagrangian bound: with these prices of items, a buyer's best edge beyond its own share of p (1 - y).
    double dual = 0;
    for (std::size_t t = 0; t < m.periods.size(); ++t) {
      for (std::size_t j = 0; j < m.periods[t].types.size(); ++j) {
        const BuyerType& type = m.periods[t].types[j];
        const double alpha = lp.arrival_price[lp.first[t] + j];
        dual += type.probability * alpha;
        for (std::size_t i = 0; i < m.items; ++i) {
          const double beyond = type.value[i] - alpha - lp.item_price[t * m.items + i];
          dual += type.probability * std::max(0.0, beyond);
        }
      }
    }
    EXPECT_NEAR(dual, lp.objective, 1e-7);
    for (std::size_t t = 1; t < m.periods.size(); ++t) {
      for (std::size_t i = 0; i < m.items; ++i)
        EXPECT_LE(lp.item_price[t * m.items + i], lp.item_price[(t - 1) * m.items + i] + 1e-12);
    }
    EXPECT_NEAR(solution_from(m, lp.x)->objective, lp.objective, 1e-7);
  }
}

TEST(OnlineLpTest, SolvesManyItemsAndPeriodsSparsely) {
  RandomStream random(2);
  BayesianMatching m{.items = 30, .periods = std::vector<Period>(200)};
  for (Period& period : m.periods) {
    period.types.assign(2, {.probability = .4, .value = std::vector<double>(m.items, 0.0)});
    for (BuyerType& type : period.types) {
      for (int k = 0; k < 4; ++k) type.value[random.uniform_int(m.items)] = random.uniform01();
    }
  }
  const auto lp = solve_online_lp(m);
  ASSERT_TRUE(lp) << lp.error().message;
  EXPECT_GT(lp->objective, 15);
  EXPECT_NEAR(solution_from(m, lp->x)->objective, lp->objective, 1e-6);
}

TEST(OnlineLpTest, RefusesWhatIsNoMatching) {
  const auto with = [](double p, double q, std::vector<double> value) {
    return solve_online_lp({.items = 1, .periods = {{.types = {{p, {1}}, {q, std::move(value)}}}}});
  };
  EXPECT_TRUE(with(.5, .5, {1}));
  EXPECT_NE(with(.6, .5, {1}).error().message.find("period 0: the probabilities"), std::string::npos);
  EXPECT_FALSE(with(-.1, .5, {1}));
  EXPECT_FALSE(with(.5, std::nan(""), {1}));
  EXPECT_FALSE(with(.5, .5, {1, 2}));
  EXPECT_FALSE(with(.5, .5, {-1}));
  EXPECT_FALSE(with(.5, .5, {kNever}));
  EXPECT_EQ(solve_online_lp({})->objective, 0);
  const BayesianMatching one{.items = 1, .periods = {{.types = {{.5, {1}}}}, {.types = {{.5, {1}}}}}};
  EXPECT_TRUE(solution_from(one, {.5, .25}));
  EXPECT_FALSE(solution_from(one, {.5, .3})) << "x <= p (1 - y)";
  EXPECT_FALSE(solution_from(one, {.6, 0}));
  EXPECT_FALSE(solution_from(one, {.5}));
}

// Frequencies over many runs: that an item is still free before t, and that a buyer gets it.
struct Frequencies {
  std::vector<double> free, got;  // [periods x items], [pairs x items]
};
Frequencies frequencies(const BayesianMatching& m, const OnlineLp& lp, int runs, PhilosopherOptions options) {
  Frequencies out{std::vector<double>(m.periods.size() * m.items, 0.0), std::vector<double>(lp.x.size(), 0.0)};
  RandomStream arrivals(99);
  for (int k = 0; k < runs; ++k) {
    options.seed = static_cast<std::uint64_t>(k);
    Philosopher matcher = *Philosopher::create(m, lp, options);
    std::vector<bool> used(m.items, false);
    for (std::size_t t = 0; t < m.periods.size(); ++t) {
      for (std::size_t i = 0; i < m.items; ++i) out.free[t * m.items + i] += matcher.free()[i] / double(runs);
      const auto type = draw_type(m.periods[t], arrivals.uniform01());
      if (!type) {
        EXPECT_TRUE(matcher.no_arrival(t));
        continue;
      }
      const auto item = *matcher.arrive(t, *type);
      if (!item) continue;
      EXPECT_FALSE(used[*item]) << "an item is used once";
      used[*item] = true;
      out.got[(lp.first[t] + *type) * m.items + *item] += 1.0 / runs;
    }
  }
  return out;
}

TEST(PhilosopherTest, LeavesItemsFreeExactlyAsOftenAsTheProgramSays) {
  RandomStream random(3);
  for (const std::size_t types : {1, 3}) {
    const auto m = random_matching(random, 4, 6, types);
    const OnlineLp lp = *solve_online_lp(m);
    const auto seen = frequencies(m, lp, 8000, {});
    for (std::size_t at = 0; at < seen.free.size(); ++at) EXPECT_NEAR(seen.free[at], 1 - lp.used[at], .025);
    for (std::size_t at = 0; at < seen.got.size(); ++at) EXPECT_LE(seen.got[at], lp.x[at] + .02);
  }
}

TEST(PhilosopherTest, IndependentProposalsKeepTheMarginalsToo) {
  RandomStream random(4);
  const auto m = random_matching(random, 4, 6, 1);
  const OnlineLp lp = *solve_online_lp(m);
  const auto seen = frequencies(m, lp, 8000, {.proposals = Proposals::kIndependent});
  for (std::size_t at = 0; at < seen.free.size(); ++at) EXPECT_NEAR(seen.free[at], 1 - lp.used[at], .025);
}

TEST(PhilosopherTest, ResumesWhereItStood) {
  RandomStream random(5);
  const auto m = random_matching(random, 6, 30, 2);
  const OnlineLp lp = *solve_online_lp(m);
  Philosopher whole = *Philosopher::create(m, lp, {.seed = 8});
  Philosopher part = *Philosopher::create(m, lp, {.seed = 8});
  for (std::size_t t = 0; t < m.periods.size(); ++t) {
    Philosopher again = *Philosopher::create(m, lp, {.seed = 8});
    ASSERT_TRUE(again.resume(part.next_period(), part.free()));
    part = std::move(again);
    if (t % 3 == 0) {
      EXPECT_TRUE(whole.no_arrival(t));
      EXPECT_TRUE(part.no_arrival(t));
    } else {
      EXPECT_EQ(*whole.arrive(t, 0), *part.arrive(t, 0));
    }
    EXPECT_EQ(whole.free(), part.free());
  }
  EXPECT_FALSE(part.resume(31, part.free()));
  EXPECT_FALSE(part.resume(0, {1}));
}

TEST(PhilosopherTest, PlaysPeriodsInTurn) {
  const BayesianMatching m{.items = 1, .periods = {{.types = {{.5, {1}}}}, {.types = {{.5, {1}}}}}};
  const OnlineLp lp = *solve_online_lp(m);
  Philosopher matcher = *Philosopher::create(m, lp);
  EXPECT_EQ(matcher.arrive(1, 0).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(matcher.arrive(0, 1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(matcher.no_arrival(0));
  EXPECT_FALSE(matcher.no_arrival(0));
  EXPECT_TRUE(matcher.arrive(1, 0));
  EXPECT_FALSE(matcher.arrive(2, 0));
  EXPECT_FALSE(Philosopher::create({.items = 2, .periods = {}}, lp));
}

TEST(PostedPricesTest, FromFuturesAreNearTheTable) {
  RandomStream random(6);
  for (const std::size_t types : {1, 2}) {
    const auto m = random_matching(random, 4, 8, types);
    const OnlineLp lp = *solve_online_lp(m);
    const PostedPrices table = *PostedPrices::create(m, lp);
    const PostedPrices futures = *PostedPrices::create(m, lp, {.exact_items = 0, .futures = 4000});
    EXPECT_TRUE(table.exact());
    EXPECT_FALSE(futures.exact());
    for (const std::vector<std::uint8_t>& unsold : {std::vector<std::uint8_t>{1, 1, 1, 1}, {1, 0, 1, 0}}) {
      for (const std::size_t t : {0, 4, 7}) {
        EXPECT_NEAR(*table.value(t, unsold), *futures.value(t, unsold), .04);
        const auto exact = *table.prices(t, unsold), near = *futures.prices(t, unsold);
        for (std::size_t i = 0; i < 4; ++i) {
          if (unsold[i] == 0) {
            EXPECT_EQ(exact[i], kNever);
            EXPECT_EQ(near[i], kNever);
          } else {
            EXPECT_NEAR(exact[i], near[i], .03);
          }
        }
      }
    }
    EXPECT_EQ(table.prices(7, std::vector<std::uint8_t>(4, 1))->at(0), 0) << "nothing is worth keeping at the end";
  }
}

TEST(PostedPricesTest, AskOfTheFirstBuyerWhatTheSecondWouldPay) {
  // One item; a second buyer comes half the time and pays 3: the first must value it above 1.5.
  const BayesianMatching m{.items = 1, .periods = {{.types = {{1, {1}}}}, {.types = {{.5, {3}}}}}};
  const PostedPrices prices = *PostedPrices::create(m, *solve_online_lp(m));
  const auto tags = *prices.prices(0, std::vector<std::uint8_t>{1});
  EXPECT_NEAR(tags[0], 1.5, 1e-9);
  EXPECT_FALSE(best_purchase(tags, std::vector{1.0}));
  EXPECT_EQ(best_purchase(tags, std::vector{1.6}), 0U);
  EXPECT_EQ(best_purchase(std::vector{.5, .5, kNever}, std::vector{.6, .6, 9.0}), 0U);
}

TEST(PostedPricesTest, RefuseStatesThatAreNotThere) {
  const BayesianMatching m{.items = 2, .periods = {{.types = {{1, {1, 1}}}}}};
  const PostedPrices prices = *PostedPrices::create(m, *solve_online_lp(m));
  EXPECT_FALSE(prices.prices(1, std::vector<std::uint8_t>{1, 1}));
  EXPECT_FALSE(prices.prices(0, std::vector<std::uint8_t>{1}));
  EXPECT_FALSE(PostedPrices::create(m, *solve_online_lp(m), {.futures = 0}));
}

}  // namespace
}  // namespace bursar::admit
