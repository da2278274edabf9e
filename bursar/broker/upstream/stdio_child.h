// One child of a stdio upstream and the sessions that share it: starts it, shakes hands, restarts it with back-off, and
// moves messages between its lines and a SessionHub. Used by stdio_upstream only; lives on one reactor, entered by
// post().
#pragma once

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "bursar/broker/upstream/child_channel.h"
#include "bursar/broker/upstream/session_hub.h"

namespace bursar::broker {

class StdioChild;

// What all children of one upstream share; thread-safe.
struct StdioShared {
  UpstreamConfig config;
  UpstreamLimits limits;
  std::atomic<Ticket> last_ticket{0};
  std::atomic<std::uint64_t> last_member{0};
  std::atomic<std::size_t> sessions{0}, running{0}, restarts{0}, in_flight{0};
  std::atomic<bool> closed{false};

  std::mutex mutex;  // of what follows
  std::map<std::string, std::shared_ptr<StdioChild>> children;
  std::map<const StdioChild*, std::size_t> shares;  // sessions of each child in `children`
  UpstreamStatus learned;

  void learn(std::string_view initialize_result);
  void note_error(const std::string& text);
};

class StdioChild : public std::enable_shared_from_this<StdioChild> {
 public:
  StdioChild(Reactor& reactor, std::shared_ptr<StdioShared> shared, OpenSession first);

  [[nodiscard]] Reactor& reactor() { return reactor_; }

  // On the reactor's thread.
  void join(SessionHub::MemberId member, std::shared_ptr<UpstreamEvents> events);
  void leave(SessionHub::MemberId member);
  void request(Ticket ticket, SessionHub::Call call);
  void cancel(Ticket ticket, const std::string& reason);
  void notify(const std::string& method, const std::string& params);
  void respond(SessionHub::MemberId member, std::string message);
  void stop(const std::string& reason, Cause cause);  // for good: running calls fail with the cause

 private:
  enum class State { kDown, kBackingOff, kStarting, kUp, kClosed };
  using TimePoint = SessionHub::TimePoint;

  void wake();
  void launch();
  void handshake_sent();
  void handshake_done(const Message& answer);
  void start_failed(Cause cause, const std::string& detail);
  void on_line(std::string line);
  void on_overlong();
  void on_end(const std::string& reason);
  void fail_all(Cause cause, const std::string& detail, std::optional<std::chrono::milliseconds> retry_after = {});
  void send_call(Ticket ticket);
  void abandon(Ticket ticket, Cause cause, const std::string& reason);
  void watch_deadlines();
  void watch_idle();
  [[nodiscard]] std::chrono::milliseconds back_off();

  Reactor& reactor_;
  std::shared_ptr<StdioShared> shared_;
  std::string capabilities_, client_info_;
  SessionHub hub_;
  State state_ = State::kDown;
  std::shared_ptr<ChildChannel> channel_;
  Ticket handshake_ = 0;
  std::deque<Ticket> waiting_;             // for the handshake
  std::deque<std::string> notifications_;  // likewise
  std::string last_stderr_;
  std::optional<Cause> end_cause_;  // why we ended the child ourselves
  int crashes_ = 0;                 // in a row
  TimePoint up_since_, not_before_;
  std::minstd_rand jitter_;
  boost::asio::steady_timer deadline_timer_, state_timer_, idle_timer_;
  std::optional<TimePoint> armed_;
};

}  // namespace bursar::broker
