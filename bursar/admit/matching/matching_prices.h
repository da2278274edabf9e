// The prices of a Bayesian matching as a price source: a resource is an item, of which there is one.
//
//   MatchingPrices source(lp, posted, /*period_s=*/0);
//   // period 0, items 0 and 2 still there:
//   source.prices({.remaining = {{1, 0, 1}}, .decided = 0});
//
// Each request is a period, or the clock says which one it is (period_s); after the last period everything is free.
// Posted: what keeping the item is worth to the philosopher's rule, given what is unsold. LP: the dual price of having
// the item after the period, whatever is unsold: cheap for large instances. An item that is gone costs kGone. Source:
// systems/philosopher.
#pragma once

#include <optional>
#include <vector>

#include "bursar/admit/matching/posted_prices.h"
#include "bursar/admit/price_source.h"

namespace bursar::admit {

class MatchingPrices final : public PriceSource {
 public:
  static constexpr double kGone = 1e300;

  // Posted prices where `posted` is given; otherwise the LP's.
  MatchingPrices(OnlineLp lp, std::optional<PostedPrices> posted, double period_s)
      : lp_(std::move(lp)), posted_(std::move(posted)), period_s_(period_s), current_(lp_.items, 0.0) {}

  [[nodiscard]] std::span<const double> prices(const PriceQuestion& question) override;
  [[nodiscard]] std::span<const double> current() const override { return current_; }
  void learn(const PriceLesson& /*lesson*/) override {}
  void correct(std::span<const double> /*difference*/) override {}
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  OnlineLp lp_;
  std::optional<PostedPrices> posted_;
  double period_s_ = 0;
  std::vector<double> current_;
};

}  // namespace bursar::admit
