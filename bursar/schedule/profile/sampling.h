// How often a profile is read: every step, every r steps, or at listed shares of the budget. Between two readings the
// last one stands, so that a coarse rate turns any curve into a step schedule.
//
//   Sampling::every(100);               // at steps 0, 100, 200, … of the phase, after its warm-up
//   Sampling::at({.5, .75});            // at shares 0, .5 and .75
//
// Errors, kInvalidArgument: r < 1, shares that do not increase within (0, 1). Source: systems/rex.
#pragma once

#include <cstdint>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::schedule {

class Sampling {
 public:
  Sampling() = default;  // every step
  static Sampling every_step() { return {}; }
  static Result<Sampling> every(std::int64_t steps);
  static Result<Sampling> at(std::vector<double> shares);  // 0 is one of them whether it is listed or not

  [[nodiscard]] std::int64_t steps() const { return steps_; }  // between two readings; 1 where shares decide
  // The last listed share up to s; s itself where none are listed. O(log shares).
  [[nodiscard]] double last_share(double s) const;

 private:
  std::int64_t steps_ = 1;
  std::vector<double> shares_;  // [increasing, > 0]; empty: every one
  bool listed_ = false;
};

}  // namespace bursar::schedule
