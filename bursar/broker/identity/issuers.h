// The authorization servers that we trust, with their keys, and the tokens that they signed.
//
//   Issuers issuers(clock, make_fetch(reactors));
//   issuers.configure(config.identity, keep_tokens);    // again at each reload; keys of unchanged issuers stay
//   issuers.tick();                                     // once a second: fetches what is due; never waits
//   TokenOutcome who = issuers.verify(bearer);          // any thread, no input or output
//
// Keys. Read from jwks_url, or from the jwks_uri of the issuer's metadata (RFC 8414, then OpenID Connect), whose
// `issuer` must be ours exactly. Read again after jwks_cache, and when a token names a kid that we do not have, then at
// most once in kUnknownKeyPause an issuer, so that strangers cannot make us hammer it. While the endpoint fails, the
// keys that we have are kept for kKeepStale past jwks_cache, and no longer: a key that was withdrawn must end some
// time. Failures are tried again after 1, 2, 4 … 30 s.
//
// A token is verified in the order: form, claims' form, issuer, algorithm, key, signature, times, audience, subject,
// scopes that every token needs, account. Each state of keys and configuration is an immutable snapshot with a cache of
// its own (token_cache.h), so that no withdrawn key and no changed rule lives on in it.
//
// The subject of a principal is "<issuer without https://>#<sub>": neither part can hold a '#' before the other begins,
// so no two callers are the same one, and none can look like a virtual key ("key:ada").
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/identity/fetch.h"
#include "bursar/broker/identity/token_cache.h"
#include "bursar/broker/identity/token_verifier.h"
#include "bursar/core/clock.h"
#include "bursar/core/published.h"

namespace bursar::broker {

struct IssuerStatus {
  std::string issuer;
  std::size_t keys = 0;
  std::optional<WallTime> fetched;
  std::string last_error;
};

// Thread-safe.
class Issuers final : public TokenVerifier {
 public:
  static constexpr Duration kUnknownKeyPause = std::chrono::seconds{10};
  static constexpr Duration kKeepStale = std::chrono::hours{1};
  static constexpr Duration kPatience = std::chrono::seconds{2};  // of wait_for_keys
  static constexpr std::size_t kMaxWaiting = 1024;

  Issuers(const Clock& clock, Fetch fetch);
  ~Issuers() override;

  // keep_tokens: principals carry what they showed, for an exchange.
  void configure(const IdentityConfig& identity, bool keep_tokens);
  void tick();

  [[nodiscard]] TokenOutcome verify(std::string_view token) const override;
  // The same, and the account that has to be made first where a rule says so. Nobody else may change what it points to.
  struct Checked {
    TokenOutcome outcome;
    std::shared_ptr<const VerifiedToken> verified;  // null where refused
  };
  [[nodiscard]] Checked check(std::string_view token) const;

  // For a token that was refused for want of a key: true if the keys of its issuer are being read, or are now begun to
  // be; `then` follows once, when they are there, or could not be read, or kPatience is over. False if that is no use.
  [[nodiscard]] bool wait_for_keys(std::string_view token, std::function<void()> then);
  void stop();  // no more fetching; whoever waits goes on at once

  [[nodiscard]] std::vector<IssuerStatus> status() const;
  [[nodiscard]] bool accepts_tokens() const;

 private:
  struct Snapshot;
  struct Source;
  struct State;

  std::shared_ptr<State> state_;  // outlives a fetch that is under way
};

[[nodiscard]] std::string subject_of(std::string_view issuer, std::string_view sub);

}  // namespace bursar::broker
