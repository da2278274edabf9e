// What one more unit of budget is worth in a run of auctions, and the bid that follows from it.
//
//   const ValueSource& source = table;                       // a BidTable or a BidNet
//   source.bid(1000, 1969, .004);                            // 1000 auctions left, 1969 left to spend
//
// State (t, b): t auctions left with the present one, b units of budget left. V(t, b) is the worth of all t auctions to
// a bidder of the table, D(t, b) = V(t, b + 1) - V(t, b). The bid of state (t, b) on a prediction theta is
//     the largest a <= min(b, P) with  v1 theta >= sum_{i = 1..delta} (gamma D(t - 1, b - i) + v0)  for every delta <=
//     a:
// buy while a click is worth more than the money is worth later. Source: systems/rtb-rl.
#pragma once

#include <functional>
#include <span>

#include "bursar/core/result.h"

namespace bursar::admit {

// A win at price delta is worth v1 theta - v0 delta. Clicks: {1, 0}; profit: {value of a click, 1}.
struct BidObjective {
  double v1 = 1;     // > 0
  double v0 = 0;     // >= 0
  double gamma = 1;  // (0, 1]: discount of each later auction
};
[[nodiscard]] Result<void> check(const BidObjective& objective);

class ValueSource {
 public:
  virtual ~ValueSource() = default;

  [[nodiscard]] virtual int horizon() const = 0;        // T0: the largest t of a state
  [[nodiscard]] virtual int budget() const = 0;         // B0: the largest b of a state
  [[nodiscard]] virtual int highest_price() const = 0;  // P
  [[nodiscard]] virtual BidObjective objective() const = 0;

  // D(t, high - 1), D(t, high - 2), …: out.size() of them. 0 <= t <= T0, out.size() <= high <= B0.
  virtual void marginals_below(int t, int high, std::span<double> out) const = 0;
  // 1 <= t <= T0, 0 <= b <= B0, theta in [0, 1]; unchecked.
  [[nodiscard]] virtual int bid(int t, int b, double theta) const;
};

// The rule above on any marginals: fill(high, out) gives what the budget's units below `high` are worth, downwards, out
// of the state after this auction.
using MarginalsBelow = std::function<void(int high, std::span<double> out)>;
[[nodiscard]] int bid_on_marginals(const BidObjective& objective, int b, int limit, double theta,
                                   const MarginalsBelow& fill);

}  // namespace bursar::admit
