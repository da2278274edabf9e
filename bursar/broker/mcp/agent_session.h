// One agent's session of the legacy era (MCP up to 2025-11-25): what it negotiated, what it has running, what it may
// still read, and its sessions with the upstreams.
//
//   auto session = std::make_shared<AgentSession>(services, reactor, opening);
//   session->receive(std::move(message), ingress, exchange);   // a POST
//   session->listen(exchange, last_event_id);                  // a GET
//
// It lives on one reactor: everything here except the const accessors and touch() runs on that reactor's thread.
// Requests that reach an upstream go through the pipeline (tools/call, prompts/get, resources/read,
// completion/complete); lists come from the catalogue; a request of the upstream to the agent (sampling, elicitation,
// roots) gets an id of ours on its way, and the answer finds back. A client that disconnects has cancelled nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bursar/broker/mcp/call_driver.h"
#include "bursar/broker/mcp/catalogue_keeper.h"
#include "bursar/broker/mcp/event_stream.h"
#include "bursar/broker/mcp/handle_store.h"
#include "bursar/broker/mcp/handles.h"
#include "bursar/broker/mcp/own_tools.h"
#include "bursar/broker/mcp/reply.h"

namespace bursar::broker {

// How many sessions follow a resource through one shared upstream session: only the last one ends the subscription.
class SubscriptionCounts {
 public:
  void add(const std::string& key);
  [[nodiscard]] bool drop(const std::string& key);  // true: nobody is left

 private:
  std::mutex mutex_;
  std::map<std::string, std::size_t> counts_;
};

// What sessions need from outside; all of it outlives them and is thread-safe.
struct McpServices {
  CallDriver::Dependencies calls;
  std::shared_ptr<CatalogueKeeper> catalogue;
  std::function<std::shared_ptr<const UpstreamSet>()> upstreams;
  SubscriptionCounts subscriptions;
  std::atomic<std::uint64_t> next_call{1};
  std::atomic<std::int64_t> running{0}, streams{0};  // of all sessions
  std::string instance;                              // of this process: prefix of call ids
  Handles handles{""};
  std::shared_ptr<EndedSessions> ended = std::make_shared<EndedSessions>();
  OwnTools own;
  Reactors* reactors = nullptr;  // that sessions are spread over; null: a session stays where it was opened
  Duration state_lifetime = std::chrono::minutes{10};  // of a requestState
};

class AgentSession : public std::enable_shared_from_this<AgentSession> {
 public:
  struct Opening {
    std::string id;
    Principal principal;
    std::string server;  // of /mcp/<server>; empty for /mcp
    std::string protocol_version;
    std::string capabilities;  // of the agent; raw JSON
    std::string client_info;   // raw JSON
  };
  AgentSession(std::shared_ptr<McpServices> services, Reactor& reactor, Opening opening);
  ~AgentSession();

  [[nodiscard]] Reactor& reactor() { return reactor_; }
  [[nodiscard]] const Opening& opening() const { return opening_; }
  [[nodiscard]] HttpHeaders headers() const { return {{"mcp-session-id", opening_.id}}; }
  [[nodiscard]] bool idle_for(std::chrono::steady_clock::duration age) const;
  [[nodiscard]] bool busy() const { return busy_.load(std::memory_order_relaxed) > 0; }
  [[nodiscard]] std::int64_t last_used() const { return used_.load(std::memory_order_relaxed); }
  void touch();

  void receive(Message message, Ingress ingress, std::shared_ptr<Exchange> exchange);
  // `until`: when what the agent showed ends; the stream ends then, to be told so when it comes back.
  void listen(const std::shared_ptr<Exchange>& exchange, std::string_view last_event_id,
              std::optional<WallTime> until = {});
  void list_changed(const std::string& upstream, ListKind kind);
  void tick();              // once a second while busy: long calls become streams, old streams are forgotten
  void close(Cause cause);  // ends calls, streams and upstream sessions

 private:
  friend class SessionEvents;
  struct Pending {  // a request of an upstream that waits for the agent
    std::weak_ptr<UpstreamSession> from;
    std::string id, progress_token;  // the upstream's
    std::weak_ptr<Reply> reply;      // of the call on whose behalf it asked; empty for none
  };
  struct Running {
    std::shared_ptr<Reply> reply;
    std::shared_ptr<CallDriver> driver;  // or, for what is no pipeline call:
    std::shared_ptr<UpstreamSession> upstream;
    Ticket ticket = 0;
    std::string name;  // of the upstream
  };

  void request(Message message, Ingress ingress, const std::shared_ptr<Reply>& reply);
  void notification(const Message& message);
  void response(const Message& message);
  void cancelled(const Message& message);

  void list(ListKind kind, const Message& message, const std::shared_ptr<Reply>& reply);
  void set_level(const Message& message, const std::shared_ptr<Reply>& reply);
  void subscribe(const Message& message, const std::shared_ptr<Reply>& reply);
  void call(Message message, Ingress ingress, const std::shared_ptr<Reply>& reply, std::vector<std::string> others);
  void called(Call& call, const std::shared_ptr<Reply>& reply, std::vector<std::string> others);
  void forward(const std::string& upstream, const Message& message, std::string params,
               const std::shared_ptr<Reply>& reply, std::function<void(bool)> after);
  void finish(const std::string& id, const std::shared_ptr<Reply>& reply, std::string answer, int status = 200);

  [[nodiscard]] Result<std::shared_ptr<UpstreamSession>> session_for(const Call& call);
  [[nodiscard]] Result<std::shared_ptr<UpstreamSession>> upstream_session(const std::string& name);
  void upstream_said(const std::string& upstream, const std::shared_ptr<UpstreamSession>& from, const Message& message,
                     const std::shared_ptr<Reply>& reply);
  void upstream_asked(const std::shared_ptr<UpstreamSession>& from, const Message& message,
                      const std::shared_ptr<Reply>& reply);
  [[nodiscard]] bool can_be_asked() const;
  void greet(const std::string& upstream, UpstreamSession& session);
  void upstream_closed(const std::string& upstream);
  void to_agent(std::string_view message, const std::shared_ptr<Reply>& reply, const std::string& upstream);
  [[nodiscard]] bool loud_enough(const Message& message) const;

  [[nodiscard]] std::shared_ptr<EventStream> new_stream();
  void reader(bool attached);
  void begun();
  void ended();
  void forget_streams();
  void end_expired();
  [[nodiscard]] bool primes() const { return opening_.protocol_version >= "2025-11-25"; }
  void watch(const std::shared_ptr<Exchange>& exchange, std::function<void()> gone);

  std::shared_ptr<McpServices> services_;
  Reactor& reactor_;
  const Opening opening_;
  std::atomic<std::int64_t> used_{0};  // steady milliseconds
  std::atomic<int> busy_{0};           // running requests and open GET streams
  bool closed_ = false;

  std::unordered_map<std::string, Running> running_;  // by the agent's id, raw
  std::unordered_map<std::string, Pending> pending_;  // by our id, raw
  std::uint64_t next_request_ = 1, next_stream_ = 1;
  struct Opened {
    std::shared_ptr<Upstream> upstream;  // a reload may have put another in its place
    std::shared_ptr<UpstreamSession> session;
  };
  std::map<std::string, Opened> upstreams_;
  std::map<std::string, std::shared_ptr<EventStream>> streams_;  // all that can still be read, by id
  std::vector<std::shared_ptr<EventStream>> standalone_;         // GET streams; the newest attached one is written to
  std::vector<std::pair<std::weak_ptr<Exchange>, WallTime>> readers_;  // whose token ends, and when
  std::size_t undelivered_bytes_ = 0;
  std::deque<std::string> undelivered_;                                       // for the next GET stream
  std::map<std::pair<std::string, std::string>, std::string> subscriptions_;  // upstream, URI -> key of its count
  std::string level_;
};

}  // namespace bursar::broker
