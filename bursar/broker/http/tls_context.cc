#include "bursar/broker/http/tls_context.h"

#include <boost/asio/ssl/context.hpp>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <string_view>

#include "bursar/broker/audit/digest.h"

namespace bursar::broker {
namespace {

using boost::system::error_code;

constexpr unsigned char kSessionContext[] = "bursar";

// The protocol is HTTP/1.1; who offers protocols and not this one is refused rather than misunderstood.
int choose_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                    unsigned in_size, void* /*unused*/) {
  static constexpr unsigned char kOurs[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kOurs, sizeof kOurs, in, in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

tl::unexpected<Error> wrong(std::string_view field, const std::string& file, const error_code& error) {
  ERR_clear_error();
  return invalid_argument("listen.tls." + std::string(field) + ": \"" + file + "\" cannot be used: " + error.message());
}

}  // namespace

Result<std::shared_ptr<boost::asio::ssl::context>> make_server_context(const TlsServerConfig& config) {
  namespace ssl = boost::asio::ssl;
  if (config.certificate.empty()) return std::shared_ptr<ssl::context>();
  auto out = std::make_shared<ssl::context>(ssl::context::tls_server);
  error_code error;
  (void)out->use_certificate_chain_file(config.certificate, error);
  if (error) return wrong("certificate", config.certificate, error);
  (void)out->use_private_key_file(config.key, ssl::context::pem, error);
  if (error) return wrong("key", config.key, error);
  SSL_CTX* native = out->native_handle();
  if (SSL_CTX_check_private_key(native) != 1) {
    ERR_clear_error();
    return invalid_argument("listen.tls.key: \"" + config.key + "\" is not the key of listen.tls.certificate");
  }
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!SHA1");
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // an idle connection holds no 32 KiB of buffers
  SSL_CTX_set_alpn_select_cb(native, &choose_protocol, nullptr);
  SSL_CTX_set_session_id_context(native, kSessionContext, sizeof kSessionContext - 1);
  if (!config.client_ca.empty()) {
    (void)out->load_verify_file(config.client_ca, error);
    if (error) return wrong("client_ca", config.client_ca, error);
    // Also tells clients which authorities are meant.
    if (STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(config.client_ca.c_str())) {
      SSL_CTX_set_client_CA_list(native, names);
    }
    out->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(native, 0);
    SSL_CTX_set_options(native, SSL_OP_NO_TICKET);
  }
  return out;
}

std::string certificate_fingerprint(const std::string& pem_file) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(BIO_new_file(pem_file.c_str(), "r"), &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      file ? PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr) : nullptr, &X509_free);
  Sha256 digest{};
  const bool known = certificate && X509_digest(certificate.get(), EVP_sha256(), digest.data(), nullptr) == 1;
  ERR_clear_error();
  return known ? hex(digest) : std::string();
}

}  // namespace bursar::broker
