// POST /v1/decide and /v1/observe: many callers ask one named policy what to take, and say afterwards what it cost.
//
//   auto door = DecideDoor::open({.authenticate = …, .ledger = &ledger, .clock = &clock}, config);
//   if (DecideDoor::is_mine(request.path)) (*door)->handle(std::move(request), exchange);
//   (*door)->tick();      // once a second: counts what nobody observed, writes the states
//   (*door)->stop();      // at the end, before the ledger is flushed
//
// decide   {"policy","options":[{"reward","cost":{},"hold":{}}],"context":[],"key"}: the policy chooses an option or
//          none, its hold is reserved in the ledger, and the answer says so:
//          {"decision","policy","option":0|null,"reason","prices","remaining","reserved","expires"}; `bid` for
//          auctions.
// observe  {"decision","cost":{},"reward"}: pays the true cost and tells the policy. A decision on a model call
//          (x-bursar-decision of its answer) is paid by the call: its reward alone counts. ->
// {"decision","settled","overrun"}. Who may: callers whose account is the policy's or below it, and their own account
// pays (and with it, as always, every account above); callers above it and administrators, and the policy's account
// pays. For others there is no such policy. A decision is observed by who asked for it, or an administrator.
//   400 invalid_argument   the place, the value and what to do
//   402, 429 exhausted     the ledger refuses, as for reservations; the policy is told that nothing was spent
//   404 not_found          no such policy or decision
//   409 already_exists     the decision has ended; the key came with another body, or is being decided
//   503 unavailable        the ledger's store fails, or the gateway stops
// The same key of the same caller gives the same answer for ten minutes. A decision that is not observed within
// `feedback` counts as what it reserved, in the ledger (marked uncertain) and in the policy; one that is open when the
// gateway stops or dies does as well. Everything is decided on the calling thread; only the ledger may answer later.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "bursar/broker/config/config.h"
#include "bursar/broker/http/server.h"
#include "bursar/broker/models/model_pace.h"
#include "bursar/broker/pipeline/authenticate.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

class DecideDoor {
 public:
  struct Dependencies {
    std::function<Authentication(const HttpRequest&)> authenticate;
    ledger::Ledger* ledger = nullptr;
    const Clock* clock = nullptr;
  };
  // States lie beside the configuration's database. Errors: a state that is damaged or cannot be written.
  [[nodiscard]] static Result<std::unique_ptr<DecideDoor>> open(Dependencies dependencies, const Config& config);
  ~DecideDoor();

  [[nodiscard]] static bool is_mine(std::string_view path) { return path == "/v1/decide" || path == "/v1/observe"; }
  void handle(const HttpRequest& request, const std::shared_ptr<Exchange>& exchange);
  // For model calls of routes with a policy (models/model_pace.h): counted, not reserved; the call pays by itself.
  [[nodiscard]] Result<PaceAnswer> pace(const PaceQuestion& question);
  void tick();
  void stop();

 private:
  struct State;
  explicit DecideDoor(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace bursar::broker
