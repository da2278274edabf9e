#include "bursar/broker/identity/identity.h"

#include <algorithm>

#include "bursar/broker/identity/resource_metadata.h"
#include "bursar/broker/pipeline/pipeline.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kWaitingAccounts = 256;

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

std::string* authorization_of(HttpRequest& request) {
  std::string* found = nullptr;
  for (auto& [name, value] : request.headers) {
    if (!same_name(name, "authorization")) continue;
    if (found != nullptr) return nullptr;  // two of them: whoever judges it must see both
    found = &value;
  }
  return found;
}

std::string_view token_in(std::string_view header) {
  constexpr std::string_view kScheme = "Bearer ";
  if (header.size() <= kScheme.size() || !same_name(header.substr(0, kScheme.size()), kScheme)) return {};
  std::string_view token = header.substr(kScheme.size());
  while (token.starts_with(' ')) token.remove_prefix(1);
  return looks_like_token(token) ? token : std::string_view();
}

}  // namespace

// A request on its way in.
struct Identity::Passing {
  HttpRequest request;
  std::shared_ptr<Exchange> exchange;
  Next next;
  bool waited = false;

  std::string* header() { return authorization_of(request); }
  void go() { next(std::move(request), std::move(exchange)); }
  // From whatever thread: on the connection's own.
  static void later(const std::shared_ptr<Passing>& self, std::function<void()> step) {
    self->exchange->reactor().post(std::move(step));
  }
};

Identity::Identity(const Clock& clock, ledger::Ledger& ledger, Fetch fetch)
    : ledger_(ledger), exchange_(std::make_shared<TokenExchange>(clock, fetch)), issuers_(clock, std::move(fetch)) {}

Identity::~Identity() { stop(); }

void Identity::configure(const Config& config) {
  const bool exchanges =
      std::ranges::any_of(config.upstreams, [](const UpstreamConfig& u) { return !u.token_exchange.url.empty(); });
  metadata_.store(std::make_shared<const std::string>(resource_metadata(config.identity)));
  if (!workers_ && !config.identity.issuers.empty()) workers_ = std::make_unique<Workers>(1, kWaitingAccounts);
  exchange_->configure(config.upstreams);
  issuers_.configure(config.identity, exchanges);
}

void Identity::tick() { issuers_.tick(); }
void Identity::stop() { issuers_.stop(); }

void Identity::pass(HttpRequest request, std::shared_ptr<Exchange> exchange, const Next& next) {
  const std::string* header = issuers_.accepts_tokens() ? authorization_of(request) : nullptr;
  if (header == nullptr || token_in(*header).empty()) return next(std::move(request), std::move(exchange));
  judge(
      std::make_shared<Passing>(Passing{.request = std::move(request), .exchange = std::move(exchange), .next = next}),
      true);
}

void Identity::judge(const std::shared_ptr<Passing>& passing, bool may_wait) {
  std::string& header = *passing->header();
  const std::string_view token = token_in(header);
  auto checked = issuers_.check(token);
  const bool keys_missing = !checked.outcome && (checked.outcome.error().fault == TokenFault::kUnknownKey ||
                                                 checked.outcome.error().fault == TokenFault::kKeysNotAvailable);
  if (keys_missing && may_wait && issuers_.wait_for_keys(token, [this, passing] {
        Passing::later(passing, [this, passing] { judge(passing, false); });
      })) {
    return;
  }
  if (checked.outcome) exchange_->seen(*checked.outcome);
  wipe(header);  // from here on nobody needs it: what is gone can be neither logged nor forwarded
  passing->request.caller = std::make_shared<const Caller>(Caller{.outcome = std::move(checked.outcome)});
  if (checked.verified && checked.verified->create && !checked.verified->account_seen.load(std::memory_order_relaxed)) {
    return make_account(passing, checked.verified);
  }
  passing->go();
}

// An account is written to the disk, so a worker does it.
void Identity::make_account(const std::shared_ptr<Passing>& passing,
                            const std::shared_ptr<const VerifiedToken>& verified) {
  if (ledger_.account(verified->create->path)) {
    verified->account_seen.store(true, std::memory_order_relaxed);
    return passing->go();
  }
  const bool taken = workers_->post([this, passing, verified] {
    const auto made = ledger_.account(verified->create->path) ? Result<void>() : ledger_.put_account(*verified->create);
    if (made) {
      verified->account_seen.store(true, std::memory_order_relaxed);
      log(LogLevel::kInfo, "account_made", {{"account", verified->create->path}});
    } else {
      log(LogLevel::kWarn, "account_not_made", {{"account", verified->create->path}, {"why", made.error().message}});
      passing->request.caller = std::make_shared<const Caller>(Caller{tl::unexpected(
          TokenRefusal{.fault = TokenFault::kNoAccount,
                       .why = "The account that pays for this caller could not be made: " + made.error().message})});
    }
    Passing::later(passing, [passing] { passing->go(); });
  });
  if (taken) return;
  passing->request.caller = std::make_shared<const Caller>(Caller{tl::unexpected(TokenRefusal{
      .fault = TokenFault::kKeysNotAvailable, .why = "Too many accounts are being made; try again soon."})});
  passing->go();
}

std::function<CallerAuthorization(const std::string&)> Identity::authorize(const UpstreamConfig& upstream) const {
  if (upstream.token_exchange.url.empty()) return {};
  return [exchange = exchange_, name = upstream.name](const std::string& subject) {
    return exchange->authorization(name, subject);
  };
}

std::optional<HttpResponse> Identity::well_known(const HttpRequest& request, const Pipeline& pipeline) const {
  if (!is_resource_metadata(request.path) || request.method == "OPTIONS") return std::nullopt;
  const auto document = metadata_.load();
  if (!document || document->empty()) return std::nullopt;
  const Authentication who = pipeline.authenticate({.origin = std::string(request.header("origin")),
                                                    .host = std::string(request.header("host")),
                                                    .loopback = request.loopback});
  if (const auto* refused = std::get_if<HttpRefusal>(&who); refused != nullptr && refused->status != 401) {
    return HttpResponse{.status = refused->status, .body = refused->body};
  }
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse response = http_error(405, "method_not_allowed", "This door does not know that method.");
    response.headers.emplace_back("allow", "GET");
    return response;
  }
  return HttpResponse{.headers = {{"cache-control", "max-age=300"}}, .body = *document};
}

}  // namespace bursar::broker
