#include "bursar/admit/matching/matching_prices.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>

#include "bursar/core/saved_numbers.h"

namespace bursar::admit {

std::span<const double> MatchingPrices::prices(const PriceQuestion& question) {
  const std::size_t periods = lp_.first.size() - 1;
  const double at = period_s_ > 0 ? std::floor(question.time_s / period_s_) : static_cast<double>(question.decided);
  const bool over = !(at < static_cast<double>(periods));
  const std::size_t t = over ? 0 : static_cast<std::size_t>(std::max(0.0, at));
  std::vector<std::uint8_t> unsold(lp_.items, 0);
  for (std::size_t i = 0; i < lp_.items; ++i) unsold[i] = question.remaining[i] >= 1 - 1e-9 ? 1 : 0;
  std::ranges::fill(current_, 0.0);
  if (!over && posted_) {
    if (auto posted = posted_->prices(t, unsold); posted) current_ = std::move(*posted);
  } else if (!over) {
    std::copy_n(lp_.item_price.begin() + static_cast<std::ptrdiff_t>(t * lp_.items), lp_.items, current_.begin());
  }
  for (std::size_t i = 0; i < lp_.items; ++i) {
    if (unsold[i] == 0) current_[i] = kGone;
  }
  return current_;
}

boost::json::object MatchingPrices::save() const { return {{"prices", saved_numbers(current_)}}; }

Result<void> MatchingPrices::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  auto prices = from.numbers("prices", lp_.items);
  if (auto ok = from.check(); !ok) return ok;
  current_ = std::move(prices);
  return {};
}

}  // namespace bursar::admit
