#include <benchmark/benchmark.h>
#include <chrono>
#include <string>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/schedule/latency_store.h"
#include "bursar/schedule/timeout.h"

namespace bursar::schedule {
namespace {

using namespace std::chrono_literals;

void NextTimeout(benchmark::State& state) {
  LatencyStore store;
  RandomStream random(1);
  std::vector<StepPlan> plan;
  for (int i = 0; i < state.range(0); ++i) {
    plan.push_back({.tool = {"u", std::to_string(i)}, .optional = i % 2 == 0});
    for (int k = 0; k < 200; ++k) store.record(plan.back().tool, Duration(random() % 1'000'000), false);
  }
  const Turn turn{.total = 30s, .left = 20s, .plan_known = true};
  for (auto _ : state) benchmark::DoNotOptimize(next_timeout(turn, plan, 0, store, {}));
}
BENCHMARK(NextTimeout)->Arg(1)->Arg(6)->Arg(32);

void StaticTimeouts(benchmark::State& state) {
  std::vector<LatencyLaw> laws;
  laws.reserve(static_cast<std::size_t>(state.range(0)));
  for (int i = 0; i < state.range(0); ++i) laws.push_back(lognormal_law(100 + 50 * i, .8));
  for (auto _ : state) benchmark::DoNotOptimize(static_timeouts(laws, 5000));
}
BENCHMARK(StaticTimeouts)->Arg(2)->Arg(8)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace bursar::schedule
