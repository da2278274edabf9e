// One child of a stdio upstream: starts it, shakes hands, restarts it with back-off, and moves messages between its
// lines and the hub. Inside this folder only; has Asio in it.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "bursar/broker/upstream/child_channel.h"
#include "bursar/broker/upstream/peer.h"

namespace bursar::broker {

class StdioChild final : public Peer {
 public:
  StdioChild(Reactor& reactor, std::shared_ptr<PeerShared> shared, OpenSession first);

  void notify(const std::string& method, const std::string& params) override;

 private:
  enum class State { kDown, kBackingOff, kStarting, kUp, kClosed };

  void submit(Ticket ticket) override;
  void send_text(std::string text) override;
  void shut() override;

  void wake();
  void launch();
  void handshake_sent();
  void handshake_done(const Message& answer);
  void start_failed(Cause cause, const std::string& detail);
  void on_line(std::string line);
  void on_overlong();
  void on_end(const std::string& reason);
  void send_call(Ticket ticket);
  [[nodiscard]] std::chrono::milliseconds back_off();

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
  boost::asio::steady_timer state_timer_;
};

}  // namespace bursar::broker
