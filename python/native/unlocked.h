// Long calls: other Python threads run meanwhile, and Ctrl-C ends them.
//
//   Watch watch(time_limit_s);
//   auto result = unlocked(watch, [&](const std::function<bool()>& stop) { return knapsack(items, budget, {.stop =
//   stop}); });
//
// The work runs without the interpreter lock and asks `stop` now and then. At most 25 times a second that asks Python
// whether a signal came; what its handler raises (KeyboardInterrupt) ends the work and is raised by unlocked(). Where
// the time limit has passed stop() is true as well, and the work ends with what it has. Only the main thread is told of
// signals, as always in Python.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <pybind11/pybind11.h>

namespace bursar::python {

class Watch {
 public:
  explicit Watch(std::optional<double> time_limit_s = std::nullopt);  // seconds, > 0

  // Called without the interpreter lock.
  [[nodiscard]] bool stop();
  // Called with it: raises what a signal's handler raised.
  void raise() const;

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point next_ask_;
  std::optional<Clock::time_point> end_;
  std::exception_ptr raised_;
};

template <class Work>
auto unlocked(Watch& watch, Work&& work) {
  auto result = [&] {
    const pybind11::gil_scoped_release released;
    return work(std::function<bool()>([&watch] { return watch.stop(); }));
  }();
  watch.raise();
  return result;
}

template <class Work>
auto unlocked(Work&& work) {
  const pybind11::gil_scoped_release released;
  return work();
}

}  // namespace bursar::python
