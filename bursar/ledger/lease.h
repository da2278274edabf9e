// The arithmetic of leases, apart from any database: what a store decides inside one transaction.
//
//   Lease mine;  CellRow cell{.limit = {kCalls, 100}};
//   decide(cell, mine, /*others=*/{}, {.granted = 30}, now_us);      // grants 30; 70 are left for everyone
//   fold(cell, mine, settled_by_receipts);                           // its process died: 30 count as spent
//
// Not rate:  granted' = min(wanted, limit - base - others), never below the floor (overruns are the truth).
// Rate: tokens that were leased and are not yet settled keep their place in the bucket, so that
//   level + sum(granted - settled) <= amount always, and no interval of length T sees more than amount (1 + T/period).
#pragma once

#include <cstdint>

#include "bursar/ledger/store.h"

namespace bursar::ledger {

struct Lease {
  std::int64_t begin_us = kEndlessBegin;
  std::uint32_t born = 0;
  std::int64_t granted = 0, settled = 0, overrun = 0;
  std::uint64_t through = 0;  // receipts up to this one are in `settled`
};

// What the other live processes hold in the same instance of the window.
struct Others {
  std::int64_t granted = 0, outstanding = 0;  // outstanding: granted - settled
};

// Tokens that refill between two times: floor((to - from) * amount / period), at most `amount`.
[[nodiscard]] std::int64_t refill_units(const Limit& limit, std::int64_t from_us, std::int64_t to_us);
// Time until `units` have refilled, rounded up; at most ~292,000 years.
[[nodiscard]] std::int64_t refill_us(const Limit& limit, std::int64_t units);

// The bucket's level at `now_us`. `outstanding` tokens were leased and not settled until `changed_at_us`, and
// `outstanding_now` since then.
struct Bucket {
  std::int64_t level = 0, at_us = 0;
};
[[nodiscard]] Bucket refill(const Limit& limit, Bucket bucket, std::int64_t outstanding, std::int64_t changed_at_us,
                            std::int64_t outstanding_now, std::int64_t now_us);

[[nodiscard]] LeaseAnswer decide(CellRow& cell, Lease& mine, const Others& others, const LeaseWrite& write,
                                 std::uint64_t through, std::int64_t now_us);

// Ends the lease of a process that is gone. `late` is what its receipts after lease.through add.
struct Settled {
  std::int64_t amount = 0, overrun = 0;
};
void fold(CellRow& cell, const Lease& lease, Settled late, std::int64_t now_us);

// A new limit on a cell that exists: a bucket whose size changes keeps its debt, and never gains more than it refills.
// `outstanding`: what all live processes hold of it.
void change_limit(CellRow& cell, const Limit& limit, std::int64_t outstanding, std::int64_t now_us);

}  // namespace bursar::ledger
