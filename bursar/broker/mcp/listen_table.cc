#include "bursar/broker/mcp/listen_table.h"

#include <algorithm>
#include <simdjson.h>

#include "bursar/broker/mcp/modern_headers.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr int kInvalidRequest = -32600, kInvalidParams = -32602, kInternalError = -32603;
constexpr Duration kSubscribeDeadline = std::chrono::seconds{30};

std::string_view notification_of(ListKind kind) {
  if (kind == ListKind::kTools) return "notifications/tools/list_changed";
  return kind == ListKind::kPrompts ? "notifications/prompts/list_changed" : "notifications/resources/list_changed";
}

// A flag of the filter; absent counts as false.
Result<bool> flag(std::string_view filter, std::string_view name) {
  const std::string_view raw = raw_member(filter, name);
  if (raw.empty() || raw == "false" || raw == "true") return raw == "true";
  return invalid_argument("params.notifications." + std::string(name) + ": must be true or false");
}

bool announces(std::string_view capabilities, std::string_view what, std::string_view flag) {
  return raw_member(raw_member(capabilities, what), flag) == "true";
}

std::string stamped(std::string_view params, std::string_view id) {
  return with_meta(params.empty() ? "{}" : params, kSubscriptionKey, id);
}

}  // namespace

bool ListenTable::Stream::wants(ListKind kind) const {
  if (kind == ListKind::kTools) return tools;
  return kind == ListKind::kPrompts ? prompts : resources;
}

void ListenTable::Stream::say(std::string_view method, std::string_view params) const {
  exchange->write(message_event(make_notification(method, stamped(params, id))));
}

Result<void> ListenTable::read_resources(std::string_view list, Stream& stream) const {
  const Error wrong{.code = ErrorCode::kInvalidArgument,
                    .message = "params.notifications.resourceSubscriptions: must be an array of URIs"};
  simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(list);
  simdjson::ondemand::document document;
  simdjson::ondemand::array array;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_array().get(array) != simdjson::SUCCESS) {
    return tl::unexpected(wrong);
  }
  const auto catalogue = services_->catalogue->current();
  std::size_t count = 0;
  for (auto element : array) {
    std::string_view text;
    if (element.get_string().get(text) != simdjson::SUCCESS) return tl::unexpected(wrong);
    if (++count > kMaxResources) return invalid_argument("params.notifications.resourceSubscriptions: too many");
    const std::string uri(text);
    const auto upstreams = catalogue->candidates(stream.server, uri);
    if (upstreams.empty() || !services_->calls.pipeline->visible(stream.principal, upstreams.front(), uri, uri)) {
      continue;
    }
    for (const auto& lists : catalogue->lists()) {
      if (lists->upstream == upstreams.front() && announces(lists->capabilities, "resources", "subscribe")) {
        stream.followed[uri] = lists->upstream;
      }
    }
  }
  return {};
}

Result<ListenTable::StreamPtr> ListenTable::read(const Message& message, const Principal& principal,
                                                 const std::string& server) {
  const std::string_view filter = raw_member(message.params(), "notifications");
  if (!filter.starts_with('{')) return invalid_argument("params.notifications: an object is needed");
  auto stream = std::make_shared<Stream>();
  stream->id = message.id();
  stream->principal = principal;
  stream->server = server;
  const auto tools = flag(filter, "toolsListChanged"), prompts = flag(filter, "promptsListChanged"),
             resources = flag(filter, "resourcesListChanged");
  for (const auto* one : {&tools, &prompts, &resources}) {
    if (!*one) return tl::unexpected(one->error());
  }
  const std::string can = services_->catalogue->current()->capabilities(server);
  stream->tools = *tools && announces(can, "tools", "listChanged");
  stream->prompts = *prompts && announces(can, "prompts", "listChanged");
  stream->resources = *resources && announces(can, "resources", "listChanged");
  if (const std::string_view list = raw_member(filter, "resourceSubscriptions"); !list.empty()) {
    if (auto ok = read_resources(list, *stream); !ok) return tl::unexpected(ok.error());
  }
  return stream;
}

bool ListenTable::add(const StreamPtr& stream) {
  const std::scoped_lock lock(mutex_);
  std::size_t& own = per_principal_[stream->principal.subject];
  if (streams_.size() >= kMaxStreams || own >= kMaxStreamsPerPrincipal) return false;
  own += 1;
  streams_.emplace(stream.get(), stream);
  return true;
}

void ListenTable::remove(const StreamPtr& stream) {
  {
    const std::scoped_lock lock(mutex_);
    if (streams_.erase(stream.get()) == 0) return;
    const auto own = per_principal_.find(stream->principal.subject);
    if (own != per_principal_.end() && --own->second == 0) per_principal_.erase(own);
  }
  services_->streams.fetch_sub(1);
  if (services_->calls.metrics != nullptr) services_->calls.metrics->add(Gauge::kStreams, -1);
  unfollow(*stream);
}

void ListenTable::listen(const Message& message, const Principal& principal, const std::string& server,
                         const std::shared_ptr<Exchange>& exchange) {
  auto stream = read(message, principal, server);
  if (!stream) {
    return exchange->answer({.status = 200, .body = make_error(message.id(), kInvalidParams, stream.error().message)});
  }
  const StreamPtr& open = *stream;
  open->exchange = exchange;
  if (!open->empty() && !add(open)) {
    return exchange->answer(
        {.status = 200, .body = make_error(message.id(), kInternalError, "too many subscriptions are open")});
  }
  exchange->stream(event_stream_head({}), std::string(kHeartbeatComment));
  std::string honoured = "{";
  const auto put = [&](std::string_view name, std::string_view raw) {
    if (honoured.back() != '{') honoured += ',';
    honoured += json_string(name) + ":" + std::string(raw);
  };
  if (open->tools) put("toolsListChanged", "true");
  if (open->prompts) put("promptsListChanged", "true");
  if (open->resources) put("resourcesListChanged", "true");
  if (!open->followed.empty()) {
    std::string list;
    for (const auto& [uri, upstream] : open->followed) list += (list.empty() ? "[" : ",") + json_string(uri);
    put("resourceSubscriptions", list + "]");
  }
  open->say("notifications/subscriptions/acknowledged", R"({"notifications":)" + honoured + "}}");
  if (open->empty()) {  // nothing will ever come
    exchange->write(message_event(make_result(open->id, stamped(R"({"resultType":"complete"})", open->id))));
    return exchange->finish();
  }
  services_->streams.fetch_add(1);
  if (services_->calls.metrics != nullptr) services_->calls.metrics->add(Gauge::kStreams, 1);
  std::vector<std::string> upstreams;
  for (const auto& [uri, upstream] : open->followed) upstreams.push_back(upstream);
  std::sort(upstreams.begin(), upstreams.end());
  upstreams.erase(std::unique(upstreams.begin(), upstreams.end()), upstreams.end());
  for (const std::string& upstream : upstreams) follow(*open, upstream);
  exchange->on_closed([weak = weak_from_this(), open] {
    if (const auto self = weak.lock()) self->remove(open);
  });
}

void ListenTable::follow(Stream& stream, const std::string& upstream) {
  const auto set = services_->upstreams();
  const UpstreamEntry* const entry = set ? set->find(upstream) : nullptr;
  if (entry == nullptr) return;
  auto lease =
      pool_->take(*entry, {.principal = stream.principal, .capabilities = "{}"}, stream.exchange->reactor(), {});
  if (!lease) return;  // sweep() tries again
  for (const auto& [uri, owner] : stream.followed) {
    if (owner != upstream) continue;
    services_->subscriptions.add(upstream + "\n" + std::to_string(reinterpret_cast<std::uintptr_t>((*lease)->slot())) +
                                 "\n" + uri);
    (*lease)->session()->request(
        {.method = "resources/subscribe",
         .params = R"({"uri":)" + json_string(uri) + "}",
         .deadline = kSubscribeDeadline},
        [](Message) {}, [](UpstreamReply) {});
  }
  const std::scoped_lock lock(mutex_);
  stream.leases[upstream] = std::move(*lease);
}

void ListenTable::unfollow(Stream& stream) {
  std::map<std::string, std::shared_ptr<UpstreamPool::Lease>> leases;
  {
    const std::scoped_lock lock(mutex_);
    leases.swap(stream.leases);
  }
  for (const auto& [upstream, lease] : leases) {
    for (const auto& [uri, owner] : stream.followed) {
      if (owner != upstream) continue;
      const std::string slot = std::to_string(reinterpret_cast<std::uintptr_t>(lease->slot()));
      if (!services_->subscriptions.drop(upstream + "\n" + slot + "\n" + uri) || lease->lost()) continue;
      lease->session()->request(
          {.method = "resources/unsubscribe",
           .params = R"({"uri":)" + json_string(uri) + "}",
           .deadline = kSubscribeDeadline},
          [](Message) {}, [lease = lease](UpstreamReply) {});
    }
  }
}

std::vector<ListenTable::StreamPtr> ListenTable::all() const {
  const std::scoped_lock lock(mutex_);
  std::vector<StreamPtr> out;
  out.reserve(streams_.size());
  for (const auto& [raw, stream] : streams_) out.push_back(stream);
  return out;
}

void ListenTable::list_changed(const std::string& upstream, ListKind kind) {
  for (const StreamPtr& stream : all()) {
    if (!stream->wants(kind) || (!stream->server.empty() && stream->server != upstream)) continue;
    stream->say(notification_of(kind), "{}");
  }
}

void ListenTable::said(const void* slot, const Message& message) {
  if (message.kind() != MessageKind::kNotification || message.method() != "notifications/resources/updated") return;
  const std::string uri(message.name());
  std::vector<StreamPtr> concerned;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [raw, stream] : streams_) {
      const auto followed = stream->followed.find(uri);
      if (followed == stream->followed.end()) continue;
      const auto lease = stream->leases.find(followed->second);
      if (lease != stream->leases.end() && lease->second->slot() == slot) concerned.push_back(stream);
    }
  }
  for (const StreamPtr& stream : concerned) stream->say(message.method(), message.params());
}

void ListenTable::sweep() {
  const WallTime now = services_->calls.clock->now();
  for (const StreamPtr& stream : all()) {
    if (stream->principal.until && *stream->principal.until <= now) {
      // What a request would be told from now on, with 401.
      end(stream, make_error(stream->id, kInvalidRequest, "The token has expired; get another one."));
      continue;
    }
    if (stream->followed.empty()) continue;
    stream->exchange->reactor().post([self = shared_from_this(), stream] {
      std::vector<std::string> lost;
      {
        const std::scoped_lock lock(self->mutex_);
        if (!self->streams_.contains(stream.get())) return;
        for (const auto& [uri, upstream] : stream->followed) {
          const auto lease = stream->leases.find(upstream);
          if (lease != stream->leases.end() && !lease->second->lost()) continue;
          if (std::find(lost.begin(), lost.end(), upstream) == lost.end()) lost.push_back(upstream);
        }
      }
      for (const std::string& upstream : lost) self->follow(*stream, upstream);
    });
  }
}

void ListenTable::end(const StreamPtr& stream, const std::string& answer) {
  stream->exchange->write(message_event(answer));
  stream->exchange->finish();
  remove(stream);
}

void ListenTable::close_all() {
  for (const StreamPtr& stream : all()) {
    end(stream, make_result(stream->id, stamped(R"({"resultType":"complete"})", stream->id)));
  }
}

std::size_t ListenTable::size() const {
  const std::scoped_lock lock(mutex_);
  return streams_.size();
}

}  // namespace bursar::broker
