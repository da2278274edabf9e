// A blocking HTTP client of raw bytes, for tests: what it sends is what you write.
//
//   RawClient client(port);
//   client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
//   RawAnswer answer = client.answer();
#pragma once

#include <arpa/inet.h>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace bursar::broker::testing {

struct RawAnswer {
  int status = 0;  // 0: the connection ended, or nothing came within ten seconds
  std::string head, body;
  [[nodiscard]] std::string header(std::string_view name) const {  // lower case, as the server writes them
    const std::string key = "\r\n" + std::string(name) + ": ";
    const std::size_t at = head.find(key);
    if (at == std::string::npos) return {};
    return head.substr(at + key.size(), head.find("\r\n", at + 2) - at - key.size());
  }
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // What came, once it contains `part`; empty when the connection ends or time runs out before.
  std::string read_until(std::string_view part, std::chrono::milliseconds patience = std::chrono::seconds{10}) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (true) {
      if (const std::size_t at = buffer_.find(part); at != std::string::npos) {
        std::string out = buffer_.substr(0, at + part.size());
        buffer_.erase(0, out.size());
        return out;
      }
      if (!more(until)) return {};
    }
  }
  // True when the server ends the connection within the time; what still came is in rest().
  bool ended(std::chrono::milliseconds patience = std::chrono::seconds{10}) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (more(until)) {
    }
    return ended_;
  }
  [[nodiscard]] const std::string& rest() const { return buffer_; }

  RawAnswer answer(std::chrono::milliseconds patience = std::chrono::seconds{10}) {
    RawAnswer out;
    out.head = read_until("\r\n\r\n", patience);
    if (out.head.size() < 12) return out;
    std::from_chars(out.head.data() + 9, out.head.data() + 12, out.status);
    if (out.header("transfer-encoding") == "chunked") return out;  // the caller reads the stream
    std::size_t length = 0;
    const std::string text = out.header("content-length");
    std::from_chars(text.data(), text.data() + text.size(), length);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (buffer_.size() < length && more(until)) {
    }
    out.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return out;
  }

 private:
  bool more(std::chrono::steady_clock::time_point until) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, static_cast<int>(left.count())) <= 0) return false;
    char bytes[16 << 10];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    buffer_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  bool connected_ = false, ended_ = false;
  std::string buffer_;
};

}  // namespace bursar::broker::testing
