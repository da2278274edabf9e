// Survival S(t) from observations of which some are censored: a timeout says "longer than t", not "t".
//
//   KaplanMeier km({{1, false}, {2, true}, {3, false}, {4, true}, {5, false}});
//   km.survival(3);     // 0.5333: S = .8, .5333, 0 after 1, 3, 5
//   km.quantile(0.4);   // 3: the smallest value with S <= 1 - p
//
// Source: systems/mcp-production (latency store). Build O(n log n), queries O(log n).
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

namespace bursar {

struct CensoredValue {
  double value = 0;       // >= 0, finite; any unit
  bool censored = false;  // true: the true value is larger
};

class KaplanMeier {
 public:
  KaplanMeier() = default;
  // Values that are negative or not finite are left out. A value censored at an event's time counts as surviving it.
  explicit KaplanMeier(std::span<const CensoredValue> observations);
  KaplanMeier(std::initializer_list<CensoredValue> observations)
      : KaplanMeier(std::span<const CensoredValue>(observations.begin(), observations.size())) {}

  [[nodiscard]] double survival(double t) const;  // P(T > t); 1 before the first event
  [[nodiscard]] double cdf(double t) const { return 1 - survival(t); }
  [[nodiscard]] std::optional<double> quantile(double p) const;  // absent where S never falls to 1 - p; 0 < p < 1
  [[nodiscard]] double largest() const { return largest_; }      // largest observation, censored or not; 0 if none
  [[nodiscard]] std::size_t observations() const { return observations_; }

 private:
  std::vector<double> times_;     // event times, increasing
  std::vector<double> survival_;  // S just after each
  double largest_ = 0;
  std::size_t observations_ = 0;
};

}  // namespace bursar
