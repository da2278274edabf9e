#include "bursar/explore/private_best_arm/max_det.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

#include "bursar/core/random.h"

namespace bursar::explore {
namespace {

double determinant(const std::vector<double>& rows, std::size_t d, const std::vector<std::size_t>& chosen) {
  Eigen::MatrixXd m(static_cast<Eigen::Index>(d), static_cast<Eigen::Index>(d));
  for (std::size_t i = 0; i < d; ++i) {
    for (std::size_t j = 0; j < d; ++j)
      m(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) = rows[chosen[i] * d + j];
  }
  return std::abs(m.determinant());
}

// The largest determinant of any `d` rows, by trying all of them.
double best_determinant(const std::vector<double>& rows, std::size_t d) {
  const std::size_t n = rows.size() / d;
  std::vector<std::uint8_t> taken(n, 0);
  std::fill_n(taken.begin(), d, 1);
  double best = 0;
  do {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < n; ++i) {
      if (taken[i] != 0) chosen.push_back(i);
    }
    best = std::max(best, determinant(rows, d, chosen));
  } while (std::ranges::prev_permutation(taken).found);
  return best;
}

TEST(MaxDet, ComesCloseToTheLargestDeterminantAndBoundsEveryCoefficient) {
  RandomStream random(3);
  double sum = 0, least = 1;
  int exact = 0;
  constexpr int kSets = 200;
  for (int set = 0; set < kSets; ++set) {
    const std::size_t d = 1 + random.uniform_int(std::uint64_t{4}), n = d + random.uniform_int(13 - d);
    std::vector<double> rows(n * d);
    for (double& v : rows) v = random.normal();
    const auto got = max_det_collection(rows, d);
    ASSERT_TRUE(got) << got.error().message;
    ASSERT_EQ(got->rank(), d);
    EXPECT_LE(got->largest, 1 + 1e-8);
    const double ratio = determinant(rows, d, got->members) / best_determinant(rows, d);
    sum += ratio;
    least = std::min(least, ratio);
    exact += ratio > 1 - 1e-9 ? 1 : 0;
  }
  EXPECT_GE(sum / kSets, .98);
  EXPECT_GE(least, .7);
  EXPECT_GE(exact, kSets * 80 / 100);
}

TEST(MaxDet, RebuildsEveryRowFromTheMembers) {
  RandomStream random(4);
  for (const bool dependent : {false, true}) {
    const std::size_t n = 40, d = 6;
    std::vector<double> rows(n * d);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < d; ++j) rows[i * d + j] = random.normal() * 1e6;
      // Two columns that follow from others leave rank 4.
      if (dependent) rows[i * d + 4] = rows[i * d] + rows[i * d + 1], rows[i * d + 5] = 2 * rows[i * d + 2];
    }
    const auto got = max_det_collection(rows, d);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->rank(), dependent ? 4U : 6U);
    EXPECT_EQ(rank_of(rows, d).value(), got->rank());
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < d; ++j) {
        double sum = 0;
        for (std::size_t b = 0; b < got->rank(); ++b)
          sum += got->coefficients[i * got->rank() + b] * rows[got->members[b] * d + j];
        EXPECT_NEAR(sum, rows[i * d + j], 1e-5);
      }
    }
  }
}

TEST(MaxDet, TakesOneRowOfManyEqualOnes) {
  const std::vector<double> rows{1, 2, 1, 2, 1, 2};
  const auto got = max_det_collection(rows, 2);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->rank(), 1U);
  for (const double a : got->coefficients) EXPECT_NEAR(a, 1, 1e-12);
}

TEST(MaxDet, RefusesWhatCannotBeMeant) {
  EXPECT_EQ(max_det_collection({}, 2).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(max_det_collection(std::vector{1.0, 2.0, 3.0}, 2).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(max_det_collection(std::vector{1.0, std::nan("")}, 2).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(max_det_collection(std::vector{0.0, 0.0}, 2).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(rank_of(std::vector{0.0, 0.0}, 2).value(), 0U);
}

}  // namespace
}  // namespace bursar::explore
