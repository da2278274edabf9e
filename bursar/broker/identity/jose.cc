#include "bursar/broker/identity/jose.h"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <cjose/jwk.h>
#include <cjose/jws.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <utility>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxHeaderBytes = 2 << 10;
constexpr std::size_t kMaxKid = 256;
constexpr std::size_t kMinRsaBits = 2048, kMaxRsaBits = 8192;
constexpr std::size_t kEd25519Bytes = 32;
constexpr std::size_t kMaxTries = 4;  // keys of one kid

constexpr std::array<std::pair<std::string_view, Algorithm>, 10> kAlgorithms = {{{"RS256", Algorithm::kRS256},
                                                                                 {"RS384", Algorithm::kRS384},
                                                                                 {"RS512", Algorithm::kRS512},
                                                                                 {"PS256", Algorithm::kPS256},
                                                                                 {"PS384", Algorithm::kPS384},
                                                                                 {"PS512", Algorithm::kPS512},
                                                                                 {"ES256", Algorithm::kES256},
                                                                                 {"ES384", Algorithm::kES384},
                                                                                 {"ES512", Algorithm::kES512},
                                                                                 {"EdDSA", Algorithm::kEdDSA}}};

enum class KeyType : std::uint8_t { kRsa, kP256, kP384, kP521, kEd25519 };

KeyType type_for(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kES256: return KeyType::kP256;
    case Algorithm::kES384: return KeyType::kP384;
    case Algorithm::kES512: return KeyType::kP521;
    case Algorithm::kEdDSA: return KeyType::kEd25519;
    default: return KeyType::kRsa;
  }
}

struct Free {
  void operator()(cjose_jwk_t* key) const { cjose_jwk_release(key); }
  void operator()(cjose_jws_t* jws) const { cjose_jws_release(jws); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string_view text_at(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

bool verified_by_openssl(const CompactJws& jws, EVP_PKEY* key) {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const bool good = context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
                    EVP_DigestVerify(context.get(), bytes_of(jws.signature), jws.signature.size(),
                                     bytes_of(jws.signing_input), jws.signing_input.size()) == 1;
  ERR_clear_error();  // what OpenSSL noted must not surprise the next TLS operation of this thread
  return good;
}

bool verified_by_cjose(const CompactJws& jws, const cjose_jwk_t* key) {
  cjose_err error{};
  const Owned<cjose_jws_t> parsed(cjose_jws_import(jws.text.data(), jws.text.size(), &error));
  const bool good = parsed && cjose_jws_verify(parsed.get(), key, &error);
  ERR_clear_error();
  return good;
}

// The members of a public key and no others: a private part that somebody published by mistake is not read.
std::string public_part(const boost::json::object& key, std::initializer_list<std::string_view> members) {
  boost::json::object out;
  for (const std::string_view name : members) out[name] = text_at(key, name);
  return to_json(out);
}

bool is_for_signatures(const boost::json::object& key) {
  if (const auto* use = key.if_contains("use"); use != nullptr && text_at(key, "use") != "sig") return false;
  const auto* operations = key.if_contains("key_ops");
  if (operations == nullptr) return true;
  if (!operations->is_array()) return false;
  return std::ranges::any_of(operations->get_array(),
                             [](const auto& op) { return op.is_string() && op.get_string() == "verify"; });
}

std::optional<KeyType> curve_of(const boost::json::object& key) {
  const std::string_view name = text_at(key, "crv");
  if (name == "P-256") return KeyType::kP256;
  if (name == "P-384") return KeyType::kP384;
  if (name == "P-521") return KeyType::kP521;
  return std::nullopt;
}

}  // namespace

struct KeySet::Key {
  std::string kid;
  KeyType type = KeyType::kRsa;
  std::optional<Algorithm> only;  // where the set says so
  std::size_t signature_bytes = 0;
  Owned<cjose_jwk_t> jwk;
  Owned<EVP_PKEY> ed25519;

  static std::shared_ptr<const Key> make(const boost::json::object& json);
  [[nodiscard]] bool fits(Algorithm algorithm) const {
    return type == type_for(algorithm) && (!only || *only == algorithm);
  }
};

std::shared_ptr<const KeySet::Key> KeySet::Key::make(const boost::json::object& json) {
  if (!is_for_signatures(json)) return nullptr;
  auto out = std::make_shared<Key>();
  out->kid = text_at(json, "kid");
  if (out->kid.size() > kMaxKid) return nullptr;
  if (json.contains("alg")) {
    out->only = parse_algorithm(text_at(json, "alg"));
    if (!out->only) return nullptr;
  }
  const std::string_view type = text_at(json, "kty");
  std::string part;
  if (type == "RSA") {
    part = public_part(json, {"kty", "n", "e"});
  } else if (const auto curve = type == "EC" ? curve_of(json) : std::nullopt) {
    out->type = *curve;
    part = public_part(json, {"kty", "crv", "x", "y"});
  } else if (type == "OKP" && text_at(json, "crv") == "Ed25519") {
    const auto raw = base64url_decoded(text_at(json, "x"));
    if (!raw || raw->size() != kEd25519Bytes) return nullptr;
    out->type = KeyType::kEd25519;
    out->signature_bytes = 64;
    out->ed25519.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(*raw), raw->size()));
    return out->ed25519 ? out : nullptr;
  } else {
    return nullptr;
  }
  cjose_err error{};
  out->jwk.reset(cjose_jwk_import(part.data(), part.size(), &error));
  ERR_clear_error();
  if (!out->jwk) return nullptr;
  const std::size_t bits = cjose_jwk_get_keysize(out->jwk.get(), &error);
  if (out->type == KeyType::kRsa && (bits < kMinRsaBits || bits > kMaxRsaBits)) return nullptr;
  out->signature_bytes = (bits + 7) / 8 * (out->type == KeyType::kRsa ? 1 : 2);
  return out;
}

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  const auto* const found = std::ranges::find(kAlgorithms, name, &std::pair<std::string_view, Algorithm>::first);
  return found == kAlgorithms.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> base64url_decoded(std::string_view text) {
  static constexpr auto kValues = [] {
    std::array<std::int8_t, 256> out{};
    out.fill(-1);
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (std::size_t i = 0; i < kDigits.size(); ++i) {
      out[static_cast<unsigned char>(kDigits[i])] = static_cast<std::int8_t>(i);
    }
    return out;
  }();
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::int8_t value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  // Bits that stand for nothing must be zero, or several texts would be the same bytes.
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return out;
}

Result<CompactJws> parse_jws(std::string_view text) {
  if (text.size() > kMaxTokenBytes) return invalid_argument("the token is longer than 12 KiB");
  const std::size_t first = text.find('.');
  const std::size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) {
    return invalid_argument("the token is no JWS of three segments");
  }
  const auto header_text = base64url_decoded(text.substr(0, first));
  auto payload = base64url_decoded(text.substr(first + 1, second - first - 1));
  auto signature = base64url_decoded(text.substr(second + 1));
  if (!header_text || !payload || !signature) return invalid_argument("the token is not canonical base64url");
  if (signature->empty()) return invalid_argument("the token is not signed");
  const auto header = parse_json(*header_text, {.max_bytes = kMaxHeaderBytes, .max_depth = 4});
  if (!header || !header->is_object()) return invalid_argument("the token's header is no JSON object");
  const auto& object = header->get_object();

  CompactJws out{.text = text, .signing_input = text.substr(0, second)};
  const auto algorithm = parse_algorithm(text_at(object, "alg"));
  if (!algorithm) return invalid_argument("the token's alg is none that is accepted");
  out.algorithm = *algorithm;
  // We know no extension, and what is marked critical must be understood (RFC 7515, 4.1.11).
  if (object.contains("crit") || object.contains("b64")) {
    return invalid_argument("the token's header has a critical extension that is not understood");
  }
  if (object.contains("typ")) {
    std::string typ(text_at(object, "typ"));
    std::ranges::transform(typ, typ.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (typ != "at+jwt" && typ != "jwt" && typ != "application/at+jwt" && typ != "application/jwt") {
      return invalid_argument("the token's typ is not that of an access token");
    }
  }
  if (const auto* kid = object.if_contains("kid")) {
    out.kid = text_at(object, "kid");
    if (!kid->is_string() || out.kid.empty() || out.kid.size() > kMaxKid) {
      return invalid_argument("the token's kid must be 1 to 256 bytes of text");
    }
  }
  out.payload = std::move(*payload);
  out.signature = std::move(*signature);
  return out;
}

Result<KeySet> KeySet::parse(std::string_view json) {
  const auto document = parse_json(json, {.max_bytes = kMaxBytes, .max_depth = 16});
  if (!document) return tl::unexpected(with_context("key set", document.error()));
  const auto* list = document->is_object() ? document->get_object().if_contains("keys") : nullptr;
  if (list == nullptr || !list->is_array()) return invalid_argument("key set: has no array `keys`");
  if (list->get_array().size() > kMaxKeys) return invalid_argument("key set: has more than 100 keys");
  KeySet out;
  for (const auto& item : list->get_array()) {
    if (!item.is_object()) continue;
    if (auto key = Key::make(item.get_object())) out.keys_.push_back(std::move(key));
  }
  if (out.keys_.empty()) return invalid_argument("key set: has no key that could check a signature");
  return out;
}

std::vector<const KeySet::Key*> KeySet::candidates(const CompactJws& jws) const {
  std::vector<const Key*> out;
  for (const auto& key : keys_) {
    if (!key->fits(jws.algorithm) || (!jws.kid.empty() && key->kid != jws.kid)) continue;
    out.push_back(key.get());
  }
  if (out.size() > (jws.kid.empty() ? 1 : kMaxTries)) out.clear();
  return out;
}

bool KeySet::has(const CompactJws& jws) const { return !candidates(jws).empty(); }

KeyVerdict KeySet::check(const CompactJws& jws) const {
  const auto keys = candidates(jws);
  if (keys.empty()) return KeyVerdict::kNoKey;
  for (const Key* key : keys) {
    // cjose takes half of what there is for each number of an ECDSA signature, and so would overlook bytes at its end.
    if (jws.signature.size() != key->signature_bytes) continue;
    if (key->ed25519 ? verified_by_openssl(jws, key->ed25519.get()) : verified_by_cjose(jws, key->jwk.get())) {
      return KeyVerdict::kGood;
    }
  }
  return KeyVerdict::kBadSignature;
}

}  // namespace bursar::broker
