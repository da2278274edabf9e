#include "bursar/broker/http/reactor.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

TEST(Reactor, RunsTasksInTheOrderOfTheirPosts) {
  Reactors reactors(1);
  reactors.start();
  std::vector<int> seen;
  std::promise<void> done;
  for (int i = 0; i < 100; ++i) {
    reactors.at(0).post([&seen, &reactor = reactors.at(0), &done, i] {
      seen.push_back(i);
      if (i == 99) reactor.post([&done] { done.set_value(); });  // a task may post another
    });
  }
  done.get_future().wait();
  ASSERT_EQ(seen.size(), 100U);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

TEST(Reactor, FinishesOnlyAfterWhatWasPosted) {
  Reactors reactors(2);
  std::atomic<int> ran = 0;
  for (std::size_t i = 0; i < 2; ++i) reactors.at(i).post([&] { ++ran; });
  reactors.finish();
  reactors.start();
  reactors.join();
  EXPECT_EQ(ran, 2);
}

// A sanitizer sees it if the timer outlives its reactor.
TEST(Reactor, DropsWhatHoldsAnotherReactorsTimerWhileBothAreThere) {
  struct Holder {
    explicit Holder(Reactors& r) : reactors(r), timer(r.at(0).context()) {}
    ~Holder() {
      reactors.at(0).post([] { FAIL() << "nothing runs any more"; });
    }
    Reactors& reactors;
    boost::asio::steady_timer timer;
  };
  auto reactors = std::make_unique<Reactors>(2);
  auto holder = std::make_shared<Holder>(*reactors);
  reactors->at(1).post([holder] { FAIL() << "never started"; });
  holder.reset();
  reactors.reset();
}

}  // namespace
}  // namespace bursar::broker
