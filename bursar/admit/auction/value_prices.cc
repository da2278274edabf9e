#include "bursar/admit/auction/value_prices.h"

#include <algorithm>

namespace bursar::admit {

Result<std::unique_ptr<ValuePrices>> ValuePrices::make(std::unique_ptr<Bidder> bidder, Episode episode) {
  if (auto ok = bidder->begin(episode); !ok) return tl::unexpected(ok.error());
  std::unique_ptr<ValuePrices> source(new ValuePrices(std::move(bidder), episode));
  source->price_ = source->bidder_->price_of_money();
  return source;
}

std::span<const double> ValuePrices::prices(const PriceQuestion& question) {
  const auto auctions = static_cast<std::uint64_t>(episode_.auctions);
  const int left = static_cast<int>(auctions - std::min(question.decided, auctions - 1));
  const int budget =
      static_cast<int>(std::clamp(question.remaining.front(), 0.0, static_cast<double>(episode_.budget)));
  // Within the episode, and so within what begin() accepted.
  if (bidder_->resume(episode_, left, budget)) price_ = bidder_->price_of_money();
  return {&price_, 1};
}

}  // namespace bursar::admit
