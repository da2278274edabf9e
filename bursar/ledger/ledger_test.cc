#include "bursar/ledger/ledger.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <thread>

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

std::unique_ptr<Ledger> open_in_memory(const Clock& clock, LedgerOptions options = {}) {
  auto store = open_sqlite_store({.path = ":memory:"});
  EXPECT_TRUE(store) << (store ? "" : store.error().message);
  auto ledger = Ledger::open(std::move(*store), clock, options);
  EXPECT_TRUE(ledger) << (ledger ? "" : ledger.error().message);
  return std::move(*ledger);
}

TEST(Ledger, ReservesSettlesAndShowsWhatIsLeft) {
  SimulatedClock clock(wall_from_unix_us(1'790'000'000'000'000));
  auto ledger = open_in_memory(clock);
  ASSERT_TRUE(ledger->put_account({.path = "acme", .limits = {{.resource = kCalls, .amount = 10}}}));
  ASSERT_TRUE(ledger->put_account({.path = "acme/ada", .limits = {{.resource = kCalls, .amount = 5}}}));
  Reservation r = ledger->reserve_blocking({.account = "acme/ada", .amounts = calls(3)});
  ASSERT_TRUE(std::holds_alternative<Hold>(r));
  Hold hold = std::get<Hold>(std::move(r));
  EXPECT_EQ(ledger->standing("acme/ada").at(0).held, 3);
  auto receipt = hold.settle({.actual = calls(2), .memo = "call 1"});
  ASSERT_TRUE(receipt);
  const auto lines = ledger->standing();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].account, "acme");
  EXPECT_EQ(lines[1].spent, 2);
  EXPECT_EQ(lines[1].held, 0);
  EXPECT_EQ(lines[1].left, 3);
  ASSERT_TRUE(ledger->flush());
  const auto receipts = ledger->receipts("acme", WallTime::min(), WallTime::max());
  ASSERT_TRUE(receipts) << receipts.error().message;
  ASSERT_EQ(receipts->size(), 1U);
  EXPECT_EQ(receipts->front().memo, "call 1");
  EXPECT_EQ(receipts->front().actual, calls(2));
}

}  // namespace
}  // namespace bursar::ledger
