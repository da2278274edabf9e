#include "bursar/broker/identity/issuers.h"

#include <algorithm>
#include <atomic>
#include <optional>

#include "bursar/broker/identity/account_rules.h"
#include "bursar/broker/identity/claims.h"
#include "bursar/broker/identity/jose.h"
#include "bursar/broker/net/url.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr Duration kFirstPause = std::chrono::seconds{1};
constexpr Duration kLongestPause = std::chrono::seconds{30};

tl::unexpected<TokenRefusal> refuse(TokenFault fault, std::string why) {
  return tl::unexpected(TokenRefusal{.fault = fault, .why = std::move(why)});
}

std::string without_slash(std::string_view text) {
  while (text.ends_with('/')) text.remove_suffix(1);
  return std::string(text);
}

// Where the metadata of an issuer may be, in the order in which it is looked for.
std::vector<std::string> metadata_urls(const std::string& issuer) {
  const std::size_t host = issuer.find("://") + 3;
  const std::size_t path = issuer.find('/', host);
  const std::string origin = issuer.substr(0, path);
  const std::string rest = path == std::string::npos ? "" : without_slash(issuer.substr(path));
  return {origin + "/.well-known/oauth-authorization-server" + rest,
          without_slash(issuer) + "/.well-known/openid-configuration"};
}

// The jwks_uri of an issuer's metadata; it may be plain HTTP only where the issuer is.
Result<std::string> keys_url_in(std::string_view metadata, const std::string& issuer) {
  const auto document = parse_json(metadata, {.max_bytes = KeySet::kMaxBytes, .max_depth = 16});
  if (!document) return tl::unexpected(document.error());
  const auto named = JsonView(*document).string_at("issuer", 2048);
  if (!named) return tl::unexpected(named.error());
  if (*named != issuer) return invalid_argument("metadata: names another issuer");
  const auto url = JsonView(*document).string_at("jwks_uri", 2048);
  if (!url) return tl::unexpected(url.error());
  const auto parsed = parse_url(*url);
  if (!parsed) return tl::unexpected(with_context("metadata: jwks_uri", parsed.error()));
  if (!parsed->tls && issuer.starts_with("https://")) return invalid_argument("metadata: jwks_uri must be https");
  return std::string(*url);
}

}  // namespace

std::string subject_of(std::string_view issuer, std::string_view sub) {
  if (issuer.starts_with("https://")) issuer.remove_prefix(8);
  return std::string(issuer) + '#' + std::string(sub);
}

struct Issuers::Snapshot {
  struct Issuer {
    IssuerConfig config;
    std::vector<Algorithm> algorithms;
    std::shared_ptr<const KeySet> keys;  // null: none that may still be used
  };
  IdentityConfig identity;
  std::vector<Issuer> issuers;
  TokenCache cache;

  [[nodiscard]] const Issuer* find(std::string_view name) const {
    const auto found =
        std::ranges::find(issuers, name, [](const Issuer& i) -> std::string_view { return i.config.issuer; });
    return found == issuers.end() ? nullptr : &*found;
  }
  [[nodiscard]] tl::expected<std::shared_ptr<const VerifiedToken>, TokenRefusal> verify(std::string_view token,
                                                                                        WallTime now) const;
  [[nodiscard]] tl::expected<std::shared_ptr<const VerifiedToken>, TokenRefusal> admit(
      const Claims& claims, const IssuerConfig& issuer) const;
};

// What is known of one issuer's keys, and what is under way.
struct Issuers::Source {
  struct Waiter {
    std::function<void()> then;
    WallTime until;
  };
  IssuerConfig config;
  std::shared_ptr<const KeySet> keys;
  std::string body;                 // that the keys were read from
  std::optional<WallTime> fetched;  // the keys
  std::optional<WallTime> asked;    // for an unknown key
  WallTime next_try{};              // not before
  Duration pause = kFirstPause;     // after the next failure
  bool fetching = false;
  std::uint64_t round = 0;  // answers of an earlier configuration are dropped
  std::string error;
  std::vector<Waiter> waiting;
};

struct Issuers::State : std::enable_shared_from_this<Issuers::State> {
  State(const Clock& c, Fetch f) : clock(c), fetch(std::move(f)), current(std::make_shared<const Snapshot>()) {}

  const Clock& clock;
  const Fetch fetch;
  Published<const Snapshot> current;

  mutable std::mutex mutex;  // guards what follows
  IdentityConfig identity;
  std::vector<Source> sources;
  std::uint64_t rounds = 0;
  bool stopped = false;
  std::atomic<bool> keep_tokens{false}, accepting{false};

  Source* find(std::string_view issuer) {
    const auto found =
        std::ranges::find(sources, issuer, [](const Source& s) -> std::string_view { return s.config.issuer; });
    return found == sources.end() ? nullptr : &*found;
  }
  void publish();
  // A fetch never begins under the lock: a test's answers at once.
  struct Work {
    std::string issuer;
    std::uint64_t round;
    FetchRequest request;
    std::vector<std::string> more;  // metadata urls to try next
    bool metadata;
  };
  [[nodiscard]] Work begin(Source& source);
  void run(Work work);
  void take(const Work& work, Result<FetchReply> reply);
  void finish(const Work& work, Result<std::string> body);
};

tl::expected<std::shared_ptr<const VerifiedToken>, TokenRefusal> Issuers::Snapshot::verify(std::string_view token,
                                                                                           WallTime now) const {
  const auto jws = parse_jws(token);
  if (!jws) return refuse(TokenFault::kMalformed, "This is no access token: " + jws.error().message + ".");
  const auto claims = Claims::parse(jws->payload);
  if (!claims) return refuse(TokenFault::kMalformed, "This is no access token: " + claims.error().message + ".");
  const Issuer* issuer = find(claims->issuer());
  if (issuer == nullptr) {
    return refuse(TokenFault::kUnknownIssuer, "The token's issuer is none that is accepted here.");
  }
  if (std::ranges::find(issuer->algorithms, jws->algorithm) == issuer->algorithms.end()) {
    return refuse(TokenFault::kAlgorithm, "The token is signed by an algorithm that is not accepted from its issuer.");
  }
  if (!issuer->keys) {
    return refuse(TokenFault::kKeysNotAvailable, "The issuer's keys cannot be read at the moment; try again soon.");
  }
  switch (issuer->keys->check(*jws)) {
    case KeyVerdict::kGood: break;
    case KeyVerdict::kNoKey:
      return refuse(TokenFault::kUnknownKey, "The token is signed by a key that its issuer does not publish.");
    case KeyVerdict::kBadSignature: return refuse(TokenFault::kSignature, "The token's signature is wrong.");
  }
  if (auto refused = broker::check(*claims, issuer->config, identity.resource, now)) return tl::unexpected(*refused);
  return admit(*claims, issuer->config);
}

tl::expected<std::shared_ptr<const VerifiedToken>, TokenRefusal> Issuers::Snapshot::admit(
    const Claims& claims, const IssuerConfig& issuer) const {
  const auto has = [&](const std::string& scope) {
    return std::ranges::find(claims.scopes(), scope) != claims.scopes().end();
  };
  if (!std::ranges::all_of(identity.scopes, has)) {
    return refuse(TokenFault::kMissingScope, "The token lacks a scope that every call here needs.");
  }
  auto groups = claims.texts(issuer.groups_claim);
  const auto account = account_for(identity.accounts, claims, groups);
  if (!account) return tl::unexpected(account.error());
  auto out = std::make_shared<VerifiedToken>();
  out->principal = {.subject = subject_of(claims.issuer(), claims.subject()),
                    .account = account->path,
                    .scopes = claims.scopes(),
                    .admin = !identity.admin_scope.empty() && has(identity.admin_scope),
                    .groups = std::move(groups),
                    .issuer = std::string(claims.issuer())};
  out->expires = claims.expires();
  out->until = claims.expires() + issuer.clock_skew;
  out->principal.until = out->until;
  if (account->rule->create) out->create = ledger::AccountSpec{.path = account->path, .limits = account->rule->limits};
  return out;
}

Issuers::Issuers(const Clock& clock, Fetch fetch) : state_(std::make_shared<State>(clock, std::move(fetch))) {}
Issuers::~Issuers() { stop(); }

void Issuers::State::publish() {
  auto next = std::make_shared<Snapshot>();
  next->identity = identity;
  for (const Source& source : sources) {
    Snapshot::Issuer issuer{.config = source.config, .algorithms = {}, .keys = source.keys};
    for (const std::string& name : source.config.algorithms) {
      if (const auto algorithm = parse_algorithm(name)) issuer.algorithms.push_back(*algorithm);
    }
    next->issuers.push_back(std::move(issuer));
  }
  current.store(std::move(next));
}

void Issuers::configure(const IdentityConfig& identity, bool keep_tokens) {
  const auto same = [](const IssuerConfig& a, const IssuerConfig& b) {
    return a.issuer == b.issuer && a.jwks_url == b.jwks_url && a.private_network == b.private_network && a.tls == b.tls;
  };
  std::vector<Source::Waiter> freed;
  {
    const std::scoped_lock lock(state_->mutex);
    std::vector<Source> next;
    for (const IssuerConfig& wanted : identity.issuers) {
      Source* old = state_->find(wanted.issuer);
      if (old != nullptr && same(old->config, wanted)) {
        next.push_back(std::move(*old));
        old->waiting.clear();
      } else {
        next.emplace_back();
      }
      next.back().config = wanted;
    }
    for (Source& gone : state_->sources) std::ranges::move(gone.waiting, std::back_inserter(freed));
    state_->sources = std::move(next);
    state_->identity = identity;
    state_->keep_tokens = keep_tokens;
    state_->accepting = !identity.issuers.empty();
    state_->publish();
  }
  for (const auto& waiter : freed) waiter.then();
  tick();
}

Issuers::State::Work Issuers::State::begin(Source& source) {
  source.fetching = true;
  source.round = ++rounds;
  Work work{.issuer = source.config.issuer, .round = source.round, .request = {}, .more = {}, .metadata = false};
  work.request.private_network = source.config.private_network;
  work.request.tls = source.config.tls;
  work.request.bytes_max = KeySet::kMaxBytes;
  if (!source.config.jwks_url.empty()) {
    work.request.url = source.config.jwks_url;
  } else {
    work.more = metadata_urls(source.config.issuer);
    work.request.url = work.more.front();
    work.more.erase(work.more.begin());
    work.metadata = true;
  }
  return work;
}

void Issuers::State::run(Work work) {
  FetchRequest request = work.request;
  fetch(std::move(request), [self = shared_from_this(), work = std::move(work)](Result<FetchReply> reply) {
    self->take(work, std::move(reply));
  });
}

void Issuers::State::take(const Work& work, Result<FetchReply> reply) {
  const auto body = std::move(reply).and_then([](FetchReply r) -> Result<std::string> {
    if (r.status != 200) return fail(ErrorCode::kUnavailable, "answered with status " + std::to_string(r.status), true);
    return std::move(r.body);
  });
  if (!work.metadata) return finish(work, body);
  const auto url = body.and_then([&](const std::string& text) { return keys_url_in(text, work.issuer); });
  Work next = work;
  if (url) {
    next.request.url = *url;
    next.metadata = false;
  } else if (!work.more.empty()) {
    next.request.url = next.more.front();
    next.more.erase(next.more.begin());
  } else {
    return finish(work, tl::unexpected(with_context(work.request.url, url.error())));
  }
  {
    const std::scoped_lock lock(mutex);
    if (stopped) return;
  }
  run(std::move(next));
}

void Issuers::State::finish(const Work& work, Result<std::string> body) {
  // Parsed before the lock is taken.
  Result<KeySet> keys = body.and_then([](const std::string& text) { return KeySet::parse(text); });
  std::vector<Source::Waiter> freed;
  {
    const std::scoped_lock lock(mutex);
    Source* source = find(work.issuer);
    if (stopped || source == nullptr || source->round != work.round) return;
    const WallTime now = clock.now();
    source->fetching = false;
    freed = std::exchange(source->waiting, {});
    if (keys) {
      if (!source->error.empty()) log(LogLevel::kInfo, "issuer_keys_read", {{"issuer", work.issuer}});
      source->error.clear();
      source->fetched = now;
      source->next_try = now + source->config.jwks_cache;
      source->pause = kFirstPause;
      if (!source->keys || source->body != *body) {
        source->keys = std::make_shared<const KeySet>(std::move(*keys));
        source->body = std::move(*body);
        publish();
      }
    } else {
      if (source->error.empty()) {
        log(LogLevel::kWarn, "issuer_keys_not_read", {{"issuer", work.issuer}, {"why", keys.error().message}});
      }
      source->error = keys.error().message;
      source->next_try = now + source->pause;
      source->pause = std::min(source->pause * 2, kLongestPause);
    }
  }
  for (const auto& waiter : freed) waiter.then();
}

void Issuers::tick() {
  std::vector<State::Work> due;
  std::vector<Source::Waiter> freed;
  {
    const std::scoped_lock lock(state_->mutex);
    if (state_->stopped) return;
    const WallTime now = state_->clock.now();
    bool changed = false;
    for (Source& source : state_->sources) {
      if (source.keys && now >= *source.fetched + source.config.jwks_cache + kKeepStale) {
        log(LogLevel::kError, "issuer_keys_dropped", {{"issuer", source.config.issuer}, {"why", source.error}});
        source.keys = nullptr;
        source.body.clear();
        changed = true;
      }
      if (!source.fetching && now >= source.next_try) due.push_back(state_->begin(source));
      const auto over = std::ranges::stable_partition(source.waiting, [&](const auto& w) { return w.until > now; });
      std::ranges::move(over, std::back_inserter(freed));
      source.waiting.erase(over.begin(), over.end());
    }
    if (changed) state_->publish();
  }
  for (const auto& waiter : freed) waiter.then();
  for (auto& work : due) state_->run(std::move(work));
}

Issuers::Checked Issuers::check(std::string_view token) const {
  const WallTime now = state_->clock.now();
  const auto snapshot = state_->current.load();
  if (snapshot->issuers.empty()) {
    return {.outcome = refuse(TokenFault::kUnknownIssuer, "No issuer of tokens is accepted here."),
            .verified = nullptr};
  }
  if (token.size() > kMaxTokenBytes) {
    return {.outcome = refuse(TokenFault::kMalformed, "The token is longer than 12 KiB."), .verified = nullptr};
  }
  const Sha256 hash = sha256(token);
  auto known = snapshot->cache.find(hash, now);
  if (!known) {
    auto verified = snapshot->verify(token, now);
    if (!verified) return {.outcome = tl::unexpected(std::move(verified.error())), .verified = nullptr};
    known = std::move(*verified);
    snapshot->cache.put(hash, known, now);
  }
  Principal principal = known->principal;
  if (state_->keep_tokens.load(std::memory_order_relaxed)) {
    principal.token = std::make_shared<const SubjectToken>(std::string(token), known->expires);
  }
  return {.outcome = std::move(principal), .verified = std::move(known)};
}

TokenOutcome Issuers::verify(std::string_view token) const { return check(token).outcome; }

bool Issuers::wait_for_keys(std::string_view token, std::function<void()> then) {
  const auto jws = parse_jws(token);
  const auto claims = jws ? Claims::parse(jws->payload) : tl::unexpected(jws.error());
  if (!claims) return false;
  std::optional<State::Work> work;
  {
    const std::scoped_lock lock(state_->mutex);
    Source* source = state_->find(claims->issuer());
    if (state_->stopped || source == nullptr || source->waiting.size() >= kMaxWaiting) return false;
    const WallTime now = state_->clock.now();
    if (!source->fetching) {
      // Without keys the pause after a failure holds; with keys, that between two unknown ones.
      const bool allowed =
          source->keys ? !source->asked || now >= *source->asked + kUnknownKeyPause : now >= source->next_try;
      if (!allowed) return false;
      source->asked = now;
      work = state_->begin(*source);
    }
    source->waiting.push_back({.then = std::move(then), .until = now + kPatience});
  }
  if (work) state_->run(std::move(*work));
  return true;
}

void Issuers::stop() {
  std::vector<Source::Waiter> freed;
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopped = true;
    for (Source& source : state_->sources) {
      std::ranges::move(source.waiting, std::back_inserter(freed));
      source.waiting.clear();
    }
  }
  for (const auto& waiter : freed) waiter.then();
}

std::vector<IssuerStatus> Issuers::status() const {
  const std::scoped_lock lock(state_->mutex);
  std::vector<IssuerStatus> out;
  for (const Source& source : state_->sources) {
    out.push_back({.issuer = source.config.issuer,
                   .keys = source.keys ? source.keys->size() : 0,
                   .fetched = source.fetched,
                   .last_error = source.error});
  }
  return out;
}

bool Issuers::accepts_tokens() const { return state_->accepting.load(std::memory_order_relaxed); }

}  // namespace bursar::broker
