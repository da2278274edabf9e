// The side of an agent's session that faces the upstreams, and the streams on which their words reach the agent.
#include "bursar/broker/mcp/agent_session.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxPending = 256;      // requests that wait for the agent
constexpr std::size_t kMaxUndelivered = 256;  // messages that wait for a GET stream
constexpr std::size_t kMaxUndeliveredBytes = 4 << 20;
constexpr std::size_t kMaxStandalone = 8;

std::string_view notification_of(ListKind kind) {
  switch (kind) {
    case ListKind::kTools: return "notifications/tools/list_changed";
    case ListKind::kPrompts: return "notifications/prompts/list_changed";
    case ListKind::kResources:
    case ListKind::kTemplates: return "notifications/resources/list_changed";
  }
  return {};
}

std::optional<ListKind> changed_list(std::string_view method) {
  if (method == notification_of(ListKind::kTools)) return ListKind::kTools;
  if (method == notification_of(ListKind::kPrompts)) return ListKind::kPrompts;
  if (method == notification_of(ListKind::kResources)) return ListKind::kResources;
  return std::nullopt;
}

std::string_view needed_capability(std::string_view method) {
  if (method == "sampling/createMessage") return "sampling";
  if (method == "elicitation/create") return "elicitation";
  if (method == "roots/list") return "roots";
  return {};
}

}  // namespace

// Carries what an upstream says outside of a request to the session's reactor.
class SessionEvents final : public UpstreamEvents {
 public:
  SessionEvents(std::weak_ptr<AgentSession> session, Reactor& reactor, std::string upstream)
      : session_(std::move(session)), reactor_(reactor), upstream_(std::move(upstream)) {}

  void on_notification(Message message) override { said(std::move(message)); }
  void on_request(Message message) override { said(std::move(message)); }
  void on_closed(std::string) override {
    reactor_.post([weak = session_, upstream = upstream_] {
      if (const auto session = weak.lock()) session->upstream_closed(upstream);
    });
  }

 private:
  void said(Message message) {
    auto owned = std::make_shared<Message>(std::move(message));
    reactor_.post([weak = session_, upstream = upstream_, owned] {
      const auto session = weak.lock();
      if (!session) return;
      const auto from = session->upstreams_.find(upstream);
      if (from == session->upstreams_.end()) return;
      const auto opened = from->second.session;
      session->upstream_said(upstream, opened, *owned, nullptr);
    });
  }

  std::weak_ptr<AgentSession> session_;
  Reactor& reactor_;
  std::string upstream_;
};

Result<std::shared_ptr<UpstreamSession>> AgentSession::session_for(const Call& call) {
  if (call.target->upstream != kOwnUpstream) return upstream_session(call.target->upstream);
  const auto& calls = services_->calls;
  return services_->own.open(call, *calls.pipeline, *calls.ledger, reactor_, calls.clock->now());
}

Result<std::shared_ptr<UpstreamSession>> AgentSession::upstream_session(const std::string& name) {
  const auto set = services_->upstreams();
  const UpstreamEntry* const entry = set ? set->find(name) : nullptr;
  if (entry == nullptr) return fail(ErrorCode::kNotFound, "upstream " + name + " is no longer configured");
  if (const auto found = upstreams_.find(name); found != upstreams_.end()) {
    if (found->second.upstream == entry->upstream) return found->second.session;
    upstreams_.erase(found);
  }
  OpenSession open{.capabilities = opening_.capabilities,
                   .client_info = opening_.client_info,
                   .events = std::make_shared<SessionEvents>(weak_from_this(), reactor_, name)};
  switch (entry->config.isolation) {
    case Isolation::kShared: break;
    // A child on stdio cannot say which of its calls it asks for: an agent that can be asked has its own.
    case Isolation::kPrincipal: open.key = can_be_asked() ? opening_.id : opening_.principal.subject; break;
    case Isolation::kSession: open.key = opening_.id; break;
  }
  if (entry->authorize) open.authorization = entry->authorize(opening_.principal.subject);
  auto session = entry->upstream->open(std::move(open));
  if (!session) return session;
  upstreams_[name] = {.upstream = entry->upstream, .session = *session};
  greet(name, **session);
  return session;
}

bool AgentSession::can_be_asked() const {
  for (const std::string_view capability : {"sampling", "elicitation", "roots"}) {
    if (!raw_member(opening_.capabilities, capability).empty()) return true;
  }
  return false;
}

// A session upstream that is opened later, or anew, learns what the agent has asked for before.
void AgentSession::greet(const std::string& upstream, UpstreamSession& session) {
  const auto tell = [&](std::string_view method, std::string params) {
    session.request(
        {.method = std::string(method), .params = std::move(params), .deadline = std::chrono::seconds{30}},
        [](Message) {}, [](UpstreamReply) {});
  };
  if (!level_.empty() && services_->catalogue->current()->has(upstream, "logging")) {
    tell("logging/setLevel", "{\"level\":" + json_string(level_) + "}");
  }
  for (const auto& [subscription, key] : subscriptions_) {
    if (subscription.first == upstream)
      tell("resources/subscribe", "{\"uri\":" + json_string(subscription.second) + "}");
  }
}

void AgentSession::upstream_closed(const std::string& upstream) { upstreams_.erase(upstream); }

void AgentSession::upstream_said(const std::string& upstream, const std::shared_ptr<UpstreamSession>& from,
                                 const Message& message, const std::shared_ptr<Reply>& reply) {
  if (closed_) return;
  if (message.kind() == MessageKind::kRequest) return upstream_asked(from, message, reply);
  if (message.kind() != MessageKind::kNotification) return;
  const std::string_view method = message.method();
  if (const auto kind = changed_list(method)) {
    // The catalogue asks anew, and then tells every session: an agent that lists at once must not see the old list.
    if (!upstream.empty()) services_->catalogue->refresh(upstream, *kind);
    return;
  }
  if (method == "notifications/cancelled") {
    const std::string_view id = raw_member(message.params(), "requestId");
    for (auto pending = pending_.begin(); pending != pending_.end(); ++pending) {
      if (pending->second.id != id || pending->second.from.lock() != from) continue;
      const std::string params = with_member(message.params(), "requestId", pending->first);
      const auto of_call = pending->second.reply.lock();
      pending_.erase(pending);
      return to_agent(make_notification(method, params), of_call, upstream);
    }
    return;
  }
  if (method == "notifications/message" && !loud_enough(message)) return;
  if (method == "notifications/resources/updated" &&
      !subscriptions_.contains({upstream, std::string(message.name())})) {
    return;
  }
  if (method == "notifications/progress" && !reply) return;  // of a request that has ended
  to_agent(message.text(), reply, upstream);
}

void AgentSession::upstream_asked(const std::shared_ptr<UpstreamSession>& from, const Message& message,
                                  const std::shared_ptr<Reply>& reply) {
  if (message.method() == "ping") return from->respond(make_result(message.id(), "{}"));
  const std::string_view needed = needed_capability(message.method());
  if (needed.empty() || raw_member(opening_.capabilities, needed).empty()) {
    return from->respond(make_error(message.id(), -32601, "the client does not support this request"));
  }
  if (pending_.size() >= kMaxPending) {
    return from->respond(make_error(message.id(), -32603, "too many requests are waiting for the client"));
  }
  const std::string id = std::to_string(next_request_++);
  pending_[id] = {.from = from,
                  .id = std::string(message.id()),
                  .progress_token = std::string(message.progress_token()),
                  .reply = reply};
  std::string upstream;
  for (const auto& [name, opened] : upstreams_) {
    if (opened.session == from) upstream = name;
  }
  to_agent(message.with({.id = id}), reply, upstream);
}

// On the stream of the call that it belongs to; else on the newest GET stream; else on the stream of any call that runs
// there (a child on stdio cannot say which call it asks for); else it waits for the next GET stream.
void AgentSession::to_agent(std::string_view message, const std::shared_ptr<Reply>& reply,
                            const std::string& upstream) {
  if (reply && !reply->answered()) return reply->related(message);
  for (auto stream = standalone_.rbegin(); stream != standalone_.rend(); ++stream) {
    if ((*stream)->attached()) return (*stream)->send(message);
  }
  for (const auto& [id, running] : running_) {
    const bool there =
        running.driver && running.driver->call().target && running.driver->call().target->upstream == upstream;
    if (there && !running.reply->answered()) return running.reply->related(message);
  }
  undelivered_.emplace_back(message);
  undelivered_bytes_ += message.size();
  while (undelivered_.size() > kMaxUndelivered || undelivered_bytes_ > kMaxUndeliveredBytes) {
    undelivered_bytes_ -= undelivered_.front().size();
    undelivered_.pop_front();
    if (services_->calls.metrics != nullptr) services_->calls.metrics->queue_dropped("undelivered");
    if (undelivered_.empty()) return;
  }
}

void AgentSession::list_changed(const std::string& upstream, ListKind kind) {
  if (closed_ || (!opening_.server.empty() && opening_.server != upstream)) return;
  to_agent(make_notification(notification_of(kind), {}), nullptr, upstream);
}

void AgentSession::listen(const std::shared_ptr<Exchange>& exchange, std::string_view last_event_id,
                          std::optional<WallTime> until) {
  touch();
  if (closed_) {
    return exchange->answer({.status = 404, .body = make_error("", -32600, "Session not found: it has ended")});
  }
  std::shared_ptr<EventStream> stream;
  std::uint64_t after = 0;
  if (const auto position = parse_event_id(last_event_id)) {
    if (const auto found = streams_.find(position->stream); found != streams_.end()) {
      stream = found->second;
      after = position->sequence;
    }
  }
  if (!stream) {
    stream = new_stream();
    standalone_.push_back(stream);
    for (const std::string& message : std::exchange(undelivered_, {})) stream->send(message);
    undelivered_bytes_ = 0;
  }
  stream->attach(exchange, event_stream_head(headers()), after, primes() && !stream->finished());
  while (standalone_.size() > kMaxStandalone) {
    standalone_.front()->finish();
    standalone_.erase(standalone_.begin());
  }
  std::erase_if(readers_, [](const auto& reader) { return reader.first.expired(); });
  if (until) readers_.emplace_back(exchange, *until);
  watch(exchange, [self = shared_from_this(), stream, raw = exchange.get()] {
    if (stream->attached_to(raw)) stream->detach();
  });
}

}  // namespace bursar::broker
