#include "bursar/broker/http/workers.h"

#include <atomic>
#include <future>
#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

TEST(Workers, RunWhatTheyTookAndRefuseWhatDoesNotFit) {
  std::promise<void> gate, begun;
  auto open = gate.get_future().share();
  std::atomic<int> ran = 0;
  {
    Workers workers(1, 2);
    ASSERT_TRUE(workers.post([&] {
      begun.set_value();
      open.wait();
      ++ran;
    }));
    begun.get_future().wait();  // the only thread is busy, the queue is empty
    std::promise<void> last;
    ASSERT_TRUE(workers.post([&] { ++ran; }));
    ASSERT_TRUE(workers.post([&] { last.set_value(); }));
    EXPECT_FALSE(workers.post([&] { ++ran; }));
    gate.set_value();
    last.get_future().wait();
    EXPECT_EQ(ran, 2);
  }
}

TEST(Workers, DropWhatWaitsWhenTheyEnd) {
  const auto token = std::make_shared<int>(0);
  std::promise<void> gate, begun;
  auto open = gate.get_future().share();
  {
    auto workers = std::make_unique<Workers>(1, 8);
    ASSERT_TRUE(workers->post([&] {
      begun.set_value();
      open.wait();
    }));
    begun.get_future().wait();
    ASSERT_TRUE(workers->post([token] { FAIL() << "was dropped"; }));
    std::thread opener([&] {
      while (token.use_count() > 1) std::this_thread::yield();  // until the queue is gone
      gate.set_value();
    });
    workers.reset();
    opener.join();
  }
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace bursar::broker
