#include "bursar/admit/auction/bid_rule.h"

#include <algorithm>
#include <array>
#include <string>

#include "bursar/admit/dual_mirror_descent.h"

namespace bursar::admit {
namespace {

// Not above `most`, which also keeps what no int can hold out of the conversion.
int floor_to(double bid, int most) { return bid >= most ? most : static_cast<int>(bid); }

}  // namespace

Result<void> BidRule::begin(const Episode& episode) { return resume(episode, episode.auctions, episode.budget); }

Result<void> BidRule::resume(const Episode& episode, int auctions_left, int budget_left) {
  if (episode.auctions < 1) {
    return invalid_argument("auctions of an episode are " + std::to_string(episode.auctions) +
                            "; there must be at least 1");
  }
  if (episode.budget < 0) {
    return invalid_argument("budget of an episode is " + std::to_string(episode.budget) + "; it must be at least 0");
  }
  if (auctions_left < 0 || auctions_left > episode.auctions || budget_left < 0 || budget_left > episode.budget) {
    return invalid_argument("an episode of " + std::to_string(episode.auctions) + " auctions and a budget of " +
                            std::to_string(episode.budget) + " cannot have " + std::to_string(auctions_left) + " and " +
                            std::to_string(budget_left) + " left");
  }
  episode_ = episode;
  auctions_left_ = auctions_left;
  budget_left_ = budget_left;
  return {};
}

Result<int> BidRule::bid(double theta) {
  if (!(theta >= 0 && theta <= 1)) {
    return invalid_argument("theta is " + std::to_string(theta) + "; it must be a chance from 0 to 1");
  }
  wished_ = std::clamp(wish(theta), 0, highest_price_);
  return std::min(wished_, budget_left_);
}

Result<void> BidRule::settle(bool won, int price) {
  if (price < 0) return invalid_argument("price is " + std::to_string(price) + "; it must be at least 0");
  if (won && price > budget_left_) {
    return fail(ErrorCode::kExhausted, "price " + std::to_string(price) + " is above the " +
                                           std::to_string(budget_left_) + " left of the budget");
  }
  const int spent = won ? price : 0;
  const bool cut = !won && wished_ > budget_left_;
  budget_left_ -= spent;
  after(spent, cut);
  auctions_left_ = std::max(0, auctions_left_ - 1);
  return {};
}

void BidRule::refund(int amount) {
  const int before = budget_left_;
  budget_left_ = std::min(episode_.budget, budget_left_ + std::max(0, amount));
  after_refund(budget_left_ - before);
}

int LinearRule::wish(double theta) const { return floor_to(slope_ * theta, highest_price()); }

Result<void> MeanRule::begin(const Episode& episode) {
  if (auto ok = inner_->begin(episode); !ok) return ok;
  return BidRule::begin(episode);
}

Result<void> MeanRule::resume(const Episode& episode, int auctions_left, int budget_left) {
  if (auto ok = inner_->resume(episode, auctions_left, budget_left); !ok) return ok;
  return BidRule::resume(episode, auctions_left, budget_left);
}

int MeanRule::wish(double) const { return inner_->bid(theta_avg_).value_or(0); }

void MeanRule::after(int spent, bool) { (void)inner_->settle(spent > 0, spent); }

void MeanRule::after_refund(int amount) { inner_->refund(amount); }

int PacedRule::wish(double theta) const { return floor_to(theta / price_, highest_price()); }

// One step of the mirror, by how far the spending of an auction fell short of the allowance, in allowances.
void PacedRule::step(double shortfall) {
  const std::array gradient{shortfall};
  mirror_step(Mirror::kEntropy, {&price_, 1}, gradient, eta_);
  price_ = std::clamp(price_, 1e-300, 1e300);
}

void PacedRule::after(int spent, bool cut) {
  const double rate = static_cast<double>(episode().budget) / episode().auctions;
  if (rate > 0 && !cut) step((rate - spent) / rate);
}

void PacedRule::after_refund(int amount) {
  const double rate = static_cast<double>(episode().budget) / episode().auctions;
  if (rate > 0) step(amount / rate);
}

}  // namespace bursar::admit
