#include "bursar/admit/auction/bidder.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace bursar::admit {
namespace {

constexpr std::array<std::pair<std::string_view, Scale>, 4> kScales{
    {{"exact", Scale::kExact}, {"map_a", Scale::kMapA}, {"map_d", Scale::kMapD}, {"seg", Scale::kSeg}}};

}  // namespace

std::string_view name_of(Scale scale) { return kScales.at(static_cast<std::size_t>(scale)).first; }

Result<Scale> scale_named(std::string_view name) {
  for (const auto& [text, scale] : kScales) {
    if (text == name) return scale;
  }
  return invalid_argument("scale is '" + std::string(name) + "'; it must be exact, map_a, map_d or seg");
}

Bidder::Bidder(std::shared_ptr<const ValueSource> source, Scale scale)
    : BidRule(source->highest_price()), source_(std::move(source)), scale_(scale) {}

Result<void> Bidder::resume(const Episode& episode, int auctions_left, int budget_left) {
  if (scale_ == Scale::kExact && (episode.auctions > source_->horizon() || episode.budget > source_->budget())) {
    return invalid_argument("an episode of " + std::to_string(episode.auctions) + " auctions and a budget of " +
                            std::to_string(episode.budget) + " does not fit into a table of " +
                            std::to_string(source_->horizon()) + " and " + std::to_string(source_->budget()) +
                            "; solve a larger one, or play it with map_a, map_d or seg");
  }
  if (auto ok = BidRule::resume(episode, auctions_left, budget_left); !ok) return ok;
  begin_segment();
  return {};
}

// Segments end where a multiple of T0 auctions is left over the whole episode's beginning, as the published runs cut.
void Bidder::begin_segment() {
  const int played = episode().auctions - auctions_left();
  segment_auctions_ = std::min(auctions_left(), source_->horizon() - played % source_->horizon());
  segment_budget_ =
      auctions_left() == 0
          ? 0
          : static_cast<int>(static_cast<std::int64_t>(budget_left()) * segment_auctions_ / auctions_left());
}

// t >= 1, b >= 0, of any size.
int Bidder::act_in(std::int64_t t, std::int64_t b, double theta) const {
  const std::int64_t horizon = source_->horizon(), budget = source_->budget();
  if (t > horizon) {
    b = b * horizon / t;
    t = horizon;
  }
  if (b > budget) {
    t = std::max<std::int64_t>(1, t * budget / b);
    b = budget;
  }
  return source_->bid(static_cast<int>(t), static_cast<int>(b), theta);
}

// D(t, b) as D(T0, b T0 / t): several neighbouring budgets share one unit of the table.
int Bidder::act_on_mapped_marginals(double theta) const {
  const std::int64_t after = auctions_left() - 1, horizon = source_->horizon(), budget = source_->budget();
  const auto mapped = [&](std::int64_t b) { return std::min(b * horizon / after, budget - 1); };
  const int limit = std::min(budget_left(), highest_price());
  std::vector<double> units;
  return bid_on_marginals(source_->objective(), budget_left(), limit, theta, [&](int high, std::span<double> out) {
    const auto top = mapped(high - 1), bottom = mapped(high - static_cast<std::int64_t>(out.size()));
    units.resize(static_cast<std::size_t>(top - bottom + 1));
    source_->marginals_below(static_cast<int>(horizon), static_cast<int>(top + 1), units);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = units[static_cast<std::size_t>(top - mapped(high - 1 - static_cast<std::int64_t>(i)))];
    }
  });
}

int Bidder::wish(double theta) const {
  const int t = std::max(1, auctions_left());
  switch (scale_) {
    case Scale::kExact: return source_->bid(t, budget_left(), theta);
    case Scale::kMapA: return act_in(t, budget_left(), theta);
    case Scale::kSeg: return act_in(std::max(1, segment_auctions_), segment_budget_, theta);
    case Scale::kMapD: break;
  }
  if (t - 1 <= source_->horizon() || source_->budget() == 0) return act_in(t, budget_left(), theta);
  return act_on_mapped_marginals(theta);
}

void Bidder::after(int spent, bool) {
  segment_budget_ -= std::min(segment_budget_, spent);
  segment_auctions_ = std::max(0, segment_auctions_ - 1);
  // The count of auctions falls only after this; a new segment is cut from what is left then.
  if (segment_auctions_ > 0 || auctions_left() <= 1) return;
  segment_auctions_ = std::min(auctions_left() - 1, source_->horizon());
  segment_budget_ =
      static_cast<int>(static_cast<std::int64_t>(budget_left()) * segment_auctions_ / (auctions_left() - 1));
}

double Bidder::price_of_money() const {
  const BidObjective objective = source_->objective();
  if (budget_left() == 0 || source_->budget() == 0) return objective.v0;
  std::int64_t t = std::max(0, auctions_left() - 1), b = budget_left();
  if (t > source_->horizon()) {
    b = b * source_->horizon() / t;
    t = source_->horizon();
  }
  double unit = 0;
  b = std::clamp<std::int64_t>(b, 1, source_->budget());
  source_->marginals_below(static_cast<int>(t), static_cast<int>(b), {&unit, 1});
  return objective.v0 + objective.gamma * unit;
}

}  // namespace bursar::admit
