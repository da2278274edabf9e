#include "bursar/broker/oauth/account.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "bursar/broker/telemetry/log.h"

namespace bursar::broker::oauth {
namespace {

constexpr std::size_t kMaxKeyFile = 64 << 10;
constexpr const char* kTooMany = "too many calls wait for a token";

Error sign_in_needed(const std::string& upstream, const std::string& why) {
  return Error{.code = ErrorCode::kPermissionDenied,
               .message = why + "; an administrator signs in by `bursar upstream login " + upstream + "`"};
}

Error not_ours() { return Error{.code = ErrorCode::kPermissionDenied, .message = ""}; }

// The text of a file, or why there is none.
Result<std::string> read_key(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxKeyFile + 1, '\0');
  if (!file) return invalid_argument("oauth.private_key: " + path + " cannot be read");
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxKeyFile) return invalid_argument("oauth.private_key: " + path + " is longer than 64 KiB");
  return text;
}

void run(const std::vector<std::function<void()>>& calls) {
  for (const auto& call : calls) call();
}

}  // namespace

std::string_view name_of(SignInState state) {
  constexpr std::array<std::string_view, 4> kNames = {"none", "needed", "under_way", "signed_in"};
  return kNames[static_cast<std::size_t>(state)];
}

// A sign-in, and who waits for it.
struct UpstreamAccount::Attempt {
  SignIn flow;
  std::string redirect_uri;
  std::function<void(Result<LogIn>)> begun = {};
  Done finished = {};
  std::optional<WallTime> until = {};  // for the browser to come back

  void end(const Result<void>& how, Calls& calls) {
    if (begun) {
      auto answer = how ? Result<LogIn>(LogIn{}) : Result<LogIn>(tl::unexpected(how.error()));
      calls.emplace_back([call = std::exchange(begun, {}), answer] { call(answer); });
    }
    if (finished) calls.emplace_back([call = std::exchange(finished, {}), how] { call(how); });
  }
};

std::shared_ptr<UpstreamAccount> UpstreamAccount::make(Party party, std::shared_ptr<const AccountServices> services,
                                                       std::optional<SignedIn> kept) {
  std::shared_ptr<UpstreamAccount> out(new UpstreamAccount(std::move(party), std::move(services)));
  if (const std::string& file = out->party_.oauth.private_key; !file.empty()) {
    auto key = read_key(file);
    if (key) {
      out->private_key_ = std::move(*key);
    } else {
      out->key_error_ = key.error().message;
    }
  }
  const Lock lock(out->mutex_);
  out->signed_in_ = std::move(kept);
  out->publish(out->services_->clock.now());
  return out;
}

// --- What the upstream says
// -------------------------------------------------------------------------------------------------

void UpstreamAccount::refused(CredentialRefusal refusal, Done done) {
  const Challenge challenge = read_challenge(refusal.challenge);
  Lock lock(mutex_);
  const auto current = header_.load();
  const WallTime now = services_->clock.now();
  const auto answer = [&](const Result<void>& again) {
    lock.unlock();
    done(again);
  };
  if (closed_) return answer(fail(ErrorCode::kCancelled, "the gateway is shutting down"));
  if (current && *current != refusal.used) return answer({});  // there is another one already
  if (refusal.status == 403) return refused_scopes(challenge, std::move(done), lock);
  const bool oauth = challenge.bearer || signed_in_ || party_.auth == AuthChoice::kOAuth;
  if (!oauth) return answer(tl::unexpected(not_ours()));
  challenge_ = challenge;
  const bool renewable = signed_in_ && !signed_in_->grant.refresh_token.empty();
  const bool ended = signed_in_ && signed_in_->grant.expires && now >= *signed_in_->grant.expires;
  if (by_itself() || renewing_ != 0 || (renewable && (ended || now >= renewed_ + kPause))) {
    if (waiting_.size() >= kMaxWaiting) return answer(fail(ErrorCode::kExhausted, kTooMany, true));
    waiting_.push_back(std::move(done));
    return by_itself() ? fetch_token(lock) : renew(lock);
  }
  need(signed_in_ ? "the server does not accept the token any more" : "the server wants a sign-in");
  const Error error = sign_in_needed(party_.name, why_);
  const bool refused_now = signed_in_ && !signed_in_->grant.access_token.empty();
  if (refused_now) signed_in_->grant.access_token.clear();
  publish(now);
  const auto kept = signed_in_;
  answer(tl::unexpected(error));
  if (refused_now) services_->keep(party_, kept);
}

// The lock is held, and given back.
void UpstreamAccount::refused_scopes(const Challenge& challenge, Done done, Lock& lock) {
  const bool scopes = challenge.bearer && challenge.error == "insufficient_scope";
  const auto answer = [&](Error error) {
    lock.unlock();
    done(tl::unexpected(std::move(error)));
  };
  if (!scopes) return answer(not_ours());
  if (signed_in_ && has_all(signed_in_->asked, challenge.scopes)) {
    return answer(
        {.code = ErrorCode::kPermissionDenied,
         .message = "the server refuses a token of the scopes that it wants; signing in again would not help"});
  }
  challenge_ = challenge;
  if (by_itself() && waiting_.size() < kMaxWaiting) {
    waiting_.push_back(std::move(done));
    return fetch_token(lock);
  }
  need("the server wants further scopes: " + join_scopes(challenge.scopes));
  answer(sign_in_needed(party_.name, why_));
}

void UpstreamAccount::need(std::string why) {
  if (!needed_ || why_ != why) {
    log(LogLevel::kWarn, "upstream_sign_in_needed", {{"upstream", party_.name}, {"why", why}});
  }
  needed_ = true;
  why_ = std::move(why);
}

void UpstreamAccount::answer_waiting(const Result<void>& again, Calls& calls) {
  for (Done& done : std::exchange(waiting_, {})) {
    calls.emplace_back([done = std::move(done), again] { done(again); });
  }
}

// What header() says, and when it is to be renewed; the lock is held.
void UpstreamAccount::publish(WallTime now) {
  renew_at_.reset();
  if (!signed_in_ || signed_in_->grant.access_token.empty()) return header_.store(nullptr);
  header_.store(std::make_shared<const std::string>("Bearer " + signed_in_->grant.access_token));
  if (const auto& expires = signed_in_->grant.expires) {
    const Duration left = std::max(*expires - now, Duration{0});
    renew_at_ = *expires - std::min(kMargin, left / 5);
  }
}

// --- Signing in
// -------------------------------------------------------------------------------------------------------------

// The lock is held.
std::shared_ptr<UpstreamAccount::Attempt> UpstreamAccount::begin(Calls& calls) {
  if (attempt_) attempt_->end(fail(ErrorCode::kCancelled, "another sign-in began"), calls);
  failure_.clear();
  SignInStart start{
      .challenge = challenge_, .redirect_uri = services_->redirect_uri(party_), .private_key = private_key_};
  if (signed_in_) {
    start.before = signed_in_->asked;
    const auto& ends = signed_in_->client.secret_ends;
    if (!ends || *ends > services_->clock.now()) start.client = signed_in_->client;
  }
  std::string redirect_uri = start.redirect_uri;
  attempt_ = std::make_shared<Attempt>(
      Attempt{.flow = SignIn(party_, std::move(start), services_->random), .redirect_uri = std::move(redirect_uri)});
  return attempt_;
}

void UpstreamAccount::log_in(std::function<void(Result<LogIn>)> begun) {
  Calls calls;
  std::shared_ptr<Attempt> attempt;
  {
    const Lock lock(mutex_);
    if (closed_ || !key_error_.empty()) {
      const std::string why = closed_ ? "the upstream is no longer configured" : key_error_;
      calls.emplace_back([&begun, why] { begun(fail(ErrorCode::kInvalidArgument, why)); });
    } else {
      attempt = begin(calls);
      attempt->begun = std::move(begun);
    }
  }
  run(calls);
  if (attempt) drive(attempt);
}

bool UpstreamAccount::expects(std::string_view target) const {
  const Lock lock(mutex_);
  return attempt_ && attempt_->flow.expects(target);
}

void UpstreamAccount::come_back(std::string_view target, const Done& done) {
  std::shared_ptr<Attempt> attempt;
  Result<void> taken = fail(ErrorCode::kNotFound, "this sign-in is not known, or is over; begin again");
  {
    const Lock lock(mutex_);
    if (attempt_ && !closed_) taken = attempt_->flow.come_back(target);
    if (taken || taken.error().code != ErrorCode::kNotFound) attempt = attempt_;
    if (attempt) {
      attempt->finished = done;
      attempt->until.reset();
    }
  }
  if (attempt) return drive(attempt);
  done(taken);
}

// Asks what the sign-in wants to know next, until it waits for the browser or is over.
void UpstreamAccount::drive(const std::shared_ptr<Attempt>& attempt) {
  std::optional<FetchRequest> ask;
  Calls calls;
  {
    const Lock lock(mutex_);
    if (attempt != attempt_) return;  // another began, and has answered for this one
    ask = attempt->flow.next(services_->clock.now());
    if (!ask) settle(attempt, calls);
  }
  run(calls);
  if (!ask) return;
  services_->fetch(std::move(*ask), [self = shared_from_this(), attempt](Result<FetchReply> reply) {
    {
      const Lock lock(self->mutex_);
      attempt->flow.take(std::move(reply), self->services_->clock.now());
    }
    self->drive(attempt);
  });
}

// The lock is held.
void UpstreamAccount::settle(const std::shared_ptr<Attempt>& attempt, Calls& calls) {
  const WallTime now = services_->clock.now();
  const SignIn& flow = attempt->flow;
  if (flow.state() == SignIn::State::kBrowser) {
    attempt->until = now + kSignInTime;
    LogIn out{.url = flow.authorization_url(), .redirect_uri = attempt->redirect_uri};
    if (attempt->begun) calls.emplace_back([call = std::exchange(attempt->begun, {}), out] { call(out); });
    return;
  }
  attempt_.reset();
  if (flow.state() == SignIn::State::kFailed) {
    failure_ = flow.error().message;
    pause_until_ = now + kPause;
    log(LogLevel::kWarn, "upstream_sign_in_failed", {{"upstream", party_.name}, {"why", failure_}});
    attempt->end(tl::unexpected(flow.error()), calls);
    return answer_waiting(tl::unexpected(flow.error()), calls);
  }
  signed_in_ = flow.signed_in();
  renewing_ = 0;  // of the token before
  needed_ = false;
  why_.clear();
  failure_.clear();
  challenge_.reset();
  renewed_ = now;
  publish(now);
  log(LogLevel::kInfo, "upstream_signed_in",
      {{"upstream", party_.name},
       {"issuer", signed_in_->client.issuer},
       {"scopes", join_scopes(signed_in_->grant.scopes)}});
  calls.emplace_back([self = shared_from_this(), kept = signed_in_] { self->services_->keep(self->party_, kept); });
  attempt->end({}, calls);
  answer_waiting({}, calls);
  calls.emplace_back([self = shared_from_this()] { self->services_->signed_in(self->party_.name); });
}

// With client_credentials: a token, where none is being fetched. The lock is held, and given back.
void UpstreamAccount::fetch_token(Lock& lock) {
  if (attempt_) return lock.unlock();
  const WallTime now = services_->clock.now();
  while (!fetches_.empty() && fetches_.front() + kFetchWindow <= now) fetches_.pop_front();
  Calls calls;
  std::shared_ptr<Attempt> attempt;
  if (!key_error_.empty()) {
    answer_waiting(invalid_argument(key_error_), calls);
  } else if (fetches_.size() >= kMostFetches || now < pause_until_) {
    const std::string why = failure_.empty() ? "the server refuses every token" : failure_;
    answer_waiting(fail(ErrorCode::kPermissionDenied, why), calls);
  } else {
    fetches_.push_back(now);
    attempt = begin(calls);
  }
  lock.unlock();
  run(calls);
  if (attempt) drive(attempt);
}

// --- Renewing
// ---------------------------------------------------------------------------------------------------------------

// The lock is held, and given back.
void UpstreamAccount::renew(Lock& lock) {
  if (renewing_ != 0) return lock.unlock();
  const Proof proof{.private_key = private_key_,
                    .algorithm = party_.oauth.algorithm,
                    .now = services_->clock.now(),
                    .random = services_->random};
  auto request = renewal_request(party_, *signed_in_, proof);
  const std::uint64_t round = renewing_ = ++rounds_;
  lock.unlock();
  if (!request) return take_renewal(round, tl::unexpected(request.error()));
  services_->fetch(std::move(*request), [self = shared_from_this(), round](const Result<FetchReply>& reply) {
    self->take_renewal(round, reply);
  });
}

void UpstreamAccount::take_renewal(std::uint64_t round, const Result<FetchReply>& reply) {
  Calls calls;
  {
    const Lock lock(mutex_);
    if (renewing_ != round) return;
    const WallTime now = services_->clock.now();
    renewing_ = 0;
    renewed_ = now;
    pause_until_ = now + kPause;
    auto grant = reply ? renewed(signed_in_->grant, *reply, now) : Result<Grant>(tl::unexpected(reply.error()));
    if (grant) {
      signed_in_->grant = std::move(*grant);
      if (!needed_) why_.clear();
      publish(now);
      pause_until_ = now;
      answer_waiting({}, calls);
    } else if (grant.error().retryable) {
      why_ = "the token could not be renewed: " + grant.error().message;
      log(LogLevel::kWarn, "upstream_token_not_renewed", {{"upstream", party_.name}, {"why", why_}});
      answer_waiting(fail(ErrorCode::kUnavailable, why_, true), calls);
    } else {
      signed_in_->grant.refresh_token.clear();
      need("the token is not renewed: " + grant.error().message);
      answer_waiting(tl::unexpected(sign_in_needed(party_.name, why_)), calls);
    }
    if (grant || !grant.error().retryable) {
      calls.emplace_back([self = shared_from_this(), kept = signed_in_] { self->services_->keep(self->party_, kept); });
    }
  }
  run(calls);
}

void UpstreamAccount::tick() {
  Lock lock(mutex_);
  const WallTime now = services_->clock.now();
  if (closed_) return;
  if (attempt_ && attempt_->until && now >= *attempt_->until) {
    attempt_.reset();
    failure_ = "nobody finished it in time";
  }
  if (!renew_at_ || now < *renew_at_ || now < pause_until_ || renewing_ != 0) return;
  if (by_itself()) return fetch_token(lock);
  if (!signed_in_->grant.refresh_token.empty()) return renew(lock);
}

// --- The rest
// ---------------------------------------------------------------------------------------------------------------

void UpstreamAccount::log_out() {
  Calls calls;
  {
    const Lock lock(mutex_);
    if (attempt_) attempt_->end(fail(ErrorCode::kCancelled, "signed out"), calls);
    attempt_.reset();
    signed_in_.reset();
    challenge_.reset();
    renewing_ = 0;
    needed_ = false;
    why_.clear();
    failure_.clear();
    publish(services_->clock.now());
    answer_waiting(tl::unexpected(sign_in_needed(party_.name, "the server wants a sign-in")), calls);
  }
  run(calls);
  services_->keep(party_, std::nullopt);
  log(LogLevel::kInfo, "upstream_signed_out", {{"upstream", party_.name}});
}

void UpstreamAccount::close() {
  Calls calls;
  {
    const Lock lock(mutex_);
    closed_ = true;
    const auto over = fail(ErrorCode::kCancelled, "the upstream is no longer configured");
    if (attempt_) attempt_->end(over, calls);
    attempt_.reset();
    renewing_ = 0;
    answer_waiting(over, calls);
  }
  run(calls);
}

SignInStatus UpstreamAccount::status() const {
  const Lock lock(mutex_);
  SignInStatus out{.upstream = party_.name, .url = party_.url, .why = why_.empty() ? key_error_ : why_};
  if (!failure_.empty())
    out.why += (out.why.empty() ? "the last sign-in failed: " : "; the last one failed: ") + failure_;
  const bool waits = attempt_ && attempt_->flow.state() == SignIn::State::kBrowser;
  const bool has_token = signed_in_ && !signed_in_->grant.access_token.empty();
  out.state = waits       ? SignInState::kUnderWay
              : needed_   ? SignInState::kNeeded
              : has_token ? SignInState::kSignedIn
                          : SignInState::kNone;
  if (!signed_in_) return out;
  out.issuer = signed_in_->client.issuer;
  out.scopes = signed_in_->grant.scopes;
  out.since = signed_in_->since;
  out.expires = signed_in_->grant.expires;
  out.renewable = by_itself() || !signed_in_->grant.refresh_token.empty();
  return out;
}

}  // namespace bursar::broker::oauth
