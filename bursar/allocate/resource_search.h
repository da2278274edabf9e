// Depth-first search for many_resources with the dual value at fixed prices as bound. Internal to this room.
#pragma once

#include <span>
#include <vector>

#include "bursar/allocate/many_resources.h"

namespace bursar::allocate::detail {

struct SearchResult {
  bool better = false;                // a choice worth more than `start` was found
  std::vector<std::uint32_t> choice;  // it
  StopReason stop = StopReason::kOptimal;
  std::uint64_t nodes = 0;
};

// Looks for choices worth more than `start`. Items whose second-best option loses most come first. Memory O(items x
// resources).
[[nodiscard]] SearchResult search_resources(const ResourceTable& table, std::span<const double> budgets,
                                            std::span<const double> prices, double start,
                                            const ResourceOptions& options);

}  // namespace bursar::allocate::detail
