// Everything that the gateway does about who is asking beside virtual keys, in one object: tokens and the keys of their
// issuers, the accounts that rules make, what is told to clients, and tokens of callers' own for upstreams.
//
//   Identity identity(clock, *ledger, make_fetch(*reactors));
//   identity.configure(config);                                  // at the start and at each reload
//   identity.tick();                                             // once a second
//   identity.pass(std::move(request), exchange, [this](HttpRequest r, std::shared_ptr<Exchange> e) { handle(r, e); });
//
// pass() checks a token once, for everybody who asks later, and takes it out of the request's headers. Where the
// token's key has to be read first, or its account made, the request waits (Issuers::kPatience at most, and kMaxWaiting
// of them); nothing else waits, and no reactor does.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "bursar/broker/config/config.h"
#include "bursar/broker/http/server.h"
#include "bursar/broker/http/workers.h"
#include "bursar/broker/identity/issuers.h"
#include "bursar/broker/identity/token_exchange.h"

namespace bursar {
class Clock;
namespace ledger {
class Ledger;
}
}  // namespace bursar

namespace bursar::broker {

class Pipeline;

// Thread-safe.
class Identity {
 public:
  using Next = std::function<void(HttpRequest, std::shared_ptr<Exchange>)>;

  Identity(const Clock& clock, ledger::Ledger& ledger, Fetch fetch);
  ~Identity();

  void configure(const Config& config);
  void tick();
  void stop();  // requests that wait go on at once

  // UpstreamEntry::authorize of that upstream; empty where it exchanges no tokens.
  [[nodiscard]] std::function<CallerAuthorization(const std::string& subject)> authorize(
      const UpstreamConfig& upstream) const;
  [[nodiscard]] const TokenVerifier& tokens() const { return issuers_; }
  [[nodiscard]] std::vector<IssuerStatus> issuers() const { return issuers_.status(); }

  void pass(HttpRequest request, std::shared_ptr<Exchange> exchange, const Next& next);
  // The answer to a request for our metadata; absent for any other. Anybody may ask but a foreign page or a rebound
  // name.
  [[nodiscard]] std::optional<HttpResponse> well_known(const HttpRequest& request, const Pipeline& pipeline) const;

 private:
  struct Passing;
  void judge(const std::shared_ptr<Passing>& passing, bool may_wait);
  void make_account(const std::shared_ptr<Passing>& passing, const std::shared_ptr<const VerifiedToken>& verified);

  ledger::Ledger& ledger_;
  std::shared_ptr<TokenExchange> exchange_;
  Issuers issuers_;
  Published<const std::string> metadata_;
  std::unique_ptr<Workers> workers_;  // ends before what its tasks use
};

}  // namespace bursar::broker
