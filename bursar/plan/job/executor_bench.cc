// What the executor adds to an inner call, apart from the call itself: bounds, holds, order, journal.
#include <benchmark/benchmark.h>

#include "bursar/plan/job/executor.h"
#include "bursar/plan/job/script.h"

namespace bursar::plan {
namespace {

// Ends every action at once, with an answer of a usual length.
class Instant final : public ExecutorEffects {
 public:
  Executor* executor = nullptr;
  std::size_t launched = 0;

  Result<Amounts> bound(const Action&) override { return bound_; }
  void launch(const Action& action) override {
    ++launched;
    executor->ended({.action = action.id, .text = text_, .prompt_tokens = 200, .completion_tokens = 150, .cost = cost_},
                    WallTime{});
  }
  void cancel(std::uint64_t) override {}
  void wake(Duration) override {}
  void finish() override {}

 private:
  const Amounts bound_ = parse_amounts("2k tokens, 1 calls, 0.01 usd").value();
  const Amounts cost_ = parse_amounts("350 tokens, 1 calls, 0.001 usd").value();
  const std::string text_ = std::string(600, 'x') + "\nAnswer: 42";
};

Script rounds(Job& job) {
  for (std::int64_t round = 0; round < job.integer("rounds"); ++round) {
    std::vector<Action> asks(8, job.sample());
    for (Action& ask : asks) std::get<ModelAsk>(ask.ask).messages = {{"system", std::string(300, 's')}, {"user", "q"}};
    const std::vector<Observation> seen = co_await job.run(std::move(asks));
    job.note({{"round", round}, {"seen", seen.size()}});
    job.offer({.text = seen.front().text});
  }
  co_return std::nullopt;
}

// Time is of a job; items are inner calls.
void BM_ExecutorPerCall(benchmark::State& state) {
  std::size_t calls = 0;
  for (auto _ : state) {
    Instant effects;
    JobSetup setup{.question = "q", .model = "m", .parameters = {{"rounds", state.range(0)}}};
    Executor executor(run_script(std::move(setup), rounds),
                      {.purse = parse_amounts("1M tokens, 10 usd").value(), .actions = 1 << 20}, effects);
    effects.executor = &executor;
    executor.begin(WallTime{});
    benchmark::DoNotOptimize(executor.result().answer);
    calls += effects.launched;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(calls));
}
BENCHMARK(BM_ExecutorPerCall)->Arg(1)->Arg(16)->Arg(64);

}  // namespace
}  // namespace bursar::plan
