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
#include <vector>

#include "bursar/broker/upstream/modern_side.h"
#include "bursar/broker/upstream/session_hub.h"
#include "bursar/broker/upstream/tool_headers.h"
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
  std::optional<Era> era;  // what the server was found to speak; absent: not known, ask it

  ToolHeaders tool_headers;

  void learn(std::string_view initialize_result);
  void learn_modern(std::string_view discover_result);
  // Which era to begin with, as the configuration demands or as remembered; absent: ask the server.
  [[nodiscard]] std::optional<Era> era_known();
  void forget_era();
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

  void join(SessionHub::MemberId member, const OpenSession& open);
  void leave(SessionHub::MemberId member);
  void request(Ticket ticket, SessionHub::Call call);
  void cancel(Ticket ticket, const std::string& reason) { abandon(ticket, Cause::kCancelled, reason); }
  void notify(const std::string& method, const std::string& params);
  void respond(SessionHub::MemberId member, std::string message);
  void stop(const std::string& reason);  // for good

 protected:
  using TimePoint = SessionHub::TimePoint;

  virtual void submit(Ticket ticket) = 0;                // the hub has a new call, or one to be repeated
  virtual void send_text(std::string text) = 0;          // a message that is no request; lost where the peer is down
  virtual void send_notification(std::string text) = 0;  // likewise, but kept until the peer is up
  virtual void drop(Ticket) {}                           // the call was abandoned: free what carries it
  virtual void shut() = 0;                               // end everything, no callback any more
  // Modern servers. listen() renews the subscription after a change: listening() or listen_failed() must follow.
  virtual void listen() {}
  [[nodiscard]] virtual bool cancels_by_closing() const { return false; }

  [[nodiscard]] bool modern() const { return modern_; }
  void speak(Era era, std::string_view server_capabilities);
  [[nodiscard]] std::string wire_text(SessionHub::Call& call) const;
  // Does what a modern server has no method for; true where the call was for us.
  [[nodiscard]] bool handled_here(Ticket ticket);
  // Takes a message of the server; true where it answers that call, whatever comes of the call now.
  bool took(Message message, Ticket stream);
  void hear(Message message);                    // a notification of the subscription
  void listening();                              // what was asked of listen() is in force
  void listen_failed(const std::string& error);  // raw JSON-RPC error, or empty

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
  ModernSide side_;

 private:
  void watch_deadlines();
  void ask_agent(Ticket ticket, std::string_view result);
  void take_answer(Ticket ticket, const Message& response);
  void repeat(Ticket ticket);
  void repeat_later(Ticket ticket);
  void settle_watchers(const std::string& error);
  void watch_idle();

  boost::asio::steady_timer deadline_timer_, idle_timer_;
  std::optional<TimePoint> armed_;
  bool closed_ = false, modern_ = false;
  std::vector<Ticket> watchers_;  // calls that wait for listening()
  std::uint64_t last_question_ = 0;
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
