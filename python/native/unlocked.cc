#include "python/native/unlocked.h"

#include <cmath>

#include "python/native/failure.h"

namespace bursar::python {
namespace py = pybind11;

namespace {

constexpr std::chrono::milliseconds kAskEvery{40};
constexpr double kLongestLimit_s = 1e9;

}  // namespace

Watch::Watch(std::optional<double> time_limit_s) : next_ask_(Clock::now() + kAskEvery) {
  if (!time_limit_s) return;
  if (!(*time_limit_s > 0) || !std::isfinite(*time_limit_s))
    refuse("time_limit_s: is " + std::to_string(*time_limit_s) + "; it must be positive and finite");
  end_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                            std::chrono::duration<double>(std::min(*time_limit_s, kLongestLimit_s)));
}

bool Watch::stop() {
  if (raised_) return true;
  const auto now = Clock::now();
  if (end_ && now >= *end_) return true;
  if (now < next_ask_) return false;
  next_ask_ = now + kAskEvery;
  const py::gil_scoped_acquire locked;
  if (PyErr_CheckSignals() == 0) return false;
  raised_ = std::make_exception_ptr(py::error_already_set());
  return true;
}

void Watch::raise() const {
  if (raised_) std::rethrow_exception(raised_);
}

}  // namespace bursar::python
