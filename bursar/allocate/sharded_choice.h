// Multiple choice over items that no single host holds: every rank has a shard, and only sums travel.
//
//   // On each of R ranks (processes, hosts): its own items, which follow those of the ranks before it.
//   auto r = sharded_choice(my_table, budget, exchange);   // called by all ranks together
//   use(r->choice);                                        // of my items; r->value, r->bound: of all
//
// The Lagrangian of multiple_choice.h, made independent of the number of ranks: one shard or many give the same answer
// bit by bit, because all totals are 128-bit integers (numbers rounded once to a common binary scale of 62 bits), the
// sample is taken at fixed places of the whole, and ties are taken in the order of items.
//  1. pass: numbers are checked, the scale is agreed; 16,384 sampled items give an interval of prices.
//  2. pass: every item's option at both ends; sums prove the interval, settled items are done.
//  3. up to 64 probes over the steps of the few open items bisect the price down to neighbouring doubles (one sum of 16
//     bytes each); tied steps are taken in order of items; the next best 4096 steps of the whole fill what is left.
// What travels per rank: the sample's share, about 100 sums, and its 4096 next steps: some MB, however many items there
// are. Bound and gap as multiple_choice's Lagrangian. Source: docs/scaling.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "bursar/allocate/multiple_choice.h"

namespace bursar::allocate {

// What ranks say to each other; all calls are collective. bursar-allocate-mpi implements it over MPI; one_rank() is the
// whole world in one process.
struct Exchange {
  int rank = 0;
  int ranks = 1;
  std::function<void(std::span<std::int64_t>)> sum;                          // in place, over all ranks
  std::function<std::vector<std::byte>(std::span<const std::byte>)> gather;  // everyone's bytes in order of ranks
};

[[nodiscard]] Exchange one_rank();

struct ShardedResult {
  std::vector<std::uint32_t> choice;  // of this rank's items
  double value = 0;                   // the rest: of all items, the same on every rank
  double cost = 0;
  double bound = 0;
  double price = 0;
  StopReason stop = StopReason::kOptimal;
  std::uint64_t items = 0;
  std::uint64_t first_item = 0;  // of this rank
  int probes = 0;                // sums over the open items
  int passes = 0;                // over the data
  std::uint64_t bytes_sent = 0;  // by this rank
};

// Errors are the same on every rank; item numbers in them count from the first item of the first rank.
[[nodiscard]] Result<ShardedResult> sharded_choice(const ChoiceTable& shard, double budget, const Exchange& exchange);

}  // namespace bursar::allocate
