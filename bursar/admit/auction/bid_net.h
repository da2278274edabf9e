// A small network that stands in for a value table too large to keep, or to play episodes longer than any table.
//
//   auto table = BidTable::solve(prices, theta, {.horizon = 1000, .budget = 2 * planned});
//   auto net = BidNet::fit(*table, {.seed = 1});             // half a minute on one core
//   Bidder bidder(std::make_shared<const BidNet>(*net), Scale::kMapD);
//
// Layers 2-30-15-1, tanh, linear output, learns D(t, b) by squared loss and Adam with a cosine decay, on uniform states
// of the table; inputs are scaled to [-1, 1], targets to 6 D / u, u the value of one auction with all the budget. Few
// auctions (t <= exact_auctions) and, where asked for, small budgets (b < exact_budget) stay tabulated; the output is
// cut at 0. The same seed gives the same network on the same machine. Fit O(batches batch_size), bid O(bid). Source:
// systems/rtb-rl (C; scaling, schedule and sampling are choices of the sheet).
#pragma once

#include <functional>
#include <memory>

#include "bursar/admit/auction/bid_table.h"

namespace bursar::admit {

struct TrainConfig {
  std::uint64_t seed = 1;
  int batches = 20'000, batch_size = 500;  // >= 1
  double rate = 3e-3;                      // > 0: Adam's first step
  int exact_auctions = 50, exact_budget = 0;
  std::function<bool(double done)> progress;  // of 0..1, now and then; false ends the fit with kCancelled
};

class BidNet final : public ValueSource {
 public:
  // Errors: kInvalidArgument for numbers out of range and for a table that has nothing to learn (no state beyond the
  // tabulated ones, or an auction worth nothing); kCancelled.
  [[nodiscard]] static Result<BidNet> fit(const BidTable& table, const TrainConfig& config = {});

  [[nodiscard]] int horizon() const override { return horizon_; }
  [[nodiscard]] int budget() const override { return budget_; }
  [[nodiscard]] int highest_price() const override { return early_->highest_price(); }
  [[nodiscard]] BidObjective objective() const override { return early_->objective(); }
  void marginals_below(int t, int high, std::span<double> out) const override;

  // Root of the mean squared error of D over states drawn anew from the table that was learned, in units of u.
  [[nodiscard]] double rmse() const { return rmse_; }

  // One binary file: the tabulated states, then the network. Errors as BidTable's.
  [[nodiscard]] Result<void> save(const std::string& path) const;
  [[nodiscard]] static Result<BidNet> load(const std::string& path);

  struct Weights;  // bid_net_weights.h

 private:
  BidNet() = default;
  int horizon_ = 0, budget_ = 0;
  double unit_ = 0, rmse_ = 0;
  std::shared_ptr<const BidTable> early_, poor_;  // t <= exact_auctions; b < exact_budget, or null
  std::shared_ptr<const Weights> weights_;
};

}  // namespace bursar::admit
