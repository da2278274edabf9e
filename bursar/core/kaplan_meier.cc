#include "bursar/core/kaplan_meier.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace bursar {
namespace {

// S is a product of rounded factors: without some slack 19 events of 20 would just miss p = .95.
constexpr double kRounding = 1e-12;

}  // namespace

KaplanMeier::KaplanMeier(std::span<const CensoredValue> observations) {
  std::vector<CensoredValue> sorted;
  sorted.reserve(observations.size());
  std::ranges::copy_if(observations, std::back_inserter(sorted),
                       [](const CensoredValue& o) { return std::isfinite(o.value) && o.value >= 0; });
  std::ranges::sort(sorted, {}, &CensoredValue::value);
  observations_ = sorted.size();
  if (!sorted.empty()) largest_ = sorted.back().value;

  times_.reserve(sorted.size());
  survival_.reserve(sorted.size());
  double survival = 1;
  for (std::size_t first = 0; first < sorted.size();) {
    std::size_t last = first, events = 0;
    for (; last < sorted.size() && sorted[last].value == sorted[first].value; ++last) events += !sorted[last].censored;
    if (events > 0) {
      const std::size_t at_risk = sorted.size() - first;
      survival *= static_cast<double>(at_risk - events) / static_cast<double>(at_risk);
      times_.push_back(sorted[first].value);
      survival_.push_back(survival);
    }
    first = last;
  }
}

double KaplanMeier::survival(double t) const {
  const auto after = std::ranges::upper_bound(times_, t) - times_.begin();
  return after == 0 ? 1 : survival_[after - 1];
}

std::optional<double> KaplanMeier::quantile(double p) const {
  const auto found = std::ranges::lower_bound(survival_, 1 - p + kRounding, std::ranges::greater{});
  if (found == survival_.end()) return std::nullopt;
  return times_[found - survival_.begin()];
}

}  // namespace bursar
