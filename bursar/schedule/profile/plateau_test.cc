#include "bursar/schedule/profile/plateau.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

namespace bursar::schedule {
namespace {

using ::testing::HasSubstr;

TEST(Plateau, FallsAfterItsPatience) {
  auto p = *Plateau::create({.rate = 1, .patience = 3});
  EXPECT_EQ(*p.report(5), 1);
  EXPECT_EQ(*p.report(5), 1);
  EXPECT_EQ(*p.report(6), 1);
  EXPECT_EQ(*p.report(5), .1);
  EXPECT_EQ(*p.report(4), .1);  // improves, and is counted from anew
  EXPECT_EQ(*p.report(4), .1);
  EXPECT_EQ(*p.report(4), .1);
  EXPECT_NEAR(*p.report(4), .01, 1e-17);
  EXPECT_EQ(*p.best(), 4);
}

TEST(Plateau, WantsMoreThanTheThresholdInEitherDirection) {
  auto less = *Plateau::create({.rate = 1, .patience = 1, .threshold = .01});
  (void)less.report(100);
  EXPECT_EQ(*less.report(99.5), .1);
  EXPECT_EQ(*less.report(98), .1);
  auto more = *Plateau::create({.rate = 1, .patience = 1, .threshold = .01, .larger_is_better = true});
  (void)more.report(-100);
  EXPECT_EQ(*more.report(-98), 1);
  EXPECT_EQ(*more.report(-97.9), .1);
}

TEST(Plateau, RestsAfterAFallAndStopsAtItsFloor) {
  auto p = *Plateau::create({.rate = 1, .factor = .5, .patience = 1, .cooldown = 2, .floor = .3});
  (void)p.report(1);
  EXPECT_EQ(*p.report(1), .5);
  EXPECT_EQ(*p.report(1), .5);
  EXPECT_EQ(*p.report(1), .5);
  EXPECT_EQ(*p.report(1), .3);
}

TEST(Plateau, TakesAnInfiniteLossAsNoImprovementAndNoNumberNotAtAll) {
  auto p = *Plateau::create({.rate = 1, .patience = 2});
  EXPECT_EQ(*p.report(std::numeric_limits<double>::infinity()), 1);
  EXPECT_FALSE(p.best());
  EXPECT_THAT(p.report(std::nan("")).error().message, HasSubstr("not a number"));
  EXPECT_EQ(*p.report(std::numeric_limits<double>::infinity()), .1);
}

TEST(Plateau, GoesOnAsItWasSaved) {
  for (int stop = 0; stop < 12; ++stop) {
    auto a = *Plateau::create({.rate = 1, .factor = .3, .patience = 2, .cooldown = 1});
    const auto loss = [](int i) { return 1 + std::sin(i * 1.7); };
    for (int i = 0; i < stop; ++i) (void)a.report(loss(i));
    auto b = Plateau::restore(a.save());
    ASSERT_TRUE(b) << b.error().message;
    for (int i = stop; i < 20; ++i) EXPECT_EQ(*a.report(loss(i)), *b->report(loss(i)));
  }
  auto saved = Plateau::create({.rate = 1})->save();
  saved["rate"] = 3.0;
  EXPECT_EQ(Plateau::restore(saved).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(Plateau::restore({}).error().code, ErrorCode::kCorrupt);
}

TEST(Plateau, RefusesBadOptionsByName) {
  EXPECT_THAT(Plateau::create({}).error().message, HasSubstr("rate: must be a positive number, is 0"));
  EXPECT_THAT(Plateau::create({.rate = 1, .factor = 1}).error().message, HasSubstr("factor"));
  EXPECT_THAT(Plateau::create({.rate = 1, .patience = 0}).error().message, HasSubstr("patience"));
  EXPECT_FALSE(Plateau::create({.rate = 1, .cooldown = -1}));
  EXPECT_FALSE(Plateau::create({.rate = 1, .threshold = 1}));
  EXPECT_FALSE(Plateau::create({.rate = 1, .floor = 2}));
  EXPECT_FALSE(Plateau::create({.rate = std::nan("")}));
}

}  // namespace
}  // namespace bursar::schedule
