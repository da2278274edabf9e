// One connection to an HTTP server and the pool of those that rest between requests, for coroutines; http_client.h is
// the door for everybody else. Has Asio and Beast in it. One reactor.
//
//   auto [link, failure] = co_await pool->acquire();
//   co_await link->send(head, body); co_await link->read_head(limit);
//   while (!link->body_done()) co_await link->read_body(text);
//   pool->release(link);
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/net/endpoint.h"
#include "bursar/broker/net/on_reactor.h"
#include "bursar/broker/pipeline/serf.h"

namespace bursar::broker {

class HttpLink : public std::enable_shared_from_this<HttpLink> {
 public:
  using error_code = boost::system::error_code;
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

  HttpLink(boost::asio::io_context& context, boost::asio::ssl::context* tls);

  awaitable<error_code> connect(Endpoints endpoints);
  awaitable<error_code> shake_hands(const std::string& host);                  // TLS; nothing for plain links
  [[nodiscard]] std::string handshake_detail(const error_code& failed) const;  // what was wrong with a certificate
  awaitable<error_code> send(std::string_view head, std::string_view body);
  awaitable<error_code> read_head(std::size_t bytes_max);
  awaitable<error_code> read_body(std::string& out);  // appends what comes next, up to 16 KiB

  [[nodiscard]] int status() const { return static_cast<int>(parser_->get().result_int()); }
  [[nodiscard]] std::string_view header(std::string_view name) const;
  void each_header(const std::function<void(std::string_view, std::string_view)>& visit) const;
  [[nodiscard]] bool body_done() const { return parser_->is_done(); }
  [[nodiscard]] bool reusable() const;    // a whole answer was read and the server keeps the connection
  [[nodiscard]] bool still_open() const;  // asks the system, costs a call; false once the server closed it

  void limit(std::chrono::milliseconds at_most);  // closes itself then
  void no_limit();
  void close();  // pending operations fail
  std::chrono::steady_clock::time_point rested_since;

 private:
  Socket& socket() { return stream_.next_layer(); }

  boost::asio::ssl::stream<Socket> stream_;
  bool tls_;
  Timer timer_;
  boost::beast::flat_buffer buffer_;
  std::unique_ptr<char[]> piece_;  // of a body, before it is appended; never cleared, for that would cost a page a read
  std::optional<boost::beast::http::response_parser<boost::beast::http::buffer_body>> parser_;
};

class HttpPool : public std::enable_shared_from_this<HttpPool> {
 public:
  struct Acquired {
    std::shared_ptr<HttpLink> link;
    std::optional<Cause> failure;
    std::string detail;
  };

  HttpPool(boost::asio::io_context& context, std::shared_ptr<const Endpoint> endpoint);

  // A rested link that is still open, else a new one; the name is resolved once and again after a failure. An address
  // that the endpoint may not lead to fails with kPolicy.
  awaitable<Acquired> acquire();
  void release(std::shared_ptr<HttpLink> link);  // closes what cannot be used again
  void close_rested();                           // those that nobody has wanted for a while, or that the server closed
  [[nodiscard]] const Url& url() const { return endpoint_->url(); }
  [[nodiscard]] const Endpoint& endpoint() const { return *endpoint_; }

 private:
  awaitable<std::string> resolve();                   // fills endpoints_; why not, where it failed
  [[nodiscard]] std::string refused_address() const;  // the first of endpoints_ that is refused, and why; else empty

  boost::asio::io_context& context_;
  std::shared_ptr<const Endpoint> endpoint_;
  HttpLink::Endpoints endpoints_;
  std::vector<std::shared_ptr<HttpLink>> resting_;  // the last to come is the first to go
  bool listed_ = false;                             // for sweep_rested_connections()
};

// What a failed read of an answer means: Beast's own errors say that what came is no HTTP; all others, and an end in
// the middle, that the connection broke.
[[nodiscard]] Cause cause_of_read(const boost::system::error_code& failed);

}  // namespace bursar::broker
