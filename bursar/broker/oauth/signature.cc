#include "bursar/broker/oauth/signature.h"

#include <array>
#include <memory>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "bursar/broker/audit/digest.h"

namespace bursar::broker::oauth {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};

struct Algorithm {
  std::string_view name;
  int type;
  const EVP_MD* (*digest)();
  int curve_bits;  // 0: no elliptic curve
  bool pss;
};

constexpr std::array<Algorithm, 5> kAlgorithms = {{{"ES256", EVP_PKEY_EC, &EVP_sha256, 256, false},
                                                   {"ES384", EVP_PKEY_EC, &EVP_sha384, 384, false},
                                                   {"RS256", EVP_PKEY_RSA, &EVP_sha256, 0, false},
                                                   {"PS256", EVP_PKEY_RSA, &EVP_sha256, 0, true},
                                                   {"EdDSA", EVP_PKEY_ED25519, nullptr, 0, false}}};

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// What OpenSSL writes as DER, as two numbers of the curve's size.
std::string fixed_size(std::string_view der, int bits) {
  const unsigned char* at = bytes(der);
  const std::unique_ptr<ECDSA_SIG, Free> parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  const int size = bits / 8;
  std::string out(static_cast<std::size_t>(size) * 2, '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  const bool done = parsed && BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), to, size) == size &&
                    BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), to + size, size) == size;
  return done ? out : std::string();
}

std::string signature_of(EVP_PKEY* key, const Algorithm& algorithm, std::string_view input) {
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;
  const EVP_MD* digest = algorithm.digest == nullptr ? nullptr : algorithm.digest();
  if (!context || EVP_DigestSignInit(context.get(), &options, digest, nullptr, key) != 1) return {};
  if (algorithm.pss && (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
                        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return {};
  }
  std::size_t size = 0;
  if (EVP_DigestSign(context.get(), nullptr, &size, bytes(input), input.size()) != 1) return {};
  std::string out(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes(input), input.size()) !=
      1) {
    return {};
  }
  out.resize(size);
  return algorithm.curve_bits == 0 ? out : fixed_size(out, algorithm.curve_bits);
}

// Nobody is there to type a password, and OpenSSL would ask the terminal.
int no_password(char*, int, int, void*) { return -1; }

}  // namespace

Result<std::string> sign_jwt(std::string_view pem, std::string_view name, std::string_view claims) {
  const Algorithm* algorithm = nullptr;
  for (const Algorithm& known : kAlgorithms) {
    if (known.name == name) algorithm = &known;
  }
  if (algorithm == nullptr)
    return invalid_argument("the algorithm " + std::string(name.substr(0, 40)) + " is not known");
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const std::unique_ptr<EVP_PKEY, Free> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_password, nullptr));
  ERR_clear_error();
  if (!key) return invalid_argument("private_key holds no PEM private key that can be read without a password");
  const bool fits = EVP_PKEY_base_id(key.get()) == algorithm->type &&
                    (algorithm->curve_bits == 0 || EVP_PKEY_bits(key.get()) == algorithm->curve_bits);
  if (!fits) return invalid_argument("private_key is no key for " + std::string(name));
  const std::string header = R"({"alg":")" + std::string(name) + R"(","typ":"JWT"})";
  const std::string input = base64url(header) + "." + base64url(claims);
  const std::string signature = signature_of(key.get(), *algorithm, input);
  ERR_clear_error();
  if (signature.empty()) return invalid_argument("private_key cannot sign by " + std::string(name));
  return input + "." + base64url(signature);
}

}  // namespace bursar::broker::oauth
