// Complaints that learners share.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "bursar/core/result.h"

namespace bursar::explore {

constexpr std::size_t kMostArms = 1 << 24;

[[nodiscard]] inline Result<void> check_arms(std::size_t arms) {
  if (arms >= 1 && arms <= kMostArms) return {};
  return invalid_argument("arms: must be 1 to " + std::to_string(kMostArms) + ", is " + std::to_string(arms));
}

[[nodiscard]] inline Result<void> check_positive(std::string_view field, double value) {
  if (std::isfinite(value) && value > 0) return {};
  return invalid_argument(std::string(field) + ": must be a positive number, is " + std::to_string(value));
}

[[nodiscard]] inline Result<void> check_horizon(std::uint64_t horizon) {
  if (horizon >= 2) return {};
  return invalid_argument("horizon: must be at least 2 rounds for this learner, is " + std::to_string(horizon));
}

// low <= value <= high.
[[nodiscard]] inline Result<void> check_between(std::string_view field, double value, double low, double high) {
  if (value >= low && value <= high) return {};
  return invalid_argument(std::string(field) + ": must be from " + std::to_string(low) + " to " + std::to_string(high) +
                          ", is " + std::to_string(value));
}

}  // namespace bursar::explore
