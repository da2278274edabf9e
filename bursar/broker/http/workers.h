// A few threads for requests that may wait: for the disk, or for a long computation. What lives on a reactor must not.
//
//   Workers workers(2, 64);
//   if (!workers.post([=] { exchange->answer(slow_answer()); })) exchange->answer(busy());
//
// Bounded: post() refuses, and never waits, while `queue_max` tasks are waiting. Thread-safe. The destructor lets
// running tasks end and drops those that wait.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace bursar::broker {

class Workers {
 public:
  Workers(std::size_t threads, std::size_t queue_max);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  [[nodiscard]] bool post(std::function<void()> task);

 private:
  void work();

  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  bool ending_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace bursar::broker
