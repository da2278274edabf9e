#include <benchmark/benchmark.h>
#include <string>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/schedule/latency_store.h"

namespace bursar::schedule {
namespace {

constexpr int kTools = 500;

std::vector<ToolId> some_tools() {
  std::vector<ToolId> out;
  out.reserve(kTools);
  for (int i = 0; i < kTools; ++i) out.push_back({"upstream-" + std::to_string(i % 20), "tool-" + std::to_string(i)});
  return out;
}

LatencyStore& shared_store() {
  static LatencyStore* const store = [] {
    auto* filled = new LatencyStore;  // shared by the threads of every run
    RandomStream random(1);
    for (const ToolId& tool : some_tools()) {
      for (int i = 0; i < 250; ++i) {
        filled->record(tool, Duration(random.uniform_int(std::uint64_t{1'000'000})), random.bernoulli(.05));
      }
    }
    return filled;
  }();
  return *store;
}

void LatencyStoreQuantile(benchmark::State& state) {
  const LatencyStore& store = shared_store();
  const auto tools = some_tools();
  std::size_t i = static_cast<std::size_t>(state.thread_index()) * 77;
  for (auto _ : state) benchmark::DoNotOptimize(store.quantile(tools[++i % kTools], .95));
}
BENCHMARK(LatencyStoreQuantile)->ThreadRange(1, 2)->UseRealTime();

void LatencyStoreRecord(benchmark::State& state) {
  LatencyStore& store = shared_store();
  const auto tools = some_tools();
  RandomStream random(static_cast<std::uint64_t>(state.thread_index()));
  for (auto _ : state) {
    store.record(tools[random.uniform_int(std::uint64_t{kTools})], Duration(random() % 1'000'000), false);
  }
}
BENCHMARK(LatencyStoreRecord)->ThreadRange(1, 2)->UseRealTime();

void LatencyStoreSaveAndLoad(benchmark::State& state) {
  const LatencyStore& store = shared_store();
  for (auto _ : state) benchmark::DoNotOptimize(LatencyStore::load(store.save()));
}
BENCHMARK(LatencyStoreSaveAndLoad)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace bursar::schedule
