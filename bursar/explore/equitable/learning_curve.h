// How the error of a group falls with its samples, and what a plan wants from it.
//
//   const LearningCurve curve{.a = .08, .b = 2.5, .gamma = .35};
//   curve.error(1500);                       // a + b n^-gamma
//   EquityObjective{.q = 2}.loss(.25);       // e^q: q = 1 the average error, large q the worst group's
//
// Source: systems/equitable-sampling, "Model and notation".
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

namespace bursar::explore {

struct LearningCurve {
  double a = 0;      // >= 0: the error that no sample removes
  double b = 0;      // >= 0
  double gamma = 1;  // > 0

  [[nodiscard]] double error(double n) const { return a + b * std::pow(n, -gamma); }           // n > 0
  [[nodiscard]] double slope(double n) const { return -gamma * b * std::pow(n, -gamma - 1); }  // of the error
};

struct GroupSpec {
  std::string name;
  double cost = 1;         // of one sample, > 0
  double weight = 1;       // >= 0: the user's value judgement, in any unit; never taken from `population`
  double population = 0;   // share, >= 0: read by the proportional plan alone
  std::int64_t min_n = 1;  // >= 1: a curve has no value at 0
  std::int64_t max_n = std::int64_t{1} << 40;
};

// L(n) = sum_g w_g loss(e_g). Negative errors, which a fitted curve may have, count as 0.
struct EquityObjective {
  double q = 2;  // 1 … 32
  // Instead of e^q where both are given: increasing and convex on [0, inf), and its derivative.
  std::function<double(double)> user_loss = {}, user_slope = {};

  [[nodiscard]] double loss(double error) const {
    const double e = std::max(error, 0.0);
    return user_loss ? user_loss(e) : std::pow(e, q);
  }
  [[nodiscard]] double slope(double error) const {
    const double e = std::max(error, 0.0);
    return user_loss ? user_slope(e) : q * std::pow(e, q - 1);
  }
};

}  // namespace bursar::explore
