// Which effort stands behind what an agent reported, by likelihood, and whether that can be told at all.
//
//   OwnLaws laws(counts);                                   // counts[effort][own signals x states]
//   laws.confusion(0, 1, 500);                              // bound on the chance to mistake one for the other
//   Result<std::size_t> effort = laws.likeliest(seen);      // or: fits none of them
//
// Laws are frequencies with half a count added to every cell. Source: systems/info-acquisition, step 2.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::agree {

class OwnLaws {
 public:
  explicit OwnLaws(const std::vector<std::vector<std::uint64_t>>& counts);  // [efforts >= 1][cells >= 1]

  // exp(-rounds x Bhattacharyya distance): about how likely `rounds` reports of one look like the other. In [0, 1].
  [[nodiscard]] double confusion(std::size_t a, std::size_t b, double rounds) const;

  // seen: [cells], not all 0. Errors: kInfeasible where the likeliest effort explains them so badly that chance does
  // not (a G-test far beyond its degrees of freedom, with the laws' own uncertainty allowed for).
  [[nodiscard]] Result<std::size_t> likeliest(std::span<const std::uint64_t> seen) const;

 private:
  std::vector<std::vector<double>> law_;
  std::vector<double> rounds_;  // behind each law
};

}  // namespace bursar::agree
