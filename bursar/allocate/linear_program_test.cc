#include "bursar/allocate/linear_program.h"

#include <gtest/gtest.h>
#include <limits>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

TEST(LinearProgramTest, SolvesTheExampleOfItsHeader) {
  const auto r = maximise(
      {.objective = {3, 2}, .upper = {1, 1}, .start = {0, 1, 2}, .row = {0, 0}, .element = {2, 1}, .row_upper = {2}});
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_NEAR(r->objective, 3.5, 1e-9);
  EXPECT_NEAR(r->x[0], .5, 1e-9);
  EXPECT_NEAR(r->price[0], 1.5, 1e-9);
}

TEST(GrowingProgramTest, GivesWhatTheWholeProgramGives) {
  RandomStream random(1);
  for (int trial = 0; trial < 30; ++trial) {
    const std::size_t rows = 1 + random.uniform_int(6);
    std::vector<double> limit(rows);
    for (double& l : limit) l = random.uniform(.5, 2);
    GrowingProgram growing(limit);
    LinearProgram whole{.start = {0}, .row_upper = limit};
    double last = 0;
    for (int column = 0; column < 8; ++column) {
      std::vector<int> row;
      std::vector<double> element;
      for (std::size_t r = 0; r < rows; ++r) {
        if (r > 0 && random.bernoulli(.4)) continue;  // row 0 holds every column, so that there is a bound
        row.push_back(static_cast<int>(r));
        element.push_back(random.uniform(.1, 1));
      }
      const double worth = random.uniform01();
      EXPECT_EQ(growing.add_column(worth, row, element), static_cast<std::size_t>(column));
      whole.objective.push_back(worth);
      whole.upper.push_back(kNever);
      whole.row.insert(whole.row.end(), row.begin(), row.end());
      whole.element.insert(whole.element.end(), element.begin(), element.end());
      whole.start.push_back(static_cast<int>(whole.row.size()));
      const auto a = growing.solve(), b = maximise(whole);
      ASSERT_TRUE(a && b);
      EXPECT_NEAR(a->objective, b->objective, 1e-9);
      EXPECT_GE(a->objective, last - 1e-12) << "a column can only help";
      last = a->objective;
      double dual = 0;
      for (std::size_t r = 0; r < rows; ++r) dual += a->price[r] * limit[r];
      EXPECT_NEAR(dual, a->objective, 1e-9) << "prices prove the optimum";
    }
  }
}

TEST(GrowingProgramTest, SaysWhereThereIsNoBound) {
  GrowingProgram growing(std::vector{1.0});
  growing.add_column(1, {}, {});
  EXPECT_EQ(growing.solve().error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace bursar::allocate
