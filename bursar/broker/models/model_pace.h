// Where a route has a policy: it chooses which target is tried first, or that the call has to wait.
//
//   Result<PaceAnswer> answer = pace({.policy = "pacing", .caller = "key:ada", .values = values, .worst = worst});
//   if (!answer->lead) …                             // not now; answer->wait says for how long
//   answer->ticket->settle(cost);                    // what all attempts cost; a ticket that is dropped cost nothing
//
// Options are the targets with their values and their worst cases, and doing nothing. What is paid is reserved by the
// call itself, on its own account; the policy only counts it.
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
  std::span<const double> values;  // [targets]
  std::span<const Amounts> worst;  // [targets]
};

class PaceTicket {
 public:
  virtual ~PaceTicket() = default;
  virtual void settle(const Amounts& cost) = 0;  // once
};

struct PaceAnswer {
  std::optional<std::size_t> lead;
  std::unique_ptr<PaceTicket> ticket;  // where something leads
  std::string why;                     // where nothing does: a sentence
  std::optional<Duration> wait;        // absent: never by itself
};

using Pace = std::function<Result<PaceAnswer>(const PaceQuestion&)>;

}  // namespace bursar::broker
