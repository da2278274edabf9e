// Where a route has a policy: it chooses which target is tried first, or that the call has to wait.
//
//   Result<PaceAnswer> answer = pace({.policy = "pacing", .caller = "key:ada", .values = values, .worst = worst});
//   if (!answer->lead) …                             // not now; answer->wait says for how long
//   answer->ticket->settle(cost);                    // what all attempts cost; a ticket that is dropped cost nothing
//
// Options are the targets with their values and their worst cases, and doing nothing. What is paid is reserved by the
// call itself, on its own account; the policy only counts it. A policy that learns (a bandit) waits after that for the
// reward, which whoever called posts to /v1/observe under ticket->decision(); it counts for the target that led, also
// where another one answered in its place.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bursar/core/amount.h"
#include "bursar/core/clock.h"
#include "bursar/core/result.h"

namespace bursar::broker {

struct PaceQuestion {
  std::string_view policy, caller;
  std::span<const double> values;       // [candidates]
  std::span<const Amounts> worst;       // [candidates]
  std::span<const std::size_t> places;  // [candidates]: among the route's targets
  std::size_t targets = 0;              // of the route; candidates are those that the caller may see
};

class PaceTicket {
 public:
  virtual ~PaceTicket() = default;
  virtual void settle(const Amounts& cost, WallTime now) = 0;  // once
  [[nodiscard]] virtual std::string decision() const = 0;      // by which its reward can be told; empty: nobody asks
};

struct PaceAnswer {
  std::optional<std::size_t> lead;
  std::unique_ptr<PaceTicket> ticket;  // where something leads
  std::string why;                     // where nothing does: a sentence
  std::optional<Duration> wait;        // absent: never by itself
};

using Pace = std::function<Result<PaceAnswer>(const PaceQuestion&)>;

}  // namespace bursar::broker
