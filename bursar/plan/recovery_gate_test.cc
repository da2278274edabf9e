#include "bursar/plan/recovery_gate.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "bursar/core/random.h"

namespace bursar::plan {
namespace {

const std::vector<PairedOutcome> kFour{
    {true, true, .1, 100}, {false, true, .9, 200}, {true, false, .2, 300}, {false, false, .8, 400}};

TEST(RecoveryGate, AccountsForWhatAThresholdDoes) {
  const auto m = *evaluate(kFour, .6);
  EXPECT_DOUBLE_EQ(m.accuracy, .75);
  EXPECT_DOUBLE_EQ(m.rate, .5);
  EXPECT_DOUBLE_EQ(m.fixes, .25);
  EXPECT_DOUBLE_EQ(m.flips, 0);
  EXPECT_DOUBLE_EQ(m.tokens, 150);
  EXPECT_DOUBLE_EQ(calibrate(std::vector<PairedOutcome>{{true, true, .2, 1000}, {false, true, .9, 100}})->threshold,
                   .9);
}

TEST(RecoveryGate, ScoresByTheLogisticOfItsFeatures) {
  const LinearGate gate({2}, -1);
  EXPECT_DOUBLE_EQ(*gate.score({.difficulty = .5}), .5);
  EXPECT_DOUBLE_EQ((*LinearGate::features({.base_tokens = 9}))[7], std::log(10));
  EXPECT_GT(*LinearGate({1000}, 0).score({.difficulty = 1}), .999999);
  EXPECT_GE(*LinearGate({-1000}, 0).score({.difficulty = 1}), 0);
}

std::vector<PairedOutcome> random_rows(std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<PairedOutcome> rows;
  for (int i = 0; i < 60; ++i)
    rows.push_back({random.bernoulli(.6), random.bernoulli(.7), std::floor(random.uniform01() * 20) / 20,
                    random.uniform_int(std::int64_t{100}, std::int64_t{4000})});
  return rows;
}

TEST(RecoveryGate, CalibratesAsBruteForceWould) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const auto rows = random_rows(seed);
    for (const CalibrateOptions& options : {CalibrateOptions{}, CalibrateOptions{.price = .05, .flip_price = .5}}) {
      const auto chosen = *calibrate(rows, options);
      const auto worth = [&](double threshold) {
        const auto m = *evaluate(rows, threshold);
        return m.accuracy - options.price * m.tokens / 1000 - options.flip_price * m.flips;
      };
      double best = worth(2);
      for (const auto& row : rows) best = std::max(best, worth(row.score));
      EXPECT_NEAR(worth(chosen.threshold), best, 1e-9);
      const auto m = *evaluate(rows, chosen.threshold);
      EXPECT_NEAR(m.accuracy, chosen.chosen.accuracy, 1e-9);
      EXPECT_NEAR(m.accuracy, chosen.never.accuracy + m.fixes - m.flips, 1e-9) << "fixes less flips";
    }
    const auto first = *calibrate(rows, {.accuracy_first = true});
    for (const auto& row : rows) EXPECT_LE(evaluate(rows, row.score)->accuracy, first.chosen.accuracy + 1e-12);
  }
}

TEST(RecoveryGate, FitsTheWeightsThatMadeTheLabels) {
  RandomStream random(4);
  const LinearGate truth({3, 0, 0, 0, 0, 0, -2, 0}, -1);
  std::vector<RecoveryRow> rows;
  for (int i = 0; i < 6000; ++i) {
    const Attempt a{.difficulty = random.uniform01(),
                    .done = random.bernoulli(.5) ? DoneReason::kLength : DoneReason::kStop};
    rows.push_back({a, random.bernoulli(*truth.score(a))});
  }
  const auto gate = *LinearGate::fit(rows, {.balance = false});
  for (const double d : {.1, .5, .9}) {
    for (const auto done : {DoneReason::kStop, DoneReason::kLength}) {
      const Attempt a{.difficulty = d, .done = done};
      EXPECT_NEAR(*gate.score(a), *truth.score(a), .03);
    }
  }
  EXPECT_EQ(LinearGate::restore(gate.save())->save(), gate.save());
}

TEST(RecoveryGate, SaysWhichFrozenGateDecided) {
  const SelectiveVerifier one(LinearGate({2}, -1), .5), other(LinearGate({2}, -1), .6);
  const auto d = *one.decide({.difficulty = .5});
  EXPECT_TRUE(d.verify) << "at the threshold it verifies";
  EXPECT_EQ(d.gate, one.decide({.difficulty = .1})->gate);
  EXPECT_NE(d.gate, other.decide({.difficulty = .5})->gate);
}

TEST(RecoveryGate, RefusesWhatIsOutOfRange) {
  EXPECT_FALSE(LinearGate::features({.difficulty = 1.1}));
  EXPECT_FALSE(LinearGate::features({.ambiguity = std::numeric_limits<double>::quiet_NaN()}));
  EXPECT_FALSE(LinearGate::features({.base_tokens = -1}));
  EXPECT_FALSE(LinearGate::fit({}));
  EXPECT_FALSE(LinearGate::fit(std::vector<RecoveryRow>{{{}, true}}));
  EXPECT_FALSE(evaluate({}, .5));
  EXPECT_FALSE(evaluate(std::vector<PairedOutcome>{{true, true, 1.5, 1}}, .5));
  EXPECT_FALSE(LinearGate::restore({{"weights", boost::json::array{1, 2}}, {"intercept", 0}}));
}

TEST(RecoveryGate, EstimatesRequestsWithinTheirRanges) {
  for (const char* query :
       {"", "Who was born in 1912?", "If x + 3 = 7 and y = 2x, find all z such that 4z is at least 12, 13 or 14."}) {
    EXPECT_TRUE(LinearGate::features(estimate_request(query))) << query;
  }
  EXPECT_GT(estimate_request("Compute 3 + 4 * 5 - 6 if each is at most 7 and exactly 8").verification_need,
            estimate_request("Hello").verification_need);
}

TEST(RecoveryGate, RaisesAnAlarmWhereTrafficIsAnother) {
  EXPECT_FALSE(rate_alarm(.3, 300, 1000));
  EXPECT_TRUE(rate_alarm(.1, 400, 1000));
  EXPECT_TRUE(rate_alarm(.6, 100, 1000));
  EXPECT_FALSE(rate_alarm(.1, 40, 99)) << "too few to tell";
}

}  // namespace
}  // namespace bursar::plan
