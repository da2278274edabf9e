#include "bursar/admit/matching/posted_prices.h"

#include <algorithm>
#include <limits>
#include <string>

#include "bursar/core/random.h"

namespace bursar::admit {
namespace {

constexpr std::size_t kTableCells = std::size_t{1} << 22;

std::uint32_t mask_of(std::span<const std::uint8_t> flags) {
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < flags.size(); ++i) mask |= flags[i] != 0 ? 1U << i : 0U;
  return mask;
}

}  // namespace

Result<PostedPrices> PostedPrices::create(const BayesianMatching& matching, const OnlineLp& lp, PriceOptions options) {
  if (options.futures == 0) return invalid_argument("futures is 0; prices need at least one");
  auto plan = ProposalPlan::create(matching, lp);
  if (!plan) return tl::unexpected(plan.error());
  PostedPrices out(std::move(*plan), options);
  const std::size_t items = out.items();
  if (items <= std::min(options.exact_items, PhilosopherValue::kMostItems) &&
      out.periods() + 1 <= kTableCells >> items) {
    auto table = PhilosopherValue::tabulate(out.plan_);
    if (!table) return tl::unexpected(table.error());
    out.table_ = std::move(*table);
  }
  return out;
}

Result<void> PostedPrices::check_state(std::size_t t, std::span<const std::uint8_t> unsold) const {
  if (t >= periods()) {
    return invalid_argument("there is no period " + std::to_string(t) + ", only " + std::to_string(periods()) +
                            " counted from 0");
  }
  if (unsold.size() != items()) {
    return invalid_argument("unsold has " + std::to_string(unsold.size()) + " flags for " + std::to_string(items()) +
                            " items");
  }
  return {};
}

double PostedPrices::play(std::size_t t, std::vector<std::uint8_t> free, std::span<const double> luck) const {
  double value = 0;
  const std::size_t size = 1 + plan_.luck_size();
  for (; t < periods(); ++t, luck = luck.subspan(size)) {
    const auto type = plan_.draw_type(t, luck[0]);
    const auto sold = plan_.step(t, type, free, luck.subspan(1, size - 1));
    if (!sold) continue;
    for (const Proposal& own : plan_.proposals(t, *type)) {
      if (own.item == *sold) value += own.worth;
    }
  }
  return value;
}

std::vector<double> PostedPrices::simulate(std::size_t t, std::span<const std::uint8_t> free, bool without) const {
  std::vector<double> mean(1 + (without ? items() : 0), 0.0), luck((periods() - t) * (1 + plan_.luck_size()));
  const RandomStream root = RandomStream(options_.seed).split("futures");
  const std::vector<std::uint8_t> all(free.begin(), free.end());
  for (std::uint64_t k = 0; k < options_.futures; ++k) {
    const RandomStream future = root.split(k);
    for (std::size_t s = t, at = 0; s < periods(); ++s) {
      RandomStream stream = future.split(s);
      for (std::size_t n = 0; n < 1 + plan_.luck_size(); ++n) luck[at++] = stream.uniform01();
    }
    mean[0] += play(t, all, luck);
    for (std::size_t i = 0; without && i < items(); ++i) {
      if (free[i] == 0) continue;
      auto less = all;
      less[i] = 0;
      mean[1 + i] += play(t, std::move(less), luck);
    }
  }
  for (double& x : mean) x /= static_cast<double>(options_.futures);
  return mean;
}

Result<std::vector<double>> PostedPrices::prices(std::size_t t, std::span<const std::uint8_t> unsold) const {
  if (auto ok = check_state(t, unsold); !ok) return tl::unexpected(ok.error());
  std::vector<double> out(items(), std::numeric_limits<double>::infinity()), mean;
  const std::uint32_t mask = table_ ? mask_of(unsold) : 0;
  if (!table_ && t + 1 < periods()) mean = simulate(t + 1, unsold, true);
  for (std::size_t i = 0; i < items(); ++i) {
    if (unsold[i] == 0) continue;
    double price = 0;
    if (table_) price = table_->at(t + 1, mask) - table_->at(t + 1, mask & ~(1U << i));
    if (!mean.empty()) price = mean[0] - mean[1 + i];
    out[i] = std::max(0.0, price);
  }
  return out;
}

Result<double> PostedPrices::value(std::size_t t, std::span<const std::uint8_t> unsold) const {
  if (auto ok = check_state(t, unsold); !ok) return tl::unexpected(ok.error());
  return table_ ? table_->at(t, mask_of(unsold)) : simulate(t, unsold, false)[0];
}

std::optional<std::size_t> best_purchase(std::span<const double> prices, std::span<const double> values) {
  std::optional<std::size_t> best;
  double most = 0;
  for (std::size_t i = 0; i < prices.size() && i < values.size(); ++i) {
    if (values[i] - prices[i] > most) most = values[i] - prices[i], best = i;
  }
  return best;
}

}  // namespace bursar::admit
