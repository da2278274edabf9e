#include "bursar/schedule/profile/budget_curriculum.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

namespace bursar::schedule {
namespace {

using ::testing::HasSubstr;

TEST(BudgetCurriculum, HasTheBudgetsOfItsSheet) {
  const auto b = BudgetCurriculum::exponential({.from = 256, .to = 87, .drops = 3, .steps = 600});
  ASSERT_TRUE(b);
  const std::vector<double> sheet{256, 178.6, 124.7, 87};
  for (std::int64_t t = 0; t < 600; ++t) EXPECT_NEAR(*b->at(t), sheet[static_cast<std::size_t>(t / 150)], .06) << t;
  EXPECT_EQ(*b->at(599), 87);
  EXPECT_EQ(*b->at(9'999), 87);
  EXPECT_EQ(*b->tokens_at(150), 179);
  EXPECT_EQ(*b->tokens_at(300), 125);
  EXPECT_FALSE(b->grows());
  const auto rounded = BudgetCurriculum::decay({.from = 256, .factor = .7, .interval = 150, .steps = 600});
  for (const auto& [t, budget] : {std::pair{0, 256.0}, {150, 179.2}, {300, 125.44}, {450, 87.808}}) {
    EXPECT_NEAR(*rounded->at(t), budget, 1e-9);
  }
}

TEST(BudgetCurriculum, DropsExactlyAsOftenAsAskedByTheSameFactor) {
  for (const auto& [drops, factor] : {std::pair{1, .33984}, {3, .698}, {7, .85712}}) {
    const auto b = BudgetCurriculum::exponential({.from = 256, .to = 87, .drops = drops, .steps = 601});
    const auto changes = b->changes();
    ASSERT_TRUE(changes);
    ASSERT_EQ(changes->size(), static_cast<std::size_t>(drops) + 1);
    for (std::size_t k = 1; k < changes->size(); ++k) {
      EXPECT_NEAR((*changes)[k].budget / (*changes)[k - 1].budget, factor, 5e-4);
      // The first step at or after k I, I = steps / (drops + 1).
      EXPECT_EQ((*changes)[k].step, (static_cast<std::int64_t>(k) * 601 + drops) / (drops + 1));
    }
  }
}

TEST(BudgetCurriculum, FallsInEqualDropsWhereItIsLinear) {
  const auto b = BudgetCurriculum::linear({.from = 26, .to = 11, .drops = 3, .steps = 320});
  const auto changes = b->changes();
  ASSERT_EQ(changes->size(), 4U);
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_NEAR((*changes)[k].budget, 26 - 5 * static_cast<double>(k), 1e-12);
    EXPECT_EQ((*changes)[k].step, static_cast<std::int64_t>(80 * k));
  }
}

TEST(BudgetCurriculum, IsConstantOrCustomOrAProfile) {
  EXPECT_EQ(*BudgetCurriculum::constant(87, 10)->at(3), 87);
  EXPECT_EQ(BudgetCurriculum::constant(87, 10)->changes()->size(), 1U);
  const auto own = BudgetCurriculum::custom({{0, 256}, {10, 300}, {20, 90}}, 30);
  EXPECT_EQ(*own->at(9), 256);
  EXPECT_EQ(*own->at(10), 300);
  EXPECT_EQ(*own->at(29), 90);
  const BudgetDrops ends{.from = 200, .to = 100, .steps = 400};
  const auto rex = BudgetCurriculum::of_profile(Profile::rex(), *Sampling::every(100), ends);
  ASSERT_TRUE(rex);
  for (std::int64_t t = 0; t < 400; ++t) {
    EXPECT_NEAR(*rex->at(t), 100 + 100 * Profile::rex()(static_cast<double>(t / 100) / 4), 1e-12);
  }
  // Equal drops are the line read at the first step of every part, stretched to reach its end.
  const auto line =
      BudgetCurriculum::of_profile(Profile::linear(), *Sampling::every(80), {.from = 26, .to = 6, .steps = 320});
  const auto drops = BudgetCurriculum::linear({.from = 26, .to = 11, .drops = 3, .steps = 320});
  for (std::int64_t t = 0; t < 320; ++t) EXPECT_NEAR(*line->at(t), *drops->at(t), 1e-12);
}

TEST(BudgetCurriculum, MayGrowAndSaysSo) {
  EXPECT_TRUE(BudgetCurriculum::exponential({.from = 10, .to = 40, .drops = 2, .steps = 30})->grows());
  EXPECT_EQ(*BudgetCurriculum::exponential({.from = 10, .to = 40, .drops = 2, .steps = 30})->at(15), 20);
}

TEST(BudgetCurriculum, NeverFallsBelowOneToken) {
  const auto b = BudgetCurriculum::decay({.from = 8, .factor = .1, .interval = 1, .steps = 1000});
  EXPECT_EQ(*b->at(999), 1);
}

TEST(BudgetCurriculum, RefusesBadInputByName) {
  using C = BudgetCurriculum;
  EXPECT_THAT(C::exponential({.from = .5, .to = 87, .steps = 600}).error().message,
              HasSubstr("from: a budget must be"));
  EXPECT_THAT(C::linear({.from = 256, .to = 0, .steps = 600}).error().message, HasSubstr("to: a budget must be"));
  EXPECT_THAT(C::exponential({.from = 256, .to = 87, .drops = -1, .steps = 600}).error().message, HasSubstr("drops"));
  EXPECT_THAT(C::exponential({.from = 256, .to = 87, .drops = 0, .steps = 600}).error().message, HasSubstr("drops: 0"));
  EXPECT_TRUE(C::exponential({.from = 87, .to = 87, .drops = 0, .steps = 600}));
  EXPECT_THAT(C::exponential({.from = 256, .to = 87, .drops = 3, .steps = 3}).error().message,
              HasSubstr("steps: must be at least drops + 1 = 4"));
  EXPECT_FALSE(C::exponential({.from = std::nan(""), .to = 87, .steps = 600}));
  EXPECT_FALSE(C::constant(std::numeric_limits<double>::infinity(), 5));
  EXPECT_FALSE(C::constant(5, 0));
  EXPECT_FALSE(C::decay({.from = 256, .factor = 1.2, .steps = 5}));
  EXPECT_FALSE(C::decay({.from = 256, .factor = .5, .interval = 0, .steps = 5}));
  EXPECT_FALSE(C::custom({}, 5));
  EXPECT_FALSE(C::custom({{1, 5}}, 5));
  EXPECT_FALSE(C::custom({{0, 5}, {0, 6}}, 5));
  EXPECT_FALSE(C::custom({{0, 5}, {5, 6}}, 5));
  EXPECT_FALSE(C::custom({{0, .5}}, 5));
  EXPECT_EQ(C::constant(5, 5)->at(-1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(C::constant(5, std::int64_t{1} << 39)->changes().error().code, ErrorCode::kExhausted);
}

TEST(BudgetCurriculum, IsMadeByItsWords) {
  const auto b = parse_curriculum("exponential:from=256,to=87,drops=3", 600);
  ASSERT_TRUE(b) << b.error().message;
  EXPECT_EQ(*b->tokens_at(150), 179);
  EXPECT_EQ(*parse_curriculum("linear:from=26,to=11", 320)->at(80), 21);
  EXPECT_EQ(*parse_curriculum("constant:budget=87", 10)->at(3), 87);
  EXPECT_NEAR(*parse_curriculum("decay:from=256,factor=.7,interval=150", 600)->at(150), 179.2, 1e-9);
  EXPECT_THAT(parse_curriculum("linear:from=26", 320).error().message,
              HasSubstr("curriculum \"linear\": needs to=NUMBER"));
  EXPECT_THAT(parse_curriculum("linear:from=26,to=11,drops=1.5", 320).error().message, HasSubstr("drops"));
  EXPECT_THAT(parse_curriculum("cosine", 320).error().message, HasSubstr("there are exponential, linear"));
  EXPECT_THAT(parse_curriculum("constant:budget=87,from=3", 320).error().message,
              HasSubstr("has no parameter \"from\"; it has budget"));
  EXPECT_THAT(parse_curriculum("", 320).error().message, HasSubstr("curriculum '': has no name"));
}

}  // namespace
}  // namespace bursar::schedule
