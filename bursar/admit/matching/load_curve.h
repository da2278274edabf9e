// How much a goal's load holds it back: f in the score  w p (1 - f(load)).
//
//   LoadCurve curve = LoadCurve::expected_marginal();   // f(l) = 1 - exp(-l)
//   double left = curve.left(.7);                       // 1 - f(.7)
//
// f rises strictly from [0, 1). What is stored is 1 - f, which does not round to 0 where f rounds to 1. The default had
// the best worst case of five in a search (`bursar reproduce stochastic-balance`); which f is best for unequal
// probabilities is open. Source: systems/stochastic-balance.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::admit {

class LoadCurve {
 public:
  static LoadCurve expected_marginal();   // "marginal": f(l) = 1 - exp(-l)
  static LoadCurve double_exponential();  // "double-exponential": f(l) = exp(-exp(-l))
  static LoadCurve fraction();            // "fraction": f(l) = l / (1 + l)
  static LoadCurve half_marginal();       // "half-marginal": f(l) = (1 - exp(-l)) / 2
  // One of your own: left(l) = 1 - f(l) for l >= 0, falling strictly and positive. Such a curve is not saved: give it
  // again when you load.
  static LoadCurve custom(std::string name, std::function<double(double)> left);

  // kInvalidArgument lists the names.
  [[nodiscard]] static Result<LoadCurve> named(std::string_view name);
  [[nodiscard]] static std::vector<std::string_view> names();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] double left(double load) const { return left_(load); }

 private:
  LoadCurve(std::string name, std::function<double(double)> left) : name_(std::move(name)), left_(std::move(left)) {}
  std::string name_;
  std::function<double(double)> left_;
};

}  // namespace bursar::admit
