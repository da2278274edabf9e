// The six stages and their driver on a real ledger, without a socket.
#include "bursar/broker/pipeline/pipeline.h"

#include <atomic>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <gtest/gtest.h>
#include <thread>

#include "bursar/broker/pipeline/admit.h"
#include "bursar/broker/pipeline/authorise.h"
#include "bursar/broker/pipeline/invoke.h"
#include "bursar/broker/pipeline/stage_support.h"
#include "bursar/core/json.h"
#include "bursar/core/random.h"
#include "bursar/ledger/sqlite_store.h"

namespace bursar::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class OneKey final : public KeyVerifier {
 public:
  [[nodiscard]] std::optional<Principal> verify(std::string_view secret) const override {
    if (secret != "sk-good") return std::nullopt;
    return Principal{.subject = "key:ada", .account = "acme/ada"};
  }
};

UpstreamReply answered(std::string result) { return {.result = std::move(result), .sent = true}; }
UpstreamReply failed(Cause cause, bool sent = true) { return {.failure = cause, .sent = sent}; }

constexpr std::string_view kGood = R"({"content":[{"type":"text","text":"ok"}]})";

// A gateway with one server "files" and one tool "read", 10 calls for ada.
class PipelineTest : public testing::Test {
 protected:
  PipelineTest() {
    auto store = ledger::open_sqlite_store({.path = ":memory:"});
    EXPECT_TRUE(store);
    auto opened = ledger::Ledger::open(std::move(*store), clock_, {});
    EXPECT_TRUE(opened);
    ledger_ = std::move(*opened);
    EXPECT_TRUE(ledger_->put_account({.path = "acme"}));
    EXPECT_TRUE(ledger_->put_account(
        {.path = "acme/ada",
         .limits = {{.resource = kCalls, .amount = 10}, {.resource = kMs, .amount = 600'000'000}}}));
    config_.upstreams = {{.name = "files", .trust_annotations = true}};
    // The latency of the tool is known: 100 ms, so that a timeout leaves room for a retry.
    for (int i = 0; i < 100; ++i) latencies_.record({"files", "read"}, milliseconds{100}, false);
    target_ = {.upstream = "files",
               .name = "read",
               .exposed = "files.read",
               .input_schema = R"({"type":"object","required":["path"]})",
               .idempotent = true};
  }

  Pipeline& pipeline() {
    if (!pipeline_) {
      PipelineDeps deps{.clock = &clock_, .keys = &keys_};
      deps.resolve = [this](const Call&, std::string_view exposed) {
        return exposed == target_.exposed ? std::optional(target_) : std::nullopt;
      };
      deps.try_reserve = [this](const ledger::ReserveRequest& request) {
        reserved_.push_back(request.amounts);
        return needs_grant_ ? ledger::Reservation{ledger::NeedsGrant{}} : ledger_->try_reserve(request);
      };
      deps.latencies = &latencies_;
      deps.audit = [this](const Call& call, WallTime) {
        audited_.push_back(call.serf ? call.serf->code : "");
        held_at_audit_ += call.hold.active() ? 1 : 0;
      };
      deps.audit_health = [this]() -> Result<void> {
        if (audit_works_) return {};
        return fail(ErrorCode::kUnavailable, "the audit log is full");
      };
      pipeline_ = std::make_unique<Pipeline>(std::move(deps), pipeline_config(config_));
    }
    return *pipeline_;
  }

  Call call(std::string_view params = R"({"name":"files.read","arguments":{"path":"/a"}})",
            std::string_view method = "tools/call") {
    auto message = Message::parse(R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(method) + R"(","params":)" +
                                  std::string(params) + "}");
    EXPECT_TRUE(message) << (message ? "" : message.error().message);
    Call out;
    out.id = "call-" + std::to_string(++calls_);
    out.arrived = clock_.now();
    out.ingress = {.authorization = "Bearer sk-good", .host = "localhost:8484", .loopback = true};
    out.request = std::move(*message);
    return out;
  }

  // Drives a call to its end; each attempt takes `takes` and ends with the next of `replies`.
  Call drive(Call call, std::vector<UpstreamReply> replies, Duration takes = milliseconds{100}) {
    CallRun run(pipeline(), std::move(call));
    std::size_t at = 0;
    while (true) {
      CallRun::Step step = run.next(clock_.now(), random_);
      switch (step.kind) {
        case CallRun::Step::kDone: return std::move(run.call());
        case CallRun::Step::kGrant: run.deliver(ledger_->reserve_blocking(step.reserve)); break;
        case CallRun::Step::kPause:
          pauses_.push_back(step.pause);
          clock_.advance(step.pause);
          break;
        case CallRun::Step::kAttempt:
          sent_.push_back(run.call().outgoing_params);
          if (at >= replies.size()) {
            ADD_FAILURE() << "one attempt too many";
            return {};
          }
          clock_.advance(replies[at].failure == Cause::kTimeout ? step.timeout : takes);
          run.deliver(replies[at++], clock_.now());
          break;
      }
    }
  }

  // The next step, past what the ledger has to grant first.
  CallRun::Step advance(CallRun& run) {
    CallRun::Step step = run.next(clock_.now(), random_);
    while (step.kind == CallRun::Step::kGrant) {
      run.deliver(ledger_->reserve_blocking(step.reserve));
      step = run.next(clock_.now(), random_);
    }
    return step;
  }

  [[nodiscard]] ledger::Standing standing(Resource resource) const {
    for (const auto& line : ledger_->standing("acme/ada")) {
      if (line.limit.resource == resource) return line;
    }
    ADD_FAILURE() << "no such limit";
    return {};
  }

  SimulatedClock clock_{wall_from_unix_us(1'790'000'000'000'000)};
  OneKey keys_;
  schedule::LatencyStore latencies_;
  RandomStream random_{7};
  Config config_;
  Target target_;
  std::unique_ptr<ledger::Ledger> ledger_;
  std::unique_ptr<Pipeline> pipeline_;
  std::vector<std::string> audited_, sent_;
  std::vector<Amounts> reserved_;
  std::vector<Duration> pauses_;
  bool needs_grant_ = false, audit_works_ = true;
  int calls_ = 0, held_at_audit_ = 0;
};

TEST_F(PipelineTest, CarriesACallToItsServerAndPaysForIt) {
  const Call done = drive(call(), {answered(std::string(kGood))});
  EXPECT_FALSE(done.serf) << done.serf->message;
  EXPECT_EQ(standing(kCalls).spent, 1);
  EXPECT_EQ(standing(kCalls).held, 0);
  EXPECT_EQ(standing(kMs).spent, 100'000);
  EXPECT_EQ(standing(kMs).held, 0);
  ASSERT_EQ(sent_.size(), 1U);
  const auto params = parse_json(sent_[0]);
  ASSERT_TRUE(params);
  EXPECT_EQ(params->at("name").as_string(), "read");
  EXPECT_EQ(to_json(params->at("arguments")), R"({"path":"/a"})");
  EXPECT_GT(params->at("_meta").at("dev.bursar/budget").at("call_ms").as_int64(), 0);
  const auto result = parse_json(done.result);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->at("_meta").at("dev.bursar/budget").at("tool").as_string(), "files.read");
  EXPECT_EQ(result->at("content").at(0).at("text").as_string(), "ok");
  for (const StageRecord& stage : done.stages) EXPECT_TRUE(stage.ran);
  EXPECT_EQ(audited_, (std::vector<std::string>{""}));
  EXPECT_EQ(held_at_audit_, 0);
}

TEST_F(PipelineTest, RefusesAWrongKeyWithoutAskingFurther) {
  Call wrong = call();
  wrong.ingress.authorization = "Bearer sk-bad";
  const Call done = drive(std::move(wrong), {});
  ASSERT_TRUE(done.http);
  EXPECT_EQ(done.http->status, 401);
  EXPECT_TRUE(done.http->www_authenticate.starts_with("Bearer"));
  EXPECT_TRUE(done.ingress.authorization.empty());
  EXPECT_TRUE(done.stages[0].stopped);
  EXPECT_FALSE(done.stages[1].ran);
  EXPECT_TRUE(done.stages[5].ran);
}

TEST_F(PipelineTest, HidesDeniedToolsBehindTheAnswerForUnknownOnes) {
  config_.policy.rules = {{.effect = Effect::kDeny, .tools = {"files.re*"}}};
  const Call denied = drive(call(), {});
  target_.exposed = "something.else";
  const Call unknown = drive(call(), {});
  EXPECT_EQ(denied.upstream_error, unknown.upstream_error);
  EXPECT_EQ(denied.upstream_error, R"({"code":-32602,"message":"Unknown tool: files.read"})");
  EXPECT_EQ(audited_, (std::vector<std::string>{"POLICY", "NOT_FOUND"}));
}

TEST_F(PipelineTest, ChecksArgumentsBeforeAnythingIsCharged) {
  const Call done = drive(call(R"({"name":"files.read","arguments":{}})"), {});
  ASSERT_TRUE(done.serf);
  EXPECT_EQ(done.serf->code, "SCHEMA_MISMATCH");
  EXPECT_EQ(done.serf->param_hints, (std::vector<std::string>{"arguments.path: is missing"}));
  EXPECT_TRUE(reserved_.empty());
  const auto result = parse_json(done.result);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->at("isError").as_bool());
  EXPECT_EQ(result->at("structuredContent").at("category").as_string(), "INVALID_INPUT");
}

TEST_F(PipelineTest, GivesExactlyAsManyCallsAsTheBudgetHas) {
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(drive(call(), {answered(std::string(kGood))}).serf);
  const Call refused = drive(call(), {});
  ASSERT_TRUE(refused.serf);
  EXPECT_EQ(refused.serf->code, "CALLS_EXHAUSTED");
  EXPECT_FALSE(refused.serf->retryable);
  ASSERT_TRUE(refused.serf->budget);
  EXPECT_EQ(refused.serf->budget->remaining, 0);
  EXPECT_EQ(standing(kCalls).spent, 10);
}

TEST_F(PipelineTest, WaitsForTheLedgerWhereMemoryCannotDecide) {
  needs_grant_ = true;
  EXPECT_FALSE(drive(call(), {answered(std::string(kGood))}).serf);
  EXPECT_EQ(standing(kCalls).spent, 1);
}

TEST_F(PipelineTest, FailsClosedWhereTheAuditLogFails) {
  audit_works_ = false;
  EXPECT_EQ(drive(call(), {}).serf->code, "LEDGER_UNAVAILABLE");
  target_.read_only = true;
  EXPECT_FALSE(drive(call(), {answered(std::string(kGood))}).serf);
}

TEST_F(PipelineTest, RetriesASafeToolAndPaysForEveryAttempt) {
  const Call done = drive(call(), {failed(Cause::kReset), answered(std::string(kGood))});
  EXPECT_FALSE(done.serf);
  EXPECT_EQ(done.attempts.size(), 2U);
  EXPECT_EQ(pauses_.size(), 1U);
  EXPECT_EQ(standing(kCalls).spent, 2);
  EXPECT_EQ(standing(kCalls).held, 0);
  ASSERT_TRUE(done.receipt);
  EXPECT_EQ(done.receipt->actual[kCalls], 2);
  EXPECT_TRUE(done.receipt->uncertain);
}

TEST_F(PipelineTest, GivesUpAfterThreeAttemptsAndSaysSo) {
  const Call done =
      drive(call(), {failed(Cause::kConnect, false), failed(Cause::kConnect, false), failed(Cause::kConnect, false)});
  ASSERT_TRUE(done.serf);
  EXPECT_EQ(done.serf->code, "CONNECT");
  EXPECT_EQ(done.serf->attempts, 3);
  EXPECT_FALSE(done.serf->retryable);
  EXPECT_EQ(standing(kCalls).spent, 0);
  EXPECT_EQ(standing(kCalls).held, 0);
}

TEST_F(PipelineTest, NeverRepeatsAWriteWhoseOutcomeIsUnknown) {
  target_.idempotent = false;
  const Call done = drive(call(), {failed(Cause::kTimeout)});
  ASSERT_TRUE(done.serf);
  EXPECT_EQ(done.serf->outcome, Outcome::kUnknown);
  EXPECT_EQ(done.serf->actions.front().type, ActionType::kVerifyState);
  EXPECT_EQ(standing(kCalls).spent, 1);
  ASSERT_TRUE(done.receipt);
  EXPECT_TRUE(done.receipt->uncertain);
}

TEST_F(PipelineTest, BelievesAnnotationsOnlyOfTrustedServers) {
  config_.upstreams[0].trust_annotations = false;
  EXPECT_EQ(drive(call(), {failed(Cause::kReset)}).attempts.size(), 1U);
  pipeline_.reset();
  config_.tools = {{.server = "files", .idempotent = true}};
  EXPECT_EQ(drive(call(), {failed(Cause::kReset), answered(std::string(kGood))}).attempts.size(), 2U);
}

TEST_F(PipelineTest, DoesNotRetryWhatTheBudgetCannotPay) {
  ASSERT_TRUE(ledger_->put_account(
      {.path = "acme/ada", .limits = {{.resource = kCalls, .amount = 1}, {.resource = kMs, .amount = 600'000'000}}}));
  const Call done = drive(call(), {failed(Cause::kReset)});
  ASSERT_TRUE(done.serf);
  EXPECT_EQ(done.serf->code, "UNAVAILABLE");
  EXPECT_EQ(standing(kCalls).spent, 1);
  EXPECT_EQ(standing(kCalls).held, 0);
}

TEST_F(PipelineTest, PassesTheServersOwnWordsOnUntouched) {
  UpstreamReply error{.error = R"({"code":-32602,"message":"bad cursor","data":{"x":1}})", .sent = true};
  const Call protocol = drive(call(), {error});
  EXPECT_EQ(protocol.upstream_error, error.error);
  EXPECT_EQ(standing(kCalls).spent, 1);
  const Call tool = drive(call(), {answered(R"({"content":[{"type":"text","text":"no such file"}],"isError":true})")});
  EXPECT_FALSE(tool.serf);
  EXPECT_NE(tool.result.find("no such file"), std::string::npos);
}

TEST_F(PipelineTest, NoticesAResultThatBreaksItsSchema) {
  target_.idempotent = false;
  target_.output_schema = R"({"type":"object","required":["limit"]})";
  const Call drifted = drive(call(), {answered(R"({"content":[],"structuredContent":{"limits":3}})")});
  ASSERT_TRUE(drifted.serf);
  EXPECT_EQ(drifted.serf->code, "CONTRACT_VIOLATION");
  EXPECT_EQ(drifted.result.find(R"("structuredContent")"), std::string::npos);
  EXPECT_FALSE(drive(call(), {answered(R"({"content":[],"structuredContent":{"limit":3}})")}).serf);
  EXPECT_FALSE(drive(call(), {answered(R"({"content":[],"isError":true})")}).serf);
}

TEST_F(PipelineTest, CutsLargeResultsAndFlagsThem) {
  config_.limits.result_bytes = 4096;
  const std::string text(10'000, 'x');
  const Call cut = drive(
      call(), {answered(R"({"content":[{"type":"text","text":")" + text + R"("}],"structuredContent":{"a":1}})")});
  EXPECT_LE(cut.result.size(), 4096U + 200U);
  const auto result = parse_json(cut.result);
  ASSERT_TRUE(result);
  EXPECT_GT(result->at("_meta").at("dev.bursar/truncated").at("bytes").to_number<std::int64_t>(), 10'000);
  EXPECT_FALSE(result->as_object().contains("structuredContent"));
  target_.output_schema = R"({"type":"object"})";
  EXPECT_EQ(
      drive(call(), {answered(R"({"content":[{"type":"text","text":")" + text + R"("}],"structuredContent":{}})")})
          .serf->code,
      "RESULT_TOO_LARGE");
}

TEST_F(PipelineTest, StripsWhatClientsMayNotSetAndForwardsNoSecret) {
  Call forged = call(
      R"({"name":"files.read","arguments":{"path":"/a"},"_meta":{"dev.bursar/context":"forged","dev.bursar\/budget":{"call_ms":1e9},
      "dev.bursar/turn":{"id":"t"},"progressToken":7,"vendor.example/x":[1],"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}})");
  const Call done = drive(std::move(forged), {answered(std::string(kGood))});
  const auto meta = parse_json(sent_.at(0))->at("_meta");
  EXPECT_FALSE(meta.as_object().contains("dev.bursar/context"));
  EXPECT_FALSE(meta.as_object().contains("dev.bursar/turn"));
  EXPECT_LT(meta.at("dev.bursar/budget").at("call_ms").as_int64(), 100'000);
  EXPECT_EQ(meta.at("progressToken").as_int64(), 7);
  EXPECT_TRUE(meta.as_object().contains("vendor.example/x"));
  EXPECT_EQ(done.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(done.turn_id, "t");
  EXPECT_EQ(sent_[0].find("sk-good"), std::string::npos);
}

TEST_F(PipelineTest, AnswersARepeatedIdempotencyKeyWithoutCallingTwice) {
  constexpr std::string_view kParams =
      R"({"name":"files.read","arguments":{"path":"/a"},"_meta":{"dev.bursar/idempotency_key":"k1"}})";
  target_.idempotent = false;
  const Call first = drive(call(kParams), {failed(Cause::kTimeout)});
  const Call second = drive(call(kParams), {});
  EXPECT_EQ(first.serf->code, "TIMEOUT");
  EXPECT_NE(second.result.find("TIMEOUT"), std::string::npos);
  EXPECT_EQ(standing(kCalls).spent, 1);
  const Call other =
      drive(call(R"({"name":"files.read","arguments":{"path":"/b"},"_meta":{"dev.bursar/idempotency_key":"k1"}})"), {});
  EXPECT_EQ(other.serf->code, "IDEMPOTENCY_CONFLICT");
  // A new process has lost the answer, and the ledger still knows the key.
  pipeline_.reset();
  const Call later = drive(call(kParams), {});
  ASSERT_TRUE(later.serf);
  EXPECT_EQ(later.serf->outcome, Outcome::kUnknown);
  EXPECT_EQ(standing(kCalls).spent, 1);
}

TEST_F(PipelineTest, StopsATurnWhoseTimeIsUsed) {
  constexpr std::string_view kParams =
      R"({"name":"files.read","arguments":{"path":"/a"},"_meta":{"dev.bursar/turn":{"id":"t","ms_left":60}}})";
  const Call done = drive(call(kParams), {});
  EXPECT_EQ(done.serf->code, "TURN_TIME_EXHAUSTED");
  EXPECT_TRUE(reserved_.empty());
}

TEST_F(PipelineTest, SkipsAnOptionalStepForTheMandatoryOnes) {
  target_.optional_step = true;
  latencies_.record({"files", "slow"}, seconds{5}, false);
  const Call done =
      drive(call(R"({"name":"files.read","arguments":{"path":"/a"},"_meta":{"dev.bursar/turn":{"id":"t","ms_left":1560,
      "plan":[{"tool":"files.read","optional":true},{"tool":"files.read"}]}}})"),
            {});
  ASSERT_TRUE(done.serf);
  EXPECT_EQ(done.serf->code, "OPTIONAL_SKIPPED");
  EXPECT_EQ(done.serf->actions.front().type, ActionType::kSkipOptional);
}

TEST_F(PipelineTest, KeepsTheTurnsOwnCapOfCalls) {
  constexpr std::string_view kParams =
      R"({"name":"files.read","arguments":{"path":"/a"},"_meta":{"dev.bursar/turn":{"id":"t","calls_left":2}}})";
  EXPECT_FALSE(drive(call(kParams), {failed(Cause::kConnect, false), answered(std::string(kGood))}).serf);
  EXPECT_FALSE(drive(call(kParams), {answered(std::string(kGood))}).serf);
  EXPECT_EQ(drive(call(kParams), {}).serf->code, "CALLS_EXHAUSTED");
}

TEST_F(PipelineTest, LimitsRatesAndConcurrencyOfAPrincipal) {
  config_.rate = {.per_principal = 2, .burst = 1};
  config_.limits.calls_per_principal = 1;
  {
    CallRun running(pipeline(), call());
    ASSERT_EQ(advance(running).kind, CallRun::Step::kAttempt);
    const Call limited = drive(call(), {});
    EXPECT_EQ(limited.serf->code, "RATE_LIMITED");
    EXPECT_EQ(limited.serf->retry_after, milliseconds{500});
    clock_.advance(milliseconds{500});
    EXPECT_EQ(drive(call(), {}).serf->code, "CONCURRENCY");
  }
  clock_.advance(milliseconds{500});
  EXPECT_FALSE(drive(call(), {answered(std::string(kGood))}).serf);
}

TEST_F(PipelineTest, LeavesAFailingServerAloneAfterFiveFailures) {
  target_.idempotent = false;
  for (int i = 0; i < 5; ++i) (void)drive(call(), {failed(Cause::kBadGateway)});
  const Call refused = drive(call(), {});
  EXPECT_EQ(refused.serf->code, "CIRCUIT_OPEN");
  EXPECT_EQ(refused.serf->outcome, Outcome::kNotApplied);
  ASSERT_TRUE(refused.serf->retry_after);
  clock_.advance(seconds{31});
  EXPECT_FALSE(drive(call(), {answered(std::string(kGood))}).serf);
}

TEST_F(PipelineTest, ReadsPromptsAndResourcesForFreeUnlessARuleSaysOtherwise) {
  target_ = {.upstream = "files", .name = "file:///a", .exposed = "file:///a"};
  const auto read = [&] {
    return drive(call(R"({"uri":"file:///a"})", "resources/read"), {answered(R"({"contents":[]})")});
  };
  EXPECT_EQ(read().result, R"({"contents":[]})");
  EXPECT_EQ(standing(kCalls).spent, 0);
  Amounts one;
  ASSERT_TRUE(one.set(kCalls, 1));
  config_.prices = {{.tool = "*", .price = one}, {.tool = "resources/*", .price = one, .meter_ms = false}};
  pipeline_.reset();
  (void)read();
  EXPECT_EQ(standing(kCalls).spent, 1);
  const Call failing = drive(call(R"({"uri":"file:///a"})", "resources/read"), {failed(Cause::kForbidden)});
  EXPECT_NE(failing.upstream_error.find(R"("code":1003)"), std::string::npos) << failing.upstream_error;
}

TEST_F(PipelineTest, HoldsAnExtensionOnlyForCallsThatAskForProgress) {
  (void)drive(call(), {answered(std::string(kGood))});
  (void)drive(call(R"({"name":"files.read","arguments":{"path":"/a"},"_meta":{"progressToken":1}})"),
              {answered(std::string(kGood))});
  ASSERT_EQ(reserved_.size(), 2U);
  EXPECT_EQ(reserved_[0][kMs], 1'000'000);  // the least timeout
  EXPECT_GT(reserved_[1][kMs], 10'000'000);
}

TEST_F(PipelineTest, RunsWithWhatIsLeftOfATimeBudget) {
  for (int i = 0; i < 100; ++i)
    latencies_.record({"files", "read"}, i % 10 == 0 ? milliseconds{900} : milliseconds{100}, false);
  ASSERT_TRUE(ledger_->put_account(
      {.path = "acme/ada", .limits = {{.resource = kCalls, .amount = 10}, {.resource = kMs, .amount = 300'000}}}));
  EXPECT_FALSE(drive(call(), {answered(std::string(kGood))}).serf);
  EXPECT_EQ(standing(kMs).spent, 100'000);
  EXPECT_FALSE(drive(call(), {answered(std::string(kGood))}).serf);
  EXPECT_FALSE(drive(call(), {answered(std::string(kGood))}).serf);
  EXPECT_EQ(drive(call(), {}).serf->code, "TIME_EXHAUSTED");
}

TEST_F(PipelineTest, SettlesACallThatIsDroppedAtAnyStep) {
  for (const bool by_stop : {false, true}) {
    for (int steps = 0; steps < 3; ++steps) {
      const std::int64_t before = standing(kCalls).spent;
      {
        CallRun run(pipeline(), call());
        for (int i = 0; i < steps; ++i) {
          const auto step = advance(run);
          EXPECT_EQ(step.kind, i == 0 ? CallRun::Step::kAttempt : CallRun::Step::kPause);
          if (step.kind == CallRun::Step::kAttempt && steps > 1) run.deliver(failed(Cause::kReset), clock_.now());
        }
        if (by_stop) {
          run.stop(Cause::kCancelled);
          EXPECT_EQ(run.next(clock_.now(), random_).kind, CallRun::Step::kDone);
        }
      }
      EXPECT_EQ(audited_.back(), "CANCELLED");
      EXPECT_EQ(standing(kCalls).held, 0) << steps;
      EXPECT_EQ(standing(kCalls).spent - before, steps > 0 ? 1 : 0) << steps;
    }
  }
  EXPECT_EQ(audited_.size(), 6U);
  EXPECT_EQ(pipeline().shared().in_flight.in_flight("p:key:ada"), 0U);
}

// Stops instead of the stage it stands for.
class FailingStage final : public Stage {
 public:
  explicit FailingStage(StageName name) : name_(name) {}
  [[nodiscard]] StageName name() const override { return name_; }
  [[nodiscard]] Verdict run(Call& call, WallTime now, RandomStream&) override {
    return stop_with(call, failure_of(call, Cause::kInternal, now));
  }

 private:
  StageName name_;
};

TEST_F(PipelineTest, ReleasesSixTimesForSixInjectedStageFailures) {
  for (std::size_t i = 0; i < kStages; ++i) {
    pipeline_.reset();
    std::unique_ptr<Stage>& stage = pipeline().stages()[i];
    stage = std::make_unique<FailingStage>(stage->name());
    {
      const Call done = drive(call(), {answered(std::string(kGood))});
    }
    EXPECT_EQ(standing(kCalls).held, 0) << i;
    EXPECT_EQ(standing(kMs).held, 0) << i;
    EXPECT_EQ(pipeline().shared().in_flight.in_flight("p:key:ada"), 0U) << i;
    EXPECT_EQ(audited_.size(), i + 1) << i;
  }
}

TEST_F(PipelineTest, TakesANewConfigurationForNewCallsOnly) {
  CallRun old(pipeline(), call());
  ASSERT_EQ(advance(old).kind, CallRun::Step::kAttempt);
  config_.policy.default_effect = Effect::kDeny;
  pipeline().configure(pipeline_config(config_));
  EXPECT_NE(drive(call(), {}).upstream_error, "");
  old.deliver(answered(std::string(kGood)), clock_.now());
  EXPECT_EQ(old.next(clock_.now(), random_).kind, CallRun::Step::kDone);
  EXPECT_FALSE(old.call().serf);
  EXPECT_FALSE(pipeline().visible({.subject = "x"}, "files", "read", "files.read"));
}

TEST_F(PipelineTest, GivesFourThreadsTogetherExactlyWhatOneBudgetHas) {
  constexpr int kBudget = 150, kThreads = 4, kEach = 60;
  ASSERT_TRUE(ledger_->put_account({.path = "acme/ada", .limits = {{.resource = kCalls, .amount = kBudget}}}));
  ledger::Ledger& shared_ledger = *ledger_;
  std::atomic<int> served{0}, audited{0};
  PipelineDeps deps{.clock = &clock_, .keys = &keys_};
  deps.resolve = [this](const Call&, std::string_view) { return std::optional(target_); };
  deps.try_reserve = [&](const ledger::ReserveRequest& request) { return shared_ledger.try_reserve(request); };
  deps.audit = [&](const Call&, WallTime) { ++audited; };
  Pipeline shared(std::move(deps), pipeline_config(config_));
  std::vector<Call> calls;
  for (int i = 0; i < kThreads * kEach; ++i) calls.push_back(call());
  const auto work = [&](int thread) {
    RandomStream random(static_cast<std::uint64_t>(thread));
    for (int i = 0; i < kEach; ++i) {
      CallRun run(shared, std::move(calls[static_cast<std::size_t>(thread * kEach + i)]));
      for (auto step = run.next(clock_.now(), random); step.kind != CallRun::Step::kDone;
           step = run.next(clock_.now(), random)) {
        if (step.kind == CallRun::Step::kGrant) run.deliver(shared_ledger.reserve_blocking(step.reserve));
        if (step.kind == CallRun::Step::kAttempt) run.deliver(answered(std::string(kGood)), clock_.now());
      }
      if (!run.call().serf) ++served;
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(work, t);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served, kBudget);
  EXPECT_EQ(audited, kThreads * kEach);
  EXPECT_EQ(standing(kCalls).spent, kBudget);
  EXPECT_EQ(standing(kCalls).held, 0);
}

}  // namespace
}  // namespace bursar::broker
