// Signed tokens and the keys that prove them: compact JWS (RFC 7515) and JSON Web Key Sets (RFC 7517), nothing more.
//
//   auto jws = parse_jws(text);                       // shape, canonical base64url, header; nothing is proven yet
//   auto keys = KeySet::parse(body_of_jwks_url);
//   if (keys->check(*jws) == KeyVerdict::kGood) trust(jws->payload);
//
// Asymmetric signatures only: RS256/384/512, PS256/384/512, ES256/384/512 and EdDSA with Ed25519. There is no value of
// Algorithm for "none" and HS256, so no configuration can let them in, and a public key is never used as a secret. The
// key's type, curve, `use`, `key_ops` and `alg` must fit the algorithm of the header; RSA keys have 2048 … 8192 bits.
// Refused: other than three segments, base64url that is not in its one canonical form (so that no two texts are one
// token), a header over 2 KiB or nested, `crit`, `b64`, and a `typ` other than at+jwt or JWT. `jwk`, `jku`, `x5u` and
// `x5c` of a header are ignored: keys come from the issuer's own set only.
// The signatures are checked by cjose and, for Ed25519, by OpenSSL.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::broker {

enum class Algorithm : std::uint8_t {
  kRS256,
  kRS384,
  kRS512,
  kPS256,
  kPS384,
  kPS512,
  kES256,
  kES384,
  kES512,
  kEdDSA,
};
// Absent for anything else, "none" and "HS256" above all. Case counts.
[[nodiscard]] std::optional<Algorithm> parse_algorithm(std::string_view name);

inline constexpr std::size_t kMaxTokenBytes = 12 << 10;

struct CompactJws {
  std::string_view text;  // all three segments; refers to what was parsed
  std::string_view signing_input;
  Algorithm algorithm = Algorithm::kRS256;
  std::string kid;      // empty where absent
  std::string payload;  // decoded, unproven
  std::string signature;
};

// Errors: kInvalidArgument; the message says what is wrong and never repeats the text.
[[nodiscard]] Result<CompactJws> parse_jws(std::string_view text);

// The bytes of canonical base64url without padding; absent for anything else.
[[nodiscard]] std::optional<std::string> base64url_decoded(std::string_view text);

enum class KeyVerdict : std::uint8_t { kGood, kBadSignature, kNoKey };

// Immutable and thread-safe once parsed.
class KeySet {
 public:
  static constexpr std::size_t kMaxBytes = 512 << 10;
  static constexpr std::size_t kMaxKeys = 100;

  // Keys of other types, for other uses, too small or malformed are left out, as RFC 7517 asks. Errors:
  // kInvalidArgument for what is no key set, is too large, or has no key that could be used.
  [[nodiscard]] static Result<KeySet> parse(std::string_view json);

  // With a kid: the keys of that kid that fit the algorithm. Without: the only key that fits, for guessing among
  // several would be an invitation to try them all.
  [[nodiscard]] KeyVerdict check(const CompactJws& jws) const;
  [[nodiscard]] bool has(const CompactJws& jws) const;
  [[nodiscard]] std::size_t size() const { return keys_.size(); }

 private:
  struct Key;
  [[nodiscard]] std::vector<const Key*> candidates(const CompactJws& jws) const;
  std::vector<std::shared_ptr<const Key>> keys_;
};

}  // namespace bursar::broker
