// Problems of the published classes, drawn from a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bursar::bench {

struct ChoiceInstance {
  std::string name;
  std::size_t width = 0;
  std::vector<double> value, cost;  // [items x width]
  double budget = 0;
  [[nodiscard]] std::size_t items() const { return value.size() / width; }
  [[nodiscard]] double bytes() const { return 16.0 * static_cast<double>(value.size()); }
};

// Multiple choice after Sinha and Zoltners (1979) and Pisinger (1995), coefficients up to 1000, budget half way between
// the cheapest and the dearest answer: "uncorrelated", "weakly", "strongly" (sorted sums of strongly correlated items),
// "subset_sum", and "real" (uniform real values and costs).
ChoiceInstance choice_instance(const std::string& kind, std::size_t items, std::size_t width, std::uint64_t seed);

struct KnapsackInstance {
  std::string name;
  std::vector<double> value, cost;
  double budget = 0;
};

// 0/1 knapsacks after Pisinger, "Where are the hard knapsack problems?" (2005).
std::vector<std::string> knapsack_kinds();
KnapsackInstance knapsack_instance(const std::string& kind, std::size_t items, double range, std::uint64_t seed);

}  // namespace bursar::bench
