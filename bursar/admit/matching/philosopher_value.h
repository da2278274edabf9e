// V(t, F): what the philosopher's rule earns from period t on with the free items F, exactly, for few items.
//
//   PhilosopherValue value = *PhilosopherValue::tabulate(plan);
//   value.at(0, value.all());          // what the rule earns
//
// Matches by their closed form, w (min(1, R_k) - min(1, R_{k-1})); what is thrown away by following every outcome of
// the sampling (one type) or folding the independent discards one item at a time (several types).
// O(periods 3^items), less where few items propose; 8 bytes a period and subset. Source: systems/philosopher.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bursar/admit/matching/proposal_plan.h"

namespace bursar::admit {

class PhilosopherValue {
 public:
  static constexpr std::size_t kMostItems = 16;
  static constexpr std::size_t kMostCells = std::size_t{1} << 26;

  // kInvalidArgument past 16 items or 2^26 cells, and for independent proposals.
  [[nodiscard]] static Result<PhilosopherValue> tabulate(const ProposalPlan& plan);

  [[nodiscard]] double at(std::size_t t, std::uint32_t free) const { return value_[(t << items_) + free]; }
  [[nodiscard]] std::uint32_t all() const { return (1U << items_) - 1; }

 private:
  std::size_t items_ = 0;
  std::vector<double> value_;  // [periods + 1][2^items]
};

}  // namespace bursar::admit
