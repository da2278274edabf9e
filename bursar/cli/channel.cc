#include "bursar/cli/channel.h"

#include <arpa/inet.h>
#include <csignal>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bursar/broker/audit/digest.h"

namespace bursar::cli {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

bool is_address(const std::string& host) {
  unsigned char ignored[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, host.c_str(), ignored) == 1 || ::inet_pton(AF_INET6, host.c_str(), ignored) == 1;
}

std::string fingerprint_of_peer(const SSL* ssl) {
  const std::unique_ptr<X509, Free> certificate(SSL_get1_peer_certificate(ssl));
  broker::Sha256 digest{};
  if (!certificate || X509_digest(certificate.get(), EVP_sha256(), digest.data(), nullptr) != 1) return {};
  return broker::hex(digest);
}

void expect_name(SSL* ssl, const std::string& host) {
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  if (is_address(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  } else {
    SSL_set1_host(ssl, host.c_str());
    SSL_set_tlsext_host_name(ssl, host.c_str());
  }
}

}  // namespace

struct Channel::State {
  explicit State(int descriptor) : fd(descriptor) {}
  ~State() {
    ssl.reset();
    ::close(fd);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  int fd;
  std::unique_ptr<SSL_CTX, Free> context;
  std::unique_ptr<SSL, Free> ssl;
};

Channel::Channel(std::unique_ptr<State> state) : state_(std::move(state)) {}
Channel::Channel(Channel&&) noexcept = default;
Channel::~Channel() = default;

Result<Channel> Channel::over(int fd, const ChannelOptions& options) {
  auto state = std::make_unique<State>(fd);
  if (!options.tls) return Channel(std::move(state));
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  state->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_min_proto_version(state->context.get(), TLS1_2_VERSION);
  SSL_CTX_set_default_verify_paths(state->context.get());
  state->ssl.reset(SSL_new(state->context.get()));
  SSL* ssl = state->ssl.get();
  if (options.certificate.empty()) expect_name(ssl, options.host);
  SSL_set_fd(ssl, fd);
  const bool connected = SSL_connect(ssl) == 1;
  const long verified = SSL_get_verify_result(ssl);
  ERR_clear_error();
  if (!connected && options.certificate.empty() && verified != X509_V_OK) {
    return fail(ErrorCode::kPermissionDenied,
                "the certificate of " + options.host + " is not trusted: " + X509_verify_cert_error_string(verified));
  }
  if (!connected) return fail(ErrorCode::kUnavailable, options.host + ": no TLS connection could be made", true);
  if (options.certificate.empty()) return Channel(std::move(state));
  if (fingerprint_of_peer(ssl) != options.certificate) {
    return fail(ErrorCode::kPermissionDenied,
                "another program answers at the address of the gateway: its certificate is not the gateway's");
  }
  return Channel(std::move(state));
}

bool Channel::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = state_->ssl ? SSL_write(state_->ssl.get(), bytes.data(), static_cast<int>(bytes.size()))
                                     : ::send(state_->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::ptrdiff_t Channel::receive(char* to, std::size_t most) {
  if (!state_->ssl) return ::recv(state_->fd, to, most, 0);
  const int got = SSL_read(state_->ssl.get(), to, static_cast<int>(most));
  if (got > 0) return got;
  return SSL_get_error(state_->ssl.get(), got) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

}  // namespace bursar::cli
