// One row of a value table after another; what BidTable keeps of them is its own matter.
#pragma once

#include <Eigen/Core>
#include <span>

#include "bursar/admit/auction/price_model.h"
#include "bursar/admit/auction/theta_model.h"
#include "bursar/admit/auction/value_source.h"

namespace bursar::admit {

class BidRecursion {
 public:
  BidRecursion(const PriceModel& prices, const ThetaModel& theta, const BidObjective& objective, int budget);

  [[nodiscard]] std::span<const double> values() const { return {now_.data(), static_cast<std::size_t>(now_.size())}; }
  void step();  // from V(t - 1, .) to V(t, .)

 private:
  [[nodiscard]] double worth_of_average(int b, int bid) const;
  [[nodiscard]] double worth_of_distribution(int b) const;

  const PriceModel& prices_;
  const ThetaModel& theta_;
  BidObjective objective_;
  Eigen::VectorXd falling_;  // m(P), …, m(0): a sum over delta is then a product of two rising stretches
  Eigen::VectorXd now_, next_;
  double ceiling_ = 0, ceiling_step_ = 0;
};

}  // namespace bursar::admit
