// The far end of an upstream, a child or an upstream session, and the agent sessions that share it. This base keeps
// what both transports have in common: members, calls with their deadlines, and the end. Inside this folder only; has
// Asio in it.
//
// A peer lives on one reactor, and everything but its constructor is called there.
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "bursar/broker/upstream/session_hub.h"
#include "bursar/broker/upstream/upstream_factory.h"

namespace bursar::broker {

class Peer;

// What all peers of one upstream share; thread-safe.
struct PeerShared {
  UpstreamConfig config;
  UpstreamLimits limits;
  std::atomic<Ticket> last_ticket{0};
  std::atomic<std::uint64_t> last_member{0};
  std::atomic<std::size_t> sessions{0}, running{0}, restarts{0}, in_flight{0};

  std::mutex mutex;  // of what follows
  bool closed = false;
  std::map<std::string, std::shared_ptr<Peer>> peers;
  std::map<const Peer*, std::size_t> shares;  // sessions of each peer in `peers`
  UpstreamStatus learned;

  void learn(std::string_view initialize_result);
  void note_error(const std::string& text);
  [[nodiscard]] UpstreamStatus status();
  [[nodiscard]] MessageLimits message_limits() const {
    return {.bytes = limits.message_bytes, .depth = limits.json_depth};
  }
};

class Peer : public std::enable_shared_from_this<Peer> {
 public:
  Peer(Reactor& reactor, std::shared_ptr<PeerShared> shared, OpenSession first);
  virtual ~Peer() = default;

  [[nodiscard]] Reactor& reactor() { return reactor_; }

  void join(SessionHub::MemberId member, std::shared_ptr<UpstreamEvents> events);
  void leave(SessionHub::MemberId member);
  void request(Ticket ticket, SessionHub::Call call);
  void cancel(Ticket ticket, const std::string& reason) { abandon(ticket, Cause::kCancelled, reason); }
  virtual void notify(const std::string& method, const std::string& params) = 0;
  void respond(SessionHub::MemberId member, std::string message);
  void stop(const std::string& reason);  // for good

 protected:
  using TimePoint = SessionHub::TimePoint;

  virtual void submit(Ticket ticket) = 0;        // the hub has a new call
  virtual void send_text(std::string text) = 0;  // a message that is no request; lost where the peer is down
  virtual void drop(Ticket) {}                   // the call was abandoned: free what carries it
  virtual void shut() = 0;                       // end everything, no callback any more

  void abandon(Ticket ticket, Cause cause, const std::string& reason);
  void fail_all(Cause cause, const std::string& detail, std::optional<std::chrono::milliseconds> retry_after = {});
  [[nodiscard]] bool closed() const { return closed_; }
  template <class T>
  [[nodiscard]] std::shared_ptr<T> self() {
    return std::static_pointer_cast<T>(shared_from_this());
  }

  Reactor& reactor_;
  std::shared_ptr<PeerShared> shared_;
  std::string capabilities_, client_info_;
  SessionHub hub_;

 private:
  void watch_deadlines();
  void watch_idle();

  boost::asio::steady_timer deadline_timer_, idle_timer_;
  std::optional<TimePoint> armed_;
  bool closed_ = false;
};

using MakePeer = std::function<std::shared_ptr<Peer>(Reactor&, std::shared_ptr<PeerShared>, OpenSession)>;

struct PeerPoolOptions {
  std::size_t peers_max = 64;
  const char* limit_name = "max_children";
  Reactor* fixed = nullptr;  // where all peers live; null: on the reactor of the thread that opens
};

[[nodiscard]] std::shared_ptr<Upstream> make_peer_pool(const UpstreamConfig& config, Reactors& reactors,
                                                       const UpstreamLimits& limits, PeerPoolOptions options,
                                                       MakePeer make);

}  // namespace bursar::broker
