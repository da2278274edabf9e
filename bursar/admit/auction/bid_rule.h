// What bids in a run of auctions: told its budget at the beginning of an episode, asked before each auction, told
// after.
//
//   rule.begin({.auctions = 1000, .budget = 1969});
//   Result<int> bid = rule.bid(theta);
//   rule.settle(*bid >= price, price);                       // second price: the winner pays `price`
//
// The value tables (bidder.h) and the rules below stand behind this interface; all of them see the same auctions and
// bid at most what is left and at most P. An auction after the last of its episode is bid on as if it were the last.
// Source: systems/rtb-rl (baselines).
#pragma once

#include <memory>

#include "bursar/core/result.h"

namespace bursar::admit {

struct Episode {
  int auctions = 0;  // T >= 1
  int budget = 0;    // B >= 0, in the unit of prices
};

class BidRule {
 public:
  virtual ~BidRule() = default;

  // Errors: kInvalidArgument for an episode that the rule cannot play.
  [[nodiscard]] virtual Result<void> begin(const Episode& episode);
  // 0..min(budget left, P). Errors: kInvalidArgument for a theta outside [0, 1].
  [[nodiscard]] Result<int> bid(double theta);
  // Of the auction that was bid on last. Errors: kInvalidArgument for a negative price, kExhausted for one beyond the
  // budget left; nothing is changed then.
  [[nodiscard]] Result<void> settle(bool won, int price);

  // Of a win that was settled at more than it came to cost, by `amount` >= 0 of the same episode.
  void refund(int amount);

  [[nodiscard]] int auctions_left() const { return auctions_left_; }
  [[nodiscard]] int budget_left() const { return budget_left_; }
  [[nodiscard]] const Episode& episode() const { return episode_; }
  [[nodiscard]] int highest_price() const { return highest_price_; }  // P
  // For one that goes on where another stopped: the present episode with what is left of it, and then the one number
  // that a rule keeps beyond that (a price, the rest of a segment's share), finite and >= 0.
  [[nodiscard]] virtual Result<void> resume(const Episode& episode, int auctions_left, int budget_left);
  [[nodiscard]] virtual double carried() const { return 0; }
  virtual void set_carried(double carried) { (void)carried; }
  // The last bid as it would have been with budget left.
  [[nodiscard]] int wished() const { return wished_; }
  void set_wished(int wished) { wished_ = wished; }
  // What one more unit of budget is worth now, in the unit of rewards; 0 for rules that do not ask.
  [[nodiscard]] virtual double price_of_money() const { return 0; }

 protected:
  explicit BidRule(int highest_price) : highest_price_(highest_price) {}
  [[nodiscard]] virtual int wish(double theta) const = 0;  // theta in [0, 1]; capped afterwards
  // An auction has ended; cut: it was lost with a bid that the budget had cut, so that its price may have been paid.
  virtual void after(int spent, bool cut) { (void)spent, (void)cut; }
  virtual void after_refund(int amount) { (void)amount; }

 private:
  Episode episode_;
  int highest_price_ = 0, auctions_left_ = 0, budget_left_ = 0, wished_ = 0;
};

// floor(slope theta). LIN: slope = b0 / theta_avg. MCPC: slope = cost / clicks of the training log.
class LinearRule final : public BidRule {
 public:
  LinearRule(double slope, int highest_price) : BidRule(highest_price), slope_(slope) {}

 protected:
  [[nodiscard]] int wish(double theta) const override;

 private:
  double slope_;
};

// Another rule that is shown theta_avg in place of each prediction: SS-MDP is this around a value table.
class MeanRule final : public BidRule {
 public:
  MeanRule(std::unique_ptr<BidRule> inner, double theta_avg)
      : BidRule(inner->highest_price()), inner_(std::move(inner)), theta_avg_(theta_avg) {}
  [[nodiscard]] Result<void> begin(const Episode& episode) override;
  [[nodiscard]] Result<void> resume(const Episode& episode, int auctions_left, int budget_left) override;
  [[nodiscard]] double carried() const override { return inner_->carried(); }
  void set_carried(double carried) override { inner_->set_carried(carried); }
  [[nodiscard]] double price_of_money() const override { return inner_->price_of_money(); }

 protected:
  [[nodiscard]] int wish(double) const override;
  void after(int spent, bool cut) override;
  void after_refund(int amount) override;

 private:
  std::unique_ptr<BidRule> inner_;
  double theta_avg_;
};

// floor(theta / mu), mu the price of money: after each auction mu *= exp(-eta (rho - spent) / rho), rho = B / T. Dual
// mirror descent under the entropy (dual_mirror_descent.h), its prices carried from one episode to the next
// (systems/dual-mirror-descent).
class PacedRule final : public BidRule {
 public:
  // first > 0: the first price of money, clicks a unit. 0 < eta <= 1.
  PacedRule(double first, double eta, int highest_price) : BidRule(highest_price), price_(first), eta_(eta) {}
  [[nodiscard]] double price_of_money() const override { return price_; }
  [[nodiscard]] double carried() const override { return price_; }
  void set_carried(double carried) override { price_ = carried; }

 protected:
  [[nodiscard]] int wish(double theta) const override;
  void after(int spent, bool cut) override;
  void after_refund(int amount) override;

 private:
  void step(double shortfall);
  double price_, eta_;
};

}  // namespace bursar::admit
