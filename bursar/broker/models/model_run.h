// One model call from the request to its receipt. Sans-I/O: it says what has to happen outside and is told what did.
//
//   ModelRun run(services, table, std::move(call), effects);
//   run.begin(clock.now());                         // effects.reserve(), effects.send(), or effects.answer() at once
//   run.head(0, {.status = 200, …}, now); run.body(0, bytes, now); run.ended(0, {.sent = true}, now);
//   run.stop(Cause::kCancelled, now);               // the agent went away
//
//   route -> policy -> audit, rates, concurrency -> turn -> bounds and prices -> pace -> circuit -> time -> reserve ->
//   attempts
//
// One reservation pays for all attempts: before each of them, what the ended ones cost and the running ones may cost at
// most, plus its own worst case, is held on the whole path of accounts, or the attempt is not made. Attempts follow the
// route's targets: a failed one is followed by the next, a slow one gets a hedge beside it; the first good one wins and
// the others are cancelled. Once a stream has begun towards the agent no further attempt is made. At the end the sum of
// what the attempts cost is settled (model_attempt.h says what that is), exactly once, also when the run is dropped.
// Everything happens on one thread; effects are never called after finished().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/audit/audit_log.h"
#include "bursar/broker/http/server.h"
#include "bursar/broker/models/model_answer.h"
#include "bursar/broker/models/model_attempt.h"
#include "bursar/broker/models/model_pace.h"
#include "bursar/broker/models/model_purse.h"
#include "bursar/broker/pipeline/idempotency.h"
#include "bursar/broker/pipeline/pipeline.h"
#include "bursar/broker/telemetry/metrics.h"
#include "bursar/broker/telemetry/span.h"
#include "bursar/core/random.h"

namespace bursar::broker {

struct ModelServices {
  Pipeline* pipeline = nullptr;
  ledger::Ledger* ledger = nullptr;
  const Clock* clock = nullptr;
  Metrics* metrics = nullptr;
  std::function<void(const AuditEntry&)> audit;       // may be empty
  std::function<void(std::vector<Span>)> trace = {};  // spans of a call that has ended; may be empty
  std::function<bool()> traces = {};                  // whether anybody wants them; empty: yes, if `trace` is there
  // How an upstream's last attempt ended: why it failed, or nothing; may be empty.
  std::function<void(const std::string& upstream, std::string_view error)> seen = {};
  Pace pace = {};  // asked where a route has a policy; may be empty: targets are tried in their order
};

struct ModelCall {
  std::string id;
  WallTime arrived{};
  Principal principal;
  ModelApi api = ModelApi::kChat;
  ModelRequest request;
  std::string body;         // as it came
  std::string turn;         // x-bursar-turn: the object of _meta["dev.bursar/turn"], or a turn's id alone
  std::string traceparent;  // of the request's header
  bool audit_body = false;  // keep the body in the audit trail instead of its HMAC
  double sample = 1;        // of the calls that bring no sampling decision of their own
  std::shared_ptr<IdempotencyTable::Claim> once = nullptr;  // the agent's Idempotency-Key
  // Of a call within a job (strategies/): tokens of an answer where the body names no limit, instead of the route's;
  // and what all attempts together may cost at most, beside what the accounts allow.
  std::optional<std::uint64_t> max_output = std::nullopt;
  std::optional<Amounts> most = std::nullopt;
};
// What the upstream is told: the client span of the call's first attempt as its parent.
[[nodiscard]] std::string outgoing_traceparent(const ModelCall& call);

class ModelEffects {
 public:
  virtual ~ModelEffects() = default;
  virtual void reserve(ledger::ReserveRequest request) = 0;  // reserved() follows
  // head(), body() and ended() of that attempt follow, unless cancel() comes first.
  virtual void send(std::size_t attempt, const ModelAttempt& to, std::string body) = 0;
  virtual void cancel(std::size_t attempt) = 0;
  virtual void wake(Duration in) = 0;  // woken() follows; the newest call counts
  virtual void answer(HttpResponse response) = 0;
  virtual void stream(HttpResponse head) = 0;
  virtual void write(std::string piece) = 0;
  virtual void finish() = 0;
};

// An attempt that waits for its reservation.
struct PendingAttempt {
  std::size_t candidate = 0;
  ModelAttempt attempt;
  Amounts turn_charge;  // taken from the turn's caps for it
};

// What ends a call, in the words of the SERF table.
struct ModelRefusal {
  Cause cause = Cause::kInternal;
  std::string hint = {}, param = {};
  std::optional<Duration> wait = std::nullopt;
  std::optional<ledger::Refusal> refusal = std::nullopt;
};

class ModelRun {
 public:
  ModelRun(const ModelServices& services, std::shared_ptr<const ModelTable> table, ModelCall call,
           ModelEffects& effects);
  ~ModelRun();
  ModelRun(const ModelRun&) = delete;
  ModelRun& operator=(const ModelRun&) = delete;

  void begin(WallTime now);
  void reserved(ledger::Reservation reservation, WallTime now);
  void head(std::size_t attempt, AnswerHead head);
  void body(std::size_t attempt, std::string_view bytes, WallTime now);
  void ended(std::size_t attempt, AttemptEnd end, WallTime now);
  void woken(WallTime now);
  void stop(Cause cause, WallTime now);

  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] const ModelCall& call() const { return call_; }
  [[nodiscard]] const std::optional<ledger::Receipt>& receipt() const { return receipt_; }
  [[nodiscard]] const std::optional<TokenUsage>& used() const { return used_; }  // over all attempts, once settled
  [[nodiscard]] const std::optional<Serf>& serf() const { return serf_; }        // why it was refused or failed

 private:
  struct Candidate {
    std::shared_ptr<const ModelEndpoint> endpoint;
    std::string model;
    const ModelPriceConfig* price = nullptr;
    double value = 0;       // to the route's policy
    std::size_t place = 0;  // among the route's targets
    bool tried = false;
  };
  using Pending = PendingAttempt;
  using Why = ModelRefusal;
  using Refused = std::optional<Why>;

  // model_admit.cc: before anything is reserved. Each says why the call is refused, or nothing.
  [[nodiscard]] Refused route(WallTime now);
  [[nodiscard]] Refused throttle(WallTime now);
  [[nodiscard]] Refused enter_turn(WallTime now);
  [[nodiscard]] Refused check_bounds(WallTime now);
  [[nodiscard]] Refused pace(WallTime now);  // model_pace.cc
  [[nodiscard]] Refused allot_time(const Candidate& candidate, WallTime now);
  [[nodiscard]] bool limited(Resource resource) const;

  // The next candidate from there on whose circuit and concurrency let it through; the reason otherwise.
  [[nodiscard]] Refused choose(std::size_t from, bool hedge, WallTime now);
  void fund(WallTime now);  // reserves what pending_ needs, then launches it
  void launch(WallTime now);
  void not_funded(ledger::Refusal refusal, WallTime now);
  void drop_pending();

  void open_stream(std::size_t attempt);
  void complete_stream(std::size_t attempt, std::string_view last, WallTime now);
  void stream_broke(std::size_t attempt, WallTime now);
  void win(std::size_t attempt, WallTime now);
  void lost(std::size_t attempt, const Judgement& judgement, WallTime now);
  void retry(WallTime now);
  void hedge(WallTime now);
  void give_up(WallTime now);
  void refuse(const Why& why, WallTime now);
  void report(ModelAttempt& attempt, const Judgement& judgement, WallTime now);
  void cancel_running(WallTime now, std::size_t except);
  void wake_next(WallTime now);

  [[nodiscard]] Failure failure_of(const Why& why, WallTime now) const;
  [[nodiscard]] BudgetNote note() const;
  [[nodiscard]] Amounts accrued() const;
  void settle(WallTime now);
  void conclude(WallTime now);  // metrics and the audit record; nothing happens after it
  void count(WallTime now);
  void audit(WallTime now) const;
  [[nodiscard]] std::vector<Span> spans(WallTime now) const;  // model_spans.cc; none where the call is not sampled

  ModelServices services_;
  PipelineShared& shared_;
  std::shared_ptr<const PipelineConfig> config_;
  std::shared_ptr<const ModelTable> table_;
  ModelCall call_;
  ModelEffects& effects_;
  RandomStream random_;

  std::vector<Candidate> candidates_;
  std::string policy_;       // of the route
  std::size_t targets_ = 0;  // of the route
  std::string decision_;     // of its policy, where that wants to hear what the answer was worth
  std::unique_ptr<PaceTicket> ticket_;
  unsigned retries_ = 0;
  Duration hedge_after_{0};
  std::uint64_t output_max_ = 0;  // of one answer
  std::string turn_id_, trace_id_;
  std::optional<schedule::Turn> turn_;
  std::vector<schedule::StepPlan> plan_;
  WallTime deadline_{};  // of the call
  ConcurrencyLimiter::Unit principal_unit_;

  ModelPurse purse_;
  Amounts turn_charged_;
  std::optional<Pending> pending_;
  std::vector<std::unique_ptr<ModelAttempt>> attempts_;
  std::vector<std::size_t> tried_;     // candidate of each attempt
  std::vector<std::string> waiting_;   // of each attempt: events that wait for the stream to begin
  std::optional<std::size_t> winner_;  // its stream goes to the agent
  std::optional<Judgement> last_;      // of the attempt that failed last
  std::size_t last_failed_ = 0;
  bool hedged_ = false, time_cut_ = false;
  std::optional<WallTime> retry_at_, hedge_at_;
  std::size_t retry_from_ = 0;

  std::optional<Serf> serf_;
  std::optional<ledger::Receipt> receipt_;
  std::optional<TokenUsage> used_;  // over all attempts, as they were settled
  std::size_t answer_bytes_ = 0;
  bool settled_ = false, finished_ = false;
};

}  // namespace bursar::broker
