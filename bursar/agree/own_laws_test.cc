#include "bursar/agree/own_laws.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bursar::agree {
namespace {

TEST(OwnLaws, NameTheEffortBehindFrequencies) {
  const OwnLaws laws({{250, 250, 250, 250}, {350, 150, 150, 350}});
  EXPECT_EQ(laws.likeliest(std::vector<std::uint64_t>{130, 120, 125, 125}).value(), 0U);
  EXPECT_EQ(laws.likeliest(std::vector<std::uint64_t>{172, 78, 74, 176}).value(), 1U);
}

TEST(OwnLaws, RefuseWhatFitsNoEffort) {
  const OwnLaws laws({{250, 250, 250, 250}, {350, 150, 150, 350}});
  const auto lies = laws.likeliest(std::vector<std::uint64_t>{250, 250, 0, 0});
  ASSERT_FALSE(lies);
  EXPECT_EQ(lies.error().code, ErrorCode::kInfeasible);
  EXPECT_THAT(lies.error().message, testing::HasSubstr("fits no effort"));
}

TEST(OwnLaws, ConfusionIsCertainOfTheSameAndFallsWithRounds) {
  const OwnLaws laws({{250000, 250000}, {250000, 250000}, {350000, 150000}});
  EXPECT_NEAR(laws.confusion(0, 1, 1000), 1, 1e-9);
  EXPECT_NEAR(laws.confusion(0, 2, 369), std::pow(std::sqrt(.35) + std::sqrt(.15), 369), 1e-6);
  EXPECT_LT(laws.confusion(0, 2, 600), laws.confusion(0, 2, 300));
}

}  // namespace
}  // namespace bursar::agree
