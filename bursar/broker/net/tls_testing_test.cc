#include "bursar/broker/net/tls_testing.h"

#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bursar::broker::testing {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Key make_key() { return {EVP_EC_gen("P-256"), EVP_PKEY_free}; }

void write(const std::string& path, const auto& writer) {
  FILE* file = std::fopen(path.c_str(), "w");
  writer(file);
  (void)std::fclose(file);
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate make_certificate(const std::string& name, EVP_PKEY* key, long serial, int days) {
  Certificate certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -86400L * 10);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86400L * days);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

}  // namespace

struct TestAuthority::Keys {
  Key key{nullptr, EVP_PKEY_free};
  Certificate certificate{nullptr, X509_free};
};

TestAuthority::TestAuthority() : keys_(std::make_unique<Keys>()) {
  std::string path = std::filesystem::temp_directory_path() / "bursar-ca-XXXXXX";
  directory_ = ::mkdtemp(path.data());
  ca_ = directory_ / "ca.pem";
  keys_->key = make_key();
  keys_->certificate = make_certificate("Bursar test authority", keys_->key.get(), 1, 2);
  X509* const ca = keys_->certificate.get();
  X509_set_issuer_name(ca, X509_get_subject_name(ca));
  add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign");
  X509_sign(ca, keys_->key.get(), EVP_sha256());
  write(ca_, [&](FILE* file) { PEM_write_X509(file, ca); });
}

TestAuthority::~TestAuthority() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

TestCertificate TestAuthority::issue(const std::string& name, const std::string& names, int days) {
  const Key key = make_key();
  const Certificate certificate = make_certificate(name, key.get(), ++serial_, days);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(keys_->certificate.get()));
  if (!names.empty()) add_extension(certificate.get(), keys_->certificate.get(), NID_subject_alt_name, names);
  X509_sign(certificate.get(), keys_->key.get(), EVP_sha256());
  TestCertificate files{.certificate = directory_ / (std::to_string(serial_) + ".pem"),
                        .key = directory_ / (std::to_string(serial_) + ".key")};
  write(files.certificate, [&](FILE* file) { PEM_write_X509(file, certificate.get()); });
  write(files.key, [&](FILE* file) { PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
  return files;
}

struct TlsFront::Context {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> ssl{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
  mutable std::mutex mutex;
  std::string last_name;
};

TlsFront::TlsFront(std::uint16_t plain_port, const TestCertificate& certificate, const std::string& client_ca)
    : context_(std::make_unique<Context>()), plain_port_(plain_port) {
  SSL_CTX* const ssl = context_->ssl.get();
  SSL_CTX_use_certificate_chain_file(ssl, certificate.certificate.c_str());
  SSL_CTX_use_PrivateKey_file(ssl, certificate.key.c_str(), SSL_FILETYPE_PEM);
  if (!client_ca.empty()) {
    SSL_CTX_load_verify_file(ssl, client_ca.c_str());
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)!::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
  (void)!::listen(listener_, 64);
  socklen_t size = sizeof address;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

TlsFront::~TlsFront() {
  over_ = true;
  acceptor_.join();
  ::close(listener_);
  for (auto& thread : connections_) thread.join();
}

std::string TlsFront::last_name() const {
  const std::scoped_lock lock(context_->mutex);
  return context_->last_name;
}

void TlsFront::accept_all() {
  while (!over_) {
    pollfd ready{.fd = listener_, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 10) <= 0) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    connections_.emplace_back([this, fd] {
      serve(fd);
      ::close(fd);
    });
  }
}

void TlsFront::serve(int fd) {
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_->ssl.get()), SSL_free);
  SSL_set_fd(ssl.get(), fd);
  if (SSL_accept(ssl.get()) != 1) return;
  ++handshakes_;
  {
    const char* name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name);
    const std::scoped_lock lock(context_->mutex);
    context_->last_name = name != nullptr ? name : "";
  }
  const int plain = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(plain_port_);
  if (::connect(plain, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    char piece[16384];
    while (!over_) {
      pollfd ready[2] = {{.fd = fd, .events = POLLIN, .revents = 0}, {.fd = plain, .events = POLLIN, .revents = 0}};
      if (SSL_pending(ssl.get()) == 0 && ::poll(ready, 2, 10) <= 0) continue;
      if (SSL_pending(ssl.get()) > 0 || ready[0].revents != 0) {
        const int n = SSL_read(ssl.get(), piece, sizeof piece);
        if (n <= 0 || ::send(plain, piece, static_cast<std::size_t>(n), MSG_NOSIGNAL) != n) break;
      }
      if (ready[1].revents != 0) {
        const ssize_t n = ::recv(plain, piece, sizeof piece, 0);
        if (n <= 0 || SSL_write(ssl.get(), piece, static_cast<int>(n)) <= 0) break;
      }
    }
  }
  ::close(plain);
}

}  // namespace bursar::broker::testing
