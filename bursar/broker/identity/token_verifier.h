// Turns a caller's access token into who the caller is, or into why it is refused.
//
//   const TokenOutcome who = tokens.verify(bearer);
//   if (who) call.principal = who->principal; else answer(who.error());
//
// The authenticate stage sees only this; Issuers (identity/issuers.h) is the implementation, tests bring their own.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "bursar/broker/identity/principal.h"

namespace bursar::broker {

enum class TokenFault : std::uint8_t {
  kMalformed,         // no signed token of a form that we accept
  kUnknownIssuer,     // `iss` is none of ours
  kAlgorithm,         // not among the issuer's algorithms
  kUnknownKey,        // the issuer has no key of that `kid` for that algorithm
  kKeysNotAvailable,  // we could not read the issuer's keys (yet, or any more): not the caller's fault
  kSignature,
  kExpired,
  kNotYetValid,
  kAudience,
  kSubject,
  kNoAccount,  // the token is good, and no account rule fits it
  kMissingScope,
};

struct TokenRefusal {
  TokenFault fault = TokenFault::kMalformed;
  std::string why;  // for the caller; says what the configuration says, never what the token says
};

using TokenOutcome = tl::expected<Principal, TokenRefusal>;

// What the transport found out about the caller before the pipeline saw the request, so that a token is checked once.
struct Caller {
  TokenOutcome outcome;
};

class TokenVerifier {
 public:
  virtual ~TokenVerifier() = default;
  // Thread-safe; in memory; never waits.
  [[nodiscard]] virtual TokenOutcome verify(std::string_view token) const = 0;
};

// By shape, before anything is looked up: three segments of which the first begins an object. A virtual key is none.
[[nodiscard]] constexpr bool looks_like_token(std::string_view secret) { return secret.starts_with("eyJ"); }

}  // namespace bursar::broker
