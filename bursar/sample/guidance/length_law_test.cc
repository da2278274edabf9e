#include "bursar/sample/guidance/length_law.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

#include "bursar/core/random.h"

namespace bursar::sample {
namespace {

using ::testing::HasSubstr;

std::vector<double> draws(const LengthLaw& law, std::size_t count, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<double> out(count);
  for (double& length : out) length = std::expm1(random.gamma(law.shape) / law.rate);
  return out;
}

TEST(LengthLaw, IsTheIncompleteGammaOfTheLogarithm) {
  // gamma_p(1, 2), gamma_p(144, 144) and gamma_p(.5, .5): the rate turns ln(R + 1) into the second argument.
  for (const auto& [shape, x, p] :
       {std::tuple{1.0, 2.0, .8646647168}, {144.0, 144.0, .5110821510}, {.5, .5, .6826894921}}) {
    for (const double tokens : {1.0, 7.0, 1000.0}) {
      const LengthLaw law{.shape = shape, .rate = x / std::log1p(tokens)};
      EXPECT_NEAR(law.cdf(tokens), p, 1e-10);
    }
  }
}

TEST(LengthLaw, RisesFromNothingToAll) {
  const LengthLaw law{.shape = 40, .rate = 7};
  EXPECT_EQ(law.cdf(0), 0);
  EXPECT_EQ(law.cdf(-3), 0);
  double before = 0;
  for (double tokens = 1; tokens < 1e6; tokens *= 1.3) {
    EXPECT_GE(law.cdf(tokens), before);
    before = law.cdf(tokens);
  }
  EXPECT_EQ(law.cdf(std::numeric_limits<double>::infinity()), 1);
}

TEST(LengthLaw, HasTheModeOfTheLogarithmAsItsPointPrediction) {
  EXPECT_NEAR((LengthLaw{.shape = 11, .rate = 2}.mode_tokens()), std::exp(5) - 1, 1e-9);
  EXPECT_EQ((LengthLaw{.shape = .5, .rate = 2}.mode_tokens()), 0);
}

TEST(LengthLaw, IsRecoveredFromItsDraws) {
  for (const LengthLaw law :
       {LengthLaw{.shape = 30, .rate = 5}, {.shape = 2.5, .rate = .6}, {.shape = 400, .rate = 64}}) {
    const auto lengths = draws(law, 100'000, 3);
    const LengthLaw fit = *fit_length_law(lengths);
    EXPECT_NEAR(fit.shape / law.shape, 1, .02);
    EXPECT_NEAR(fit.rate / law.rate, 1, .02);
  }
}

TEST(LengthLaw, MaximisesTheLikelihood) {
  const auto lengths = draws({.shape = 9, .rate = 2}, 500, 4);
  const auto likelihood = [&](const LengthLaw& law) {
    double sum = 0;
    for (const double length : lengths) {
      const double z = std::log1p(length);
      sum += law.shape * std::log(law.rate) - std::lgamma(law.shape) + (law.shape - 1) * std::log(z) - law.rate * z;
    }
    return sum;
  };
  const LengthLaw fit = *fit_length_law(lengths);
  for (const double a : {.99, 1.01}) {
    EXPECT_LT(likelihood({fit.shape * a, fit.rate}), likelihood(fit));
    EXPECT_LT(likelihood({fit.shape, fit.rate * a}), likelihood(fit));
    EXPECT_LT(likelihood({fit.shape * a, fit.rate * a}), likelihood(fit));
  }
}

TEST(LengthLaw, OfLengthsThatAgreeIsANarrowOne) {
  const LengthLaw law = *fit_length_law(std::vector<double>(50, 100));
  EXPECT_EQ(law.shape, kMostLengthShape);
  EXPECT_LT(law.cdf(98), .05);
  EXPECT_GT(law.cdf(102), .95);
}

TEST(LengthLaw, FitsItsOwnDrawsAndNotThoseOfAnother) {
  const auto lengths = draws({.shape = 30, .rate = 5}, 20'000, 5);
  EXPECT_LT(length_law_distance({.shape = 30, .rate = 5}, lengths), .02);
  EXPECT_GT(length_law_distance({.shape = 30, .rate = 6}, lengths), .3);
  EXPECT_EQ(length_law_distance({}, {}), 0);
}

TEST(LengthLaw, OfTheEndItselfFitsEveryBudget) {
  EXPECT_GT(kEndsNow.cdf(1), .9999);
  EXPECT_GT(kEndsNow.mode_tokens(), .9);
}

TEST(LengthLaw, NamesWhatIsWrong) {
  EXPECT_THAT(fit_length_law({}).error().message, HasSubstr("no lengths"));
  EXPECT_THAT(fit_length_law(std::vector{4.0, 0.0}).error().message, HasSubstr("length 1"));
  EXPECT_THAT(fit_length_law(std::vector{std::nan("")}).error().message, HasSubstr("length 0"));
  EXPECT_THAT(check(LengthLaw{.shape = -1, .rate = 1}).error().message, HasSubstr("shape"));
  EXPECT_THAT(check(LengthLaw{.shape = 1, .rate = 0}).error().message, HasSubstr("rate"));
}

}  // namespace
}  // namespace bursar::sample
