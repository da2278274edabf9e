#include "bursar/explore/adversarial/arm_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {
namespace {

// Below this sum the base moves. An arm that has vanished by then had a probability of less than 1e-150.
constexpr double kLeastSum = 1e-150;

}  // namespace

Result<ArmWeights> ArmWeights::create(std::size_t arms, double rate) {
  if (auto ok = check_arms(arms); !ok) return tl::unexpected(ok.error());
  if (!(rate >= 0 && std::isfinite(rate))) {
    return invalid_argument("rate: must be a number of at least 0, is " + std::to_string(rate));
  }
  return ArmWeights(arms, rate);
}

ArmWeights::ArmWeights(std::size_t arms, double rate)
    : rate_(rate), leaves_(std::bit_ceil(arms)), losses_(arms, 0.0), sums_(2 * leaves_, 0.0) {
  rebuild();
}

double ArmWeights::weight(std::size_t arm) const { return std::exp(-rate_ * (losses_[arm] - base_)); }

void ArmWeights::rebuild() {
  for (std::size_t a = 0; a < losses_.size(); ++a) sums_[leaves_ + a] = weight(a);
  for (std::size_t n = leaves_; n-- > 1;) sums_[n] = sums_[2 * n] + sums_[2 * n + 1];
}

double ArmWeights::probability(std::size_t arm) const { return sums_[leaves_ + arm] / sums_[1]; }

std::size_t ArmWeights::draw(RandomStream& random) const {
  double target = random.uniform01() * sums_[1];
  std::size_t n = 1;
  while (n < leaves_) {
    n *= 2;
    if (target < sums_[n] || sums_[n + 1] <= 0) continue;
    target -= sums_[n];
    ++n;
  }
  return n - leaves_;
}

Result<void> ArmWeights::add(std::size_t arm, double cost) {
  if (arm >= losses_.size()) {
    return invalid_argument("arm: must be below " + std::to_string(losses_.size()) + ", is " + std::to_string(arm));
  }
  if (!(cost >= 0 && std::isfinite(cost))) {
    return invalid_argument("cost of arm " + std::to_string(arm) + ": must be a number of at least 0, is " +
                            std::to_string(cost));
  }
  losses_[arm] += cost;
  std::size_t n = leaves_ + arm;
  sums_[n] = weight(arm);
  while ((n /= 2) >= 1) sums_[n] = sums_[2 * n] + sums_[2 * n + 1];
  if (sums_[1] < kLeastSum) {
    base_ = *std::ranges::min_element(losses_);
    rebuild();
  }
  return {};
}

boost::json::object ArmWeights::save() const { return {{"base", base_}, {"losses", saved_numbers(losses_)}}; }

Result<void> ArmWeights::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  auto losses = from.numbers("losses", losses_.size());
  const double base = from.number("base");
  if (auto ok = from.check(); !ok) return ok;
  if (base > *std::ranges::min_element(losses)) {
    return fail(ErrorCode::kCorrupt, "saved state: base is above the least of losses");
  }
  losses_ = std::move(losses);
  base_ = base;
  rebuild();
  return {};
}

}  // namespace bursar::explore
