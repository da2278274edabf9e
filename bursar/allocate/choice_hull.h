// The concave hull of one item's options: what it takes as the price of the budget falls. Internal to this room.
//
//   HullBuilder hull;
//   for (std::uint32_t k : hull.of(table, item)) …  // cheapest first; values rise, slopes fall strictly, all > 0
//
// Ties: among equal (cost, value) points the lowest position; points on a straight line between others are left out.
// O(k log k) an item, no allocation once warm.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "bursar/allocate/multiple_choice.h"

namespace bursar::allocate::detail {

class HullBuilder {
 public:
  // Positions within the item, empty where all options are forbidden. Valid until the next call.
  std::span<const std::uint32_t> of(const ChoiceTable& table, std::size_t item) {
    return of(table.value.data() + table.begin(item), table.cost.data() + table.begin(item),
              table.forbidden.empty() ? nullptr : table.forbidden.data() + table.begin(item),
              table.end(item) - table.begin(item));
  }

  std::span<const std::uint32_t> of(const double* value, const double* cost, const std::uint8_t* forbidden,
                                    std::size_t n) {
    order_.clear();
    for (std::uint32_t k = 0; k < n; ++k) {
      if (forbidden == nullptr || forbidden[k] == 0) order_.push_back(k);
    }
    std::ranges::sort(order_, [&](std::uint32_t a, std::uint32_t b) {
      if (cost[a] != cost[b]) return cost[a] < cost[b];
      return value[a] != value[b] ? value[a] > value[b] : a < b;
    });
    std::size_t size = 0;  // the hull so far is order_[0, size): never longer than what was read
    for (std::size_t read = 0; read < order_.size(); ++read) {
      const std::uint32_t k = order_[read];
      if (size > 0 && value[k] <= value[order_[size - 1]]) continue;
      while (size > 1 && !steeper(value, cost, order_[size - 2], order_[size - 1], k)) --size;
      order_[size++] = k;
    }
    return {order_.data(), size};
  }

 private:
  // The step a -> b gains more per cost than the step b -> c.
  static bool steeper(const double* value, const double* cost, std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    return (value[b] - value[a]) * (cost[c] - cost[b]) > (value[c] - value[b]) * (cost[b] - cost[a]);
  }

  std::vector<std::uint32_t> order_;
};

}  // namespace bursar::allocate::detail
