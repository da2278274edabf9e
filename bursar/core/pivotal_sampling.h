// Ordered pivotal sampling: a random subset with given marginals that avoids both too few and too many in every prefix.
//
//   std::vector<std::size_t> chosen = *ordered_pivotal_sample(std::vector{.5, .5, .5}, random);
//   // {0}, {1}, {0, 2} or {1, 2}, a quarter each: never none of the first two, and position 2 half the time
//
// For marginals r_1 … r_k in an order that the caller chooses (best first):
//  - Pr[j chosen] = r_j;
//  - Pr[one of the first k is chosen] = min(1, r_1 + … + r_k) for every k;
//  - the number chosen is the sum of r rounded down or up, and inclusions are negatively dependent.
// One undecided item c of mass a meets the next item j of mass b. If a + b <= 1, one of the two is out (c stays with
// probability a/(a+b)) and the other carries a + b on. Otherwise one of the two is chosen (c with probability
// (1-b)/(2-a-b)) and the other carries a + b - 1 on. The last one left is chosen with its mass. Sources: Srinivasan
// (2001), Deville and Tille (1998); systems/philosopher.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/core/result.h"

namespace bursar {

// Positions chosen, rising. Errors: kInvalidArgument for a marginal outside [0, 1] or NaN, naming its position. Draws
// one number for each marginal in (0, 1) and one more. O(marginals).
[[nodiscard]] Result<std::vector<std::size_t>> ordered_pivotal_sample(std::span<const double> marginals,
                                                                      RandomStream& random);

// The same item by item, for hot loops and for callers that bring their own random numbers.
//
//   PivotalStream stream;
//   for (each item j with mass r_j > 0) if (auto s = stream.add(j, r_j, u_j); s != PivotalStream::kNobody) take(s);
//   if (auto s = stream.finish(u); s != PivotalStream::kNobody) take(s);
//
// An item may be handed out later than one that came after it; everything is handed out by finish().
class PivotalStream {
 public:
  static constexpr std::size_t kNobody = std::numeric_limits<std::size_t>::max();

  // mass in [0, 1], u uniform on [0, 1). Returns an item that is now chosen.
  std::size_t add(std::size_t item, double mass, double u) {
    if (mass >= 1) return item;
    if (mass <= 0) return kNobody;
    if (open_ == kNobody) {
      open_ = item;
      open_mass_ = mass;
      return kNobody;
    }
    const double sum = open_mass_ + mass;
    if (sum <= 1) {
      if (u * sum >= open_mass_) open_ = item;
      open_mass_ = sum;
      return kNobody;
    }
    open_mass_ = sum - 1;
    if (u * (2 - sum) >= 1 - mass) return item;
    const std::size_t chosen = open_;
    open_ = item;
    return chosen;
  }

  std::size_t finish(double u) const { return u < open_mass_ ? open_ : kNobody; }

 private:
  std::size_t open_ = kNobody;
  double open_mass_ = 0;
};

}  // namespace bursar
