#include "bursar/broker/mcp/agent_session.h"

#include <algorithm>

#include "bursar/broker/mcp/log_level.h"
#include "bursar/broker/pipeline/call_id.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/broker/telemetry/log.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxRunning = 1024;
constexpr std::size_t kMaxStreams = 64;
constexpr std::size_t kMaxStreamBytes = 16 << 20;
constexpr std::size_t kMaxSubscriptions = 1024;
constexpr auto kReplayAge = std::chrono::minutes{5};
constexpr auto kLongCall = std::chrono::seconds{2};
constexpr Duration kForwardDeadline = std::chrono::seconds{30};

constexpr int kInvalidRequest = -32600, kMethodNotFound = -32601, kInvalidParams = -32602;
constexpr int kUpstreamFailed = 1006;

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::optional<ListKind> listed(std::string_view method) {
  for (std::size_t kind = 0; kind < kListKinds; ++kind) {
    if (method == list_method(ListKind{static_cast<std::uint8_t>(kind)}))
      return ListKind{static_cast<std::uint8_t>(kind)};
  }
  return std::nullopt;
}

}  // namespace

void SubscriptionCounts::add(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  ++counts_[key];
}

bool SubscriptionCounts::drop(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = counts_.find(key);
  if (found == counts_.end()) return true;
  if (--found->second > 0) return false;
  counts_.erase(found);
  return true;
}

AgentSession::AgentSession(std::shared_ptr<McpServices> services, Reactor& reactor, Opening opening)
    : services_(std::move(services)), reactor_(reactor), opening_(std::move(opening)) {
  touch();
}

AgentSession::~AgentSession() = default;

void AgentSession::touch() { used_.store(steady_ms(), std::memory_order_relaxed); }

bool AgentSession::idle_for(std::chrono::steady_clock::duration age) const {
  if (busy_.load(std::memory_order_relaxed) > 0) return false;
  return steady_ms() - used_.load(std::memory_order_relaxed) >=
         std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
}

// `gone` runs on the session's reactor when the exchange's client went away.
void AgentSession::watch(const std::shared_ptr<Exchange>& exchange, std::function<void()> gone) {
  exchange->on_closed([weak = weak_from_this(), gone = std::move(gone)] {
    const auto self = weak.lock();
    if (!self) return;
    if (self->reactor_.on_this_thread()) return gone();
    self->reactor_.post([self, gone] { gone(); });
  });
}

void AgentSession::receive(Message message, Ingress ingress, std::shared_ptr<Exchange> exchange) {
  touch();
  auto reply = std::make_shared<Reply>(exchange, Reply::Options{.headers = headers(), .prime = primes()},
                                       [self = shared_from_this()] { return self->new_stream(); });
  if (closed_) {
    return reply->answer(make_error("", kInvalidRequest, "Session not found: it has ended"), 404);
  }
  switch (message.kind()) {
    case MessageKind::kRequest: {
      request(std::move(message), std::move(ingress), reply);
      if (reply->answered()) return;
      return watch(exchange, [weak = std::weak_ptr<Reply>(reply)] {
        if (const auto waiting = weak.lock()) waiting->client_gone();
      });
    }
    case MessageKind::kNotification: notification(message); break;
    case MessageKind::kResult:
    case MessageKind::kError: response(message); break;
  }
  reply->accepted();
}

void AgentSession::request(Message message, Ingress ingress, const std::shared_ptr<Reply>& reply) {
  const std::string_view method = message.method();
  if (running_.contains(std::string(message.id()))) {
    return reply->answer(make_error(message.id(), kInvalidRequest, "a request with this id is still running"), 400);
  }
  if (method == "ping") return reply->answer(make_result(message.id(), "{}"));
  if (method == "initialize") {
    return reply->answer(make_error(message.id(), kInvalidRequest, "this session is initialised already"), 400);
  }
  if (running_.size() >= kMaxRunning) {
    return reply->answer(make_error(message.id(), kInvalidRequest, "too many requests of this session are running"));
  }
  if (const auto kind = listed(method)) return list(*kind, message, reply);
  if (method == "logging/setLevel") return set_level(message, reply);
  if (method == "resources/subscribe" || method == "resources/unsubscribe") return subscribe(message, reply);
  if (method == "completion/complete") {
    const std::string type = raw_string(raw_member(raw_member(message.params(), "ref"), "type"));
    if (type == "ref/prompt" || type == "ref/resource") return call(std::move(message), std::move(ingress), reply, {});
    return reply->answer(
        make_error(message.id(), kInvalidParams, "params.ref.type: must be ref/prompt or ref/resource"));
  }
  if (method == "tools/call" || method == "prompts/get" || method == "resources/read") {
    if (message.name().empty()) {
      const char* const field = method == "resources/read" ? "params.uri" : "params.name";
      return reply->answer(
          make_error(message.id(), kInvalidParams, std::string(field) + ": a non-empty string is needed"));
    }
    std::vector<std::string> others;
    if (method == "resources/read") {
      others = services_->catalogue->current()->candidates(opening_.server, message.name());
      if (!others.empty()) others.erase(others.begin());
    }
    return call(std::move(message), std::move(ingress), reply, std::move(others));
  }
  reply->answer(make_error(message.id(), kMethodNotFound, "Method not found"));
}

void AgentSession::list(ListKind kind, const Message& message, const std::shared_ptr<Reply>& reply) {
  Catalogue::Query query{.kind = kind, .server = opening_.server};
  if (const std::string_view cursor = raw_member(message.params(), "cursor"); !cursor.empty()) {
    query.cursor = raw_string(cursor, "?");
  }
  begun();
  auto answer = [self = shared_from_this(), reply, query, id = std::string(message.id())] {
    self->ended();
    Pipeline& pipeline = *self->services_->calls.pipeline;
    const auto visible = [&](std::string_view upstream, std::string_view name, std::string_view exposed) {
      return pipeline.visible(self->opening_.principal, upstream, name, exposed);
    };
    auto page = self->services_->catalogue->current()->page(query, visible);
    reply->answer(page ? make_result(id, *page) : make_error(id, kInvalidParams, page.error().message));
  };
  services_->catalogue->when_fresh(opening_.server, kind, [self = shared_from_this(), answer = std::move(answer)] {
    if (self->reactor_.on_this_thread()) return answer();
    self->reactor_.post(answer);
  });
}

void AgentSession::set_level(const Message& message, const std::shared_ptr<Reply>& reply) {
  const std::string level = raw_string(raw_member(message.params(), "level"));
  if (!log_level_rank(level)) {
    return reply->answer(make_error(message.id(), kInvalidParams,
                                    "params.level: must be one of debug, info, notice, warning, error, critical, "
                                    "alert, emergency"));
  }
  level_ = level;
  // Sessions that are opened later are told when they are opened.
  for (const auto& [name, opened] : upstreams_) {
    if (!services_->catalogue->current()->has(name, "logging")) continue;
    opened.session->request(
        {.method = "logging/setLevel",
         .params = "{\"level\":" + json_string(level_) + "}",
         .deadline = kForwardDeadline},
        [](Message) {}, [](UpstreamReply) {});
  }
  reply->answer(make_result(message.id(), "{}"));
}

bool AgentSession::loud_enough(const Message& message) const {
  if (level_.empty()) return true;
  const auto level = log_level_rank(raw_string(raw_member(message.params(), "level")));
  return !level || *level >= *log_level_rank(level_);
}

void AgentSession::subscribe(const Message& message, const std::shared_ptr<Reply>& reply) {
  const bool begins = message.method() == "resources/subscribe";
  const auto catalogue = services_->catalogue->current();
  const std::string uri(message.name());
  const std::vector<std::string> upstreams = catalogue->candidates(opening_.server, uri);
  if (uri.empty() || upstreams.empty() ||
      !services_->calls.pipeline->visible(opening_.principal, upstreams.front(), uri, uri)) {
    return reply->answer(make_error(message.id(), kInvalidParams, "params.uri: no such resource"));
  }
  const std::string& upstream = upstreams.front();
  const UpstreamEntry* entry = nullptr;
  const auto set = services_->upstreams();
  if (set) entry = set->find(upstream);
  const bool own = entry == nullptr || entry->config.isolation == Isolation::kSession ||
                   (entry->config.isolation == Isolation::kPrincipal && can_be_asked());
  const bool shared = entry != nullptr && entry->config.isolation == Isolation::kShared;
  const std::string key = upstream + "\n" +
                          (own      ? opening_.id
                           : shared ? std::string()
                                    : opening_.principal.subject) +
                          "\n" + uri;
  const std::pair<std::string, std::string> subscription{upstream, uri};
  if (begins) {
    if (subscriptions_.size() >= kMaxSubscriptions) {
      return reply->answer(make_error(message.id(), kInvalidParams, "too many subscriptions in this session"));
    }
    if (subscriptions_.try_emplace(subscription, key).second) services_->subscriptions.add(key);
  } else if (subscriptions_.erase(subscription) > 0 && !services_->subscriptions.drop(key)) {
    return reply->answer(make_result(message.id(), "{}"));  // others still follow it through the same session
  }
  forward(upstream, message, std::string(message.params()), reply, [this, begins, subscription, key](bool ok) {
    if (!begins || ok || subscriptions_.erase(subscription) == 0) return;
    (void)services_->subscriptions.drop(key);
  });
}

// A request that costs nothing: straight to the upstream, with a deadline.
void AgentSession::forward(const std::string& upstream, const Message& message, std::string params,
                           const std::shared_ptr<Reply>& reply, std::function<void(bool)> after) {
  const std::string id(message.id());
  auto session = upstream_session(upstream);
  if (!session) {
    if (after) after(false);
    return reply->answer(make_error(id, kUpstreamFailed, "the upstream cannot be reached"));
  }
  begun();
  auto sink = [weak = weak_from_this(), upstream, from = *session, reply](Message said) {
    auto owned = std::make_shared<Message>(std::move(said));
    if (const auto self = weak.lock()) {
      self->reactor_.post([self, upstream, from, owned, reply] { self->upstream_said(upstream, from, *owned, reply); });
    }
  };
  auto done = [self = shared_from_this(), id, reply, after = std::move(after)](UpstreamReply answer) {
    auto owned = std::make_shared<UpstreamReply>(std::move(answer));
    self->reactor_.post([self, id, reply, after, owned] {
      const bool ok = !owned->failure && owned->error.empty();
      if (after) after(ok);
      std::string text;
      if (owned->failure)
        text = make_error(id, kUpstreamFailed, "the upstream did not answer");
      else if (ok)
        text = make_result(id, owned->result);
      else
        text = "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"error\":" + owned->error + "}";
      self->finish(id, reply, std::move(text));
    });
  };
  const Ticket ticket = (*session)->request(
      {.method = std::string(message.method()), .params = std::move(params), .deadline = kForwardDeadline},
      std::move(sink), std::move(done));
  running_[id] = {.reply = reply, .upstream = *session, .ticket = ticket, .name = upstream};
}

void AgentSession::finish(const std::string& id, const std::shared_ptr<Reply>& reply, std::string answer, int status) {
  if (running_.erase(id) > 0) ended();
  std::erase_if(pending_, [&](const auto& pending) { return pending.second.reply.lock() == reply; });
  touch();
  if (answer.empty())
    reply->abandon();
  else
    reply->answer(std::move(answer), status);
}

void AgentSession::call(Message message, Ingress ingress, const std::shared_ptr<Reply>& reply,
                        std::vector<std::string> others) {
  const std::string id(message.id());
  const WallTime now = services_->calls.clock->now();
  Call call{.id = call_id(now, services_->instance, services_->next_call.fetch_add(1)),
            .arrived = now,
            .ingress = std::move(ingress),
            .request = std::move(message),
            .principal = opening_.principal};
  if (running_.try_emplace(id).second) begun();
  running_[id] = {.reply = reply};
  CallDriver::Hooks hooks{
      .open = [this](const Call& running) { return session_for(running); },
      .related = [this, reply](const std::shared_ptr<UpstreamSession>& from,
                               Message said) { upstream_said(std::string(), from, said, reply); },
      .done = [self = shared_from_this(), reply,
               others = std::move(others)](Call& ended) { self->called(ended, reply, others); },
  };
  auto driver = CallDriver::start(services_->calls, reactor_, std::move(call), std::move(hooks));
  // A call that was refused at once has ended already.
  if (const auto found = running_.find(id); found != running_.end() && found->second.reply == reply) {
    found->second.driver = std::move(driver);
  }
}

void AgentSession::called(Call& call, const std::shared_ptr<Reply>& reply, std::vector<std::string> others) {
  const std::string id(call.request.id());
  const bool cancelled = call.serf && call.serf->code == "CANCELLED";
  if (cancelled) return finish(id, reply, {});
  const std::string_view code = raw_member(call.upstream_error, "code");
  if (!others.empty() && !call.serf && (code == "-32002" || code == "-32602" || code == "-32601")) {
    // Nobody listed this URI, and the likeliest upstream does not know it: ask the next.
    const std::string next = others.front();
    others.erase(others.begin());
    call.ingress.server = next;
    return this->call(std::move(call.request), std::move(call.ingress), reply, std::move(others));
  }
  std::string answer;
  int status = 200;
  if (call.http) {
    status = call.http->status;
    if (!call.http->www_authenticate.empty()) reply->header("www-authenticate", call.http->www_authenticate);
    answer = call.http->body.empty() ? make_error(id, kInvalidRequest, "refused") : call.http->body;
  } else if (!call.upstream_error.empty()) {
    answer = "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"error\":" + call.upstream_error + "}";
  } else {
    answer = make_result(id, call.result);
  }
  finish(id, reply, std::move(answer), status);
}

void AgentSession::notification(const Message& message) {
  const std::string_view method = message.method();
  if (method == "notifications/cancelled") return cancelled(message);
  if (method == "notifications/progress") {
    for (const auto& [id, pending] : pending_) {
      if (pending.progress_token.empty() || pending.progress_token != message.progress_token()) continue;
      if (const auto from = pending.from.lock()) from->notify(std::string(method), std::string(message.params()));
    }
    return;
  }
  if (method == "notifications/roots/list_changed") {
    for (const auto& [name, opened] : upstreams_) {
      opened.session->notify(std::string(method), std::string(message.params()));
    }
  }
}

void AgentSession::cancelled(const Message& message) {
  const auto found = running_.find(std::string(raw_member(message.params(), "requestId")));
  if (found == running_.end()) return;
  const Running running = found->second;
  if (running.driver) return running.driver->stop(Cause::kCancelled);
  if (!running.upstream) return;
  running.upstream->cancel(running.ticket, "the agent cancelled the request");
  finish(std::string(raw_member(message.params(), "requestId")), running.reply, {});
}

void AgentSession::response(const Message& message) {
  const auto found = pending_.find(std::string(message.id()));
  if (found == pending_.end()) return;
  const Pending pending = std::move(found->second);
  pending_.erase(found);
  if (const auto from = pending.from.lock()) from->respond(message.with({.id = pending.id}));
}

void AgentSession::tick() {
  const auto now = std::chrono::steady_clock::now();
  for (const auto& [id, running] : running_) {
    if (now - running.reply->since() >= kLongCall) running.reply->open();
  }
  forget_streams();
  end_expired();
}

// What is said from then on waits for a reader with a new token.
void AgentSession::end_expired() {
  const WallTime now = services_->calls.clock->now();
  for (const auto& [weak, until] : readers_) {
    const auto exchange = weak.lock();
    if (!exchange || until > now) continue;
    for (const auto& [id, stream] : streams_) {
      if (stream->attached_to(exchange.get())) stream->part();
    }
  }
  std::erase_if(readers_, [&](const auto& reader) { return reader.first.expired() || reader.second <= now; });
}

void AgentSession::close(Cause cause) {
  if (std::exchange(closed_, true)) return;
  // stop() answers, and takes the call from the map.
  while (!running_.empty()) {
    const auto first = running_.begin();
    const std::string id = first->first;
    const Running running = first->second;
    if (running.driver)
      running.driver->stop(cause);
    else if (running.upstream)
      running.upstream->cancel(running.ticket, "the session ended");
    if (const auto left = running_.find(id); left != running_.end() && left->second.reply == running.reply) {
      finish(id, running.reply, {});
    }
  }
  for (const auto& [subscription, key] : subscriptions_) (void)services_->subscriptions.drop(key);
  subscriptions_.clear();
  for (const auto& stream : standalone_) stream->finish();
  standalone_.clear();
  streams_.clear();
  pending_.clear();
  upstreams_.clear();
}

void AgentSession::begun() {
  busy_.fetch_add(1);
  services_->running.fetch_add(1);
}

void AgentSession::ended() {
  busy_.fetch_sub(1);
  services_->running.fetch_sub(1);
}

std::shared_ptr<EventStream> AgentSession::new_stream() {
  auto stream = std::make_shared<EventStream>(std::to_string(next_stream_++), EventStream::Limits{},
                                              [weak = weak_from_this()](bool attached) {
                                                if (const auto self = weak.lock()) self->reader(attached);
                                              });
  streams_[stream->id()] = stream;
  forget_streams();
  return stream;
}

// A session with a reader is in use, however long it says nothing.
void AgentSession::reader(bool attached) {
  busy_.fetch_add(attached ? 1 : -1);
  services_->streams.fetch_add(attached ? 1 : -1);
  touch();
  if (services_->calls.metrics != nullptr) services_->calls.metrics->add(Gauge::kStreams, attached ? 1 : -1);
}

void AgentSession::forget_streams() {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(streams_, [&](const auto& entry) {
    return entry.second->finished() && now - entry.second->finished_at() > kReplayAge;
  });
  while (true) {
    std::size_t bytes = 0;
    auto oldest = streams_.end();
    for (auto it = streams_.begin(); it != streams_.end(); ++it) {
      bytes += it->second->bytes();
      if (!it->second->finished()) continue;
      if (oldest == streams_.end() || it->second->finished_at() < oldest->second->finished_at()) oldest = it;
    }
    if (oldest == streams_.end() || (streams_.size() <= kMaxStreams && bytes <= kMaxStreamBytes)) return;
    streams_.erase(oldest);
  }
}

}  // namespace bursar::broker
