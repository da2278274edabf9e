// Prices that do not learn: none at all (greedy), or known ones, of last period or of a linear program.
//
//   FixedPrices greedy({0, 0});
//   FixedPrices dearer({.002, .4});   // reward per token, per dollar
#pragma once

#include <vector>

#include "bursar/admit/price_source.h"

namespace bursar::admit {

class FixedPrices final : public PriceSource {
 public:
  explicit FixedPrices(std::vector<double> prices) : prices_(std::move(prices)) {}

  [[nodiscard]] std::span<const double> prices(const PriceQuestion& /*question*/) override { return prices_; }
  [[nodiscard]] std::span<const double> current() const override { return prices_; }
  void learn(const PriceLesson& /*lesson*/) override {}
  void correct(std::span<const double> /*difference*/) override {}
  [[nodiscard]] boost::json::object save() const override { return {}; }
  [[nodiscard]] Result<void> load(const boost::json::object& /*saved*/) override { return {}; }

 private:
  std::vector<double> prices_;
};

}  // namespace bursar::admit
