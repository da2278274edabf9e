// Which turn a call belongs to, and what of it is left.
//
//   Result<TurnRequest> asked = read_turn(meta, traceparent);
//   TurnView turn = turns.enter("key:ada", *asked, /*policy=*/60s, now);   // turn.ends, turn.total
//
// A turn is named by _meta["dev.bursar/turn"] {id, ms_left, usd_left, calls_left, tokens_left, plan:[{tool, optional,
// weight}]}, else by the trace id of traceparent, else every call is its own. An agent may lower its budgets at any
// call and never raise them: the end of a turn only moves nearer. Milliseconds are relative; max(50 ms, 2 %) is
// subtracted for the way. A named turn stays over once its time is used; a trace outlives many turns, so one that is
// over begins anew. A plan lists the steps to come; its first step may be this very call. Source:
// systems/mcp-production, section A.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/pipeline/limiters.h"
#include "bursar/core/amount.h"
#include "bursar/core/clock.h"
#include "bursar/core/result.h"

namespace bursar::broker {

struct PlannedStep {
  std::string tool;  // as the agent calls it
  bool optional = false;
  double weight = 1;
};

struct TurnRequest {
  std::string id;  // empty: the call is its own turn
  bool from_trace = false;
  std::optional<Duration> left;
  std::vector<Amount> caps;  // what the agent still wants to spend in this turn
  std::vector<PlannedStep> plan;
  bool plan_known = false;
};

inline constexpr std::size_t kMaxPlan = 64;

// `meta` is raw JSON or empty. Errors: kInvalidArgument naming the member of dev.bursar/turn that is wrong.
[[nodiscard]] Result<TurnRequest> read_turn(std::string_view meta, std::string_view traceparent);
// The 32 hex digits of a W3C traceparent, empty where it is none.
[[nodiscard]] std::string trace_id_of(std::string_view traceparent);

struct TurnView {
  Duration total{0};
  WallTime ends{};
};

// Thread-safe, bounded: the least recently used turn of a full shard is forgotten first.
class TurnTable {
 public:
  static constexpr std::size_t kMaxTurnsPerShard = 8192;
  static constexpr Duration kKeptFor = std::chrono::minutes{10};  // after its last call

  [[nodiscard]] TurnView enter(std::string_view principal, const TurnRequest& asked, Duration policy, WallTime now);

  // Takes `price` from the turn's own caps, all or nothing; the refused cap otherwise. Turns without caps allow all.
  [[nodiscard]] std::optional<Amount> charge(std::string_view principal, std::string_view id, const Amounts& price);
  void refund(std::string_view principal, std::string_view id, const Amounts& unspent);
  [[nodiscard]] std::vector<Amount> caps(std::string_view principal, std::string_view id) const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    std::string key;
    Duration total{0};
    WallTime ends{}, last_used{};
    std::vector<Amount> caps;  // what is left of each
  };
  using Entries = std::list<Entry>;  // most recently used first
  struct Shard {
    mutable std::mutex mutex;
    Entries entries;
    StringMap<Entries::iterator> index;
  };
  [[nodiscard]] static std::string key_of(std::string_view principal, std::string_view id);
  [[nodiscard]] Shard& shard_of(std::string_view key) const;

  mutable std::array<Shard, kLimiterShards> shards_;
};

}  // namespace bursar::broker
