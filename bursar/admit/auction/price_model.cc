#include "bursar/admit/auction/price_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "bursar/core/kaplan_meier.h"

namespace bursar::admit {
namespace {

Result<void> check_size(std::size_t prices) {
  if (prices == 0) return invalid_argument("price histogram is empty; give a count for every price 0..P");
  if (prices > std::size_t{PriceModel::kHighestPrice} + 1) {
    return invalid_argument("price histogram has " + std::to_string(prices) + " prices, more than " +
                            std::to_string(PriceModel::kHighestPrice + 1) + "; count money in a coarser unit");
  }
  return {};
}

Result<void> check_laplace(double laplace) {
  if (std::isfinite(laplace) && laplace >= 0) return {};
  return invalid_argument("laplace is " + std::to_string(laplace) + "; it must be a number of at least 0");
}

}  // namespace

PriceModel::PriceModel(std::vector<double> chances) : chances_(std::move(chances)) {
  double all = 0, spend = 0;
  for (std::size_t price = 0; price < chances_.size(); ++price) {
    all += chances_[price];
    spend += chances_[price] * static_cast<double>(price);
    up_to_.push_back(all);
    spend_up_to_.push_back(spend);
  }
}

Result<PriceModel> PriceModel::from_histogram(std::span<const std::uint64_t> counts, double laplace) {
  if (auto ok = check_size(counts.size()); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_laplace(laplace); !ok) return tl::unexpected(ok.error());
  double total = 0;
  for (const std::uint64_t count : counts) total += static_cast<double>(count);
  const double denominator = total + laplace * static_cast<double>(counts.size());
  if (denominator <= 0) return invalid_argument("price histogram counts nothing; give prices, or a laplace above 0");
  std::vector<double> chances;
  for (const std::uint64_t count : counts) chances.push_back((static_cast<double>(count) + laplace) / denominator);
  return PriceModel(std::move(chances));
}

Result<PriceModel> PriceModel::from_chances(std::span<const double> chances) {
  if (auto ok = check_size(chances.size()); !ok) return tl::unexpected(ok.error());
  for (std::size_t price = 0; price < chances.size(); ++price) {
    if (!(chances[price] >= 0 && chances[price] <= 1)) {
      return invalid_argument("chance of price " + std::to_string(price) + " is " + std::to_string(chances[price]) +
                              "; it must be from 0 to 1");
    }
  }
  const double sum = std::accumulate(chances.begin(), chances.end(), 0.0);
  if (std::abs(sum - 1) > 1e-9) return invalid_argument("chances of prices sum to " + std::to_string(sum) + ", not 1");
  return PriceModel(std::vector<double>(chances.begin(), chances.end()));
}

Result<PriceModel> PriceModel::from_auctions(std::span<const SeenPrice> auctions, int highest_price, double laplace) {
  if (auto ok = check_laplace(laplace); !ok) return tl::unexpected(ok.error());
  if (highest_price < 0 || highest_price > kHighestPrice) {
    return invalid_argument("highest price is " + std::to_string(highest_price) + "; it must be from 0 to " +
                            std::to_string(kHighestPrice));
  }
  if (auctions.empty()) return invalid_argument("no auctions to estimate prices from");
  std::vector<CensoredValue> values;
  values.reserve(auctions.size());
  for (const SeenPrice& seen : auctions) {
    if (seen.price < 0) return invalid_argument("price " + std::to_string(seen.price) + " is negative");
    values.push_back({.value = static_cast<double>(std::min(seen.price, highest_price)), .censored = !seen.won});
  }
  const KaplanMeier estimate(values);
  const double n = static_cast<double>(auctions.size());
  const double denominator = n + laplace * (highest_price + 1);
  std::vector<double> chances;
  double before = 1;
  for (int price = 0; price <= highest_price; ++price) {
    const double beyond = price == highest_price ? 0 : estimate.survival(price);
    chances.push_back((n * (before - beyond) + laplace) / denominator);
    before = beyond;
  }
  return PriceModel(std::move(chances));
}

}  // namespace bursar::admit
