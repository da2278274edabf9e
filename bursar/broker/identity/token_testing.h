// An authorization server for tests: makes keys with OpenSSL when it is asked to, publishes them, signs tokens. Its
// signatures are made by OpenSSL alone, so that what cjose checks has an independent origin. Tests only.
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string>
#include <string_view>

#include "bursar/broker/audit/digest.h"
#include "bursar/core/json.h"

namespace bursar::broker::testing {

class SigningKey {
 public:
  // "RS256", "PS384", "ES512", "EdDSA", …
  SigningKey(std::string kid, std::string algorithm, unsigned rsa_bits = 2048)
      : kid_(std::move(kid)), algorithm_(std::move(algorithm)), key_(make(algorithm_, rsa_bits), &EVP_PKEY_free) {}

  [[nodiscard]] const std::string& kid() const { return kid_; }
  [[nodiscard]] const std::string& algorithm() const { return algorithm_; }

  [[nodiscard]] boost::json::object jwk() const {
    boost::json::object out{{"kid", kid_}, {"use", "sig"}};
    if (algorithm_ == "EdDSA") {
      std::string raw(32, '\0');
      std::size_t size = raw.size();
      EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
      out["kty"] = "OKP";
      out["crv"] = "Ed25519";
      out["x"] = base64url(raw);
    } else if (algorithm_[0] == 'E') {
      const std::size_t bytes = coordinate_bytes();
      out["kty"] = "EC";
      out["crv"] = bytes == 32 ? "P-256" : bytes == 48 ? "P-384" : "P-521";
      out["x"] = base64url(number(OSSL_PKEY_PARAM_EC_PUB_X, bytes));
      out["y"] = base64url(number(OSSL_PKEY_PARAM_EC_PUB_Y, bytes));
    } else {
      out["kty"] = "RSA";
      out["n"] = base64url(number(OSSL_PKEY_PARAM_RSA_N, 0));
      out["e"] = base64url(number(OSSL_PKEY_PARAM_RSA_E, 0));
    }
    return out;
  }

  [[nodiscard]] std::string public_pem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, key_.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    std::string out(text, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
  }

  [[nodiscard]] std::string private_pem() const {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    std::string out(text, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
  }

  [[nodiscard]] std::string signature(std::string_view input) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    EVP_PKEY_CTX* parameters = nullptr;
    EVP_DigestSignInit(context.get(), &parameters, digest(), nullptr, key_.get());
    if (algorithm_[0] == 'P') {
      EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST);
    }
    const auto* bytes = reinterpret_cast<const unsigned char*>(input.data());
    std::size_t size = 0;
    EVP_DigestSign(context.get(), nullptr, &size, bytes, input.size());
    std::string out(size, '\0');
    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes, input.size());
    out.resize(size);
    return algorithm_[0] == 'E' && algorithm_ != "EdDSA" ? raw_of_der(out) : out;
  }

 private:
  static EVP_PKEY* make(const std::string& algorithm, unsigned rsa_bits) {
    if (algorithm == "EdDSA") return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    if (algorithm == "ES256") return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    if (algorithm == "ES384") return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384");
    if (algorithm == "ES512") return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-521");
    return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(rsa_bits));
  }
  [[nodiscard]] const EVP_MD* digest() const {
    if (algorithm_ == "EdDSA") return nullptr;
    return algorithm_.ends_with("256") ? EVP_sha256() : algorithm_.ends_with("384") ? EVP_sha384() : EVP_sha512();
  }
  [[nodiscard]] std::size_t coordinate_bytes() const {
    return algorithm_.ends_with("256") ? 32 : algorithm_.ends_with("384") ? 48 : 66;
  }
  [[nodiscard]] std::string number(const char* name, std::size_t bytes) const {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(key_.get(), name, &value);
    const std::size_t size = bytes == 0 ? static_cast<std::size_t>(BN_num_bytes(value)) : bytes;
    std::string out(size, '\0');
    BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(size));
    BN_free(value);
    return out;
  }
  [[nodiscard]] std::string raw_of_der(const std::string& der) const {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* parsed = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    const std::size_t bytes = coordinate_bytes();
    std::string out(2 * bytes, '\0');
    auto* to = reinterpret_cast<unsigned char*>(out.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(parsed), to, static_cast<int>(bytes));
    BN_bn2binpad(ECDSA_SIG_get0_s(parsed), to + bytes, static_cast<int>(bytes));
    ECDSA_SIG_free(parsed);
    return out;
  }

  std::string kid_, algorithm_;
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

// header.claims.signature, with the header as it is given.
inline std::string signed_with(const SigningKey& key, const boost::json::object& header,
                               const boost::json::object& claims) {
  const std::string input = base64url(to_json(header)) + "." + base64url(to_json(claims));
  return input + "." + base64url(key.signature(input));
}

inline std::string token(const SigningKey& key, const boost::json::object& claims) {
  return signed_with(key, {{"alg", key.algorithm()}, {"kid", key.kid()}, {"typ", "at+jwt"}}, claims);
}

template <class... Keys>
std::string key_set(const Keys&... keys) {
  boost::json::array list;
  (list.push_back(keys.jwk()), ...);
  return to_json(boost::json::object{{"keys", std::move(list)}});
}

}  // namespace bursar::broker::testing
