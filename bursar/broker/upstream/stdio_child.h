// One child of a stdio upstream: starts it, finds out its era, shakes hands, restarts it with back-off, and moves
// messages between its lines and the hub. Inside this folder only; has Asio in it.
//
// The era: server/discover is the first request. A discovery means the modern era; any other answer, or none within
// kProbeSilence, makes us say initialize too, and the first of the two that is answered well decides. A child of the
// modern era that was only slow is then started again, since initialize may have made one of the other era of it. A
// child that ends at the question is started again without it. What the era is is not asked again.
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

 private:
  enum class State { kDown, kBackingOff, kStarting, kUp, kClosed };

  void submit(Ticket ticket) override;
  void send_text(std::string text) override;
  void send_notification(std::string text) override;
  void shut() override;
  void listen() override;

  void wake();
  void launch();
  void shake_hands();
  void discover();
  void initialize();
  void discovered(const Message& answer);
  void initialized(const Message& answer);
  void come_up();
  void watch_start(std::chrono::milliseconds silence);
  [[nodiscard]] bool of_subscription(const Message& message);
  void subscription_ended(const std::string& error);
  void forget_subscription();
  void ended_early(const std::string& reason);
  void start_failed(Cause cause, const std::string& detail);
  void on_line(std::string line);
  void on_overlong();
  void on_end(const std::string& reason);
  void send_call(Ticket ticket);
  [[nodiscard]] std::chrono::milliseconds back_off();

  State state_ = State::kDown;
  std::shared_ptr<ChildChannel> channel_;
  Ticket discover_ = 0, initialize_ = 0;  // ids of the handshake's requests that wait for an answer
  bool probe_failed_ = false;             // this child ended at server/discover; the next one is not asked
  bool greeted_twice_ = false;            // in both eras, and was ended for it
  TimePoint start_by_;
  std::string listen_params_;
  Ticket listen_ = 0, listen_before_ = 0;  // ids of the subscription, and of the one that it replaces
  bool listening_ = false;                 // it was acknowledged
  std::deque<Ticket> waiting_;             // for the handshake
  std::deque<std::string> notifications_;  // likewise
  std::string last_stderr_;
  std::optional<Cause> end_cause_;  // why we ended the child ourselves
  int crashes_ = 0;                 // in a row
  TimePoint up_since_, not_before_;
  std::minstd_rand jitter_;
  boost::asio::steady_timer state_timer_, listen_timer_;
};

}  // namespace bursar::broker
