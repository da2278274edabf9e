// The price of a budget: what one more unit of it is worth, found from demand alone.
//
//   // Every item buys while its gain exceeds the price; at which price do they buy exactly 100?
//   auto p = budget_price([&](double price) { return total_demand(price); }, 100);
//   if (!p) return report(p.error());
//   use(p->price);  // demand(p->price) <= 100 < demand(p->below), and the two prices differ by 1e-12 of their size
//
// The price is the Lagrange multiplier (dual) of the budget: the kernel under water-filling, the Lagrangian of multiple
// choice, paced bidding and prices of matchings. demand(p) must not rise with p >= 0; it may jump, be 0, and be
// infinite at small p. Probes: geometric bracketing from `first`, then regula falsi on the logarithms with a bisection
// every third probe; about 15 for smooth demand, at most 60 + 2 log2(first / price) for jumps. Time: the probes times
// one call of demand; no memory. Source: systems/plan-and-budget, systems/dual-mirror-descent, systems/rco.
#pragma once

#include <functional>

#include "bursar/core/result.h"

namespace bursar::allocate {

struct PriceOptions {
  double first = 1;          // > 0: where to look first
  double tolerance = 1e-12;  // > 0: relative width of the bracket at the end
  double highest = 1e150;    // a budget that is exceeded even here is infeasible
};

struct Price {
  double price = 0;   // the lowest price found whose demand is within the budget; 0 where the budget does not bind
  double demand = 0;  // at `price`
  double below = 0;   // a price a little lower, whose demand exceeds the budget (equals price where that is 0)
  double demand_below = 0;
  int probes = 0;
};

// Errors: kInvalidArgument for a budget or demand that is not a number and for options out of range; kInfeasible where
// demand exceeds the budget at every price (the message says by how much).
[[nodiscard]] Result<Price> budget_price(const std::function<double(double)>& demand, double budget,
                                         const PriceOptions& options = {});

}  // namespace bursar::allocate
