// The bounded tables of the admit stage: buckets, concurrency, circuits, turns, idempotent answers.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <thread>

#include "bursar/broker/pipeline/breaker.h"
#include "bursar/broker/pipeline/glob.h"
#include "bursar/broker/pipeline/idempotency.h"
#include "bursar/broker/pipeline/limiters.h"
#include "bursar/broker/pipeline/turns.h"

namespace bursar::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr WallTime kStart = wall_from_unix_us(1'000'000'000);

TEST(TokenBucket, LetsFiveThroughAndTellsTheSixthToWaitHalfASecond) {
  constexpr BucketRate rate{.per_second = 2, .burst = 5};
  TokenBucket bucket(rate, kStart);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(bucket.take(rate, kStart)) << i;
  EXPECT_EQ(bucket.take(rate, kStart), Duration{milliseconds{500}});
  EXPECT_FALSE(bucket.take(rate, kStart + milliseconds{500}));
  EXPECT_TRUE(bucket.take(rate, kStart + milliseconds{500}));
}

RC_GTEST_PROP(TokenBucket, NeverGivesMoreThanBurstAndRateAllow, ()) {
  const BucketRate rate{.per_second = *rc::gen::inRange(1, 50) * .5,
                        .burst = static_cast<double>(*rc::gen::inRange(1, 10))};
  TokenBucket bucket(rate, kStart);
  WallTime now = kStart;
  double taken = 0;
  for (const int gap_ms : *rc::gen::container<std::vector<int>>(100, rc::gen::inRange(0, 300))) {
    now += milliseconds{gap_ms};
    const auto wait = bucket.take(rate, now);
    if (!wait) ++taken;
    // Who comes back when told to is served.
    if (wait) RC_ASSERT(!TokenBucket(bucket).take(rate, now + *wait));
    const double elapsed_s = std::chrono::duration<double>(now - kStart).count();
    RC_ASSERT(taken <= rate.burst + elapsed_s * rate.per_second + 1e-6);
  }
}

TEST(BucketTable, KeepsKeysApartAndItsSizeBounded) {
  constexpr BucketRate rate{.per_second = 1, .burst = 1};
  BucketTable table;
  EXPECT_FALSE(table.take("a", rate, kStart));
  EXPECT_FALSE(table.take("b", rate, kStart));
  EXPECT_TRUE(table.take("a", rate, kStart));
  table.give_back("a", rate);
  EXPECT_FALSE(table.take("a", rate, kStart));
  for (int i = 0; i < 100'000; ++i) (void)table.take(std::to_string(i), rate, kStart);
}

TEST(ConcurrencyLimiter, GivesPlacesBackHoweverTheirUnitsEnd) {
  ConcurrencyLimiter limiter;
  {
    auto one = limiter.acquire("ada", 2), two = limiter.acquire("ada", 2);
    ASSERT_TRUE(one && two);
    EXPECT_FALSE(limiter.acquire("ada", 2));
    EXPECT_TRUE(limiter.acquire("bob", 2));
    ConcurrencyLimiter::Unit moved = std::move(*one);
    EXPECT_EQ(limiter.in_flight("ada"), 2U);
    moved.release();
    moved.release();
    EXPECT_EQ(limiter.in_flight("ada"), 1U);
  }
  EXPECT_EQ(limiter.in_flight("ada"), 0U);
  EXPECT_FALSE(limiter.acquire("ada", 0));
}

TEST(ConcurrencyLimiter, HoldsItsLimitAcrossThreads) {
  ConcurrencyLimiter limiter;
  std::atomic<int> in{0}, most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        const auto unit = limiter.acquire("k", 3);
        if (!unit) continue;
        const int now_in = ++in;
        for (int seen = most; now_in > seen && !most.compare_exchange_weak(seen, now_in);) {
        }
        --in;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most, 3);
  EXPECT_EQ(limiter.in_flight("k"), 0U);
}

void fail_times(Breakers& breakers, int times, WallTime now) {
  for (int i = 0; i < times; ++i) breakers.enter("u", now).report(false, now);
}

TEST(Breakers, OpenAfterFiveFailuresInARowForThirtySecondsThenProbeOnce) {
  Breakers breakers;
  fail_times(breakers, 4, kStart);
  breakers.enter("u", kStart).report(true, kStart);
  fail_times(breakers, 4, kStart);
  EXPECT_EQ(breakers.state("u", kStart), CircuitState::kClosed);
  fail_times(breakers, 1, kStart);
  const BreakerPass refused = breakers.enter("u", kStart + seconds{10});
  EXPECT_FALSE(refused.allowed());
  EXPECT_EQ(refused.retry_after(), Duration{seconds{20}});
  EXPECT_TRUE(breakers.enter("other", kStart).allowed());

  const WallTime later = kStart + seconds{30};
  BreakerPass probe = breakers.enter("u", later);
  EXPECT_TRUE(probe.allowed());
  EXPECT_TRUE(probe.probe());
  EXPECT_FALSE(breakers.enter("u", later).allowed());
  probe.report(false, later);
  EXPECT_EQ(breakers.state("u", later + seconds{29}), CircuitState::kOpen);
  BreakerPass second = breakers.enter("u", later + seconds{30});
  second.report(true, later + seconds{30});
  EXPECT_EQ(breakers.state("u", later + seconds{30}), CircuitState::kClosed);
}

TEST(Breakers, TakeATimeoutForNoOutageWhereAnotherCallWasAnsweredSince) {
  Breakers breakers;
  for (int i = 0; i < 20; ++i) {
    BreakerPass slow = breakers.enter("u", kStart);
    breakers.enter("u", kStart).report(true, kStart + seconds{1});
    slow.report_timeout(kStart, kStart + seconds{2});
  }
  EXPECT_EQ(breakers.state("u", kStart + seconds{2}), CircuitState::kClosed);
  for (int i = 0; i < kFailuresToOpen; ++i) {
    breakers.enter("u", kStart).report_timeout(kStart + seconds{3}, kStart + seconds{5});
  }
  EXPECT_EQ(breakers.state("u", kStart + seconds{5}), CircuitState::kOpen);
}

TEST(Breakers, LetTheNextCallProbeWhereAProbeWasDropped) {
  Breakers breakers;
  fail_times(breakers, 5, kStart);
  const WallTime later = kStart + seconds{31};
  {
    const BreakerPass dropped = breakers.enter("u", later);
  }
  EXPECT_TRUE(breakers.enter("u", later).probe());
  BreakerPass moved_into = breakers.enter("u", later);
  moved_into = {};
  EXPECT_TRUE(breakers.enter("u", later).probe());
}

TEST(Breakers, CountRetriesOfTheLastMinute) {
  Breakers breakers;
  for (int i = 0; i < 20; ++i) breakers.count_call("u", kStart);
  for (int i = 0; i < kFreeRetries - 1; ++i) breakers.count_retry("u", kStart);
  EXPECT_EQ(breakers.retry_share("u", kStart), 0);
  breakers.count_retry("u", kStart);
  EXPECT_DOUBLE_EQ(breakers.retry_share("u", kStart + seconds{59}), .5);
  EXPECT_EQ(breakers.retry_share("u", kStart + seconds{60}), 0);
}

TEST(ReadTurn, ReadsTheSheetsExample) {
  const auto turn = read_turn(R"({"dev.bursar\/turn":{"id":"t-19","ms_left":9000,"usd_left":1.25,
      "plan":[{"tool":"cloud.request_increase","optional":false,"weight":1}]}})",
                              "");
  ASSERT_TRUE(turn) << turn.error().message;
  EXPECT_EQ(turn->id, "t-19");
  EXPECT_EQ(turn->left, Duration{milliseconds{8820}});  // 2 % are left for the way
  EXPECT_EQ(turn->caps, (std::vector<Amount>{{kUsd, 1'250'000}}));
  ASSERT_EQ(turn->plan.size(), 1U);
  EXPECT_EQ(turn->plan[0].tool, "cloud.request_increase");
}

TEST(ReadTurn, NamesWhatIsWrong) {
  for (const std::string_view bad :
       {R"({"id":7})", R"({"ms_left":-1})", R"({"ms_left":"9"})", R"({"plan":{}})", R"({"plan":[{"tool":1}]})",
        R"({"usd_left":-1})", R"({"calls_left":1e300})", R"(7)"}) {
    const auto turn = read_turn(R"({"dev.bursar/turn":)" + std::string(bad) + "}", "");
    ASSERT_FALSE(turn) << bad;
    EXPECT_NE(turn.error().message.find("dev.bursar/turn"), std::string::npos) << turn.error().message;
  }
}

TEST(ReadTurn, FallsBackToTheTrace) {
  constexpr std::string_view kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_EQ(read_turn("", kParent)->id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_TRUE(read_turn("{}", kParent)->from_trace);
  EXPECT_EQ(read_turn("{}", "00-xx")->id, "");
  EXPECT_EQ(trace_id_of("00-00000000000000000000000000000000-00f067aa0ba902b7-01"), "");
}

TEST(TurnTable, LowersButNeverRaises) {
  TurnTable turns;
  const Duration policy = seconds{60};
  const TurnView first = turns.enter("ada", {.id = "t", .left = seconds{10}}, policy, kStart);
  EXPECT_EQ(first.ends, kStart + seconds{10});
  EXPECT_EQ(turns.enter("ada", {.id = "t", .left = seconds{50}}, policy, kStart + seconds{1}).ends,
            kStart + seconds{10});
  EXPECT_EQ(turns.enter("ada", {.id = "t", .left = seconds{2}}, policy, kStart + seconds{1}).ends, kStart + seconds{3});
  EXPECT_EQ(turns.enter("ada", {.id = "t"}, policy, kStart + seconds{20}).ends, kStart + seconds{3});
  EXPECT_EQ(turns.enter("bob", {.id = "t"}, policy, kStart).ends, kStart + policy);
  EXPECT_EQ(turns.enter("ada", {.id = "long", .left = minutes{60}}, policy, kStart).ends, kStart + policy);
}

TEST(TurnTable, BeginsATraceAnewOnceItsTurnIsOver) {
  TurnTable turns;
  const TurnRequest trace{.id = "abc", .from_trace = true};
  (void)turns.enter("ada", trace, seconds{60}, kStart);
  EXPECT_EQ(turns.enter("ada", trace, seconds{60}, kStart + seconds{59}).ends, kStart + seconds{60});
  EXPECT_EQ(turns.enter("ada", trace, seconds{60}, kStart + seconds{61}).ends, kStart + seconds{121});
}

TEST(TurnTable, KeepsTheTurnsOwnCaps) {
  TurnTable turns;
  (void)turns.enter("ada", {.id = "t", .caps = {{kCalls, 2}}}, seconds{60}, kStart);
  Amounts one;
  ASSERT_TRUE(one.set(kCalls, 1));
  EXPECT_FALSE(turns.charge("ada", "t", one));
  EXPECT_FALSE(turns.charge("ada", "t", one));
  EXPECT_EQ(turns.charge("ada", "t", one), (Amount{kCalls, 0}));
  turns.refund("ada", "t", one);
  EXPECT_FALSE(turns.charge("ada", "t", one));
  // Saying a larger cap later does not raise it.
  (void)turns.enter("ada", {.id = "t", .caps = {{kCalls, 9}}}, seconds{60}, kStart);
  EXPECT_TRUE(turns.charge("ada", "t", one));
}

TEST(TurnTable, IsBoundedAndForgetsWhatIsOld) {
  TurnTable turns;
  for (std::size_t i = 0; i < kLimiterShards * TurnTable::kMaxTurnsPerShard * 5 / 4; ++i) {
    (void)turns.enter("ada", {.id = std::to_string(i)}, seconds{60}, kStart);
  }
  EXPECT_LE(turns.size(), kLimiterShards * (TurnTable::kMaxTurnsPerShard + 1));
  for (int i = 0; i < 1000; ++i)
    (void)turns.enter("bob", {.id = std::to_string(i)}, seconds{60}, kStart + TurnTable::kKeptFor + seconds{1});
  EXPECT_LE(turns.size(), 1000U);
}

TEST(IdempotencyTable, AnswersARepeatedCallAndRefusesAnotherUnderItsKey) {
  using enum IdempotencyTable::Found;
  IdempotencyTable table;
  auto first = table.begin("k", "call", kStart);
  ASSERT_EQ(first.found, kNew);
  EXPECT_EQ(table.begin("k", "call", kStart).found, kRunning);
  EXPECT_EQ(table.begin("k", "other", kStart).found, kConflict);
  first.claim.store({.result = "{}"}, kStart);
  const auto again = table.begin("k", "call", kStart + minutes{9});
  ASSERT_EQ(again.found, kStored);
  EXPECT_EQ(again.answer->result, "{}");
  EXPECT_EQ(table.begin("k", "call", kStart + minutes{11}).found, kNew);
}

TEST(IdempotencyTable, FreesTheKeyOfAClaimThatWasDropped) {
  using enum IdempotencyTable::Found;
  IdempotencyTable table;
  {
    const auto begun = table.begin("k", "call", kStart);
  }
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.begin("k", "call", kStart).found, kNew);
}

TEST(IdempotencyTable, IsBoundedInEntriesAndBytes) {
  IdempotencyTable table;
  for (int i = 0; i < 100; ++i) {
    auto begun = table.begin(std::to_string(i), "call", kStart);
    ASSERT_EQ(begun.found, IdempotencyTable::Found::kNew);
    begun.claim.store({.result = std::string(1 << 20, 'x')}, kStart);
  }
  EXPECT_LE(table.size(), 64U);
  for (std::size_t i = 0; i < IdempotencyTable::kMaxEntries + 100; ++i) {
    auto begun = table.begin("e" + std::to_string(i), "call", kStart);
    begun.claim.store({.result = "{}"}, kStart);
  }
  EXPECT_LE(table.size(), IdempotencyTable::kMaxEntries);
}

TEST(Glob, MatchesRunsAndSingleCharacters) {
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("files.*", "files.read"));
  EXPECT_FALSE(glob_match("files.*", "file.read"));
  EXPECT_TRUE(glob_match("a*b*c", "a-b-b-c"));
  EXPECT_TRUE(glob_match("r?ad", "read"));
  EXPECT_FALSE(glob_match("", "x"));
  EXPECT_FALSE(glob_match(std::string(50, '*') + "b", std::string(10'000, 'a')));
}

}  // namespace
}  // namespace bursar::broker
