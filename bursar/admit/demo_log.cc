#include "bursar/admit/demo_log.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "bursar/core/random.h"

namespace bursar::admit {
namespace {

struct Model {
  const char* name;
  double quality, usd, ms;
};
constexpr std::array kModels{Model{"small", .55, .0010, 300}, Model{"medium", .72, .0060, 800},
                             Model{"large", .80, .0300, 2500}};

}  // namespace

void write_demo_log(const DemoLog& demo, const std::function<void(std::string_view)>& out) {
  out("request,time_s,option,reward,cost.usd,cost.ms,hold.usd,hold.ms,actual.usd,actual.ms\n");
  RandomStream random = RandomStream(demo.seed).split("demo");
  double time_s = 0;
  const double mean_gap_s = 86'400 / static_cast<double>(demo.requests == 0 ? 1 : demo.requests);
  for (std::uint64_t t = 0; t < demo.requests; ++t) {
    const double load = 1 + .7 * std::sin(2 * std::numbers::pi * (time_s / 86'400 - .3));
    time_s += mean_gap_s * random.exponential() / load;
    const double worth = random.bernoulli(.1) ? 3 : 1, size = random.uniform(.3, 1.7), ease = random.uniform(-.25, .2);
    for (const Model& model : kModels) {
      const double usd = model.usd * size, ms = model.ms * size;
      std::array<char, 256> row{};
      const int length = std::snprintf(row.data(), row.size(), "%llu,%.1f,%s,%.4f,%.6f,%.0f,%.6f,%.0f,%.6f,%.0f\n",
                                       static_cast<unsigned long long>(t + 1), time_s, model.name,
                                       worth * std::fmin(1, model.quality + ease), usd, ms, 2 * usd, 2 * ms,
                                       usd * random.uniform(.5, 1.5), ms * random.uniform(.5, 1.5));
      out({row.data(), static_cast<std::size_t>(length)});
    }
  }
}

}  // namespace bursar::admit
