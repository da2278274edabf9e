#include "bursar/core/clock.h"

#include <chrono>
#include <gtest/gtest.h>

namespace bursar {
namespace {

using namespace std::chrono_literals;

TEST(SimulatedClock, MovesOnlyWhenTold) {
  SimulatedClock clock{wall_from_unix_us(7)};
  EXPECT_EQ(unix_us(clock.now()), 7);
  EXPECT_EQ(unix_us(clock.now()), 7);
  clock.advance(2s);
  EXPECT_EQ(unix_us(clock.now()), 2'000'007);
}

TEST(SystemClock, NeverRunsBackwardsAndAgreesWithTheMachine) {
  const SystemClock clock;
  WallTime last = clock.now();
  for (int i = 0; i < 1000; ++i) {
    const WallTime now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_LT(std::chrono::abs(last - std::chrono::system_clock::now()), 1min);
}

}  // namespace
}  // namespace bursar
