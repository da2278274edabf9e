// CPU of all six stages for one call, without I/O: what the pipeline adds to every request.
#include <benchmark/benchmark.h>

#include "bursar/broker/pipeline/contract.h"
#include "bursar/broker/pipeline/pipeline.h"
#include "bursar/core/random.h"
#include "bursar/ledger/sqlite_store.h"

namespace bursar::broker {
namespace {

class OneKey final : public KeyVerifier {
 public:
  [[nodiscard]] std::optional<Principal> verify(std::string_view) const override {
    return Principal{.subject = "key:ada", .account = "acme/research/ada"};
  }
};

constexpr std::string_view kSchema =
    R"({"type":"object","properties":{"path":{"type":"string"},"head":{"type":"number"}},"required":["path"],"additionalProperties":false})";

struct Gateway {
  Gateway() {
    auto store = ledger::open_sqlite_store({.path = ":memory:"});
    ledger = std::move(*ledger::Ledger::open(std::move(*store), clock, {}));
    for (const char* path : {"acme", "acme/research", "acme/research/ada"}) {
      (void)ledger->put_account({.path = path,
                                 .limits = {{.resource = kCalls, .amount = 1'000'000'000'000},
                                            {.resource = kMs, .amount = 1'000'000'000'000'000'000}}});
    }
    Config config;
    config.upstreams = {{.name = "files", .trust_annotations = true}};
    config.rate = {.per_principal = 1e9, .per_tool = 1e9, .burst = 1e9};
    target = {.upstream = "files", .name = "read", .exposed = "files.read", .read_only = true};
    target.input_contract = *Contract::compile(kSchema);
    PipelineDeps deps{.clock = &clock, .keys = &keys};
    deps.resolve = [this](const Call&, std::string_view) { return std::optional(target); };
    deps.try_reserve = [this](const ledger::ReserveRequest& request) { return ledger->try_reserve(request); };
    pipeline = std::make_unique<Pipeline>(std::move(deps), pipeline_config(config));
    text =
        R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"files.read","arguments":{"path":"/srv/a.txt","head":20},)"
        R"("_meta":{"progressToken":1,"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}})";
  }

  SystemClock clock;
  OneKey keys;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<Pipeline> pipeline;
  Target target;
  std::string text;
};

void run_call(Gateway& gateway, RandomStream& random) {
  Call call;
  call.id = "01J00000000000000000000000";
  call.arrived = gateway.clock.now();
  call.ingress = {.authorization = "Bearer sk-good", .host = "localhost:8484", .loopback = true};
  call.request = std::move(*Message::parse(gateway.text));
  CallRun run(*gateway.pipeline, std::move(call));
  while (true) {
    CallRun::Step step = run.next(gateway.clock.now(), random);
    if (step.kind == CallRun::Step::kDone) break;
    if (step.kind == CallRun::Step::kGrant) run.deliver(gateway.ledger->reserve_blocking(step.reserve));
    if (step.kind == CallRun::Step::kAttempt) {
      run.deliver(UpstreamReply{.result = R"({"content":[{"type":"text","text":"hello"}]})", .sent = true},
                  gateway.clock.now());
    }
  }
  if (run.call().serf) std::abort();
  benchmark::DoNotOptimize(run.call().result.data());
}

void SixStages(benchmark::State& state) {
  Gateway gateway;
  RandomStream random(1);
  for (auto _ : state) run_call(gateway, random);
}
BENCHMARK(SixStages);

void ParseAlone(benchmark::State& state) {
  Gateway gateway;
  for (auto _ : state) benchmark::DoNotOptimize(Message::parse(gateway.text));
}
BENCHMARK(ParseAlone);

void CheckArguments(benchmark::State& state) {
  const auto contract = *Contract::compile(kSchema);
  for (auto _ : state) benchmark::DoNotOptimize(contract->check(R"({"path":"/srv/a.txt","head":20})", "arguments"));
}
BENCHMARK(CheckArguments);

}  // namespace
}  // namespace bursar::broker
