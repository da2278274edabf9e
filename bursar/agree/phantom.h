// One point for parties that each want another one, so that nobody gains by lying: the uniform phantom and its family.
//
//   std::vector<double> wishes{.7, .4, .3, .2, .1};          // the share of the budget that each wants for line A
//   Result<double> y = uniform_phantom({.reports = wishes});  // .4, whatever the first party pretends
//   decide(SplitRule::kAverage, {.reports = wishes});         // .34, and a lie moves it
//
// A phantom mechanism is  y = median(x_1 … x_n, a_0 … a_n)  with fixed a_0 <= … <= a_n; with r_k the k-th largest
// report
//     y = max_{k = 0 … n} min(r_k, a_k),   r_0 = infinity.
// The uniform phantom has a_k = k / n: y is the largest point such that the share of reports at or above it is at least
// y (measured on [0, 1]). It is the only anonymous rule that is strategyproof and gives every group its share
// (axioms.h). With weights w_i the share is by weight, and a party of weight 3 counts as three that say the same.
//
// Which one: kUniformPhantom. kMedian has the best welfare and may ignore 49 of 100 parties; kIfs guards single parties
// only; kAverage and kMidrange can be gamed, and are here to be compared with.
//
// Reports lie in [low, high] and points are given in it; other reports are refused, never clamped. Bounds and phantoms
// scale with the interval. Every rule gives a report or a phantom as it stands, except the average and the midrange.
// Errors: kInvalidArgument for no party or more than 2^24, a number that is not finite, a report outside of the
// interval, a weight <= 0 or > 1e12, an interval that is empty. O(n log n) time, O(n) memory. Source:
// systems/uniform-phantom.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::agree {

struct Interval {
  double low = 0, high = 1;
  [[nodiscard]] double length() const { return high - low; }
};

struct Profile {
  std::span<const double> reports;       // [parties]
  std::span<const double> weights = {};  // [parties] or empty: 1 each
  Interval interval = {};
};
[[nodiscard]] Result<void> check(const Profile& profile);

[[nodiscard]] Result<double> uniform_phantom(const Profile& profile);

// `phantoms`: n - 1 inner ones, to which the ends of the interval are added, or all n + 1; in any order, within the
// interval. Strategyproof whatever they are. Refuses weights.
[[nodiscard]] Result<double> phantom_median(const Profile& profile, std::span<const double> phantoms);

enum class SplitRule : std::uint8_t { kUniformPhantom, kMedian, kAverage, kIfs, kMidrange };
inline constexpr SplitRule kSplitRules[] = {SplitRule::kUniformPhantom, SplitRule::kMedian, SplitRule::kAverage,
                                            SplitRule::kIfs, SplitRule::kMidrange};
[[nodiscard]] std::string_view name_of(SplitRule rule);  // "uniform-phantom", "median", "average", "ifs", "midrange"
[[nodiscard]] Result<SplitRule> rule_named(std::string_view name);
[[nodiscard]] bool is_strategyproof(SplitRule rule);

// Weights are taken by the uniform phantom and the average, and refused by the others.
[[nodiscard]] Result<double> decide(SplitRule rule, const Profile& profile);

// Inner phantoms on [0, 1] of n parties. Where n - 1 is odd the larger half stands at the lower end, which breaks ties
// downwards: of an even number of reports the median takes the lower of the middle two.
[[nodiscard]] std::vector<double> median_phantoms(std::size_t parties);  // ceil((n-1)/2) at 0, the others at 1
// ceil((n-1)/2) at 1/n, the others at 1 - 1/n: the best welfare among strategyproof rules that leave no single party
// more than 1 - 1/n away.
[[nodiscard]] std::vector<double> ifs_phantoms(std::size_t parties);

}  // namespace bursar::agree
