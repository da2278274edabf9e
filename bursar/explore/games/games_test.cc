#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include "bursar/allocate/linear_program.h"
#include "bursar/core/random.h"
#include "bursar/explore/games/matrix_game.h"
#include "bursar/explore/games/normal_form.h"

namespace bursar::explore {
namespace {

using testing::HasSubstr;

const MatrixGame kRockPaperScissors{.rows = 3, .columns = 3, .payoff = {0, -1, 1, 1, 0, -1, -1, 1, 0}};

MatrixGame random_game(RandomStream& random) {
  MatrixGame game{.rows = 1 + random.uniform_int(std::uint64_t{5}),
                  .columns = 1 + random.uniform_int(std::uint64_t{5})};
  for (std::size_t k = 0; k < game.rows * game.columns; ++k) game.payoff.push_back(random.uniform(-2, 3));
  return game;
}

// max v: sum_i p_i M_ij >= v for all j, sum p = 1; v shifted to be positive.
double value_by_linear_program(const MatrixGame& game) {
  constexpr double kShift = 10;
  allocate::LinearProgram lp;
  lp.start = {0};
  for (std::size_t i = 0; i < game.rows; ++i) {
    for (std::size_t j = 0; j < game.columns; ++j) {
      lp.row.push_back(static_cast<int>(j));
      lp.element.push_back(-(game.payoff[i * game.columns + j] + kShift));
    }
    lp.row.push_back(static_cast<int>(game.columns));
    lp.element.push_back(1);
    lp.start.push_back(static_cast<int>(lp.row.size()));
    lp.objective.push_back(0);
    lp.upper.push_back(1);
  }
  for (std::size_t j = 0; j < game.columns; ++j) lp.row.push_back(static_cast<int>(j)), lp.element.push_back(1);
  lp.start.push_back(static_cast<int>(lp.row.size()));
  lp.objective.push_back(1);
  lp.upper.push_back(100);
  lp.row_upper.assign(game.columns, 0.0);
  lp.row_upper.push_back(1);
  return allocate::maximise(lp).value().objective - kShift;
}

TEST(MatrixGame, PlayEnclosesTheValueOfTheLinearProgram) {
  RandomStream random(1);
  for (int trial = 0; trial < 40; ++trial) {
    const MatrixGame game = random_game(random);
    const double value = value_by_linear_program(game);
    for (const Opponent opponent : {Opponent::kHedge, Opponent::kBestResponse}) {
      const Play play = no_regret_play(game, {.rounds = 2000, .column = opponent}).value();
      EXPECT_LE(play.low, value + 1e-9);
      EXPECT_GE(play.high, value - 1e-9);
      EXPECT_NEAR(play.gap, (play.row_regret + play.column_regret) / 2000, 1e-9);
      EXPECT_NEAR(play.gap, duality_gap(game, play.row, play.column).value(), 1e-12);
      const double rows = static_cast<double>(game.rows), columns = static_cast<double>(game.columns);
      EXPECT_LE(play.gap, 5 * 2 * (std::sqrt(std::log(rows) / 2000) + std::sqrt(std::log(columns) / 2000)) + 1e-9);
      if (opponent == Opponent::kBestResponse) {
        EXPECT_LE(play.column_regret, 1e-9);
      }
    }
  }
}

TEST(MatrixGame, RockPaperScissorsFromASkewedStartEndsInThirds) {
  const std::vector<double> skewed{.5, .3, .2};
  const Play play =
      no_regret_play(kRockPaperScissors, {.rounds = 1000, .row_start = skewed, .column_start = skewed}).value();
  EXPECT_LE(play.gap, 2 * .13);  // stakes from -1 to 1
  for (const double p : play.row) EXPECT_NEAR(p, 1.0 / 3, .05);
  EXPECT_NEAR(play.value, 0, .05);
}

TEST(MatrixGame, SampledPlayHasTheRegretOfWhatWasPlayed) {
  const Play play = no_regret_play(kRockPaperScissors, {.rounds = 4000, .sampled = true, .seed = 5}).value();
  EXPECT_NEAR(play.gap, (play.row_regret + play.column_regret) / 4000, 1e-9);
  EXPECT_LE(play.gap, .15);
  EXPECT_NEAR(play.row[0] * 4000, std::round(play.row[0] * 4000), 1e-6);
}

TEST(MatrixGame, TheGapIsZeroAtAnEquilibriumOnly) {
  const std::vector<double> thirds(3, 1.0 / 3), first{1, 0, 0};
  EXPECT_NEAR(duality_gap(kRockPaperScissors, thirds, thirds).value(), 0, 1e-15);
  EXPECT_NEAR(duality_gap(kRockPaperScissors, first, thirds).value(), 1, 1e-15);
}

TEST(MatrixGame, SaysWhatIsWrong) {
  EXPECT_THAT(no_regret_play({.rows = 2, .columns = 2, .payoff = {1, 2, 3}}).error().message, HasSubstr("2 x 2"));
  EXPECT_THAT(no_regret_play({.rows = 1, .columns = 2, .payoff = {1, NAN}}).error().message, HasSubstr("column 1"));
  EXPECT_THAT(no_regret_play(kRockPaperScissors, {.rounds = 0}).error().message, HasSubstr("rounds"));
  EXPECT_THAT(no_regret_play(kRockPaperScissors, {.row_rate = 1}).error().message, HasSubstr("row: rate"));
  EXPECT_THAT(no_regret_play(kRockPaperScissors, {.column_start = {1, 0, 1}}).error().message, HasSubstr("positive"));
  EXPECT_THAT(duality_gap(kRockPaperScissors, std::vector{1.0}, std::vector{1.0}).error().message, HasSubstr("3 x 3"));
}

TEST(NormalForm, OfTwoPlayersWithOppositeCostsIsTheMatrixGame) {
  NormalForm game{.actions = {3, 3}, .cost = {{}, kRockPaperScissors.payoff}};
  for (const double m : kRockPaperScissors.payoff) game.cost[0].push_back(-m);
  const std::vector<std::vector<double>> start{{.8, .1, .1}, {.1, .8, .1}};
  const JointPlay joint = no_regret_play(game, {.rounds = 500, .start = start}).value();
  const Play play =
      no_regret_play(kRockPaperScissors, {.rounds = 500, .row_start = start[0], .column_start = start[1]}).value();
  EXPECT_NEAR(joint.regret[0], play.row_regret, 1e-8);
  EXPECT_NEAR(joint.regret[1], play.column_regret, 1e-8);
  EXPECT_NEAR(joint.cost[1], play.value, 1e-10);
}

TEST(NormalForm, JointPlayApproachesACoarseCorrelatedEquilibrium) {
  RandomStream random(2);
  for (int trial = 0; trial < 10; ++trial) {
    NormalForm game{.actions = {2, 3, 2, 2}};
    for (int i = 0; i < 4; ++i) {
      auto& cost = game.cost.emplace_back();
      for (int k = 0; k < 24; ++k) cost.push_back(random.uniform01());
    }
    const JointPlay play = no_regret_play(game, {.rounds = 3000}).value();
    EXPECT_NEAR(std::accumulate(play.joint.begin(), play.joint.end(), 0.0), 1, 1e-9);
    EXPECT_LE(play.gap, 2 * std::sqrt(std::log(3) / 3000));
    EXPECT_NEAR(std::max(0.0, coarse_correlated_gap(game, play.joint).value()), play.gap, 1e-9);
  }
}

// By hand: (stop, go) and (go, stop) half the time each is one for the crossing; (go, go) is not.
TEST(NormalForm, KnowsACoarseCorrelatedEquilibrium) {
  const NormalForm crossing{.actions = {2, 2}, .cost = {{.3, .3, 0, 1}, {.3, 0, .3, 1}}};  // stop, go
  EXPECT_NEAR(coarse_correlated_gap(crossing, std::vector{0.0, .5, .5, 0.0}).value(), .15 - .3, 1e-15);
  EXPECT_NEAR(coarse_correlated_gap(crossing, std::vector{0.0, 0.0, 0.0, 1.0}).value(), .7, 1e-15);
  EXPECT_THAT(coarse_correlated_gap(crossing, std::vector{1.0}).error().message, HasSubstr("joint"));
  EXPECT_THAT(no_regret_play(NormalForm{.actions = {2, 0}, .cost = {}}).error().message, HasSubstr("player 1"));
  EXPECT_THAT(no_regret_play(NormalForm{.actions = {2}, .cost = {{1}}}).error().message, HasSubstr("player 0"));
}

}  // namespace
}  // namespace bursar::explore
