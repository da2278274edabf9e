#include "bench/allocate/instances.h"

#include <algorithm>
#include <cmath>

#include "bursar/core/random.h"

namespace bursar::bench {

ChoiceInstance choice_instance(const std::string& kind, std::size_t items, std::size_t width, std::uint64_t seed) {
  RandomStream random = RandomStream(seed).split(kind).split(items);
  ChoiceInstance p{.name = kind, .width = width};
  p.value.reserve(items * width);
  p.cost.reserve(items * width);
  const auto whole = [&](double low, double high) { return std::floor(random.uniform(low, high + 1)); };
  double least = 0, most = 0;
  std::vector<double> sorted(width);
  for (std::size_t i = 0; i < items; ++i) {
    if (kind == "strongly") {
      for (double& x : sorted) x = whole(1, 1000.0 / static_cast<double>(width) * 2);
      std::ranges::sort(sorted);
    }
    double c = 0, v = 0, low = 1e300, high = 0;
    for (std::size_t k = 0; k < width; ++k) {
      if (kind == "strongly") {
        c += sorted[k];
        v += sorted[k] + 10;
      } else if (kind == "real") {
        c = random.uniform01();
        v = random.uniform01();
      } else {
        c = whole(1, 1000);
        v = kind == "weakly" ? std::max(1.0, c + whole(-10, 10)) : kind == "subset_sum" ? c : whole(1, 1000);
      }
      p.cost.push_back(c);
      p.value.push_back(v);
      low = std::min(low, c);
      high = std::max(high, c);
    }
    least += low;
    most += high;
  }
  p.budget = std::floor((least + most) / 2);
  return p;
}

std::vector<std::string> knapsack_kinds() {
  return {"uncorrelated",  "weakly",           "strongly",          "inverse_strongly", "almost_strongly", "subset_sum",
          "similar_costs", "spanner_strongly", "multiple_strongly", "profit_ceiling",   "circle"};
}

KnapsackInstance knapsack_instance(const std::string& kind, std::size_t items, double range, std::uint64_t seed) {
  RandomStream random = RandomStream(seed).split(kind).split(items);
  KnapsackInstance p{.name = kind};
  const auto whole = [&](double low, double high) { return std::floor(random.uniform(low, high + 1)); };
  std::vector<double> span_cost, span_value;
  for (int k = 0; k < 2; ++k) {
    // span(2, 10): every item is a multiple of one of two small ones.
    const double c = whole(1, range);
    span_cost.push_back(std::ceil(2 * c / 10));
    span_value.push_back(std::ceil(2 * (c + range / 10) / 10));
  }
  double total = 0;
  for (std::size_t i = 0; i < items; ++i) {
    double c = whole(1, range), v = whole(1, range);
    if (kind == "weakly") v = std::max(1.0, whole(c - range / 10, c + range / 10));
    if (kind == "strongly") v = c + range / 10;
    if (kind == "inverse_strongly") v = c, c = v + range / 10;
    if (kind == "almost_strongly") v = whole(c + range / 10 - range / 500, c + range / 10 + range / 500);
    if (kind == "subset_sum") v = c;
    if (kind == "similar_costs") c = whole(100'000, 100'100), v = whole(1, 1000);
    if (kind == "spanner_strongly") {
      const std::size_t s = random.uniform_int(std::uint64_t{2});
      const double m = whole(1, 10);
      c = m * span_cost[s], v = m * span_value[s];
    }
    if (kind == "multiple_strongly") v = c + (std::fmod(c, 6) == 0 ? 3 : 2) * range / 10;
    if (kind == "profit_ceiling") v = 3 * std::ceil(c / 3);
    if (kind == "circle") v = std::floor(2.0 / 3 * std::sqrt(4 * range * range - (c - 2 * range) * (c - 2 * range)));
    p.cost.push_back(c);
    p.value.push_back(v);
    total += c;
  }
  p.budget = std::floor(total / 3);
  return p;
}

}  // namespace bursar::bench
