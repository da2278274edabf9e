// The gateway's own MCP server, called "bursar" among the upstreams: free of charge, under the same policy as all
// others.
//
//   bursar.budget   what the caller's account, all above it and its turn may still spend: limits, spent, left, when it
//                   refills; as structuredContent, and as the few lines of text that a Budget Tracker shows its model
//
//   catalogue: own_lists();   a call: services.own.open(call, reactor)->request(…)
//
// The regime is that of systems/bats: of what is left, HIGH from 70 %, MEDIUM from 30 %, LOW from 10 %, CRITICAL below.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bursar/broker/http/reactor.h"
#include "bursar/broker/mcp/catalogue.h"
#include "bursar/broker/pipeline/pipeline.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

inline constexpr std::string_view kOwnUpstream = "bursar";  // no upstream of a configuration has this name

[[nodiscard]] std::shared_ptr<const UpstreamLists> own_lists();

class OwnTools {
 public:
  // A session for one call; the call has passed admission.
  [[nodiscard]] std::shared_ptr<UpstreamSession> open(const Call& call, Pipeline& pipeline, ledger::Ledger& ledger,
                                                      Reactor& reactor, WallTime now);

 private:
  struct Known {
    WallTime at{};
    std::vector<ledger::Standing> lines;
  };
  [[nodiscard]] std::vector<ledger::Standing> lines_of(const std::string& account, ledger::Ledger& ledger,
                                                       WallTime now);

  std::mutex mutex_;
  std::unordered_map<std::string, Known> above_;  // of accounts with others below: what they say is a second old
};

// What a budget's owner reads: the lines of one account and of those above it, and its turn.
struct BudgetReport {
  std::string account;
  std::vector<ledger::Standing> lines;
  std::string turn;  // its name; empty where every call is a turn of its own
  Duration turn_left{0};
  std::vector<Amount> caps;  // what the agent still allows itself in this turn
};
[[nodiscard]] std::string_view regime_of(double share_left);
[[nodiscard]] std::string budget_result(const BudgetReport& report, WallTime now);  // raw JSON result of the tool

}  // namespace bursar::broker
