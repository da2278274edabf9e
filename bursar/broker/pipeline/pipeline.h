// The six stages in their order, what they share, and the sans-I/O core that drives one call through them.
//
//   Pipeline pipeline(dependencies, pipeline_config(config));
//   CallRun run(pipeline, std::move(call));
//   for (CallRun::Step step = run.next(clock.now(), random); step.kind != CallRun::Step::kDone; step = run.next(…)) {
//     if (step.kind == CallRun::Step::kGrant) run.deliver(… await ledger.reserve(step.reserve) …);
//     if (step.kind == CallRun::Step::kAttempt) run.deliver(… await session.request(run.call().outgoing_params, …) …);
//     if (step.kind == CallRun::Step::kPause) … await timer(step.pause) …
//   }
//   answer(run.call());      // http, else upstream_error, else result: exactly one of them is set
//
// A stop jumps to settle, and settle runs exactly once for every call: also when the CallRun is dropped half-way (the
// client went away, the process stops), since its destructor settles with Cause::kCancelled.
// Threads: a Pipeline is shared by all reactors; a CallRun belongs to one at a time. Source: systems/mcp-production, A.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "bursar/broker/pipeline/authenticate.h"
#include "bursar/broker/pipeline/contract.h"
#include "bursar/broker/pipeline/stage.h"
#include "bursar/core/published.h"
#include "bursar/schedule/latency_store.h"

namespace bursar::broker {

// The part of the configuration that the stages read; immutable, swapped as a whole by a hot reload.
struct PipelineConfig {
  struct UpstreamTraits {
    bool trust_annotations = false;
    std::size_t max_concurrent = 256;
  };
  ListenConfig listen;
  LimitsConfig limits;
  IdentityConfig identity;
  std::map<std::string, UpstreamTraits, std::less<>> upstreams;
  std::vector<PriceRule> prices;
  PolicyConfig policy;
  std::vector<ToolConfig> tools;
  TurnConfig turn;
  RateConfig rate;
  std::optional<double> trace_sample;  // calls are traced: upstreams are told of our span; absent: of the caller's
};
[[nodiscard]] std::shared_ptr<const PipelineConfig> pipeline_config(const Config& config);

// What the stages need from outside. All of them are thread-safe and never wait.
struct PipelineDeps {
  const Clock* clock = nullptr;           // for a call that is dropped; everything else is told the time
  const KeyVerifier* keys = nullptr;      // null: no key is known
  const TokenVerifier* tokens = nullptr;  // null: no token is accepted
  // The tool, prompt or resource that an exposed name (of params.name, params.uri, or of a plan) stands for in this
  // call's session; annotations as the server gave them (the stages decide whether to believe them). Absent where
  // unknown. Where the function itself is empty, call.target must be set by the transport.
  std::function<std::optional<Target>(const Call& call, std::string_view exposed)> resolve;
  std::function<ledger::Reservation(const ledger::ReserveRequest&)> try_reserve;  // Ledger::try_reserve
  // What the account may still spend, for the budget in _meta; may be empty, and may answer from a cache.
  std::function<Amounts(std::string_view account)> left;
  schedule::LatencyStore* latencies = nullptr;
  std::function<void(const Call& call, WallTime now)> audit;       // runs once a call, inside settle
  std::function<Result<void>()> audit_health;                      // failing: only read-only tools are called
  std::function<void(const Ingress&, const HttpRefusal&)> denied;  // a request that never became a call; may be empty
};

struct PipelineShared;
using StageList = std::array<std::unique_ptr<Stage>, kStages>;

class Pipeline {
 public:
  Pipeline(PipelineDeps deps, std::shared_ptr<const PipelineConfig> config);
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  void configure(std::shared_ptr<const PipelineConfig> config);
  [[nodiscard]] std::shared_ptr<const PipelineConfig> config() const;

  // For requests that are no calls: who is asking, and which names a list may show.
  [[nodiscard]] Authentication authenticate(const Ingress& ingress) const;
  [[nodiscard]] bool visible(const Principal& principal, std::string_view upstream, std::string_view name,
                             std::string_view exposed) const;
  [[nodiscard]] ContractCache& contracts();

  [[nodiscard]] PipelineShared& shared() { return *shared_; }
  [[nodiscard]] StageList& stages() { return stages_; }  // tests put a failing stage here

 private:
  std::unique_ptr<PipelineShared> shared_;
  Published<const PipelineConfig> config_;
  StageList stages_;
};

class CallRun {
 public:
  struct Step {
    enum Kind : std::uint8_t { kDone, kGrant, kAttempt, kPause };
    Kind kind = kDone;
    ledger::ReserveRequest reserve = {};
    Duration timeout{0}, timeout_max{0}, pause{0};
  };

  CallRun(Pipeline& pipeline, Call call);
  ~CallRun();
  CallRun(CallRun&&) = delete;

  // Runs stages until something outside has to happen. After kDone it keeps answering kDone.
  [[nodiscard]] Step next(WallTime now, RandomStream& random);
  void deliver(ledger::Reservation reservation);    // the answer to kGrant; a NeedsGrant counts as an unavailable store
  void deliver(UpstreamReply reply, WallTime now);  // the answer to kAttempt
  // The agent gave up (Cause::kCancelled) or the process stops (kShutdown): the next step settles. An attempt that is
  // under way counts as sent; cancel it downstream too.
  void stop(Cause cause);

  [[nodiscard]] Call& call() { return call_; }
  [[nodiscard]] const Call& call() const { return call_; }

 private:
  void settle(WallTime now, RandomStream& random);

  Pipeline& pipeline_;
  Call call_;
  std::size_t stage_ = 0;
  bool settled_ = false;
};

// {"code":…,"message":…,"data":…}; `data` is raw JSON or empty.
[[nodiscard]] std::string rpc_error(int code, std::string_view message, std::string_view data = {});

}  // namespace bursar::broker
