// The dual ascent of many_resources: prices whose dual value is least. Internal to this room.
#pragma once

#include <span>
#include <vector>

#include "bursar/allocate/many_resources.h"

namespace bursar::allocate::detail {

struct DualPoint {
  std::vector<double> price;  // [resources], >= 0
  double value = 0;           // L(price)
  int probes = 0;
};

// What every item takes at the prices, its total cost and L. choice may be null.
double evaluate_dual(const ResourceTable& table, std::span<const double> budgets, std::span<const double> prices,
                     std::uint32_t* choice, std::span<double> total_cost);

[[nodiscard]] Result<DualPoint> price_by_linear_program(const ResourceTable& table, std::span<const double> budgets);
[[nodiscard]] Result<DualPoint> price_by_cutting_planes(const ResourceTable& table, std::span<const double> budgets,
                                                        const ResourceOptions& options);

}  // namespace bursar::allocate::detail
