#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include "bursar/agree/hiring_mechanism.h"
#include "bursar/agree/sample_games.h"
#include "bursar/allocate/linear_program.h"

namespace bursar::agree {
namespace {

using testing::HasSubstr;

// Usually one works; with chance q both, paid only if both work and agree.
double closed_form(double pay_cap) { return .6 - .1 * .05 / (pay_cap - .05); }

TEST(Hiring, EqualsTheClosedFormOfTheSharedCoin) {
  for (const double cap : {.25, .5, 1.0, 5.0, 50.0}) {
    const HiringGame game = coin_game(2, .05, cap);
    const auto best = optimal_mechanism(game);
    ASSERT_TRUE(best) << best.error().message;
    EXPECT_NEAR(best->value, closed_form(cap), 1e-7);
    EXPECT_LE(max_deviation_gain(game, *best), 1e-7);
    EXPECT_NEAR(best_uncorrelated(game)->value, .525, 1e-9);
  }
  EXPECT_NEAR(first_best(coin_game(2, .05, 1))->value, .65, 1e-12);
  const double q = .05 / .95;
  const auto mu = optimal_mechanism(coin_game(2, .05, 1))->mu;
  EXPECT_THAT(mu, testing::Pointwise(testing::DoubleNear(1e-6), std::vector{0., (1 - q) / 2, (1 - q) / 2, q}));
}

TEST(Hiring, GainsNothingByCorrelationWhereSignalsAreIndependent) {
  const HiringGame game = coin_game(2, .05, 5, 1, .7);
  EXPECT_NEAR(optimal_mechanism(game)->value, .525, 1e-7);
  EXPECT_NEAR(best_uncorrelated(game)->value, .525, 1e-7);
}

TEST(Hiring, OfFreeEffortsIsFirstBestAndOfOneAgentUncorrelated) {
  const HiringGame free = coin_game(2, 0, 1);
  EXPECT_NEAR(optimal_mechanism(free)->value, first_best(free)->value, 1e-9);
  RandomStream random(1);
  for (int trial = 0; trial < 20; ++trial) {
    const HiringGame game = random_game({.agents = 1, .efforts = 3, .signals = 3, .states = 3},
                                        random.split(static_cast<std::uint64_t>(trial)));
    EXPECT_NEAR(optimal_mechanism(game)->value, best_uncorrelated(game)->value, 1e-7);
  }
}

// The program with every deviation (effort, map of reports) written out: |S|^|S| of them, and no z.
double by_all_deviations(const HiringGame& game) {
  const HiringShape shape = shape_of(game).value();
  const std::size_t profiles = shape.efforts.size(), columns = profiles + shape.agents() * shape.cells();
  const auto best = best_actions(shape, game.joint, game.utility);
  std::vector<std::vector<double>> rows;  // dense, each >= 0
  allocate::LinearProgram lp{.objective = std::vector<double>(columns),
                             .upper = std::vector<double>(columns, HUGE_VAL)};
  const auto y = [&](std::size_t i, std::size_t cell) { return profiles + i * shape.cells() + cell; };
  for (std::size_t b = 0; b < profiles; ++b) lp.objective[b] = best.worth[b];
  for (std::size_t i = 0; i < shape.agents(); ++i) {
    const std::size_t signals = shape.signals.size_of(i);
    const auto maps = static_cast<std::size_t>(std::pow(signals, signals));
    for (std::size_t cell = 0; cell < shape.cells(); ++cell) {
      lp.objective[y(i, cell)] = -game.joint[cell];
      rows.emplace_back(columns)[y(i, cell)] = -1;
      rows.back()[cell / (shape.signals.size() * shape.states)] = game.pay_cap;
    }
    for (std::size_t told = 0; told < shape.efforts.size_of(i); ++told) {
      for (std::size_t other = 0; other < shape.efforts.size_of(i); ++other) {
        for (std::size_t map = 0; map < maps; ++map) {
          auto& row = rows.emplace_back(columns);
          for (std::size_t b = 0; b < profiles; ++b) {
            if (shape.efforts.digit(b, i) != told) continue;
            row[b] += game.agents[i].costs[other] - game.agents[i].costs[told];
            const std::size_t chosen = shape.efforts.with(b, i, other);
            for (std::size_t s = 0; s < shape.signals.size(); ++s) {
              const std::size_t seen = shape.signals.digit(s, i);
              const std::size_t said = map / static_cast<std::size_t>(std::pow(signals, seen)) % signals;
              for (std::size_t theta = 0; theta < shape.states; ++theta) {
                row[y(i, shape.cell(b, s, theta))] += game.joint[shape.cell(b, s, theta)];
                row[y(i, shape.cell(b, shape.signals.with(s, i, said), theta))] -=
                    game.joint[shape.cell(chosen, s, theta)];
              }
            }
          }
        }
      }
    }
  }
  auto& draw = rows.emplace_back(columns);
  std::fill_n(draw.begin(), profiles, 1.0);
  lp.row_lower.assign(rows.size(), 0);
  lp.row_upper.assign(rows.size(), HUGE_VAL);
  lp.row_lower.back() = lp.row_upper.back() = 1;
  lp.start = {0};
  for (std::size_t c = 0; c < columns; ++c) {
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (rows[r][c] != 0) lp.row.push_back(static_cast<int>(r)), lp.element.push_back(rows[r][c]);
    }
    lp.start.push_back(static_cast<int>(lp.row.size()));
  }
  return allocate::maximise(lp).value().objective;
}

TEST(Hiring, EqualsTheProgramOfAllDeviations) {
  RandomStream random(2);
  for (std::uint64_t trial = 0; trial < 12; ++trial) {
    const RandomGame spec{
        .efforts = 2 + trial % 2, .signals = 2 + trial / 6, .correlation = .5 * static_cast<double>(trial % 3)};
    const HiringGame game = random_game(spec, random.split(trial));
    const auto best = optimal_mechanism(game);
    ASSERT_TRUE(best) << best.error().message;
    EXPECT_NEAR(best->value, by_all_deviations(game), 1e-7) << trial;
    EXPECT_LE(max_deviation_gain(game, *best), 1e-7);
    EXPECT_GE(best->value, best_uncorrelated(game)->value - 1e-7);
  }
}

// Least of c x over the box [0, cap]^4 and rows a x >= d, by trying every vertex.
double least_by_vertices(const std::vector<std::array<double, 5>>& rows, const std::array<double, 4>& c) {
  double best = HUGE_VAL;
  const std::size_t n = rows.size();
  for (std::size_t mask = 0; mask < std::size_t{1} << n; ++mask) {
    if (std::popcount(mask) != 4) continue;
    std::array<std::array<double, 5>, 4> m{};
    for (std::size_t r = 0, k = 0; r < n; ++r) {
      if ((mask >> r & 1U) != 0) m[k++] = rows[r];
    }
    bool singular = false;
    for (std::size_t k = 0; k < 4 && !singular; ++k) {
      std::size_t pivot = k;
      for (std::size_t r = k; r < 4; ++r) pivot = std::abs(m[r][k]) > std::abs(m[pivot][k]) ? r : pivot;
      std::swap(m[k], m[pivot]);
      singular = std::abs(m[k][k]) < 1e-9;
      for (std::size_t r = 0; r < 4 && !singular; ++r) {
        const double f = r == k ? 0 : m[r][k] / m[k][k];
        for (std::size_t j = k; j < 5; ++j) m[r][j] -= f * m[k][j];
      }
    }
    if (singular) continue;
    double value = 0;
    std::array<double, 4> x{};
    for (std::size_t k = 0; k < 4; ++k) value += c[k] * (x[k] = m[k][4] / m[k][k]);
    const bool feasible = std::ranges::all_of(rows, [&](const auto& row) {
      return row[0] * x[0] + row[1] * x[1] + row[2] * x[2] + row[3] * x[3] >= row[4] - 1e-9;
    });
    if (feasible) best = std::min(best, value);
  }
  return best;
}

TEST(Hiring, CheapestPayOfOneAgentIsTheBestOfAllVertices) {
  RandomStream random(3);
  for (std::uint64_t trial = 0; trial < 8; ++trial) {
    const HiringGame game = random_game({.agents = 1}, random.split(trial));
    const HiringShape shape = shape_of(game).value();
    const auto worth = best_actions(shape, game.joint, game.utility).worth;
    double best = -HUGE_VAL;
    for (std::size_t effort = 0; effort < 2; ++effort) {
      std::vector<std::array<double, 5>> rows;
      const auto law = own_law(game, shape, 0, effort);
      for (std::size_t k = 0; k < 4; ++k) {
        rows.push_back({}), rows.back()[k] = 1;
        rows.push_back({}), rows.back()[k] = -1, rows.back()[4] = -game.pay_cap;
      }
      for (std::size_t other = 0; other < 2; ++other) {
        const auto there = own_law(game, shape, 0, other);
        for (std::size_t map = 0; map < 4; ++map) {
          std::array<double, 5> row{law[0], law[1], law[2], law[3],
                                    game.agents[0].costs[effort] - game.agents[0].costs[other]};
          for (std::size_t k = 0; k < 4; ++k) row[(map >> (k / 2) & 1U) * 2 + k % 2] -= there[k];
          rows.push_back(row);
        }
      }
      best = std::max(best, worth[effort] - least_by_vertices(rows, {law[0], law[1], law[2], law[3]}));
    }
    EXPECT_NEAR(best_uncorrelated(game)->value, best, 1e-7);
  }
}

TEST(Hiring, IsNotWorseWithMorePayAndTheSameForRelabelledAgents) {
  double before = 0;
  for (const double cap : {.1, .2, .4, .8, 1.6, 3.2}) {
    const HiringGame game = random_game({.efforts = 3, .correlation = 1, .pay_cap = cap}, RandomStream(4));
    const double value = optimal_mechanism(game)->value;
    EXPECT_GE(value, before - 1e-8);
    before = value;
  }
  HiringGame game = random_game({.efforts = 3, .signals = 2, .correlation = .5}, RandomStream(5));
  const HiringShape shape = shape_of(game).value();
  HiringGame swapped = game;
  std::swap(swapped.agents[0], swapped.agents[1]);
  for (std::size_t b = 0; b < 9; ++b) {
    for (std::size_t s = 0; s < 4; ++s) {
      for (std::size_t theta = 0; theta < 2; ++theta)
        swapped.joint[shape.cell(b % 3 * 3 + b / 3, s % 2 * 2 + s / 2, theta)] = game.joint[shape.cell(b, s, theta)];
    }
  }
  EXPECT_NEAR(optimal_mechanism(game)->value, optimal_mechanism(swapped)->value, 1e-8);
}

TEST(Hiring, MarginMakesOtherEffortsLoseAndCostsSomething) {
  const HiringGame game = coin_game(2, .05, 1);
  const auto strict = optimal_mechanism(game, {.ic_margin = .005});
  ASSERT_TRUE(strict);
  EXPECT_LT(strict->value, closed_form(1));
  HiringGame cheaper = game;  // a lie of .004 about the costs does not break it
  for (AgentSpec& agent : cheaper.agents) agent.costs[1] += .004;
  EXPECT_LE(max_deviation_gain(cheaper, *strict), 1e-9);
  EXPECT_GT(max_deviation_gain(cheaper, *optimal_mechanism(game)), 1e-4);
  EXPECT_EQ(optimal_mechanism(game, {.ic_margin = 2}).error().code, ErrorCode::kInfeasible);
}

TEST(Hiring, OwnShareHangsThatMuchOfThePayOnTheOwnReport) {
  const HiringGame game = coin_game(2, .05, 1);
  double before = closed_form(1);
  for (const double share : {0.0, .25, .5, 1.0}) {
    const auto best = optimal_mechanism(game, {.own_share = share});
    ASSERT_TRUE(best) << best.error().message;
    EXPECT_LE(best->value, before + 1e-8);
    EXPECT_LE(max_deviation_gain(game, *best), 1e-7);
    before = best->value;
  }
  EXPECT_NEAR(before, .525, 1e-7) << "pay by the own report alone is what an uncorrelated mechanism has";
}

TEST(Hiring, BestResponseFindsWhoWouldShirk) {
  const HiringGame game = coin_game(2, .05, 1);
  Mechanism m = *optimal_mechanism(game);
  for (auto& pay : m.pay) std::ranges::fill(pay, .3);  // paid whatever they say
  const Response r = best_response(game, m, 0, 1);
  EXPECT_EQ(r.effort, 0U);
  EXPECT_NEAR(r.gain, .05 * (m.mu[2] + m.mu[3]), 1e-12);
  EXPECT_NEAR(max_deviation_gain(game, m), r.gain, 1e-9);
  EXPECT_EQ(best_response(game, m, 0, 0).effort, 0U);
  EXPECT_LE(max_deviation_gain(game, as_mechanism(game, *best_uncorrelated(game))), 1e-9);
}

TEST(Hiring, SolvesThreeAgentsWithThreeOfEverything) {
  const HiringGame game =
      random_game({.agents = 3, .efforts = 3, .signals = 3, .states = 3, .correlation = 1}, RandomStream(6));
  const auto best = optimal_mechanism(game);
  ASSERT_TRUE(best) << best.error().message;
  EXPECT_LE(max_deviation_gain(game, *best), 1e-7);
  EXPECT_GE(best->value, best_uncorrelated(game)->value - 1e-7);
  EXPECT_LE(best->value, first_best(game)->value + 1e-9);
}

TEST(Hiring, RefusesAProgramBeyondMemory) {
  const HiringGame wide = random_game({.agents = 1, .efforts = 60, .signals = 60, .states = 3}, RandomStream(7));
  ASSERT_TRUE(check(wide));
  EXPECT_THAT(optimal_mechanism(wide).error().message, HasSubstr("3.888e+07 entries"));
  EXPECT_THAT(best_uncorrelated(wide).error().message, HasSubstr("too large"));
}

TEST(HiringGame, RefusesWhatIsNoGameByName) {
  const HiringGame good = coin_game(2, .05, 1);
  ASSERT_TRUE(check(good));
  const auto wrong = [&](auto change) {
    HiringGame game = good;
    change(game);
    return check(game).error().message;
  };
  EXPECT_THAT(wrong([](HiringGame& g) { g.joint[0] += .1; }), HasSubstr("the law of effort profile 0 sums to 1.1"));
  EXPECT_THAT(wrong([](HiringGame& g) { g.joint[3] = -.1; }), HasSubstr("probability 3 is -0.1"));
  EXPECT_THAT(wrong([](HiringGame& g) { g.agents[1].costs = {.1, .2}; }), HasSubstr("agent 1: no effort costs 0"));
  EXPECT_THAT(wrong([](HiringGame& g) { g.agents[1].costs[1] = -1; }), HasSubstr("agent 1: cost 1 is -1"));
  EXPECT_THAT(wrong([](HiringGame& g) { g.pay_cap = 0; }), HasSubstr("pay_cap is 0"));
  EXPECT_THAT(wrong([](HiringGame& g) { g.prior = {.6, .4}; }), HasSubstr("and the prior says 0.6"));
  EXPECT_THAT(wrong([](HiringGame& g) { g.utility.pop_back(); }), HasSubstr("the utility has 3 numbers"));
  EXPECT_THAT(wrong([](HiringGame& g) { g.joint.pop_back(); }), HasSubstr("the joint law has 31 numbers"));
  EXPECT_THAT(wrong([](HiringGame& g) { g.agents.assign(12, g.agents[0]); }), HasSubstr("too large"));
  EXPECT_THAT(wrong([](HiringGame& g) { g.agents[0].signals = 0; }), HasSubstr("agent 0 has no signal"));
  EXPECT_THAT(wrong([](HiringGame& g) { g.agents.clear(); }), HasSubstr("0 agents"));
  EXPECT_THAT(wrong([](HiringGame& g) {  // agent 0 sees less when agent 1 works
                const HiringShape shape = shape_of(g).value();
                for (std::size_t s = 0; s < 4; ++s) {
                  for (std::size_t theta = 0; theta < 2; ++theta) g.joint[shape.cell(3, s, theta)] = .125;
                }
              }),
              HasSubstr("depending on the efforts of others"));
}

}  // namespace
}  // namespace bursar::agree
