// A small HTTP server for the tests of HTTP upstreams: blocking sockets, a thread a connection, port 0. Tests only.
#pragma once

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace bursar::broker::testing {

struct FakeRequest {
  std::string verb, target, body;
  std::map<std::string, std::string> headers;  // names in lower case
  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

// What a handler answers with. Writing after the client left is no error.
class FakeResponse {
 public:
  FakeResponse(int fd, const std::atomic<bool>& over) : fd_(fd), over_(over) {}
  void raw(const std::string& bytes) { (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  void full(int status, const std::string& type, const std::string& body, const std::string& headers = "") {
    raw("HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers +
        (type.empty() ? "" : "Content-Type: " + type + "\r\n") + "Content-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body);
  }
  void json(const std::string& body, const std::string& headers = "") { full(200, "application/json", body, headers); }
  void begin_events(const std::string& headers = "") {
    raw("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n" + headers + "\r\n");
  }
  void event(const std::string& data, const std::string& fields = "") { chunk(fields + "data: " + data + "\n\n"); }
  void chunk(const std::string& text) {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", text.size());
    raw(size + text + "\r\n");
  }
  void end_events() { raw("0\r\n\r\n"); }
  void hang_up() { hung_up_ = true; }
  // Until the client leaves or the test ends.
  void wait_for_client_to_leave() {
    char byte = 0;
    while (!over_ && ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
  }
  [[nodiscard]] bool hung_up() const { return hung_up_; }

 private:
  int fd_;
  const std::atomic<bool>& over_;
  bool hung_up_ = false;
};

class FakeHttpServer {
 public:
  using Handler = std::function<void(const FakeRequest&, FakeResponse&)>;

  explicit FakeHttpServer(Handler handler) : handler_(std::move(handler)) {
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

  ~FakeHttpServer() {
    over_ = true;
    acceptor_.join();
    ::close(listener_);
    for (auto& thread : connections_) thread.join();
  }

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/mcp"; }
  [[nodiscard]] int accepted() const { return accepted_; }

  // Every request seen so far, as "VERB body".
  [[nodiscard]] std::vector<FakeRequest> seen() const {
    const std::scoped_lock lock(mutex_);
    return seen_;
  }
  // Waits for a request that fits; false after ten seconds.
  [[nodiscard]] bool wait_for(const std::function<bool(const FakeRequest&)>& fits) const {
    for (int i = 0; i < 2000; ++i) {
      const auto all = seen();
      if (std::any_of(all.begin(), all.end(), fits)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return false;
  }

 private:
  void accept_all() {
    while (!over_) {
      pollfd ready{.fd = listener_, .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, 10) <= 0) continue;
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++accepted_;
      connections_.emplace_back([this, fd] {
        serve(fd);
        ::close(fd);
      });
    }
  }

  // False where the client left or the test ended.
  bool more(int fd, std::string& buffer) {
    while (!over_) {
      pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, 10) <= 0) continue;
      char piece[8192];
      const ssize_t n = ::recv(fd, piece, sizeof piece, 0);
      if (n <= 0) return false;
      buffer.append(piece, static_cast<std::size_t>(n));
      return true;
    }
    return false;
  }

  void serve(int fd) {
    std::string buffer;
    for (;;) {
      std::size_t end = 0;
      while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
        if (!more(fd, buffer)) return;
      }
      FakeRequest request = parse(buffer.substr(0, end));
      buffer.erase(0, end + 4);
      const std::size_t length =
          request.headers.contains("content-length") ? std::stoul(request.headers["content-length"]) : 0;
      while (buffer.size() < length) {
        if (!more(fd, buffer)) return;
      }
      request.body = buffer.substr(0, length);
      buffer.erase(0, length);
      {
        const std::scoped_lock lock(mutex_);
        seen_.push_back(request);
      }
      FakeResponse response(fd, over_);
      handler_(request, response);
      if (response.hung_up()) return;
    }
  }

  static FakeRequest parse(const std::string& head) {
    FakeRequest request;
    std::size_t at = head.find("\r\n");
    const std::string first = head.substr(0, at);
    request.verb = first.substr(0, first.find(' '));
    request.target = first.substr(request.verb.size() + 1, first.rfind(' ') - request.verb.size() - 1);
    while (at != std::string::npos) {
      const std::size_t next = head.find("\r\n", at + 2);
      const std::string line = head.substr(at + 2, next == std::string::npos ? next : next - at - 2);
      const std::size_t colon = line.find(':');
      std::string name = line.substr(0, colon);
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      request.headers[name] = line.substr(std::min(line.size(), colon + 2));
      at = next;
    }
    return request;
  }

  Handler handler_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> over_{false};
  std::atomic<int> accepted_{0};
  std::thread acceptor_;
  std::vector<std::thread> connections_;
  mutable std::mutex mutex_;
  std::vector<FakeRequest> seen_;
};

}  // namespace bursar::broker::testing
