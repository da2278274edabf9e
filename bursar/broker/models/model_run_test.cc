// A model call from its request to its receipt, on a real ledger, without a socket.
#include "bursar/broker/models/model_run.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/broker/models/model_testing.h"
#include "bursar/broker/pipeline/raw_json.h"

namespace bursar::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kAsk = R"({"model":"one/m","messages":[{"role":"user","content":"hello"}],"max_tokens":100})";
const std::string kStream =
    R"({"model":"one/m","messages":[{"role":"user","content":"hello"}],"max_tokens":100,"stream":true})";

std::string error_code(const TestedRun& run) {
  return raw_string(raw_member(raw_member(run.response->body, "error"), "code"));
}

class ModelRunTest : public testing::Test {
 protected:
  ModelRunTest() {
    world.upstream("one");
    world.price("1 usd", "2 usd");
    for (const char* limit : {"100 calls", "10 usd", "1M tokens", "10000 s"}) world.limit(limit);
  }
  // Two upstreams behind one name.
  void route(unsigned retries = 1, Duration hedge_after = Duration{0}) {
    world.upstream("two");
    world.config.models.routes = {
        {.model = "m", .targets = {"one/m1", "two/m2"}, .retries = retries, .hedge_after = hedge_after}};
  }
  std::unique_ptr<TestedRun> ask_route(std::string_view more = "") {
    return world.begin(R"({"model":"m","messages":[{"role":"user","content":"hello"}],"max_tokens":100)" +
                       std::string(more) + "}");
  }
  void nothing_held() {
    for (const Resource r : {kCalls, kUsd, kTokens, kMs}) EXPECT_EQ(world.standing(r).held, 0) << r.name();
  }
  ModelWorld world;
};

TEST_F(ModelRunTest, APlainAnswerPaysTheUsageItReports) {
  auto run = world.begin(kAsk);
  ASSERT_EQ(run->sent.size(), 1U);
  EXPECT_EQ(run->sent[0].model, "m");
  const std::int64_t held = world.standing(kTokens).held;
  EXPECT_GE(held, 5 + 100);
  EXPECT_EQ(world.standing(kCalls).held, 1);
  EXPECT_EQ(world.standing(kMs).held, Duration{std::chrono::minutes{10}}.count());
  world.clock.advance(milliseconds{250});
  run->answer(0, 200, completion(9, 40));
  ASSERT_TRUE(run->response);
  EXPECT_EQ(run->response->status, 200);
  EXPECT_EQ(run->response->body, completion(9, 40));
  EXPECT_EQ(run->header("x-bursar-cost"), "0.000089 usd, 49 tokens, 1 calls, 250 ms");
  EXPECT_EQ(run->header("x-bursar-account"), "acme/ada");
  EXPECT_EQ(world.standing(kTokens).spent, 49);
  EXPECT_EQ(world.standing(kUsd).spent, 9 + 80);
  EXPECT_EQ(world.standing(kMs).spent, 250'000);
  nothing_held();
  ASSERT_EQ(world.records.size(), 1U);
  EXPECT_EQ(world.records[0].method, "chat/completions");
  EXPECT_EQ(world.records[0].outcome, "applied");
  EXPECT_EQ(world.records[0].upstream, "one");
}

TEST_F(ModelRunTest, WhatIsExhaustedIsRefusedSoThatNobodyRetries) {
  world.limit("300 tokens day", "acme");
  world.begin(kAsk)->answer(0, 200, completion(150, 100));
  auto run = world.begin(kAsk);
  ASSERT_TRUE(run->response);
  EXPECT_TRUE(run->sent.empty());
  EXPECT_EQ(run->response->status, 402);
  EXPECT_EQ(run->header("x-should-retry"), "false");
  EXPECT_EQ(error_code(*run), "insufficient_quota");
  const std::string_view detail = raw_member(raw_member(run->response->body, "error"), "bursar");
  EXPECT_EQ(raw_string(raw_member(detail, "account")), "acme");
  EXPECT_EQ(raw_string(raw_member(detail, "resource")), "tokens");
  EXPECT_EQ(raw_member(detail, "left"), "50");
  EXPECT_NE(raw_member(detail, "refills_at"), "null");
  EXPECT_EQ(raw_string(raw_member(raw_member(detail, "recovery"), "code")), "TOKENS_EXHAUSTED");
  nothing_held();
}

TEST_F(ModelRunTest, WhatRefillsSoonSaysWhen) {
  world.limit("1 calls rate 10 s");
  auto first = world.begin(kAsk);
  first->answer(0, 200, completion(1, 1));
  auto run = world.begin(kAsk);
  ASSERT_TRUE(run->response);
  EXPECT_EQ(run->response->status, 429);
  EXPECT_EQ(run->header("x-should-retry"), "true");
  EXPECT_EQ(run->header("retry-after"), "10");
}

TEST_F(ModelRunTest, AnUpstreamsExcessIsAnOverrunThatShows) {
  auto run = world.begin(kAsk);
  run->answer(0, 200, completion(9, 5000));
  EXPECT_EQ(world.standing(kTokens).spent, 5009);
  EXPECT_GT(world.standing(kTokens).overrun, 0);
  EXPECT_GT(run->run->receipt()->overrun[kTokens], 0);
}

TEST_F(ModelRunTest, WithoutAUsageTheTextsAreCounted) {
  auto run = world.begin(kAsk);
  run->answer(0, 200, R"({"choices":[{"message":{"content":"twelve bytes"}}]})");
  const std::int64_t prompt = world.standing(kTokens).spent - 12;
  EXPECT_GE(prompt, 5);
  EXPECT_TRUE(run->run->receipt()->uncertain);
}

TEST_F(ModelRunTest, TheLimitThatIsReservedIsAskedOfTheUpstream) {
  auto run = world.begin(R"({"model":"one/m","messages":[]})");
  EXPECT_EQ(raw_member(run->sent.at(0).body, "max_tokens"), "4096");
  EXPECT_GE(world.standing(kTokens).held, 4096);
}

TEST_F(ModelRunTest, TheNextTargetAnswersForOneThatFails) {
  route();
  auto run = ask_route();
  run->answer(0, 500, R"({"error":{"message":"boom"}})");
  ASSERT_EQ(run->sent.size(), 2U);
  EXPECT_EQ(run->sent[1].upstream, "two");
  EXPECT_EQ(raw_string(raw_member(run->sent[1].body, "model")), "m2");
  run->answer(1, 200, completion(9, 40));
  EXPECT_EQ(run->response->status, 200);
  EXPECT_EQ(world.standing(kCalls).spent, 2);    // two upstreams saw a request
  EXPECT_EQ(world.standing(kTokens).spent, 49);  // a refusal computes nothing
  nothing_held();
}

TEST_F(ModelRunTest, AFallbackThatTheBudgetCannotPayIsNotMade) {
  route();
  world.limit("1 calls day");
  auto run = ask_route();
  run->answer(0, 500, "{}");
  EXPECT_EQ(run->sent.size(), 1U);
  ASSERT_TRUE(run->response);
  EXPECT_EQ(run->response->status, 500);
  EXPECT_EQ(world.standing(kCalls).spent, 1);
  nothing_held();
}

TEST_F(ModelRunTest, ACallsSpansSayWhatEachAttemptDidAndWhatWasUsed) {
  route();
  auto run = ask_route();
  run->answer(0, 500, "{}");
  run->answer(1, 200, completion(9, 40));
  ASSERT_EQ(world.spans.size(), 3U);
  EXPECT_EQ(world.spans[0].name, "chat m1");
  EXPECT_TRUE(world.spans[0].failed);
  EXPECT_EQ(world.spans[1].name, "chat m2");
  EXPECT_NE(world.spans[0].span_id, world.spans[1].span_id);
  const Span& server = world.spans[2];
  EXPECT_EQ(server.name, "chat m");
  EXPECT_EQ(world.spans[1].parent_id, server.span_id);
  const auto has = [&](std::string_view key, const AttributeValue& value) {
    return std::ranges::find(server.attributes, std::pair(std::string(key), value)) != server.attributes.end();
  };
  EXPECT_TRUE(has("gen_ai.usage.output_tokens", std::int64_t{40}));
  EXPECT_TRUE(has("bursar.account", std::string("acme/ada")));
  EXPECT_TRUE(outgoing_traceparent(run->run->call()).find(world.spans[0].span_id) != std::string::npos);
}

TEST_F(ModelRunTest, ADearerFallbackReservesTheDifference) {
  route();
  world.config.models.prices = {
      {.upstream = "one", .input = *parse_amounts("1 usd"), .output = *parse_amounts("1 usd")},
      {.upstream = "two", .input = *parse_amounts("1 usd"), .output = *parse_amounts("50 usd")}};
  auto run = ask_route();
  const std::int64_t before = world.standing(kUsd).held;
  run->end(0, Cause::kConnect, false);
  EXPECT_EQ(run->sent.size(), 2U);
  EXPECT_GT(world.standing(kUsd).held, before + 4000);
  run->answer(1, 200, completion(9, 100));
  EXPECT_EQ(world.standing(kUsd).spent, 9 + 5000);
  EXPECT_EQ(world.standing(kCalls).spent, 1);  // the first never left
  EXPECT_EQ(run->run->receipt()->overrun, Amounts{});
  nothing_held();
}

TEST_F(ModelRunTest, TheSameUpstreamIsAskedAgainAfterAPause) {
  auto run = world.begin(kAsk);
  run->head(0, 429, "application/json", milliseconds{700});
  run->end(0);
  EXPECT_EQ(run->sent.size(), 1U);
  ASSERT_TRUE(run->woken_in);
  EXPECT_GE(*run->woken_in, milliseconds{700});
  run->wake_up();
  ASSERT_EQ(run->sent.size(), 2U);
  run->head(1, 429, "application/json", milliseconds{700});
  run->end(1);
  ASSERT_TRUE(run->response);
  EXPECT_EQ(run->response->status, 429);
  EXPECT_EQ(world.standing(kCalls).spent, 2);
}

TEST_F(ModelRunTest, ARequestThatTheUpstreamFindsWrongGoesBackAsItIs) {
  route();
  auto run = ask_route();
  run->answer(0, 400, R"({"error":{"message":"temperature is too high"}})");
  EXPECT_EQ(run->sent.size(), 1U);
  EXPECT_EQ(run->response->status, 400);
  EXPECT_EQ(run->response->body, R"({"error":{"message":"temperature is too high"}})");
  EXPECT_EQ(run->header("x-should-retry"), "false");
  EXPECT_EQ(world.standing(kTokens).spent, 0);
}

TEST_F(ModelRunTest, AHedgeIsReservedBesideTheFirstAndTheLoserIsPaidFor) {
  route(1, seconds{1});
  auto run = ask_route();
  const std::int64_t one = world.standing(kTokens).held;
  run->wake_up();
  ASSERT_EQ(run->sent.size(), 2U);
  EXPECT_EQ(world.standing(kTokens).held, 2 * one);
  EXPECT_EQ(world.standing(kCalls).held, 2);
  run->answer(1, 200, completion(9, 40));
  EXPECT_TRUE(run->sent[0].cancelled);
  EXPECT_EQ(run->response->status, 200);
  EXPECT_EQ(world.standing(kTokens).spent, one + 49);  // nobody knows what the first had computed
  EXPECT_EQ(run->run->receipt()->overrun, Amounts{});
  nothing_held();
}

TEST_F(ModelRunTest, AHedgeThatTheBudgetCannotPayIsNotStarted) {
  route(1, seconds{1});
  world.limit("1 calls day");
  auto run = ask_route();
  run->wake_up();
  EXPECT_EQ(run->sent.size(), 1U);
  run->answer(0, 200, completion(9, 40));
  EXPECT_EQ(run->response->status, 200);
  nothing_held();
}

TEST_F(ModelRunTest, AStreamPassesUnchangedAndItsUsageIsPaid) {
  auto run = world.begin(kStream);
  EXPECT_EQ(raw_member(raw_member(run->sent.at(0).body, "stream_options"), "include_usage"), "true");
  run->events(0, delta("Hel"));
  EXPECT_EQ(run->streamed, delta("Hel"));
  EXPECT_EQ(run->opened->status, 200);
  EXPECT_NE(run->header("x-bursar-reserved"), "");
  run->body(0, delta("lo") + std::string(kFinish) + usage_event(9, 2) + std::string(kDone));
  EXPECT_TRUE(run->finished);
  EXPECT_EQ(run->streamed, delta("Hel") + ": x-bursar-cost: 0.000013 usd, 11 tokens, 1 calls\n\n" + delta("lo") +
                               std::string(kFinish) + std::string(kDone));
  EXPECT_EQ(world.standing(kTokens).spent, 11);
  nothing_held();
  run->end(0);  // the connection's own end comes later and changes nothing
  EXPECT_EQ(world.standing(kTokens).spent, 11);
}

TEST_F(ModelRunTest, AnAgentThatLeavesPaysForWhatWasStreamed) {
  auto run = world.begin(kStream);
  run->events(0, delta("four") + delta("five!"));
  run->run->stop(Cause::kCancelled, world.clock.now());
  EXPECT_TRUE(run->sent[0].cancelled);
  const auto& receipt = *run->run->receipt();
  EXPECT_TRUE(receipt.uncertain);
  EXPECT_EQ(world.standing(kTokens).spent, static_cast<std::int64_t>(run->run->call().request.prompt_tokens_max) + 9);
  nothing_held();
  EXPECT_EQ(world.records.at(0).code, "CANCELLED");
}

TEST_F(ModelRunTest, AStreamThatEndsEarlyTellsTheAgentAndPaysForWhatCame) {
  auto run = world.begin(kStream);
  run->events(0, delta("four") + "data: {\"choices\":[{\"del");
  run->end(0, Cause::kReset);
  EXPECT_TRUE(run->finished);
  EXPECT_EQ(run->streamed.find("choices"), run->streamed.rfind("choices")) << "half an event must not reach the agent";
  EXPECT_NE(run->streamed.find(R"(data: {"error":)"), std::string::npos);
  EXPECT_EQ(run->sent.size(), 1U) << "a stream that had begun is not begun again";
  EXPECT_EQ(world.standing(kTokens).spent, static_cast<std::int64_t>(run->run->call().request.prompt_tokens_max) + 4);
  nothing_held();
}

TEST_F(ModelRunTest, AStreamThatStallsBeforeItBeginsIsRetriedElsewhere) {
  route();
  auto run = ask_route(R"(,"stream":true)");
  run->end(0, Cause::kTimeout);
  ASSERT_EQ(run->sent.size(), 2U);
  run->events(1, delta("hi") + usage_event(9, 1) + std::string(kDone));
  EXPECT_TRUE(run->finished);
  const auto prompt = static_cast<std::int64_t>(run->run->call().request.prompt_tokens_max);
  EXPECT_EQ(world.standing(kTokens).spent, prompt + 10);
  EXPECT_EQ(run->run->receipt()->overrun, Amounts{});
  nothing_held();
}

TEST_F(ModelRunTest, AStreamThatBeginsWithAnErrorIsRetriedElsewhere) {
  route();
  auto run = ask_route(R"(,"stream":true)");
  run->events(0, "data: {\"error\":{\"message\":\"overloaded\"}}\n\n");
  ASSERT_EQ(run->sent.size(), 2U);
  EXPECT_FALSE(run->opened);
}

TEST_F(ModelRunTest, AStreamOfCommentsDoesNotPileUp) {
  auto run = world.begin(kStream);
  run->events(0, ": processing\n\n");
  EXPECT_FALSE(run->opened);
  for (int i = 0; i < 10'000 && !run->opened; ++i) run->body(0, ": processing\n\n");
  EXPECT_TRUE(run->opened);
}

TEST_F(ModelRunTest, WhatAnUpstreamSaysOfOurCredentialStaysHere) {
  auto run = world.begin(kAsk);
  run->answer(0, 401, R"({"error":{"message":"Incorrect API key provided: sk-own"}})");
  ASSERT_TRUE(run->response);
  EXPECT_EQ(run->response->status, 403);
  EXPECT_EQ(run->response->body.find("sk-own"), std::string::npos);
}

TEST_F(ModelRunTest, AFloodIsCutAndItsExcessShows) {
  auto run = world.begin(kStream);
  run->events(0, delta("x"));
  for (int i = 0; i < 1000 && !run->finished; ++i) run->body(0, delta("x"));
  EXPECT_TRUE(run->finished);
  EXPECT_TRUE(run->sent[0].cancelled);
  EXPECT_GT(run->run->receipt()->overrun[kTokens], 0);
  nothing_held();
}

TEST_F(ModelRunTest, AUsageThatCannotBeTrueIsNotBelieved) {
  auto run = world.begin(kStream);
  run->events(0, delta("four") + usage_event(-5, 0) + std::string(kDone));
  EXPECT_EQ(world.standing(kTokens).spent, static_cast<std::int64_t>(run->run->call().request.prompt_tokens_max) + 4);
}

TEST_F(ModelRunTest, AModelWithoutAPriceIsRefusedWhereMoneyIsLimited) {
  world.config.models.prices.clear();
  auto run = world.begin(kAsk);
  ASSERT_TRUE(run->response);
  EXPECT_EQ(run->response->status, 403);
  EXPECT_NE(run->response->body.find("models.prices"), std::string::npos);
  EXPECT_EQ(run->header("x-should-retry"), "false");
}

TEST(ModelRun, WithoutALimitOnMoneyNoPriceIsNeeded) {
  ModelWorld world;
  world.upstream("one");
  world.limit("100 calls");
  auto run = world.begin(kAsk);
  EXPECT_EQ(run->sent.size(), 1U);
}

TEST_F(ModelRunTest, AnImageIsRefusedWhereTokensAreLimited) {
  auto run = world.begin(
      R"({"model":"one/m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://x"}}]}]})");
  ASSERT_TRUE(run->response);
  EXPECT_EQ(run->response->status, 400);
  EXPECT_EQ(raw_string(raw_member(raw_member(run->response->body, "error"), "param")), "messages");
}

TEST_F(ModelRunTest, ADeniedModelLooksLikeNone) {
  world.config.policy.rules = {{.effect = Effect::kDeny, .servers = {"one"}, .tools = {"secret-*"}}};
  auto denied = world.begin(R"({"model":"one/secret-1","messages":[]})");
  auto unknown = world.begin(R"({"model":"nobody/x","messages":[]})");
  EXPECT_EQ(denied->response->status, 404);
  EXPECT_EQ(error_code(*denied), "model_not_found");
  EXPECT_EQ(unknown->response->status, 404);
}

TEST_F(ModelRunTest, OneTurnsPurseIsSharedAndComesBack) {
  const std::string turn = R"({"id":"job-1","tokens_left":200,"calls_left":2})";
  auto first = world.begin(kAsk, ModelApi::kChat, turn);
  ASSERT_EQ(first->sent.size(), 1U);
  first->answer(0, 200, completion(9, 1));
  EXPECT_EQ(first->header("x-bursar-left-tokens"), "190");
  EXPECT_EQ(first->header("x-bursar-left-calls"), "1");
  // The tool side charges the same purse.
  Amounts tool;
  (void)tool.set(kCalls, 1);
  EXPECT_FALSE(world.pipeline().shared().turns.charge("key:ada", "job-1", tool));
  auto second = world.begin(kAsk, ModelApi::kChat, "job-1");
  ASSERT_TRUE(second->response);
  EXPECT_EQ(second->response->status, 402);
  EXPECT_NE(second->response->body.find("turn job-1"), std::string::npos);
}

TEST_F(ModelRunTest, ATurnsDeadlineBoundsTheAttempt) {
  auto run = world.begin(kAsk, ModelApi::kChat, R"({"id":"job-2","ms_left":10000})");
  ASSERT_EQ(run->sent.size(), 1U);
  EXPECT_LE(run->sent[0].timeout, seconds{10});
  EXPECT_GE(run->sent[0].timeout, seconds{5});
}

TEST_F(ModelRunTest, LittleTimeLeftMakesAShorterCall) {
  world.limit("30 s day");
  auto run = world.begin(kAsk);
  ASSERT_EQ(run->sent.size(), 1U);
  EXPECT_EQ(run->sent[0].timeout, seconds{30});
}

TEST_F(ModelRunTest, ARunThatIsDroppedSettles) {
  {
    auto run = world.begin(kAsk);
    ASSERT_EQ(run->sent.size(), 1U);
  }
  nothing_held();
  EXPECT_EQ(world.standing(kCalls).spent, 1);
  EXPECT_EQ(world.records.size(), 1U);
}

TEST_F(ModelRunTest, SaysForHowLongASilentUpstreamWasWaitedFor) {
  world.config.models.upstreams[0].stall_timeout = std::chrono::milliseconds{1500};
  world.config.models.routes = {{.model = "m", .targets = {"one"}, .retries = 0}};
  auto run = ask_route();
  run->run->ended(0, {.failure = Cause::kTimeout, .sent = true, .silent = true}, world.clock.now());
  ASSERT_TRUE(run->response);
  EXPECT_NE(run->response->body.find("did not answer within 1500 ms"), std::string::npos) << run->response->body;
}

TEST_F(ModelRunTest, AFailingUpstreamIsLeftAloneForAWhile) {
  world.config.models.routes = {{.model = "m", .targets = {"one"}, .retries = 0}};
  for (int i = 0; i < kFailuresToOpen; ++i) ask_route()->answer(0, 503, "{}");
  auto run = ask_route();
  ASSERT_TRUE(run->response);
  EXPECT_TRUE(run->sent.empty());
  EXPECT_EQ(run->response->status, 502);
  EXPECT_EQ(run->header("x-should-retry"), "true");
  EXPECT_NE(run->header("retry-after"), "");
}

TEST_F(ModelRunTest, EmbeddingsPayForTheirInputOnly) {
  auto run = world.begin(R"({"model":"one/e","input":"hello"})", ModelApi::kEmbeddings);
  ASSERT_EQ(run->sent.size(), 1U);
  EXPECT_LT(world.standing(kTokens).held, 100);
  run->answer(0, 200, R"({"data":[],"usage":{"prompt_tokens":2,"total_tokens":2}})");
  EXPECT_EQ(world.standing(kTokens).spent, 2);
}

// Whatever upstreams that keep to what was asked of them do, and whenever the agent leaves: nothing is paid above what
// was reserved, nothing stays held, every run is settled once.
RC_GTEST_PROP(ModelRun, HonestUpstreamsNeverMakeAnOverrun, ()) {
  ModelWorld world;
  world.upstream("one");
  world.upstream("two");
  world.price("3 usd", "15 usd");
  for (const char* limit : {"100 calls", "10 usd", "1M tokens", "10000 s"}) world.limit(limit);
  world.config.models.routes = {{.model = "m",
                                 .targets = {"one", "two"},
                                 .retries = *rc::gen::inRange<unsigned>(0, 3),
                                 .hedge_after = seconds{*rc::gen::inRange(0, 2)}}};
  const bool stream = *rc::gen::arbitrary<bool>();
  auto run = world.begin(std::string(R"({"model":"m","messages":[{"content":"hello"}],"max_tokens":20,"stream":)") +
                         (stream ? "true}" : "false}"));
  std::vector<int> said(16, 0);  // tokens streamed by each attempt
  for (int step = 0; step < 40 && !run->run->finished(); ++step) {
    world.clock.advance(milliseconds{*rc::gen::inRange(0, 500)});
    if (run->sent.empty()) break;
    const auto attempt = *rc::gen::inRange<std::size_t>(0, run->sent.size());
    switch (*rc::gen::inRange(0, 7)) {
      case 0: run->end(attempt, Cause::kConnect, false); break;
      case 1: run->end(attempt, *rc::gen::element(Cause::kReset, Cause::kTimeout)); break;
      case 2: run->answer(attempt, *rc::gen::element(429, 500, 503, 404), "{}"); break;
      case 3:
        if (!stream) run->answer(attempt, 200, completion(5, *rc::gen::inRange(0, 21)));
        break;
      case 4:
        if (stream && said[attempt] < 20) run->events(attempt, delta("a")), ++said[attempt];
        break;
      case 5:
        if (stream) run->events(attempt, usage_event(5, said[attempt]) + std::string(kFinish) + std::string(kDone));
        break;
      default:
        if (run->woken_in) run->wake_up();
        break;
    }
  }
  if (!run->run->finished()) run->run->stop(Cause::kCancelled, world.clock.now());
  for (const auto& line : world.ledger->standing("acme/ada")) {
    RC_ASSERT(line.held == 0);
    RC_ASSERT(line.overrun == 0);
  }
  RC_ASSERT(world.records.size() == 1U);
}

}  // namespace
}  // namespace bursar::broker
