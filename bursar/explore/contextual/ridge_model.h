// Ridge regression that is brought up to date one example at a time, and the uncertainty of what it predicts.
//
//   RidgeModel model(64, /*ridge=*/1);
//   model.add(x, reward);                           // O(d^2)
//   double r = model.predict(x), w = model.width(x);   // theta . x  and  sqrt(x^T A^-1 x)
//   model.score(features, 2.0, scores);             // of many rows at once: theta . x + 2 width
//
// With an intercept the model has one more weight, of a constant 1 after the features.
// A = ridge I + sum w x x^T, b = sum w r x, theta = A^-1 b. A^-1 follows by Sherman and Morrison's formula and is
// factored anew from A every 1000 examples, so that rounding does not add up. score() walks half of the symmetric A^-1
// for sixteen rows at a time: d^2/2 multiplications a row and no memory beyond A^-1; the same bits on every x86-64
// machine. A single row is scored by the whole of A^-1, and may differ from that in the last bits.
// Source: systems/bandits, 21.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::explore {

class RidgeModel {
 public:
  static constexpr std::uint64_t kRefactorEvery = 1000;
  RidgeModel(std::size_t features, double ridge, bool intercept = false);  // both > 0

  void add(std::span<const double> features, double reward, double weight = 1);  // weight > 0
  [[nodiscard]] double predict(std::span<const double> x) const;
  [[nodiscard]] double width(std::span<const double> x) const;
  // features [rows x features], out [rows].
  void score(std::span<const double> features, double alpha, std::span<double> out) const;

  [[nodiscard]] std::size_t dimension() const { return theta_.size(); }  // d: weights, with the intercept
  [[nodiscard]] std::span<const double> theta() const { return theta_; }
  [[nodiscard]] std::span<const double> inverse() const { return inverse_; }  // [d x d]
  [[nodiscard]] std::span<const double> matrix() const { return a_; }         // [d x d]
  [[nodiscard]] std::uint64_t examples() const { return examples_; }

  [[nodiscard]] boost::json::object save() const;
  [[nodiscard]] Result<void> load(const boost::json::object& saved);

 private:
  [[nodiscard]] double score_one(std::span<const double> features, double alpha) const;
  void refactor();
  void refresh();  // theta and the packed half of A^-1

  std::size_t features_;
  std::vector<double> a_, inverse_, b_, theta_;
  std::vector<double> half_;  // rows of the upper half of A^-1, what is off the diagonal doubled
  std::vector<double> x_, scratch_;
  std::uint64_t examples_ = 0;
};

}  // namespace bursar::explore
