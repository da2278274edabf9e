// A certificate authority made on the spot, and a TLS server in front of any plain one. Tests only.
//
//   TestAuthority authority;                                   // files in a directory of its own
//   const auto site = authority.issue("tools.test", {"DNS:tools.test", "IP:127.0.0.1"});
//   TlsFront front(plain.port(), site);                        // terminates TLS, passes bytes on
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace bursar::broker::testing {

struct TestCertificate {
  std::string certificate, key;  // PEM files
};

class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  [[nodiscard]] const std::string& ca() const { return ca_; }  // PEM file
  // days: how long it is valid; negative: it has expired.
  [[nodiscard]] TestCertificate issue(const std::string& name, const std::string& subject_alt_names, int days = 1);

 private:
  struct Keys;
  std::unique_ptr<Keys> keys_;
  std::filesystem::path directory_;
  std::string ca_;
  long serial_ = 1;
};

class TlsFront {
 public:
  // client_ca: PEM file; clients must show a certificate that it signed.
  TlsFront(std::uint16_t plain_port, const TestCertificate& certificate, const std::string& client_ca = {});
  ~TlsFront();
  TlsFront(const TlsFront&) = delete;
  TlsFront& operator=(const TlsFront&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string last_name() const;  // that a client sent (SNI)
  [[nodiscard]] int handshakes() const { return handshakes_; }

 private:
  void accept_all();
  void serve(int fd);

  struct Context;
  std::unique_ptr<Context> context_;
  std::uint16_t plain_port_, port_ = 0;
  int listener_ = -1;
  std::atomic<bool> over_{false};
  std::atomic<int> handshakes_{0};
  std::thread acceptor_;
  std::vector<std::thread> connections_;
};

}  // namespace bursar::broker::testing
