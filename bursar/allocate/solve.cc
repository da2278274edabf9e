#include "bursar/allocate/solve.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace bursar::allocate {

std::string_view name_of(StopReason reason) {
  switch (reason) {
    case StopReason::kOptimal: return "optimal";
    case StopReason::kWithinGap: return "within_gap";
    case StopReason::kLimit: return "limit";
    case StopReason::kCancelled: return "cancelled";
  }
  return "limit";
}

double relative_gap(double value, double bound) {
  const double scale = std::max(std::abs(value), std::abs(bound));
  return scale == 0 ? 0.0 : std::max(0.0, (bound - value) / scale);
}

double with_tolerance(double budget) { return budget + std::min(0.25, kCostTolerance * std::abs(budget)); }

std::string to_text(double number) {
  if (std::isnan(number)) return "nan";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number);
  return {text, end.ptr};
}

}  // namespace bursar::allocate
