// One upstream session over streamable HTTP (MCP up to 2025-11-25): shakes hands, posts, reads JSON or event streams,
// resumes streams, listens for what the server says by itself, and starts a new session when the server forgot the old
// one. Inside this folder only; has Asio in it.
//
// A request is sent a second time only where the server refused it for its session (404, or 400 that says so), so it
// was surely not applied. Everything else that breaks after sending is kReset and the caller's decision.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "bursar/broker/net/http_link.h"
#include "bursar/broker/upstream/peer.h"
#include "bursar/broker/upstream/sse_parser.h"

namespace bursar::broker {

class HttpPeer final : public Peer {
 public:
  HttpPeer(Reactor& reactor, std::shared_ptr<PeerShared> shared, OpenSession first, std::shared_ptr<HttpPool> pool);

  void notify(const std::string& method, const std::string& params) override;

 private:
  enum class State { kDown, kStarting, kUp };
  using LinkPtr = std::shared_ptr<HttpLink>;
  template <class T>
  using awaitable = boost::asio::awaitable<T>;

  // How one exchange ended.
  struct Outcome {
    bool answered = false;  // the answer was delivered
    bool again = false;     // the session was lost before anything was sent
    bool expired = false;   // the server does not know our session, and did nothing
    UpstreamReply reply;    // why not, otherwise
  };
  // A message of the exchange; true where it is the answer.
  using OnMessage = std::function<bool(Message)>;
  // What an event stream left behind.
  struct StreamEnd {
    bool answered = false, any = false, too_large = false;
    std::string last_id;
    std::optional<std::chrono::milliseconds> retry;
  };

  void submit(Ticket ticket) override;
  void send_text(std::string text) override;
  void drop(Ticket ticket) override;
  void shut() override;

  static awaitable<void> run(std::shared_ptr<HttpPeer> self, Ticket ticket);
  static awaitable<void> handshake(std::shared_ptr<HttpPeer> self);
  static awaitable<void> listen(std::shared_ptr<HttpPeer> self, std::uint64_t epoch);
  static awaitable<void> post_aside(std::shared_ptr<HttpPeer> self, std::string text);
  static awaitable<void> farewell(std::shared_ptr<HttpPool> pool, std::string head);

  awaitable<bool> ready();
  awaitable<bool> open_session();
  awaitable<Outcome> converse(std::string text, Ticket ticket, OnMessage on_message);
  awaitable<Outcome> take_answer(LinkPtr link, Ticket ticket, OnMessage on_message);
  awaitable<Outcome> take_json(LinkPtr link, OnMessage on_message);
  awaitable<Outcome> take_refusal(LinkPtr link);
  awaitable<Outcome> take_stream(LinkPtr link, Ticket ticket, OnMessage on_message);
  awaitable<void> read_events(LinkPtr link, StreamEnd& end, const OnMessage& on_message);
  awaitable<LinkPtr> resume(Ticket ticket, const StreamEnd& end);
  awaitable<void> pause(std::chrono::milliseconds time);

  void deliver(Message message, Ticket stream);
  void lose_session(std::uint64_t epoch);
  void set_session(std::string_view id, std::string_view version);
  [[nodiscard]] bool wanted(Ticket ticket) {
    return !closed() && (ticket == handshake_ || hub_.find(ticket) != nullptr);
  }
  [[nodiscard]] std::string head(std::string_view verb, std::size_t body_bytes, std::string_view last_id = {}) const;

  std::shared_ptr<HttpPool> pool_;
  State state_ = State::kDown;
  Ticket handshake_ = 0;
  std::uint64_t epoch_ = 0;      // counts upstream sessions
  UpstreamReply start_failure_;  // of the last handshake
  std::string session_id_, session_headers_, version_;
  std::deque<std::string> notifications_;  // for when the session stands
  std::map<Ticket, LinkPtr> carrying_;
  LinkPtr listening_;
  std::set<LinkPtr> aside_;  // of exchanges that no call waits for
  std::set<boost::asio::steady_timer*> pauses_;
  boost::asio::steady_timer settled_;  // cancelled when a handshake ended
};

}  // namespace bursar::broker
