// What a won auction is worth before it is seen: theta, the predicted chance of a click, of auctions still to come.
//
//   auto paper = ThetaModel::average(1386. / 312437);     // every later auction counts theta_avg
//   auto ours = ThetaModel::distribution(thetas);         // later auctions differ, and poor ones can be passed over
//   ours->excess(.004);                                   // phi(c) = E[(theta - c)^+]
//
// average is the published method and the more robust one where predictions drift. distribution is the exact optimum
// where theta and price are independent; it wins most where predictions are heavy-tailed. Source: systems/rtb-rl
// (section D is derived there, not in the paper). Build O(n log n); excess O(1).
#pragma once

#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::admit {

class ThetaModel {
 public:
  static constexpr std::size_t kCells = 4096;

  // Errors: kInvalidArgument for a mean outside [0, 1].
  [[nodiscard]] static Result<ThetaModel> average(double theta_avg);
  // Weights (>= 0, sum > 0) default to equal ones. phi is exact on 4,097 even points up to the largest theta, linear in
  // between. Errors: kInvalidArgument for no thetas, one outside [0, 1], weights that are not as many or not >= 0.
  [[nodiscard]] static Result<ThetaModel> distribution(std::span<const double> thetas,
                                                       std::span<const double> weights = {});

  [[nodiscard]] bool is_distribution() const { return !excess_.empty(); }
  [[nodiscard]] double mean() const { return mean_; }
  [[nodiscard]] double largest() const { return largest_; }

  [[nodiscard]] double excess(double c) const {
    if (c <= 0) return mean_ - c;
    if (c >= largest_) return 0;
    if (excess_.empty()) return mean_ - c;
    const double at = c * scale_;
    const auto cell = static_cast<std::size_t>(at);
    return excess_[cell] + (excess_[cell + 1] - excess_[cell]) * (at - static_cast<double>(cell));
  }

 private:
  double mean_ = 0, largest_ = 0, scale_ = 0;
  std::vector<double> excess_;  // [kCells + 2]: the last two are 0, so that no rounding reads past the end
};

}  // namespace bursar::admit
