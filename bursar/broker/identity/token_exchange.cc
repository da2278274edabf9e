#include "bursar/broker/identity/token_exchange.h"

#include <algorithm>
#include <boost/beast/core/detail/base64.hpp>

#include "bursar/broker/telemetry/log.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kGrant = "urn:ietf:params:oauth:grant-type:token-exchange";
constexpr std::string_view kAccessToken = "urn:ietf:params:oauth:token-type:access_token";
constexpr std::size_t kMaxAnswer = 64 << 10;
constexpr std::size_t kMaxToken = 12 << 10;
constexpr std::int64_t kMaxLifetime = 24 * 3600;  // seconds
constexpr std::int64_t kDefaultLifetime = 60;     // where the provider says none

std::string base64(std::string_view bytes) {
  namespace codec = boost::beast::detail::base64;
  std::string out(codec::encoded_size(bytes.size()), '\0');
  out.resize(codec::encode(out.data(), bytes.data(), bytes.size()));
  return out;
}

// RFC 6749, section 2.3.1: both are encoded as in a form before they are put together.
std::string basic_authorization(const TokenExchangeConfig& config) {
  const std::string id = form_encoded({{"", config.client_id}}).substr(1);
  const std::string secret = form_encoded({{"", config.client_secret}}).substr(1);
  return "Basic " + base64(id + ":" + secret);
}

std::string form_of(const TokenExchangeConfig& config, std::string_view token) {
  std::string out = form_encoded({{"grant_type", kGrant},
                                  {"subject_token", token},
                                  {"subject_token_type", kAccessToken},
                                  {"requested_token_type", kAccessToken}});
  for (const auto& [name, value] : {std::pair<std::string_view, std::string_view>{"audience", config.audience},
                                    {"resource", config.resource},
                                    {"scope", config.scope}}) {
    if (!value.empty()) out.append("&").append(form_encoded({{name, value}}));
  }
  return out;
}

// Only what an error code may be (RFC 6749, section 5.2), for it is told on.
std::string error_code_in(std::string_view body) {
  const auto document = parse_json(body, {.max_bytes = kMaxAnswer, .max_depth = 8});
  if (!document) return {};
  const auto code = JsonView(*document).string_at("error", 64);
  if (!code || !std::ranges::all_of(*code, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; })) return {};
  return std::string(*code);
}

struct Granted {
  std::string header;
  std::int64_t lifetime = kDefaultLifetime;
};

Result<Granted> granted_in(std::string_view body) {
  const auto document = parse_json(body, {.max_bytes = kMaxAnswer, .max_depth = 8});
  if (!document) return invalid_argument("the token endpoint's answer is no JSON");
  const JsonView root(*document);
  const auto type = root.string_at("token_type", 32);
  const auto token = root.string_at("access_token", kMaxToken);
  if (!type || !token) return invalid_argument("the token endpoint's answer has no access_token and token_type");
  const bool bearer =
      std::ranges::equal(*type, std::string_view("bearer"), [](char a, char b) { return (a | 0x20) == b; });
  if (!bearer) return invalid_argument("the token endpoint's answer is no bearer token");
  // It becomes a header: nothing in it may end one.
  const bool clean = !token->empty() && std::ranges::all_of(*token, [](char c) { return c > ' ' && c <= '~'; });
  if (!clean) return invalid_argument("the token endpoint's access_token cannot stand in a header");
  Granted out{.header = "Bearer " + std::string(*token)};
  if (const auto lifetime = root.int_at("expires_in", 1)) out.lifetime = std::min(*lifetime, kMaxLifetime);
  return out;
}

std::string key_of(const std::string& upstream, const std::string& subject) { return upstream + '\n' + subject; }

Error refusal(const std::string& why) {
  return Error{.code = ErrorCode::kPermissionDenied, .message = "token exchange: " + why};
}

}  // namespace

void TokenExchange::configure(const std::vector<UpstreamConfig>& upstreams) {
  const std::scoped_lock lock(mutex_);
  std::map<std::string, Settings, std::less<>> next;
  for (const UpstreamConfig& upstream : upstreams) {
    if (upstream.token_exchange.url.empty()) continue;
    next[upstream.name] = {upstream.token_exchange, upstream.tls, upstream.private_network};
  }
  // Tokens of other settings are worth nothing; whoever waits is answered by the request that is under way.
  for (auto& [key, entry] : entries_) {
    const std::string name = key.substr(0, key.find('\n'));
    const auto now = next.find(name), before = settings_.find(name);
    const bool same = now != next.end() && before != settings_.end() && now->second == before->second;
    if (!same) entry.until = {};
  }
  settings_ = std::move(next);
}

void TokenExchange::seen(const Principal& principal) {
  if (!principal.token) return;
  const std::scoped_lock lock(mutex_);
  if (settings_.empty()) return;
  if (shown_.size() >= kMaxCached && !shown_.contains(principal.subject)) {
    std::erase_if(shown_, [](const auto& entry) { return entry.second.expired(); });
    if (shown_.size() >= kMaxCached) shown_.erase(shown_.begin());
  }
  shown_[principal.subject] = principal.token;
}

CallerAuthorization TokenExchange::authorization(const std::string& upstream, const std::string& subject) {
  {
    const std::scoped_lock lock(mutex_);
    if (!settings_.contains(upstream)) return {};
  }
  const auto self = shared_from_this();
  return {
      .ask = [self, upstream, subject](Done done) { self->ask(upstream, subject, std::move(done)); },
      .refused = [self, upstream, subject](const std::string& used) { return self->refused(upstream, subject, used); }};
}

bool TokenExchange::refused(const std::string& upstream, const std::string& subject, const std::string& used) {
  const std::scoped_lock lock(mutex_);
  const auto found = entries_.find(key_of(upstream, subject));
  // Forgotten, or another by now.
  if (found == entries_.end() || found->second.round != 0 || found->second.header != used) return true;
  if (clock_.now() - found->second.made < kAfterFailure) return false;  // a new one fares no better
  entries_.erase(found);
  return true;
}

std::size_t TokenExchange::cached() const {
  const std::scoped_lock lock(mutex_);
  return entries_.size();
}

// The lock is held.
void TokenExchange::make_room(WallTime now) {
  if (entries_.size() < kMaxCached) return;
  std::erase_if(entries_, [&](const auto& e) { return e.second.round == 0 && e.second.until <= now; });
  for (auto it = entries_.begin(); it != entries_.end() && entries_.size() >= kMaxCached;) {
    it = it->second.round == 0 ? entries_.erase(it) : std::next(it);
  }
}

void TokenExchange::ask(const std::string& upstream, const std::string& subject, Done done) {
  FetchRequest request{.bytes_max = kMaxAnswer};
  std::uint64_t round = 0;
  WallTime token_expires{};
  Result<std::string> at_once = std::string();
  const std::string key = key_of(upstream, subject);
  {
    const std::scoped_lock lock(mutex_);
    const WallTime now = clock_.now();
    const auto settings = settings_.find(upstream);
    make_room(now);
    Entry& entry = entries_[key];
    const auto shown = shown_.find(subject);
    const auto token = shown == shown_.end() ? nullptr : shown->second.lock();
    if (entry.until > now) {
      at_once = entry.error.empty() ? Result<std::string>(entry.header) : tl::unexpected(refusal(entry.error));
    } else if (entry.round != 0) {
      if (entry.waiting.size() < kMaxWaiting) return entry.waiting.push_back(std::move(done));
      at_once = tl::unexpected(refusal("too many calls wait for it"));
    } else if (settings == settings_.end()) {
      at_once = tl::unexpected(refusal("it is no longer configured for this server"));
    } else if (!token || token->expires() <= now) {
      at_once = tl::unexpected(refusal("this caller showed no token that could be exchanged"));
    } else {
      const Settings& wanted = settings->second;
      request.url = wanted.exchange.url;
      request.tls = wanted.tls;
      request.private_network = wanted.private_network;
      request.authorization = basic_authorization(wanted.exchange);
      request.form = form_of(wanted.exchange, token->reveal());
      token_expires = token->expires();
      round = entry.round = ++rounds_;
      entry.waiting.push_back(done);
    }
    if (entry.round == 0 && entry.until <= now) entries_.erase(key);
  }
  if (round == 0) return done(std::move(at_once));
  fetch_(std::move(request), [self = shared_from_this(), key, round, token_expires](Result<FetchReply> reply) {
    self->take(key, round, token_expires, std::move(reply));
  });
}

void TokenExchange::take(const std::string& key, std::uint64_t round, WallTime token_expires,
                         Result<FetchReply> reply) {
  Result<Granted> granted = std::move(reply).and_then([](const FetchReply& r) -> Result<Granted> {
    if (r.status == 200) return granted_in(r.body);
    const std::string code = error_code_in(r.body);
    return fail(ErrorCode::kPermissionDenied,
                "the token endpoint answered " + std::to_string(r.status) + (code.empty() ? "" : " " + code));
  });
  std::vector<Done> waiting;
  Result<std::string> result = std::string();
  {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.round != round) return;
    Entry& entry = found->second;
    const WallTime now = clock_.now();
    entry.round = 0;
    waiting.swap(entry.waiting);
    if (granted) {
      const Duration lifetime = std::chrono::seconds{granted->lifetime};
      entry.until = std::min(now + lifetime - std::min(kMargin, lifetime / 5), token_expires);
      entry.header = std::move(granted->header);
      entry.made = now;
      entry.error.clear();
      result = entry.header;
    } else {
      entry.until = now + kAfterFailure;
      entry.header.clear();
      entry.error = granted.error().message;
      result = tl::unexpected(refusal(entry.error));
    }
  }
  if (!result) {
    log(LogLevel::kWarn, "token_not_exchanged",
        {{"upstream", key.substr(0, key.find('\n'))}, {"why", result.error().message}});
  }
  for (const Done& done : waiting) done(result);
}

}  // namespace bursar::broker
