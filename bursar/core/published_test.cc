#include "bursar/core/published.h"

#include <array>
#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace bursar {
namespace {

TEST(Published, HandsOutTheNewestAndKeepsTheOldAliveForWhoHoldsIt) {
  Published<const int> value(std::make_shared<const int>(1));
  const auto old = value.load();
  value.store(std::make_shared<const int>(2));
  EXPECT_EQ(*old, 1);
  EXPECT_EQ(*value.load(), 2);
  EXPECT_EQ(*value.exchange(nullptr), 2);
  EXPECT_EQ(value.load(), nullptr);
}

// Both numbers of a pair are written together, so a reader that saw two different ones saw half a value.
TEST(Published, ReadersNeverSeeHalfAValue) {
  using Pair = std::array<int, 2>;
  Published<const Pair> value(std::make_shared<const Pair>(Pair{0, 0}));
  std::atomic<bool> done = false;
  std::atomic<int> torn = 0;
  std::array<std::thread, 3> readers;
  for (auto& reader : readers) {
    reader = std::thread([&] {
      for (int last = 0; !done;) {
        const auto pair = value.load();
        if ((*pair)[0] != (*pair)[1] || (*pair)[0] < last) ++torn;
        last = (*pair)[0];
      }
    });
  }
  for (int i = 1; i <= 5000; ++i) value.store(std::make_shared<const Pair>(Pair{i, i}));
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ((*value.load())[0], 5000);
}

}  // namespace
}  // namespace bursar
