#include "bursar/allocate/damage_cap.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/allocate/solve.h"

namespace bursar::allocate {
namespace {

constexpr int kTenths = 20;  // the last factor, in tenths

Result<void> check(const LayerOptions& l, double t) {
  if (l.width == 0 || l.error.size() != l.kept.size() || l.error.size() != l.size.size() * l.width || l.size.empty())
    return invalid_argument("error and kept need one entry for every layer and option, and there must be a layer");
  if (!(t > 0 && t < 1)) return invalid_argument("removed_share is " + to_text(t) + "; it must be between 0 and 1");
  for (std::size_t i = 0; i < l.size.size(); ++i) {
    if (!(l.size[i] > 0) || l.size[i] > kLargestNumber)
      return invalid_argument("layer " + std::to_string(i) + ": size is " + to_text(l.size[i]) +
                              "; it must be above 0");
    for (std::size_t o = i * l.width; o < (i + 1) * l.width; ++o) {
      if (!(l.error[o] >= 0) || l.error[o] > kLargestNumber || !(l.kept[o] >= 0) || l.kept[o] > kLargestNumber)
        return invalid_argument("layer " + std::to_string(i) + ", option " + std::to_string(o - i * l.width) +
                                ": error is " + to_text(l.error[o]) + " and kept " + to_text(l.kept[o]) +
                                "; they must be at least 0 and finite");
    }
  }
  return {};
}

// Parameters left when every layer removes most with an error of at most `limit`; one without such an option stays
// whole.
double kept_within(const LayerOptions& l, double limit) {
  double kept = 0;
  for (std::size_t i = 0; i < l.size.size(); ++i) {
    double least = l.size[i];
    for (std::size_t o = i * l.width; o < (i + 1) * l.width; ++o) {
      if (l.error[o] <= limit) least = std::min(least, l.kept[o]);
    }
    kept += least;
  }
  return kept;
}

double mean_error_near(const LayerOptions& l, double t) {
  double sum = 0;
  for (std::size_t i = 0; i < l.size.size(); ++i) {
    const double target = (1 - t) * l.size[i];
    std::size_t nearest = i * l.width;
    for (std::size_t o = nearest; o < (i + 1) * l.width; ++o) {
      if (std::abs(l.kept[o] - target) < std::abs(l.kept[nearest] - target)) nearest = o;
    }
    sum += l.error[nearest];
  }
  return sum / static_cast<double>(l.size.size());
}

}  // namespace

Result<DamageCap> cap_damage(const LayerOptions& l, double t) {
  if (auto ok = check(l, t); !ok) return tl::unexpected(ok.error());
  double total = 0;
  for (const double size : l.size) total += size;
  const double allowed = with_tolerance((1 - t) * total), least = kept_within(l, HUGE_VAL);
  if (least > allowed)
    return fail(ErrorCode::kInfeasible,
                "removed_share is " + to_text(t) + "; the options reach " + to_text(1 - least / total) + " at most");
  const double mean = mean_error_near(l, t);
  DamageCap cap{.forbidden = std::vector<std::uint8_t>(l.error.size(), 0)};
  for (int tenths = 10; tenths <= kTenths && cap.factor == 0; ++tenths) {
    if (kept_within(l, mean * tenths / 10) <= allowed) cap.factor = tenths / 10.;
  }
  if (cap.factor == 0) return cap;
  cap.error_limit = cap.factor * mean;
  for (std::size_t i = 0; i < l.size.size(); ++i) {
    const auto row = l.error.subspan(i * l.width, l.width);
    const auto best = static_cast<std::size_t>(std::ranges::min_element(row) - row.begin());
    for (std::size_t k = 0; k < l.width; ++k)
      cap.forbidden[i * l.width + k] = row[k] > cap.error_limit && k != best ? 1 : 0;
  }
  return cap;
}

}  // namespace bursar::allocate
