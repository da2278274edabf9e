// The value table as a price source: money is worth what one more unit of it would earn in later auctions.
//
//   auto source = ValuePrices::make(std::move(bidder), {.auctions = 1000, .budget = 1969});
//   PricedPolicy policy({.name = "value-table", .setup = …}, std::move(*source));
//
// For requests whose options have known costs in resource 0; the price is v0 + gamma D(t - 1, b - 1) with what remains.
// It follows from the count of requests and the budget left, so that nothing is learned and nothing is saved.
// Source: systems/rtb-rl.
#pragma once

#include <memory>

#include "bursar/admit/auction/bidder.h"
#include "bursar/admit/price_source.h"

namespace bursar::admit {

class ValuePrices final : public PriceSource {
 public:
  // Errors: those of the bidder's begin().
  [[nodiscard]] static Result<std::unique_ptr<ValuePrices>> make(std::unique_ptr<Bidder> bidder, Episode episode);

  [[nodiscard]] std::span<const double> prices(const PriceQuestion& question) override;
  [[nodiscard]] std::span<const double> current() const override { return {&price_, 1}; }
  void learn(const PriceLesson&) override {}
  void correct(std::span<const double>) override {}
  [[nodiscard]] boost::json::object save() const override { return {}; }
  [[nodiscard]] Result<void> load(const boost::json::object&) override { return {}; }

 private:
  ValuePrices(std::unique_ptr<Bidder> bidder, Episode episode) : bidder_(std::move(bidder)), episode_(episode) {}
  std::unique_ptr<Bidder> bidder_;
  Episode episode_;
  double price_ = 0;
};

}  // namespace bursar::admit
