// Named policies of POST /v1/decide, as bursar.yaml says them.
//
//   policies:
//     - {name: pacing, policy: "dual-mirror-descent:mirror=entropy", account: acme/ads, budget: 100 usd, horizon:
//     100000}
#pragma once

#include <cstdint>
#include <string>

#include "bursar/core/amount.h"
#include "bursar/core/clock.h"

namespace bursar::broker {

struct DecideConfig {
  std::string name;           // [a-z0-9_-]{1,32}
  std::string policy;         // NAME[:param=value,…], a name of admit::policies()
  std::string account;        // pays, or the account below it that asks
  Amounts budget;             // what the policy spreads; its resources, in this order, are those of every cost
  std::string window;         // "day", "week Europe/Berlin", "month": the budget is there anew in each; empty: once
  std::uint64_t horizon = 0;  // requests that the budget must last (of one window); 0: not known
  Duration feedback = std::chrono::minutes{5};  // a decision not observed by then counts as what it reserved
  bool operator==(const DecideConfig&) const = default;
};

}  // namespace bursar::broker
