#include "bursar/allocate/response_curve.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

std::vector<Observation> observe(ResponseFamily family, double level, double gain, double shape, double noise,
                                 RandomStream* random, bool known) {
  std::vector<Observation> data;
  for (double x = 1; x < 3000; x *= 1.7) {
    const double y =
        family == ResponseFamily::kPower ? level - gain * std::pow(x, -shape) : level - gain * std::expm1(-x / shape);
    data.push_back({x, y + (random != nullptr ? noise * random->normal() : 0.0), known ? noise : 0.0});
  }
  return data;
}

TEST(ResponseCurve, RecoversExactCurves) {
  const auto power = fit_response(observe(ResponseFamily::kPower, .9, .5, .35, 0, nullptr, false));
  ASSERT_TRUE(power) << power.error().message;
  EXPECT_EQ(power->family, ResponseFamily::kPower);
  EXPECT_NEAR(power->level, .9, 1e-6);
  EXPECT_NEAR(power->gain, .5, 1e-6);
  EXPECT_NEAR(power->shape, .35, 1e-6);
  EXPECT_NEAR(power->r_squared, 1, 1e-10);
  const auto saturating = fit_response(observe(ResponseFamily::kSaturating, .1, .7, 200, 0, nullptr, false));
  ASSERT_TRUE(saturating);
  EXPECT_EQ(saturating->family, ResponseFamily::kSaturating);
  EXPECT_NEAR(saturating->shape, 200, 1e-3);
  EXPECT_NEAR(predict(*saturating, 500).value, .1 + .7 * (1 - std::exp(-2.5)), 1e-8);
}

TEST(ResponseCurve, ItsErrorsAreHonest) {
  // Over 400 noisy repeats, the truth lies within two standard errors of the prediction about 95 times of 100.
  RandomStream random(1);
  for (const bool known : {false, true}) {
    int inside = 0;
    for (int trial = 0; trial < 400; ++trial) {
      const auto fit =
          fit_response(observe(ResponseFamily::kPower, .9, .5, .6, .02, &random, known), ResponseFamily::kPower);
      ASSERT_TRUE(fit);
      const Prediction p = predict(*fit, 300);
      inside += std::abs(p.value - (.9 - .5 * std::pow(300, -.6))) <= 2 * p.error ? 1 : 0;
    }
    EXPECT_GE(inside, 350);
    EXPECT_LE(inside, 396);
  }
}

TEST(ResponseCurve, AFallingResponseIsFlat) {
  const std::vector<Observation> data{{1, 3}, {2, 2}, {4, 1}, {8, 0}};
  const auto fit = fit_response(data);
  ASSERT_TRUE(fit);
  EXPECT_EQ(fit->gain, 0);
  EXPECT_NEAR(predict(*fit, 100).value, 1.5, 1e-12);
}

TEST(ResponseCurve, SplitsABudgetUnderTheFitsLikeWaterFillingUnderTheTruth) {
  const auto a = fit_response(observe(ResponseFamily::kPower, 1, 5, .5, 0, nullptr, false));
  const auto b = fit_response(observe(ResponseFamily::kPower, 1, 20, 1, 0, nullptr, false));
  const auto c = fit_response(observe(ResponseFamily::kPower, 1, 60, 2, 0, nullptr, false));
  const auto plan = allocate_responses({{*a, *b, *c}}, 300);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_NEAR(plan->amounts[0], 141.06, .01);
  EXPECT_NEAR(plan->amounts[1], 115.77, .01);
  EXPECT_NEAR(plan->amounts[2], 43.16, .01);
  EXPECT_NEAR(plan->regret, 0, 1e-9);
  EXPECT_GE(plan->bound, plan->value);
  EXPECT_NEAR(plan->high[0] - plan->low[0], 0, .01);
}

TEST(ResponseCurve, CarriesTheUncertaintyOfTheFitsIntoTheSplit) {
  RandomStream random(2);
  const auto sure =
      fit_response(observe(ResponseFamily::kSaturating, 0, 1, 300, .001, &random, false), ResponseFamily::kSaturating);
  const auto unsure =
      fit_response(observe(ResponseFamily::kSaturating, 0, 1, 300, .1, &random, false), ResponseFamily::kSaturating);
  const auto narrow = allocate_responses({{*sure, *sure}}, 600), wide = allocate_responses({{*unsure, *sure}}, 600);
  ASSERT_TRUE(narrow && wide);
  EXPECT_LT((narrow->high[0] - narrow->low[0]) * 5, wide->high[0] - wide->low[0]);
  EXPECT_LT(narrow->regret, wide->regret);
  EXPECT_LE(wide->low[0], wide->amounts[0]);
  EXPECT_GE(wide->high[0], wide->amounts[0]);
  EXPECT_GT(wide->error, narrow->error);
  EXPECT_EQ(allocate_responses({{*unsure, *sure}}, 600)->low, wide->low);  // same seed, same draws
}

TEST(ResponseCurve, RefusesWhatCannotBeMeantByName) {
  using testing::HasSubstr;
  EXPECT_THAT(fit_response(std::vector<Observation>{{1, 1}, {2, 2}}).error().message, HasSubstr("2 different units"));
  EXPECT_THAT(fit_response(std::vector<Observation>{{1, 1}, {0, 2}, {3, 3}}).error().message,
              HasSubstr("observation 1: units is 0"));
  EXPECT_THAT(fit_response(std::vector<Observation>{{1, 1}, {2, std::nan("")}, {3, 3}}).error().message,
              HasSubstr("observation 1: value is nan"));
  EXPECT_THAT(fit_response(std::vector<Observation>{{1, 1, .1}, {2, 1}, {3, 3}}).error().message,
              HasSubstr("observation 1: error is 0"));
  EXPECT_EQ(allocate_responses({.fits = {ResponseFit{}}, .floors = {1, 2}}, 3).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace bursar::allocate
