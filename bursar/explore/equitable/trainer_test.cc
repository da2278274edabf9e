#include "bursar/explore/equitable/trainer.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

#include "bursar/core/random.h"

namespace bursar::explore {
namespace {

struct Drawn {
  std::vector<double> x, y;
  std::vector<std::uint32_t> rows;
  std::size_t columns = 0;
  [[nodiscard]] TrainingData data() const { return {x, y, columns}; }
};

Drawn draw(std::size_t n, std::size_t d, double noise, bool classes, std::uint64_t seed) {
  RandomStream random(seed);
  Drawn out{.x = {}, .y = {}, .rows = std::vector<std::uint32_t>(n), .columns = d};
  std::iota(out.rows.begin(), out.rows.end(), 0U);
  for (std::size_t i = 0; i < n; ++i) {
    double sum = .5;
    for (std::size_t j = 0; j < d; ++j) {
      out.x.push_back(random.normal());
      sum += out.x.back() * (j % 2 == 0 ? 1.0 : -.5);
    }
    sum += noise * random.normal();
    out.y.push_back(classes ? (random.uniform01() < 1 / (1 + std::exp(-sum)) ? 1.0 : 0.0) : sum);
  }
  return out;
}

TEST(Trainer, RidgeRecoversALinearLawWithoutNoise) {
  const Drawn drawn = draw(100, 5, 0, false, 1);
  const auto model = fit_ridge(drawn.data(), drawn.rows, 0);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_NEAR(model->intercept, .5, 1e-9);
  for (std::size_t j = 0; j < 5; ++j) EXPECT_NEAR(model->weights[j], j % 2 == 0 ? 1 : -.5, 1e-9);
  EXPECT_NEAR(measure(*model, drawn.data(), drawn.rows)->error, 0, 1e-9);
}

TEST(Trainer, RidgeSatisfiesItsNormalEquationsInBothForms) {
  for (const std::size_t n : {8U, 60U}) {  // dual, primal
    const Drawn drawn = draw(n, 20, .5, false, 2);
    constexpr double kLambda = 3;
    const auto model = fit_ridge(drawn.data(), drawn.rows, kLambda).value();
    double residuals = 0;
    for (std::size_t j = 0; j < 20; ++j) {
      double gradient = -kLambda * model.weights[j];
      for (std::size_t i = 0; i < n; ++i) {
        double miss = drawn.y[i] - model.intercept;
        for (std::size_t k = 0; k < 20; ++k) miss -= model.weights[k] * drawn.x[i * 20 + k];
        gradient += miss * drawn.x[i * 20 + j];
        if (j == 0) residuals += miss;
      }
      EXPECT_NEAR(gradient, 0, 1e-9);
    }
    EXPECT_NEAR(residuals, 0, 1e-9);
  }
}

TEST(Trainer, LogisticHasAGradientOfZeroAndBeatsChance) {
  const Drawn drawn = draw(400, 4, 0, true, 3);
  constexpr double kLambda = 1;
  const auto model = fit_logistic(drawn.data(), drawn.rows, kLambda).value();
  for (std::size_t j = 0; j < 4; ++j) {
    double gradient = -kLambda * model.weights[j];
    for (std::size_t i = 0; i < 400; ++i) {
      double z = model.intercept;
      for (std::size_t k = 0; k < 4; ++k) z += model.weights[k] * drawn.x[i * 4 + k];
      gradient += (drawn.y[i] - 1 / (1 + std::exp(-z))) * drawn.x[i * 4 + j];
    }
    EXPECT_NEAR(gradient, 0, 1e-4);
  }
  EXPECT_LT(measure(model, drawn.data(), drawn.rows)->error, .35);
}

TEST(Trainer, LogisticSettlesOnClassesThatALineParts) {
  Drawn drawn = draw(50, 2, 0, false, 4);
  for (double& y : drawn.y) y = y > .5 ? 1 : 0;
  const auto model = fit_logistic(drawn.data(), drawn.rows, .01);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_LE(measure(*model, drawn.data(), drawn.rows)->error, .04);
  std::ranges::fill(drawn.y, 1.0);
  EXPECT_EQ(measure(*fit_logistic(drawn.data(), drawn.rows, .01), drawn.data(), drawn.rows)->error, 0);
}

TEST(Trainer, RefusesWhatCannotBeLearned) {
  Drawn drawn = draw(10, 2, 0, false, 5);
  EXPECT_EQ(fit_ridge(drawn.data(), {}, 1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(fit_ridge(drawn.data(), drawn.rows, -1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(fit_logistic(drawn.data(), drawn.rows, 1).error().code, ErrorCode::kInvalidArgument);
  const std::vector<std::uint32_t> beyond{99};
  EXPECT_EQ(fit_ridge(drawn.data(), beyond, 1).error().code, ErrorCode::kInvalidArgument);
  drawn.x[3] = std::nan("");
  EXPECT_EQ(fit_ridge(drawn.data(), drawn.rows, 1).error().code, ErrorCode::kInvalidArgument);
  for (std::size_t i = 0; i < 10; ++i) drawn.x[2 * i] = drawn.x[2 * i + 1] = static_cast<double>(i);
  EXPECT_EQ(fit_ridge(drawn.data(), drawn.rows, 0).error().code, ErrorCode::kInfeasible);
  EXPECT_EQ(measure({.weights = {1, 2}}, drawn.data(), std::vector<std::uint32_t>{0}).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace bursar::explore
