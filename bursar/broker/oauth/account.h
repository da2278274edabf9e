// Our account at one upstream: its token, how it is renewed, and what an administrator does to sign in.
//
//   auto account = UpstreamAccount::make(party, services);     // a credential of the upstream (upstream/credential.h)
//   account->log_in([](Result<LogIn> begun) { print(begun->url); });
//   account->come_back(target, [](Result<void> done) { … });   // where the browser came back with our state
//   account->tick();                                           // once a second: renews before the token ends
//
//   kNone      the server never asked for a token             kSignedIn  there is a token
//   kNeeded    an administrator has to sign in, `why` says     kUnderWay  the sign-in waits for the browser
//
// A refused token is renewed by its refresh token; without one, or where that is refused too, a sign-in is needed. A
// server that wants more scopes than were asked for (403 insufficient_scope) needs a wider sign-in; one that wants what
// was asked for is not obeyed, for asking again would bring the same. With client_credentials nobody is needed: the
// token is fetched when the server asks, at most kMostFetches times in kFetchWindow. However many calls wait, one
// request is under way.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "bursar/broker/oauth/sign_in.h"
#include "bursar/broker/upstream/credential.h"
#include "bursar/core/published.h"

namespace bursar::broker::oauth {

enum class SignInState : std::uint8_t { kNone, kNeeded, kUnderWay, kSignedIn };
[[nodiscard]] std::string_view name_of(SignInState state);  // "none", "needed", "under_way", "signed_in"

struct SignInStatus {
  std::string upstream, url;
  SignInState state = SignInState::kNone;
  std::string why;  // a sign-in is needed, or the last one failed; no secret
  std::string issuer;
  Scopes scopes;                    // granted
  std::optional<WallTime> since;    // of the sign-in
  std::optional<WallTime> expires;  // of the token
  bool renewable = false;           // by a refresh token or client_credentials
};

// A sign-in that began. url is empty where nobody is needed and it is done already.
struct LogIn {
  std::string url, redirect_uri;
};

// What an account lives on. The functions are called from any thread, without a lock held.
struct AccountServices {
  const Clock& clock;
  Fetch fetch;
  Random random;
  std::function<std::string(const Party&)> redirect_uri;                   // of a sign-in that begins now
  std::function<void(const Party&, const std::optional<SignedIn>&)> keep;  // on disk, later; absent: forget
  std::function<void(const std::string& upstream)> signed_in;              // its lists can be asked for
};

class UpstreamAccount final : public UpstreamCredential, public std::enable_shared_from_this<UpstreamAccount> {
 public:
  static constexpr Duration kSignInTime = std::chrono::minutes{10};  // for the browser to come back
  static constexpr Duration kMargin = std::chrono::seconds{60};      // before the end; at most a fifth of a lifetime
  static constexpr Duration kPause = std::chrono::seconds{15};       // after a renewal that failed or did not help
  static constexpr std::size_t kMostFetches = 3, kMaxWaiting = 1024;
  static constexpr Duration kFetchWindow = std::chrono::minutes{1};

  // Reads the private key, where the configuration names one.
  [[nodiscard]] static std::shared_ptr<UpstreamAccount> make(Party party,
                                                             std::shared_ptr<const AccountServices> services,
                                                             std::optional<SignedIn> kept = std::nullopt);

  [[nodiscard]] const Party& party() const { return party_; }
  [[nodiscard]] std::shared_ptr<const std::string> header() override { return header_.load(); }
  void refused(CredentialRefusal refusal, std::function<void(Result<void>)> done) override;

  // Begins anew where one is under way. `begun` runs once, on any thread.
  void log_in(std::function<void(Result<LogIn>)> begun);
  // Whether that target carries the state of the sign-in that is under way.
  [[nodiscard]] bool expects(std::string_view target) const;
  // kNotFound where it does not.
  void come_back(std::string_view target, const std::function<void(Result<void>)>& done);
  [[nodiscard]] std::string redirect_uri() const { return services_->redirect_uri(party_); }
  void log_out();
  void tick();
  void close();  // whoever waits is answered; nothing begins any more
  [[nodiscard]] SignInStatus status() const;

 private:
  using Done = std::function<void(Result<void>)>;
  using Lock = std::unique_lock<std::mutex>;
  struct Attempt;
  // What is called when the lock is gone.
  using Calls = std::vector<std::function<void()>>;

  UpstreamAccount(Party party, std::shared_ptr<const AccountServices> services)
      : party_(std::move(party)), services_(std::move(services)) {}
  void refused_scopes(const Challenge& challenge, Done done, Lock& lock);
  [[nodiscard]] std::shared_ptr<Attempt> begin(Calls& calls);
  void drive(const std::shared_ptr<Attempt>& attempt);
  void settle(const std::shared_ptr<Attempt>& attempt, Calls& calls);
  void fetch_token(Lock& lock);
  void renew(Lock& lock);
  void take_renewal(std::uint64_t round, const Result<FetchReply>& reply);
  void publish(WallTime now);
  void need(std::string why);
  void answer_waiting(const Result<void>& again, Calls& calls);
  [[nodiscard]] bool by_itself() const { return party_.oauth.grant == OAuthGrant::kClientCredentials; }

  const Party party_;
  const std::shared_ptr<const AccountServices> services_;
  std::string private_key_, key_error_;
  Published<const std::string> header_;
  mutable std::mutex mutex_;  // guards what follows
  std::optional<SignedIn> signed_in_;
  std::optional<Challenge> challenge_;
  std::shared_ptr<Attempt> attempt_;
  std::string why_, failure_;  // why a sign-in is needed; why the last one failed
  bool needed_ = false, closed_ = false;
  std::uint64_t rounds_ = 0, renewing_ = 0;  // the renewal that is under way; 0: none
  std::optional<WallTime> renew_at_;
  WallTime renewed_{}, pause_until_{};
  std::deque<WallTime> fetches_;
  std::vector<Done> waiting_;
};

}  // namespace bursar::broker::oauth
