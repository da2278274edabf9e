#include "bursar/ledger/lease.h"

#include <algorithm>

#include "bursar/core/wide.h"
#include "bursar/ledger/assert.h"

namespace bursar::ledger {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

std::int64_t clamp64(Wide value) { return static_cast<std::int64_t>(std::min<Wide>(value, kMax)); }

void roll(CellRow& cell, std::int64_t begin_us) {
  cell.begin_us = begin_us;
  cell.base = cell.stranded = cell.overrun = 0;
}

LeaseAnswer decide_rate(CellRow& cell, Lease& mine, const Others& others, const LeaseWrite& write,
                        std::int64_t now_us) {
  const std::int64_t before = others.outstanding + mine.granted - mine.settled;
  const std::int64_t after = others.outstanding + mine.granted - write.settled;
  Bucket bucket = refill(cell.limit, {cell.level, cell.level_at_us}, before, write.settled_at_us, after, now_us);
  bucket.level = std::min(bucket.level, std::max<std::int64_t>(0, cell.limit.amount - after));
  std::int64_t delta = write.granted - mine.granted;
  if (delta > 0) delta = std::clamp<std::int64_t>(bucket.level, 0, delta);
  delta = std::max(delta, write.floor - mine.granted);  // a debt of the bucket: it was spent already
  mine.granted += delta;
  bucket.level -= delta;
  const std::int64_t room = std::max<std::int64_t>(0, cell.limit.amount - (after + delta));
  cell.level = std::min(bucket.level, room);
  cell.level_at_us = bucket.at_us;
  LEDGER_ASSERT(cell.level <= 0 || cell.level + (after + delta) <= cell.limit.amount);
  return {};
}

}  // namespace

std::int64_t refill_units(const Limit& limit, std::int64_t from_us, std::int64_t to_us) {
  if (to_us <= from_us || limit.amount <= 0) return 0;
  const Wide units = Wide{to_us - from_us} * limit.amount / std::max<std::int64_t>(1, limit.window.period.count());
  return clamp64(units);
}

std::int64_t refill_us(const Limit& limit, std::int64_t units) {
  if (units <= 0) return 0;
  if (limit.amount <= 0) return kMax;
  return clamp64((Wide{units} * limit.window.period.count() + limit.amount - 1) / limit.amount);
}

Bucket refill(const Limit& limit, Bucket bucket, std::int64_t outstanding, std::int64_t changed_at_us,
              std::int64_t outstanding_now, std::int64_t now_us) {
  const auto run = [&](std::int64_t until_us, std::int64_t held_back) {
    if (until_us <= bucket.at_us) return;
    const std::int64_t cap = std::max<std::int64_t>(0, limit.amount - held_back);
    const std::int64_t units = refill_units(limit, bucket.at_us, until_us);
    if (bucket.level >= cap || units >= cap - bucket.level) {
      bucket.level = std::max(bucket.level, cap);
      bucket.at_us = until_us;  // full: what would have refilled is lost
      return;
    }
    bucket.level += units;
    bucket.at_us = std::min(until_us, bucket.at_us + refill_us(limit, units));  // keeps the fraction of a token
  };
  run(std::min(changed_at_us, now_us), outstanding);
  run(now_us, outstanding_now);
  return bucket;
}

LeaseAnswer decide(CellRow& cell, Lease& mine, const Others& others, const LeaseWrite& write, std::uint64_t through,
                   std::int64_t now_us) {
  LEDGER_ASSERT(write.floor >= 0 && write.granted >= 0 && write.settled <= write.floor);
  if (write.begin_us < cell.begin_us) return {.stale = true};
  if (write.begin_us > cell.begin_us) roll(cell, write.begin_us);
  if (mine.begin_us != write.begin_us) mine = {.begin_us = write.begin_us};
  if (cell.limit.window.kind == WindowKind::kRate) {
    decide_rate(cell, mine, others, write, now_us);
  } else if (write.granted <= mine.granted) {
    mine.granted = std::max(write.granted, write.floor);
  } else {
    const std::int64_t room = cell.limit.amount - cell.base - others.granted;
    mine.granted = std::max({mine.granted, std::min(write.granted, room), write.floor});
  }
  mine.born = write.born;
  mine.settled = write.settled;
  mine.overrun = write.overrun;
  mine.through = through;
  LEDGER_ASSERT(mine.granted >= write.floor && mine.granted >= mine.settled);
  return {.granted = mine.granted,
          .base = cell.base,
          .stranded = cell.stranded,
          .overrun = cell.overrun,
          .level = cell.level,
          .level_at_us = cell.level_at_us};
}

void fold(CellRow& cell, const Lease& lease, Settled late, std::int64_t now_us) {
  if (lease.begin_us != cell.begin_us) return;  // its window ended, and its lease with it
  const std::int64_t settled = lease.settled + late.amount;
  const std::int64_t granted = std::max(lease.granted, settled);
  if (cell.limit.window.kind == WindowKind::kRate) {
    // When it spent is unknown, so its tokens keep their place in the bucket until now.
    const Bucket bucket =
        refill(cell.limit, {cell.level, cell.level_at_us}, lease.granted - lease.settled, now_us, 0, now_us);
    cell.level = bucket.level - (granted - lease.granted);
    cell.level_at_us = bucket.at_us;
    return;
  }
  cell.base += granted;
  cell.stranded += granted - settled;
  cell.overrun += lease.overrun + late.overrun;
  LEDGER_ASSERT(cell.base >= cell.stranded && cell.stranded >= 0);
}

void change_limit(CellRow& cell, const Limit& limit, std::int64_t outstanding, std::int64_t now_us) {
  if (limit.window.kind == WindowKind::kRate) {
    const Bucket bucket = refill(cell.limit, {cell.level, cell.level_at_us}, outstanding, now_us, outstanding, now_us);
    cell.level = std::min(bucket.level, limit.amount);
    cell.level_at_us = now_us;
  }
  cell.limit = limit;
}

}  // namespace bursar::ledger
