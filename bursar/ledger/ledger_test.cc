#include "bursar/ledger/ledger.h"

#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <thread>

#include "bursar/ledger/simulated_store.h"
#include "bursar/ledger/sqlite_store.h"

namespace bursar::ledger {
namespace {

using namespace std::chrono_literals;

Amounts amounts(std::initializer_list<Amount> list) {
  Amounts out;
  for (const Amount& a : list) EXPECT_TRUE(out.set(a.resource, a.units));
  return out;
}
Amounts calls(std::int64_t n) { return amounts({{kCalls, n}}); }
Limit total(Resource resource, std::int64_t amount) { return {.resource = resource, .amount = amount, .window = {}}; }

class LedgerTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open(LedgerOptions options = {}) {
    ledger.reset();
    auto opened = Ledger::open(make_simulated_store(disk), clock, options);
    ASSERT_TRUE(opened) << opened.error().message;
    ledger = std::move(*opened);
  }
  void put(AccountSpec spec) {
    const auto ok = ledger->put_account(spec);
    ASSERT_TRUE(ok) << ok.error().message;
  }
  Hold hold(const ReserveRequest& request) {
    Reservation r = ledger->reserve_blocking(request);
    if (auto* refusal = std::get_if<Refusal>(&r)) ADD_FAILURE() << refusal->to_error().message;
    return std::holds_alternative<Hold>(r) ? std::get<Hold>(std::move(r)) : Hold{};
  }
  Refusal refusal(const ReserveRequest& request) {
    Reservation r = ledger->reserve_blocking(request);
    EXPECT_TRUE(std::holds_alternative<Refusal>(r));
    return std::holds_alternative<Refusal>(r) ? std::get<Refusal>(r) : Refusal{};
  }
  Standing line(const std::string& account, std::size_t index = 0) { return ledger->standing(account).at(index); }

  SimulatedClock clock{wall_from_unix_us(1'790'000'000'000'000)};  // 2026-09-21 14:13:20 UTC, a Monday
  std::shared_ptr<SimulatedDisk> disk = std::make_shared<SimulatedDisk>();
  std::unique_ptr<Ledger> ledger;
};

TEST_F(LedgerTest, ReservesSettlesAndShowsWhatIsLeft) {
  put({.path = "acme", .limits = {total(kCalls, 10)}});
  put({.path = "acme/ada", .limits = {total(kCalls, 5)}});
  Hold h = hold({.account = "acme/ada", .amounts = calls(3)});
  EXPECT_TRUE(h.active());
  EXPECT_EQ(line("acme/ada").held, 3);
  ASSERT_TRUE(h.settle({.actual = calls(2), .memo = "call 1"}));
  EXPECT_FALSE(h.active());
  for (const char* account : {"acme", "acme/ada"}) {
    EXPECT_EQ(line(account).spent, 2) << account;
    EXPECT_EQ(line(account).held, 0) << account;
  }
  EXPECT_EQ(line("acme/ada").left, 3);
  ASSERT_TRUE(ledger->flush());
  const auto receipts = ledger->receipts("acme", WallTime::min(), WallTime::max());
  ASSERT_EQ(receipts->size(), 1U);
  EXPECT_EQ(receipts->front().memo, "call 1");
  EXPECT_EQ(receipts->front().reserved, calls(3));
  EXPECT_EQ(receipts->front().actual, calls(2));
}

TEST_F(LedgerTest, IsAllOrNothingOverAccountsAndResources) {
  put({.path = "acme", .limits = {total(kCalls, 10), total(kUsd, 100)}});
  put({.path = "acme/ada", .limits = {total(kCalls, 10), total(kTokens, 5)}});
  const Refusal r = refusal({.account = "acme/ada", .amounts = amounts({{kCalls, 1}, {kUsd, 100}, {kTokens, 6}})});
  EXPECT_EQ(r.why, Refusal::Why::kLimit);
  EXPECT_EQ(r.account, "acme/ada");
  EXPECT_EQ(r.resource, kTokens);
  EXPECT_EQ(r.left, 5);
  for (const Standing& s : ledger->standing()) EXPECT_EQ(s.held + s.spent, 0) << s.account;
}

TEST_F(LedgerTest, RefusalNamesTheHighestAccountThatCannotPay) {
  put({.path = "acme", .limits = {total(kCalls, 1)}});
  put({.path = "acme/ada", .limits = {total(kCalls, 1)}});
  EXPECT_EQ(refusal({.account = "acme/ada", .amounts = calls(2)}).account, "acme");
  EXPECT_EQ(refusal({.account = "acme/bob", .amounts = calls(2)}).why, Refusal::Why::kUnknownAccount);
  EXPECT_EQ(refusal({.account = "acme", .amounts = calls(-1)}).why, Refusal::Why::kInvalid);
  EXPECT_EQ(refusal({.account = "acme", .amounts = calls(1), .ttl = 0us}).why, Refusal::Why::kInvalid);
}

TEST_F(LedgerTest, RefusalSaysWhatIsLeftAndWhenItRefills) {
  put({.path = "acme", .limits = {{kUsd, 5'000'000, {.kind = WindowKind::kDay}}}});
  Hold h = hold({.account = "acme", .amounts = amounts({{kUsd, 4'000'000}})});
  const Refusal r = refusal({.account = "acme", .amounts = amounts({{kUsd, 2'000'000}})});
  EXPECT_EQ(r.left, 1'000'000);
  EXPECT_EQ(unix_us(*r.refills_at), 1'790'035'200'000'000);  // the next midnight
  const std::string message = r.to_error().message;
  for (const char* part : {"acme", "1.00 usd", "5.00 usd", "2.00 usd", "day", "2026-09-22T00:00:00Z"}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " is missing in: " << message;
  }
}

TEST_F(LedgerTest, WindowsBeginAnewAndOldHoldsBelongToTheOldOne) {
  put({.path = "acme", .limits = {{kCalls, 5, {.kind = WindowKind::kDay}}}});
  Hold old = hold({.account = "acme", .amounts = calls(5), .ttl = 24h});
  clock.advance(12h);
  Hold next = hold({.account = "acme", .amounts = calls(4)});
  ASSERT_TRUE(old.settle({.actual = calls(5)}));
  EXPECT_EQ(line("acme").spent, 0);
  EXPECT_EQ(line("acme").held, 4);
}

TEST_F(LedgerTest, RateRefillsEvenlyAndNeverOverflows) {
  put({.path = "acme", .limits = {{kCalls, 5, {.kind = WindowKind::kRate, .period = 2500ms}}}});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(hold({.account = "acme", .amounts = calls(1)}).settle({.actual = calls(1)}));
  const Refusal r = refusal({.account = "acme", .amounts = calls(1)});
  EXPECT_EQ(r.refills_at.value() - clock.now(), 500ms);
  clock.advance(500ms);
  ASSERT_TRUE(hold({.account = "acme", .amounts = calls(1)}).settle({.actual = calls(1)}));
  clock.advance(1h);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(hold({.account = "acme", .amounts = calls(1)}).settle({.actual = calls(1)}));
  EXPECT_EQ(refusal({.account = "acme", .amounts = calls(1)}).left, 0);
}

TEST_F(LedgerTest, OverrunIsRecordedAndShown) {
  put({.path = "acme", .limits = {total(kCalls, 10)}});
  put({.path = "acme/ada", .limits = {total(kCalls, 10)}});
  Hold h = hold({.account = "acme/ada", .amounts = calls(4)});
  const auto receipt = h.settle({.actual = calls(13)});
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->overrun, calls(9));
  for (const char* account : {"acme", "acme/ada"}) {
    EXPECT_EQ(line(account).spent, 13);
    EXPECT_EQ(line(account).overrun, 9);
    EXPECT_EQ(line(account).left, 0);
  }
  EXPECT_EQ(refusal({.account = "acme/ada", .amounts = calls(1)}).why, Refusal::Why::kLimit);
  open();
  EXPECT_EQ(line("acme").spent, 13);
  EXPECT_EQ(line("acme").overrun, 9);
  EXPECT_EQ(line("acme").stranded, 0);
}

TEST_F(LedgerTest, DroppedAndExpiredHoldsGiveBackAndLateSettlementsAreTheTruth) {
  put({.path = "acme", .limits = {total(kCalls, 10)}});
  {
    Hold dropped = hold({.account = "acme", .amounts = calls(10)});
  }
  EXPECT_EQ(line("acme").left, 10);
  Hold h = hold({.account = "acme", .amounts = calls(10), .ttl = 10s});
  ASSERT_TRUE(h.extend(20s));
  clock.advance(19s);
  ledger->expire();
  EXPECT_EQ(line("acme").held, 10);
  clock.advance(1s);
  ledger->expire();
  EXPECT_EQ(line("acme").held, 0);
  EXPECT_FALSE(h.extend(20s));
  const auto receipt = h.settle({.actual = calls(7)});
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->overrun, calls(7));
  EXPECT_EQ(line("acme").spent, 7);
}

TEST_F(LedgerTest, SettleAndReleaseAreIdempotent) {
  put({.path = "acme", .limits = {total(kCalls, 10)}});
  Hold h = hold({.account = "acme", .amounts = calls(4)});
  const auto first = h.settle({.actual = calls(3)});
  const auto second = h.settle({.actual = calls(1)});
  EXPECT_EQ(first->sequence, second->sequence);
  EXPECT_EQ(second->actual, calls(3));
  h.release();
  EXPECT_EQ(line("acme").spent, 3);
  Hold other = hold({.account = "acme", .amounts = calls(4)});
  other.release();
  other.release();
  EXPECT_FALSE(other.settle({.actual = calls(1)}));
  EXPECT_EQ(line("acme").left, 7);
}

TEST_F(LedgerTest, AKeyGivesTheSameHoldAndIsNeverChargedTwice) {
  put({.path = "acme", .limits = {total(kCalls, 10)}});
  const ReserveRequest request{.account = "acme", .amounts = calls(4), .idempotency_key = "k"};
  Hold first = hold(request);
  Hold again = hold(request);
  EXPECT_EQ(first.id(), again.id());
  EXPECT_EQ(line("acme").held, 4);
  {
    Hold dropped = std::move(again);
  }
  EXPECT_TRUE(first.active());
  EXPECT_EQ(refusal({.account = "acme", .amounts = calls(5), .idempotency_key = "k"}).why, Refusal::Why::kKeyConflict);
  const auto receipt = first.settle({.actual = calls(3)});
  Hold late = hold(request);
  EXPECT_FALSE(late.active());
  EXPECT_EQ(late.settle({.actual = calls(4)})->sequence, receipt->sequence);
  open();
  Hold restarted = hold(request);
  EXPECT_FALSE(restarted.active());
  EXPECT_EQ(restarted.settle({.actual = calls(4)})->actual, calls(3));
  EXPECT_EQ(line("acme").spent, 3);
  EXPECT_EQ(refusal({.account = "acme", .amounts = calls(5), .idempotency_key = "k"}).why, Refusal::Why::kKeyConflict);
}

TEST_F(LedgerTest, AReleasedKeyIsFree) {
  put({.path = "acme", .limits = {total(kCalls, 10)}});
  const ReserveRequest request{.account = "acme", .amounts = calls(4), .idempotency_key = "k"};
  hold(request).release();
  EXPECT_TRUE(hold(request).active());
}

TEST_F(LedgerTest, LimitsChangeAndAccountsFreezeAtRunTime) {
  put({.path = "acme", .limits = {total(kCalls, 10)}});
  ASSERT_TRUE(hold({.account = "acme", .amounts = calls(6)}).settle({.actual = calls(6)}));
  put({.path = "acme", .limits = {total(kCalls, 3)}});
  EXPECT_EQ(refusal({.account = "acme", .amounts = calls(1)}).limit, 3);
  EXPECT_EQ(line("acme").spent, 6);
  put({.path = "acme", .limits = {total(kCalls, 8)}});
  EXPECT_EQ(refusal({.account = "acme", .amounts = calls(3)}).left, 2);
  ASSERT_TRUE(ledger->freeze("acme", true));
  EXPECT_EQ(refusal({.account = "acme", .amounts = calls(1)}).why, Refusal::Why::kFrozen);
  ASSERT_TRUE(ledger->freeze("acme", false));
  EXPECT_TRUE(hold({.account = "acme", .amounts = calls(2)}).active());
  EXPECT_FALSE(ledger->put_account({.path = "nobody/x"}));
  EXPECT_FALSE(ledger->freeze("nobody", true));
}

TEST_F(LedgerTest, ACleanShutdownStrandsNothing) {
  put({.path = "acme", .limits = {total(kCalls, 1'000)}});
  ASSERT_TRUE(hold({.account = "acme", .amounts = calls(6)}).settle({.actual = calls(6)}));
  open();
  EXPECT_EQ(line("acme").spent, 6);
  EXPECT_EQ(line("acme").stranded, 0);
  EXPECT_EQ(line("acme").left, 994);
}

TEST_F(LedgerTest, WhatACallMayStillSpendIsStrandedUntilAnOperatorForgives) {
  put({.path = "acme", .limits = {total(kCalls, 1'000)}});
  Hold open_call = hold({.account = "acme", .amounts = calls(6)});
  open();
  EXPECT_EQ(line("acme").spent, 6);
  EXPECT_EQ(line("acme").stranded, 6);
  const auto forgiven = ledger->forgive_stranded("acme");
  ASSERT_TRUE(forgiven);
  EXPECT_EQ(forgiven->at(0).stranded, 6);
  EXPECT_EQ(line("acme").left, 1'000);
  EXPECT_FALSE(open_call.settle({.actual = calls(1)}));
}

TEST_F(LedgerTest, SyncAccountsWaitForTheDisk) {
  put({.path = "acme", .limits = {total(kCalls, 10)}, .sync = true});
  put({.path = "acme/ada"});
  EXPECT_TRUE(std::holds_alternative<NeedsGrant>(ledger->try_reserve({.account = "acme/ada", .amounts = calls(1)})));
  Hold h = hold({.account = "acme/ada", .amounts = calls(1)});
  EXPECT_TRUE(disk->current.reservations.contains(h.id()));
  ASSERT_TRUE(h.settle({.actual = calls(1)}));
  ASSERT_TRUE(ledger->flush());
  EXPECT_FALSE(disk->current.reservations.contains(h.id()));
}

TEST_F(LedgerTest, AFailingStoreRefusesToSpendAndLosesNothing) {
  put({.path = "acme", .limits = {total(kCalls, 10'000)}});
  Hold h = hold({.account = "acme", .amounts = calls(1)});
  disk->next_fault = StoreFault::kFull;
  ASSERT_TRUE(h.settle({.actual = calls(1)}));
  EXPECT_FALSE(ledger->flush());
  EXPECT_FALSE(ledger->health());
  const Refusal r = refusal({.account = "acme", .amounts = calls(9'000)});
  EXPECT_EQ(r.why, Refusal::Why::kStoreUnavailable);
  EXPECT_NE(r.to_error().message.find("full"), std::string::npos);
  disk->next_fault = StoreFault::kNone;
  while (!ledger->flush()) std::this_thread::yield();
  EXPECT_EQ(ledger->receipts("", WallTime::min(), WallTime::max())->size(), 1U);
  EXPECT_TRUE(hold({.account = "acme", .amounts = calls(9'000)}).active());
}

TEST_F(LedgerTest, FailOpenAccountsSpendOnWithinTheirLimit) {
  put({.path = "acme", .limits = {total(kCalls, 100)}, .fail_open = true});
  disk->next_fault = StoreFault::kFull;
  EXPECT_FALSE(std::holds_alternative<Hold>(ledger->try_reserve({.account = "acme", .amounts = calls(1)})));
  while (ledger->health()) std::this_thread::yield();
  Reservation r = ledger->try_reserve({.account = "acme", .amounts = calls(90)});
  EXPECT_TRUE(std::holds_alternative<Hold>(r));
  EXPECT_NE(ledger->health().error().message.find("fail_open"), std::string::npos);
  EXPECT_EQ(refusal({.account = "acme", .amounts = calls(11)}).why, Refusal::Why::kLimit);
  disk->next_fault = StoreFault::kNone;
}

TEST_F(LedgerTest, LimitsOnWhatOutsidersFill) {
  open({.max_accounts = 1, .max_holds = 2, .shards = 1});
  put({.path = "acme", .limits = {total(kCalls, 100)}});
  EXPECT_FALSE(ledger->put_account({.path = "other"}));
  Hold a = hold({.account = "acme", .amounts = calls(1)}), b = hold({.account = "acme", .amounts = calls(1)});
  EXPECT_EQ(refusal({.account = "acme", .amounts = calls(1)}).why, Refusal::Why::kStoreUnavailable);
  EXPECT_EQ(line("acme").held, 2);
  a.release();
  {
    Hold gone = std::move(a);
  }
  EXPECT_TRUE(hold({.account = "acme", .amounts = calls(1)}).active());
  EXPECT_FALSE(b.settle({.actual = calls(1), .memo = std::string(257, 'x')}));
  EXPECT_FALSE(b.settle({.actual = calls(-1)}));
}

TEST_F(LedgerTest, StandingIsInTreeOrder) {
  for (const char* path : {"a", "a-b", "a/z", "a/z/q", "a.c"}) put({.path = path, .limits = {total(kCalls, 1)}});
  std::vector<std::string> order;
  for (const Standing& s : ledger->standing()) order.push_back(s.account);
  EXPECT_EQ(order, (std::vector<std::string>{"a", "a/z", "a/z/q", "a-b", "a.c"}));
  EXPECT_EQ(ledger->standing("a").size(), 3U);
}

// 64 threads, one budget of exactly N: exactly N, and no refusal before.
void exactly_n(Ledger& ledger, std::int64_t n, bool release_some) {
  ASSERT_TRUE(ledger.put_account({.path = "org", .limits = {total(kCalls, n)}}));
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(ledger.put_account({.path = "org/u" + std::to_string(i)}));
  std::atomic<std::int64_t> settled{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 64; ++t) {
    threads.emplace_back([&, t] {
      const std::string account = "org/u" + std::to_string(t % 8);
      for (int i = 0;; ++i) {
        Reservation r = ledger.reserve_blocking({.account = account, .amounts = calls(1)}, 60s);
        if (auto* refusal = std::get_if<Refusal>(&r)) {
          EXPECT_EQ(refusal->why, Refusal::Why::kLimit) << refusal->to_error().message;
          // While another thread holds what it will release, a refusal is right; it is final once nothing is held.
          if (refusal->held == 0) return;
          std::this_thread::yield();
          continue;
        }
        if (release_some && (i + t) % 3 == 0) continue;
        EXPECT_TRUE(std::get<Hold>(r).settle({.actual = calls(1)}));
        ++settled;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(settled, n);
  EXPECT_EQ(ledger.standing("org").at(0).spent, n);
  ASSERT_TRUE(ledger.flush());
  EXPECT_EQ(ledger.receipts("org", WallTime::min(), WallTime::max(), 100'000)->size(), static_cast<std::size_t>(n));
}

TEST(LedgerThreads, SixtyFourOnOneBudgetGetExactlyThat) {
  SystemClock clock;
  auto ledger = Ledger::open(make_simulated_store(std::make_shared<SimulatedDisk>()), clock, {.shards = 8});
  exactly_n(**ledger, 2'000, false);
}

TEST(LedgerThreads, ReleasesNeverLoseAUnit) {
  SystemClock clock;
  auto ledger = Ledger::open(make_simulated_store(std::make_shared<SimulatedDisk>()), clock, {.shards = 8});
  exactly_n(**ledger, 500, true);
}

TEST(LedgerThreads, HoldsAndLimitsChangeUnderLoad) {
  SystemClock clock;
  auto ledger = Ledger::open(make_simulated_store(std::make_shared<SimulatedDisk>()), clock, {.shards = 4});
  ASSERT_TRUE((*ledger)->put_account({.path = "o", .limits = {total(kCalls, 1'000'000)}}));
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        Reservation r = (*ledger)->reserve_blocking({.account = "o",
                                                     .amounts = calls(1 + i % 3),
                                                     .idempotency_key = i % 7 == 0 ? std::to_string(i % 50 + t) : ""});
        if (auto* hold = std::get_if<Hold>(&r); hold != nullptr && i % 4 != 0) (void)hold->settle({.actual = calls(1)});
      }
    });
  }
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE((*ledger)->put_account({.path = "o", .limits = {total(kCalls, i % 2 == 0 ? 10 : 1'000'000)}}));
    for (const Standing& s : (*ledger)->standing()) ASSERT_GE(s.held, 0);
    (*ledger)->expire();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ((*ledger)->standing().at(0).held, 0);
}

}  // namespace
}  // namespace bursar::ledger
