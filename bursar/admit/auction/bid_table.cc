#include "bursar/admit/auction/bid_table.h"

#include <algorithm>
#include <string>

#include "bursar/admit/auction/bid_recursion.h"

namespace bursar::admit {
namespace {

constexpr int kLargest = 1 << 30;

Result<void> check_options(const BidTableOptions& options) {
  if (options.horizon < 1 || options.horizon > kLargest) {
    return invalid_argument("horizon is " + std::to_string(options.horizon) + "; an episode has at least 1 auction");
  }
  if (options.budget < 0 || options.budget > kLargest) {
    return invalid_argument("budget is " + std::to_string(options.budget) + "; it must be at least 0");
  }
  if (auto ok = check(options.objective); !ok) return ok;
  const std::size_t needed = BidTable::memory_bytes(options.horizon, options.budget);
  if (needed > options.memory_bytes_max) {
    return fail(ErrorCode::kExhausted,
                "a table of " + std::to_string(options.horizon) + " auctions and a budget of " +
                    std::to_string(options.budget) + " needs " + std::to_string(needed / 1'000'000) +
                    " MB and may use " + std::to_string(options.memory_bytes_max / 1'000'000) +
                    " MB; solve a shorter horizon and play it with a value net (MapA, MapD) or in segments, or count "
                    "money in a coarser unit");
  }
  return {};
}

}  // namespace

std::size_t BidTable::memory_bytes(int horizon, int budget) {
  const auto rows = static_cast<std::size_t>(horizon) + 1, states = static_cast<std::size_t>(budget);
  return rows * (states * sizeof(float) + (states / kAnchor + 1) * sizeof(double));
}

BidTable::BidTable(int horizon, int budget, int highest_price, BidObjective objective)
    : horizon_(horizon), budget_(budget), highest_price_(highest_price), objective_(objective) {
  const auto rows = static_cast<std::size_t>(horizon) + 1;
  marginals_.reserve(rows * static_cast<std::size_t>(budget));
  anchors_.reserve(rows * anchors_a_row());
}

void BidTable::add_row(std::span<const double> values) {
  for (std::size_t b = 0; b < values.size(); b += kAnchor) anchors_.push_back(values[b]);
  for (std::size_t b = 0; b + 1 < values.size(); ++b) {
    marginals_.push_back(static_cast<float>(std::max(0.0, values[b + 1] - values[b])));
  }
}

Result<BidTable> BidTable::solve(const PriceModel& prices, const ThetaModel& theta, const BidTableOptions& options) {
  if (auto ok = check_options(options); !ok) return tl::unexpected(ok.error());
  BidTable table(options.horizon, options.budget, prices.highest(), options.objective);
  BidRecursion recursion(prices, theta, options.objective, options.budget);
  table.add_row(recursion.values());
  for (int t = 1; t <= options.horizon; ++t) {
    if (options.stop && options.stop()) return fail(ErrorCode::kCancelled, "the solve of the table was stopped");
    recursion.step();
    table.add_row(recursion.values());
  }
  return table;
}

double BidTable::value(int t, int b) const {
  const int from = b - b % kAnchor;
  double value = anchors(t)[from / kAnchor];
  const float* marginals = row(t);
  for (int i = from; i < b; ++i) value += static_cast<double>(marginals[i]);
  return value;
}

double BidTable::marginal(int t, int b) const { return static_cast<double>(row(t)[b]); }

void BidTable::marginals_below(int t, int high, std::span<double> out) const {
  const float* marginals = row(t) + high;
  for (double& unit : out) unit = static_cast<double>(*--marginals);
}

int BidTable::bid(int t, int b, double theta) const {
  const double top = value(t - 1, b), worth = objective_.v1 * theta;
  const double* anchor = anchors(t - 1);
  const float* marginals = row(t - 1);
  const int lowest = b - std::min(b, highest_price_);
  // What is left of the click's worth where the auction leaves `rest` of the budget: it rises with rest.
  const auto left = [&](int rest, double value) {
    return worth - objective_.v0 * (b - rest) + objective_.gamma * (value - top);
  };
  // The lowest anchor that still pays, by bisection; from there unit by unit.
  int low = (lowest + kAnchor - 1) / kAnchor, high = b / kAnchor + 1;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (left(middle * kAnchor, anchor[middle]) >= 0)
      high = middle;
    else
      low = middle + 1;
  }
  int rest = std::min(b, low * kAnchor);
  double value = rest == b ? top : anchor[low];
  while (rest > lowest) {
    value -= static_cast<double>(marginals[rest - 1]);
    if (left(rest - 1, value) < 0) break;
    --rest;
  }
  return b - rest;
}

Result<int> BidTable::checked_bid(int t, int b, double theta) const {
  if (t < 1 || t > horizon_) {
    return invalid_argument("auctions left are " + std::to_string(t) + "; they must be from 1 to " +
                            std::to_string(horizon_));
  }
  if (b < 0 || b > budget_) {
    return invalid_argument("budget left is " + std::to_string(b) + "; it must be from 0 to " +
                            std::to_string(budget_));
  }
  if (!(theta >= 0 && theta <= 1)) {
    return invalid_argument("theta is " + std::to_string(theta) + "; it must be a chance from 0 to 1");
  }
  return bid(t, b, theta);
}

BidTable BidTable::corner(int horizon, int budget) const {
  BidTable part(horizon, budget, highest_price_, objective_);
  for (int t = 0; t <= horizon; ++t) {
    part.marginals_.insert(part.marginals_.end(), row(t), row(t) + budget);
    part.anchors_.insert(part.anchors_.end(), anchors(t), anchors(t) + part.anchors_a_row());
  }
  return part;
}

}  // namespace bursar::admit
