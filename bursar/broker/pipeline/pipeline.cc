#include "bursar/broker/pipeline/pipeline.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "bursar/broker/pipeline/admit.h"
#include "bursar/broker/pipeline/authorise.h"
#include "bursar/broker/pipeline/enrich.h"
#include "bursar/broker/pipeline/invoke.h"
#include "bursar/broker/pipeline/settle.h"
#include "bursar/broker/pipeline/stage_support.h"
#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::broker {
namespace {

constexpr auto kSettleIndex = static_cast<std::size_t>(StageName::kSettle);

using SteadyTime = std::chrono::steady_clock::time_point;

// The end of one stage is the beginning of the next: the clock is read once a stage.
void note(StageRecord& record, SteadyTime& begin, bool stopped) {
  const SteadyTime end = std::chrono::steady_clock::now();
  const auto spent = std::chrono::duration_cast<std::chrono::microseconds>(end - std::exchange(begin, end));
  record.ran = true;
  record.stopped |= stopped;
  record.micros += static_cast<std::int32_t>(std::min<std::int64_t>(spent.count(), 1'000'000'000));
}

}  // namespace

std::shared_ptr<const PipelineConfig> pipeline_config(const Config& config) {
  auto out = std::make_shared<PipelineConfig>();
  out->listen = config.listen;
  out->limits = config.limits;
  out->identity = config.identity;
  for (const UpstreamConfig& upstream : config.upstreams) {
    out->upstreams[upstream.name] = {.trust_annotations = upstream.trust_annotations,
                                     .max_concurrent = upstream.max_concurrent};
  }
  out->prices = config.prices;
  out->policy = config.policy;
  out->tools = config.tools;
  out->turn = config.turn;
  out->rate = config.rate;
  if (!config.telemetry.otlp_url.empty()) out->trace_sample = config.telemetry.sample;
  return out;
}

std::string rpc_error(int code, std::string_view message, std::string_view data) {
  std::string out = R"({"code":)" + std::to_string(code) + R"(,"message":)";
  append_json_string(out, message);
  if (!data.empty()) out.append(R"(,"data":)").append(data);
  return out + "}";
}

Pipeline::Pipeline(PipelineDeps deps, std::shared_ptr<const PipelineConfig> config)
    : shared_(std::make_unique<PipelineShared>()), config_(std::move(config)) {
  shared_->deps = std::move(deps);
  stages_ = {std::make_unique<AuthenticateStage>(*shared_), std::make_unique<AuthoriseStage>(*shared_),
             std::make_unique<AdmitStage>(*shared_),        std::make_unique<EnrichStage>(*shared_),
             std::make_unique<InvokeStage>(*shared_),       std::make_unique<SettleStage>(*shared_)};
}

Pipeline::~Pipeline() = default;

void Pipeline::configure(std::shared_ptr<const PipelineConfig> config) { config_.store(std::move(config)); }
std::shared_ptr<const PipelineConfig> Pipeline::config() const { return config_.load(); }
ContractCache& Pipeline::contracts() { return shared_->contracts; }

Authentication Pipeline::authenticate(const Ingress& ingress) const {
  Authentication who = broker::authenticate(ingress, *config(), shared_->deps.keys, shared_->deps.tokens);
  const auto* refusal = std::get_if<HttpRefusal>(&who);
  if (refusal != nullptr && shared_->deps.denied) shared_->deps.denied(ingress, *refusal);
  return who;
}

bool Pipeline::visible(const Principal& principal, std::string_view upstream, std::string_view name,
                       std::string_view exposed) const {
  const auto current = config();
  // What is behind no MCP server is a model, and takes no arguments that a rule could name.
  const bool takes_arguments = current->upstreams.contains(upstream);
  return may_call(current->policy, principal, {.server = upstream, .name = name, .exposed = exposed}, takes_arguments);
}

CallRun::CallRun(Pipeline& pipeline, Call call) : pipeline_(pipeline), call_(std::move(call)) {
  call_.state.config = pipeline.config();
}

CallRun::~CallRun() {
  if (settled_) return;
  const Clock* clock = pipeline_.shared().deps.clock;
  if (!call_.state.stopped) call_.state.stopped = Cause::kCancelled;
  RandomStream unused(0);
  settle(clock == nullptr ? call_.arrived : clock->now(), unused);
}

void CallRun::settle(WallTime now, RandomStream& random) {
  settled_ = true;
  stage_ = kSettleIndex;
  SteadyTime begin = std::chrono::steady_clock::now();
  (void)pipeline_.stages()[kSettleIndex]->run(call_, now, random);
  note(call_.stages[kSettleIndex], begin, false);
  if (pipeline_.shared().deps.audit) pipeline_.shared().deps.audit(call_, now);
}

CallRun::Step CallRun::next(WallTime now, RandomStream& random) {
  SteadyTime begin = std::chrono::steady_clock::now();
  while (!settled_) {
    if (stage_ == kSettleIndex || call_.state.stopped) {
      settle(now, random);
      break;
    }
    Verdict verdict = pipeline_.stages()[stage_]->run(call_, now, random);
    note(call_.stages[stage_], begin, verdict.kind == Verdict::kStop);
    switch (verdict.kind) {
      case Verdict::kContinue: ++stage_; break;
      case Verdict::kStop: stage_ = kSettleIndex; break;
      case Verdict::kGrant: return {.kind = Step::kGrant, .reserve = std::move(verdict.reserve)};
      case Verdict::kAttempt:
        return {.kind = Step::kAttempt, .timeout = verdict.timeout, .timeout_max = verdict.timeout_max};
      case Verdict::kPause: return {.kind = Step::kPause, .pause = verdict.pause};
    }
    call_.state.step = 0;
  }
  return {};
}

void CallRun::deliver(ledger::Reservation reservation) {
  if (!settled_ && !call_.state.stopped) pipeline_.stages()[stage_]->deliver(call_, std::move(reservation));
}

void CallRun::deliver(UpstreamReply reply, WallTime now) {
  if (settled_ || !call_.state.attempt_running) return;
  Attempt& attempt = call_.attempts.back();
  attempt.elapsed = std::max(now - attempt.started, Duration{0});
  attempt.reply = std::move(reply);
  // An answer proves that the request was sent, whatever the transport noted.
  attempt.reply.sent |= !attempt.reply.failure.has_value();
  call_.state.attempt_running = false;
}

void CallRun::stop(Cause cause) {
  if (!settled_ && !call_.state.stopped) call_.state.stopped = cause;
}

}  // namespace bursar::broker
