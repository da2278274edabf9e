#include "bursar/allocate/sparse_matching.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

struct Matrix {
  std::size_t rows, columns;
  std::vector<float> z;
  [[nodiscard]] AffinityView view() const { return {.data = z.data(), .rows = rows, .columns = columns}; }
};

Matrix random_matrix(RandomStream& random, std::size_t rows, std::size_t columns, bool ties) {
  Matrix m{rows, columns, std::vector<float>(rows * columns)};
  for (float& x : m.z) x = ties ? static_cast<float>(random.uniform_int(-2, 3)) : static_cast<float>(random.normal());
  return m;
}

// Best sum over all masks of at most 12 entries.
double brute_force(const Matrix& m, std::int64_t total, const std::vector<std::int64_t>& rows,
                   const std::vector<std::int64_t>& columns) {
  double best = 0;
  for (std::uint32_t mask = 0; mask < 1U << m.z.size(); ++mask) {
    std::int64_t count = 0;
    std::vector<std::int64_t> r(m.rows), c(m.columns);
    double sum = 0;
    for (std::size_t e = 0; e < m.z.size(); ++e) {
      if ((mask >> e & 1) == 0) continue;
      ++count, ++r[e / m.columns], ++c[e % m.columns];
      sum += m.z[e];
    }
    bool fits = total < 0 || count <= total;
    for (std::size_t i = 0; i < m.rows; ++i) fits &= rows.empty() || r[i] <= rows[i];
    for (std::size_t j = 0; j < m.columns; ++j) fits &= columns.empty() || c[j] <= columns[j];
    if (fits) best = std::max(best, sum);
  }
  return best;
}

double sum_of(const Matrix& m, const MatchResult& r) {
  double sum = 0;
  for (std::size_t i = 0; i < m.rows; ++i) {
    for (std::size_t k = r.first[i]; k < r.first[i + 1]; ++k) sum += m.z[i * m.columns + r.column[k]];
  }
  return sum;
}

TEST(SparseMatching, EqualsTheBestOfAllMasksUnderAnyCaps) {
  RandomStream random(1);
  for (int trial = 0; trial < 800; ++trial) {
    const Matrix m = random_matrix(random, 1 + random.uniform_int(std::uint64_t{3}),
                                   1 + random.uniform_int(std::uint64_t{3}), trial % 2 == 0);
    std::vector<std::int64_t> rows, columns;
    const std::int64_t total = random.bernoulli(.5) ? random.uniform_int(0, 6) : -1;
    if (random.bernoulli(.6))
      for (std::size_t i = 0; i < m.rows; ++i) rows.push_back(random.uniform_int(0, 3));
    if (random.bernoulli(.6))
      for (std::size_t j = 0; j < m.columns; ++j) columns.push_back(random.uniform_int(0, 3));
    const auto r = sparse_match(m.view(), {.total = total, .row_caps = rows, .column_caps = columns});
    ASSERT_TRUE(r) << r.error().message;
    const double best = brute_force(m, total, rows, columns);
    EXPECT_NEAR(r->value, best, 1e-6) << trial;
    EXPECT_NEAR(sum_of(m, *r), r->value, 1e-6);
    EXPECT_EQ(r->bound, r->value);
    const auto greedy =
        sparse_match(m.view(), {.total = total, .row_caps = rows, .column_caps = columns}, {.max_lp_pairs = 0});
    EXPECT_LE(greedy->value, best + 1e-6);
    EXPECT_GE(greedy->bound, best - 1e-6);
    EXPECT_GE(greedy->value, best / 2 - 1e-6);
  }
}

TEST(SparseMatching, MutualChoiceIsWorthAtLeastTokenAndFeatureChoice) {
  RandomStream random(2);
  const Matrix m = random_matrix(random, 64, 96, false);
  const auto mutual = sparse_match(m.view(), {.total = 64 * 6});
  const auto token = sparse_match(m.view(), {.per_row = 6});
  const auto feature = sparse_match(m.view(), {.per_column = 4});
  EXPECT_EQ(mutual->column.size(), 64U * 6);
  EXPECT_EQ(token->column.size(), 64U * 6);
  EXPECT_EQ(feature->column.size(), 64U * 6);
  EXPECT_GT(mutual->value, token->value);
  EXPECT_GT(mutual->value, feature->value);
  // Everything above the threshold is taken, nothing below it.
  EXPECT_EQ(std::ranges::count_if(m.z, [&](float x) { return x >= mutual->threshold; }), 64 * 6);
}

TEST(SparseMatching, MutualChoiceIsTokenChoiceWhereRowsArePermutations) {
  RandomStream random(3);
  Matrix m = random_matrix(random, 1, 20, false);
  const std::vector<float> row = m.z;
  for (std::size_t i = 1; i < 10; ++i) {
    std::vector<float> shuffled = row;
    random.shuffle(std::span(shuffled));
    m.z.insert(m.z.end(), shuffled.begin(), shuffled.end());
  }
  m.rows = 10;
  const auto mutual = sparse_match(m.view(), {.total = 30});
  const auto token = sparse_match(m.view(), {.per_row = 3});
  EXPECT_EQ(mutual->column, token->column);
  EXPECT_EQ(mutual->first, token->first);
}

TEST(SparseMatching, TiesGoToTheLowerRowThenColumn) {
  const Matrix m{2, 3, std::vector<float>(6, 1.0F)};
  const auto r = sparse_match(m.view(), {.total = 4});
  EXPECT_EQ(r->first, (std::vector<std::size_t>{0, 3, 4}));
  EXPECT_EQ(r->column, (std::vector<std::uint32_t>{0, 1, 2, 0}));
}

TEST(SparseMatching, TakesNegativesOnlyWhenAsked) {
  const Matrix m{1, 3, {-1, -2, 3}};
  EXPECT_EQ(sparse_match(m.view(), {.per_row = 2})->column, (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(sparse_match(m.view(), {.per_row = 2}, {.allow_negative = true})->column,
            (std::vector<std::uint32_t>{0, 2}));
}

TEST(SparseMatching, RefusesWhatCannotBeMeantByName) {
  const Matrix m{2, 2, {1, 2, 3, std::nanf("")}};
  EXPECT_THAT(sparse_match(m.view(), {.total = 1}).error().message,
              testing::HasSubstr("row 1, column 1: affinity is nan"));
  const Matrix good{1, 1, {1}};
  EXPECT_THAT(sparse_match(good.view(), {.total = -2}).error().message, testing::HasSubstr("total is -2"));
  const std::vector<std::int64_t> caps{1, 2};
  EXPECT_EQ(sparse_match(good.view(), {.row_caps = caps}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(sparse_match({}, {.total = 3})->value, 0);
}

}  // namespace
}  // namespace bursar::allocate
