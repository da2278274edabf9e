#include <benchmark/benchmark.h>
#include <cmath>
#include <vector>

#include "bursar/core/amount.h"
#include "bursar/core/json.h"
#include "bursar/core/kaplan_meier.h"
#include "bursar/core/quantile_sketch.h"
#include "bursar/core/random.h"

namespace bursar {
namespace {

std::vector<double> latencies(std::size_t n) {
  RandomStream random(1);
  std::vector<double> out;
  out.reserve(n);
  for (std::size_t i = 0; i < n; ++i) out.push_back(300 * std::exp(.8 * random.normal()));
  return out;
}

void RandomBits(benchmark::State& state) {
  RandomStream random(1);
  for (auto _ : state) benchmark::DoNotOptimize(random());
}
BENCHMARK(RandomBits);

void RandomBounded(benchmark::State& state) {
  RandomStream random(1);
  for (auto _ : state) benchmark::DoNotOptimize(random.uniform_int(std::uint64_t{1000}));
}
BENCHMARK(RandomBounded);

void RandomNormal(benchmark::State& state) {
  RandomStream random(1);
  for (auto _ : state) benchmark::DoNotOptimize(random.normal());
}
BENCHMARK(RandomNormal);

void RandomSplit(benchmark::State& state) {
  const RandomStream random(1);
  std::uint64_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(random.split(i++));
}
BENCHMARK(RandomSplit);

void SketchInsert(benchmark::State& state) {
  auto sketch = QuantileSketch::create().value();
  const auto values = latencies(4096);
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(sketch.insert(values[++i % values.size()]));
}
BENCHMARK(SketchInsert);

void SketchQuantile(benchmark::State& state) {
  auto sketch = QuantileSketch::create().value();
  for (const double x : latencies(100'000)) sketch.insert(x);
  for (auto _ : state) benchmark::DoNotOptimize(sketch.quantile(.99));
}
BENCHMARK(SketchQuantile);

void KaplanMeierOfAWindow(benchmark::State& state) {
  std::vector<CensoredValue> window;
  for (const double x : latencies(200)) window.push_back({x, x > 900});
  for (auto _ : state) benchmark::DoNotOptimize(KaplanMeier(window));
}
BENCHMARK(KaplanMeierOfAWindow);

void AmountsAddAndSubtract(benchmark::State& state) {
  const Amounts price = parse_amounts("0.01 usd, 30k tokens, 1 calls").value();
  Amounts held;
  for (auto _ : state) {
    benchmark::DoNotOptimize(held.add(price));
    benchmark::DoNotOptimize(held.subtract(price));
  }
}
BENCHMARK(AmountsAddAndSubtract);

void ParseAmountText(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(parse_amount("12.50 usd"));
}
BENCHMARK(ParseAmountText);

void EscapeJsonString(benchmark::State& state) {
  const std::string text(1000, 'x');
  for (auto _ : state) benchmark::DoNotOptimize(json_string(text));
}
BENCHMARK(EscapeJsonString);

}  // namespace
}  // namespace bursar
