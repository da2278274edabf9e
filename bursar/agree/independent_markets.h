// Shares of m budget lines for parties that each propose a whole split: independent markets.
//
//   const std::vector<double> shares{.5, .3, .2,   .1, .1, .8};          // two parties, three lines; rows sum to 1
//   auto split = independent_markets({.lines = 3, .shares = shares});    // {…}, sums to 1
//
// Every line j is decided by a median with phantoms that rise together with t,
//     y_j(t) = median(x_1j … x_nj, f_0(t) … f_n(t)),   f_k(t) = min(1, (n - k) t),
// and t is where the lines sum to 1. With two lines this is the uniform phantom; parties that want one line only get it
// in exact proportion; no party can bring the outcome nearer to its proposal (in the sum of absolute differences) by
// proposing something else. With weights, (n - k) becomes the weight of the parties that ask for most. t by bisection
// to neighbouring doubles, the rest by the straight line between them. Errors: kInvalidArgument for no party, fewer
// than 2 or more than 4,096 lines, more than 2^26 shares, a share outside of [0, 1], a row whose sum is off 1 by more
// than 1e-9, a weight <= 0 or > 1e12. O(m n log n + 2,000 m log n). Source: systems/uniform-phantom (the extension by
// Freeman, Pennock, Peters and Wortman Vaughan).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/core/result.h"

namespace bursar::agree {

struct Proposals {
  std::size_t lines = 0;
  std::span<const double> shares;        // [parties x lines], party by party
  std::span<const double> weights = {};  // [parties] or empty: 1 each
  [[nodiscard]] std::size_t parties() const { return lines == 0 ? 0 : shares.size() / lines; }
};
[[nodiscard]] Result<void> check(const Proposals& proposals);

[[nodiscard]] Result<std::vector<double>> independent_markets(const Proposals& proposals);

struct ProposalLie {
  std::size_t party = 0;
  std::vector<double> proposal;  // [lines], instead of the truth
  std::vector<double> outcome;   // [lines], with the lie
  double gain = 0;               // of l1 distance to what the party wants
};
// Tries, for each party, every single line, what the others propose (16 of them at most) and `tries` drawn proposals,
// half of them near the truth. The most profitable lie above 1e-9, or none. Errors: those of check; kInvalidArgument
// for more than 10^4 parties. O(parties x tries) splits.
[[nodiscard]] Result<std::optional<ProposalLie>> find_lie(const Proposals& truth, std::size_t tries,
                                                          RandomStream random);

}  // namespace bursar::agree
