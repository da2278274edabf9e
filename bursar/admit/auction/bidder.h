// Bids from a value table or a value net, also in episodes that are longer than the table's horizon.
//
//   auto table = std::make_shared<const BidTable>(*BidTable::solve(…, {.horizon = 1000, .budget = 3938}));
//   Bidder bidder(table, Scale::kMapA);
//   bidder.begin({.auctions = 5000, .budget = 9845});
//
// With t auctions and a budget of b left, and a source of horizon T0 and budget B0:
//   kExact  the source's own bid; episodes must fit into it.
//   kMapA   acts as in state (T0, b T0 / t) where t > T0; where the budget still exceeds the source, as in the state
//           (t B0 / b, B0).
//   kMapD   the rule of value_source.h with D(T0, b T0 / t) in place of D(t, b) where t > T0.
//   kSeg    cuts the episode into segments of T0 auctions; each gets the share b T0 / t of what is left at its
//           beginning, and what it leaves over rolls on.
// MapA and MapD are the better ones; Seg is the published simple one. Where t <= T0 all act exactly. O(bid) of source.
// Source: systems/rtb-rl (C).
#pragma once

#include <memory>

#include "bursar/admit/auction/bid_rule.h"
#include "bursar/admit/auction/value_source.h"

namespace bursar::admit {

enum class Scale : std::uint8_t { kExact, kMapA, kMapD, kSeg };
[[nodiscard]] std::string_view name_of(Scale scale);  // "exact", "map_a", "map_d", "seg"
// kInvalidArgument lists the names.
[[nodiscard]] Result<Scale> scale_named(std::string_view name);

class Bidder final : public BidRule {
 public:
  // `source` is not null.
  Bidder(std::shared_ptr<const ValueSource> source, Scale scale);

  // kExact refuses episodes that are longer or richer than its source.
  [[nodiscard]] Result<void> resume(const Episode& episode, int auctions_left, int budget_left) override;
  // What the next unit of budget is worth, in the unit of v1 theta, v0 included; 0 where there is no later auction.
  [[nodiscard]] double price_of_money() const override;
  [[nodiscard]] const ValueSource& source() const { return *source_; }

  // Of the present segment (kSeg).
  [[nodiscard]] int segment_budget_left() const { return segment_budget_; }
  [[nodiscard]] double carried() const override { return segment_budget_; }
  void set_carried(double carried) override { segment_budget_ = static_cast<int>(carried); }

 protected:
  [[nodiscard]] int wish(double theta) const override;
  void after(int spent, bool cut) override;
  void after_refund(int amount) override { segment_budget_ += amount; }

 private:
  [[nodiscard]] int act_in(std::int64_t t, std::int64_t b, double theta) const;
  [[nodiscard]] int act_on_mapped_marginals(double theta) const;
  void begin_segment();

  std::shared_ptr<const ValueSource> source_;
  Scale scale_;
  int segment_auctions_ = 0, segment_budget_ = 0;  // what is left of the present segment
};

}  // namespace bursar::admit
