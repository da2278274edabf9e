// One connection of the HTTP server, inside the server only; server.h is the door.
//
// Everything here lives on one reactor's thread. A lane is what the connections of one reactor share: the list that the
// sweep walks, and the time as of its last step. Deadlines are plain times that the sweep compares, ten times a second,
// so that a request costs no timer.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "bursar/broker/http/server.h"
#include "bursar/broker/net/on_reactor.h"

namespace bursar::broker {

class Connection;
using TlsContext = std::shared_ptr<boost::asio::ssl::context>;  // null: plain HTTP
using Instant = std::chrono::steady_clock::time_point;

class Lane;

// What all lanes share.
struct ServerShared {
  HttpHandler handler;
  Metrics* metrics = nullptr;
  std::atomic<std::size_t> connections{0};
  std::atomic<bool> draining{false};
  std::atomic<std::uint64_t> next_request{1};
  std::vector<std::weak_ptr<Lane>> lanes;  // complete before the first of them starts
};

// A connection between two reactors: nothing but its socket, and what was read of its next request.
struct MovingConnection {
  int socket = -1;
  boost::asio::ip::tcp protocol;
  std::string unread;
  LimitsConfig limits;
  bool loopback = false;
};

class Lane : public std::enable_shared_from_this<Lane> {
 public:
  Lane(Reactor& owner, std::shared_ptr<ServerShared> common);
  void start();  // the sweep
  void add(Socket socket, const LimitsConfig& limits, bool loopback, TlsContext tls);
  void remove(const std::shared_ptr<Connection>& connection);
  // The lane of that reactor; null where it has none.
  [[nodiscard]] std::shared_ptr<Lane> lane_of(const Reactor& other) const;
  void hand_over(const std::shared_ptr<Connection>& connection, MovingConnection moving, std::shared_ptr<Lane> to);
  void drain();
  void close();

  Reactor& reactor;
  std::shared_ptr<ServerShared> shared;
  std::string date;  // of the Date header

 private:
  void sweep();
  void take_over(MovingConnection moving);

  Timer timer_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  bool closed_ = false;
};

std::shared_ptr<Connection> make_connection(Socket socket, Lane& lane, const LimitsConfig& limits, bool loopback,
                                            TlsContext tls);
void start(Connection& connection);
void go_on(Connection& connection, std::string_view unread);  // instead of start(), after a move
void sweep(Connection& connection, Instant now);
void drain(Connection& connection);
void close(Connection& connection);

}  // namespace bursar::broker
