#include "bursar/allocate/damage_cap.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/allocate/multiple_choice.h"
#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(DamageCap, SparesTheLayerThatTheKnapsackWouldSacrifice) {
  // Two layers of 100; at 50 % removed the second one breaks (error 10), the first hardly notices.
  const std::vector<double> error{0, .1, .3, 0, .4, 10}, kept{100, 60, 30, 100, 70, 50}, size{100, 100};
  const auto cap = cap_damage({.error = error, .kept = kept, .size = size, .width = 3}, .5);
  ASSERT_TRUE(cap);
  // By hand: nearest to 50 kept are .1 (60) and 10 (50): m = 5.05. With 1.0 m the layers keep 30 + 70 = 100 of 200:
  // enough.
  EXPECT_EQ(cap->factor, 1);
  EXPECT_DOUBLE_EQ(cap->error_limit, 5.05);
  EXPECT_THAT(cap->forbidden, ElementsAre(0, 0, 0, 0, 0, 1));
}

TEST(DamageCap, LeavesEveryLayerAnOptionAndTheTargetReachable) {
  RandomStream random(1);
  int raised = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    const std::size_t layers = 1 + random.uniform_int(std::uint64_t{6}), width = 5;
    std::vector<double> error, kept, size, negative;
    for (std::size_t i = 0; i < layers; ++i) {
      size.push_back(random.uniform(50, 150));
      const double slope = std::exp(random.normal());
      for (std::size_t k = 0; k < width; ++k) {
        const double removed = .15 * static_cast<double>(k);
        error.push_back(slope * removed * removed + (k == 0 ? 0 : .01 * random.uniform01()));
        kept.push_back((1 - removed) * size.back());
      }
    }
    const double t = random.uniform(.05, .55);
    const auto cap = cap_damage({.error = error, .kept = kept, .size = size, .width = width}, t);
    ASSERT_TRUE(cap);
    raised += cap->factor > 1;
    double total = 0;
    for (const double s : size) total += s;
    for (const double e : error) negative.push_back(-e);
    const auto free = multiple_choice({.value = negative, .cost = kept, .width = width}, (1 - t) * total);
    const auto held = multiple_choice({.value = negative, .cost = kept, .width = width, .forbidden = cap->forbidden},
                                      (1 - t) * total);
    ASSERT_TRUE(held) << held.error().message;
    EXPECT_LE(held->value, free->value + 1e-9);
    if (cap->factor == 0) continue;
    for (std::size_t i = 0; i < layers; ++i) EXPECT_LE(error[i * width + held->choice[i]], cap->error_limit);
  }
  EXPECT_GT(raised, 10);
}

TEST(DamageCap, NamesWhatItRefuses) {
  const std::vector<double> error{0, .1}, kept{100, 60}, size{100}, bad{0, -.1};
  EXPECT_THAT(cap_damage({.error = error, .kept = kept, .size = size, .width = 2}, .5).error().message,
              HasSubstr("the options reach 0.4 at most"));
  EXPECT_THAT(cap_damage({.error = bad, .kept = kept, .size = size, .width = 2}, .3).error().message,
              HasSubstr("layer 0, option 1: error is -0.1"));
  EXPECT_FALSE(cap_damage({.error = error, .kept = kept, .size = size, .width = 2}, 1));
  EXPECT_FALSE(cap_damage({.error = error, .kept = kept, .size = size, .width = 3}, .3));
}

}  // namespace
}  // namespace bursar::allocate
