// One upstream session over streamable HTTP, of either era: finds out which, shakes hands where that is due, posts,
// reads JSON or event streams, and listens for what the server says by itself. Up to 2025-11-25 it resumes streams and
// starts a new session when the server forgot the old one; from 2026-07-28 there is no session, a closed connection
// cancels, and subscriptions/listen takes the place of the GET stream (http_peer_modern.cc; the handshake is in
// http_peer_session.cc). Inside this folder only; has Asio in it.
//
// A request is sent a second time only where the server refused it, for its session (404, or 400 that says so), for its
// era, for its headers or for our credential, so it was surely not applied. Everything else that breaks after sending
// is kReset and the caller's decision.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "bursar/broker/net/http_link.h"
#include "bursar/broker/upstream/credential.h"
#include "bursar/broker/upstream/peer.h"
#include "bursar/broker/upstream/sse_parser.h"

namespace bursar::broker {

class HttpPeer final : public Peer {
 public:
  HttpPeer(Reactor& reactor, std::shared_ptr<PeerShared> shared, OpenSession first, std::shared_ptr<HttpPool> pool,
           std::shared_ptr<UpstreamCredential> credential = nullptr);

 private:
  enum class State { kDown, kStarting, kUp };
  using LinkPtr = std::shared_ptr<HttpLink>;

  static constexpr int kCredentialsMax = 2;  // further ones for one request

  // How one exchange ended.
  struct Outcome {
    bool answered = false;  // the answer was delivered
    bool again = false;     // the session was lost before anything was sent
    bool expired = false;   // the server does not know our session, and did nothing
    UpstreamReply reply;    // why not, otherwise
    // Set where the server refused our credential, which may be another by now.
    std::optional<CredentialRefusal> refusal;
  };
  // A message of the exchange; true where it is the answer.
  using OnMessage = std::function<bool(Message)>;
  // A request and what becomes of its answer.
  struct Exchange {
    Ticket key = 0;  // its id on the wire
    std::string text, headers;
    OnMessage on_message;
  };
  // What an event stream left behind.
  struct StreamEnd {
    bool answered = false, any = false, too_large = false;
    std::string last_id;
    std::optional<std::chrono::milliseconds> retry;
  };

  void submit(Ticket ticket) override;
  void send_text(std::string text) override;
  void send_notification(std::string text) override;
  void listen() override;
  [[nodiscard]] bool cancels_by_closing() const override { return modern(); }
  void drop(Ticket ticket) override;
  void shut() override;

  static awaitable<void> run(std::shared_ptr<HttpPeer> self, Ticket ticket);
  static awaitable<void> handshake(std::shared_ptr<HttpPeer> self);
  static awaitable<void> read_standalone(std::shared_ptr<HttpPeer> self, std::uint64_t epoch);
  static awaitable<void> subscribe(std::shared_ptr<HttpPeer> self, std::uint64_t generation);
  static awaitable<void> post_aside(std::shared_ptr<HttpPeer> self, std::string text);
  static awaitable<void> farewell(std::shared_ptr<HttpPool> pool, std::string head);

  awaitable<bool> ready();
  awaitable<std::optional<Error>> authorise();
  awaitable<bool> another_credential(Outcome& outcome);
  awaitable<bool> open_session();
  awaitable<bool> initialize();
  awaitable<std::optional<bool>> discover();
  awaitable<UpstreamReply> shake_hands(std::string method, std::string params);
  awaitable<void> learn_tools(std::string params);
  awaitable<Outcome> converse(Exchange exchange);
  awaitable<Outcome> take_answer(LinkPtr link, Ticket ticket, OnMessage on_message);
  awaitable<Outcome> take_json(LinkPtr link, OnMessage on_message);
  awaitable<Outcome> take_refusal(LinkPtr link);
  awaitable<Outcome> take_stream(LinkPtr link, Ticket ticket, OnMessage on_message);
  awaitable<void> read_events(LinkPtr link, StreamEnd& end, const OnMessage& on_message);
  awaitable<LinkPtr> resume(Ticket ticket, const StreamEnd& end);
  awaitable<void> pause(std::chrono::milliseconds time);

  [[nodiscard]] Exchange exchange_of(SessionHub::Call& call);
  [[nodiscard]] bool take(Message message, Ticket key, bool lists_tools);
  [[nodiscard]] Message without_wrong_tools(Message message);
  [[nodiscard]] bool heard(Message message, Ticket id, std::uint64_t generation);
  // Whether a refusal says that the server is of the other era; it is asked anew then.
  [[nodiscard]] bool changed_era(const Outcome& outcome, std::uint64_t epoch);
  void stop_listening(std::uint64_t before);  // generations before that one
  void lose_session(std::uint64_t epoch);
  void set_session(std::string_view id, std::string_view version);
  [[nodiscard]] bool wanted(Ticket ticket) {
    return !closed() && (ticket == handshake_ || ours_.contains(ticket) || hub_.find(ticket) != nullptr);
  }
  [[nodiscard]] std::string head(std::string_view verb, std::size_t body_bytes, std::string_view more) const;

  std::shared_ptr<HttpPool> pool_;
  CallerAuthorization ask_authorization_;           // empty: the configured headers
  std::shared_ptr<UpstreamCredential> credential_;  // of the gateway itself; null: none that can change
  std::string authorization_;                       // as either said last
  State state_ = State::kDown;
  Ticket handshake_ = 0;
  std::uint64_t epoch_ = 0;      // counts upstream sessions
  UpstreamReply start_failure_;  // of the last handshake
  std::string session_id_, session_headers_, version_;
  std::deque<std::string> notifications_;  // for when the session stands
  std::map<Ticket, LinkPtr> carrying_;     // by the id on the wire
  std::set<Ticket> ours_;                  // requests of our own, beside the handshake
  LinkPtr listening_;                      // of a legacy server
  // Of a modern server: each change of what is listened for is a generation; the last that was acknowledged, and the
  // connections of those that are read.
  std::string listen_params_;
  std::uint64_t generation_ = 0, acknowledged_ = 0;
  std::map<std::uint64_t, LinkPtr> subscriptions_;
  std::set<LinkPtr> aside_;  // of exchanges that no call waits for
  std::set<Timer*> pauses_;
  Timer settled_;  // cancelled when a handshake ended
};

}  // namespace bursar::broker
