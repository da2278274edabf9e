#include "bursar/broker/mcp/modern_door.h"

#include <algorithm>

#include "bursar/broker/mcp/modern_headers.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr int kInvalidRequest = -32600, kMethodNotFound = -32601, kInvalidParams = -32602;
constexpr std::chrono::milliseconds kPatience{6000};  // for upstreams that still start
constexpr std::int64_t kDiscoverTtlMs = 5000;         // what an upstream that comes or goes may take to show

std::optional<ListKind> listed(std::string_view method) {
  for (std::size_t kind = 0; kind < kListKinds; ++kind) {
    const ListKind one{static_cast<std::uint8_t>(kind)};
    if (method == list_method(one)) return one;
  }
  return std::nullopt;
}

std::string_view capability_of(ListKind kind) {
  if (kind == ListKind::kTools) return "tools";
  return kind == ListKind::kPrompts ? "prompts" : "resources";
}

bool is_call(std::string_view method) {
  return method == "tools/call" || method == "prompts/get" || method == "resources/read" ||
         method == "completion/complete";
}

bool is_task(std::string_view method) {
  return method == "tasks/get" || method == "tasks/update" || method == "tasks/cancel";
}

bool is_known(std::string_view method) {
  return listed(method) || is_task(method) || is_call(method) || method == "server/discover" ||
         method == "subscriptions/listen";
}

// What is wrong with a call's params before anybody looks at the catalogue; empty where nothing is.
std::string wrong_params(const Message& message) {
  const std::string_view method = message.method();
  if (method == "completion/complete") {
    const std::string type = raw_string(raw_member(raw_member(message.params(), "ref"), "type"));
    return type == "ref/prompt" || type == "ref/resource" ? "" : "params.ref.type: must be ref/prompt or ref/resource";
  }
  if (!message.name().empty()) return {};
  return std::string(method == "resources/read" ? "params.uri" : "params.name") + ": a non-empty string is needed";
}

std::string hinted(std::string result, CacheHint hint, bool may_be_public) {
  result = with_member(result, "cacheScope", hint.is_public && may_be_public ? R"("public")" : R"("private")");
  return with_member(result, "ttlMs", std::to_string(hint.ttl_ms));
}

}  // namespace

ModernDoor::ModernDoor(std::shared_ptr<McpServices> services)
    : services_(std::move(services)),
      context_(std::make_shared<ModernContext>()),
      listeners_(std::make_shared<ListenTable>(services_)) {
  context_->services = services_;
  context_->pool = std::make_shared<UpstreamPool>(
      services_->catalogue, [weak = std::weak_ptr(listeners_)](const void* slot, const Message& message) {
        if (const auto listeners = weak.lock()) listeners->said(slot, message);
      });
  listeners_->use(context_->pool);
}

void ModernDoor::handle(Asking asking, const HttpRequest& request) {
  const Message& message = asking.message;
  if (message.kind() == MessageKind::kNotification) {
    return asking.exchange->answer({.status = 202, .content_type = ""});
  }
  if (message.kind() != MessageKind::kRequest) {
    const std::string error = make_error("", kInvalidRequest, "Invalid Request: a client sends no responses here");
    return asking.exchange->answer({.status = 400, .body = error});
  }
  if (const auto refusal = check_request(message, request)) {
    return asking.exchange->answer(refusal->to_response(message.id()));
  }
  if (!is_known(message.method())) {
    return asking.exchange->answer(
        {.status = 404, .body = make_error(message.id(), kMethodNotFound, "Method not found")});
  }
  asking.ingress.era = Era::kModern;
  asking.ingress.session_id.clear();
  if (services_->catalogue->current()->loaded(asking.ingress.server)) return dispatch(std::move(asking), request);
  const std::string server = asking.ingress.server;
  auto owned = std::make_shared<std::pair<Asking, HttpRequest>>(std::move(asking), request);
  services_->catalogue->when_loaded(server, kPatience, [weak = weak_from_this(), owned] {
    Reactor& reactor = owned->first.exchange->reactor();
    reactor.post([weak, owned] {
      if (const auto self = weak.lock()) self->dispatch(std::move(owned->first), owned->second);
    });
  });
}

void ModernDoor::dispatch(Asking asking, const HttpRequest& request) {
  const std::string_view method = asking.message.method();
  if (is_call(method)) return call(std::move(asking), request);
  if (is_task(method)) return task(std::move(asking));
  if (const auto kind = listed(method)) return list(*kind, std::move(asking));
  if (method == "subscriptions/listen") {
    return listeners_->listen(asking.message, asking.principal, asking.ingress.server, asking.exchange);
  }
  ModernReply reply(asking.exchange, asking.message.id());
  discover(asking, reply);
}

void ModernDoor::discover(const Asking& asking, ModernReply& reply) {
  const auto catalogue = services_->catalogue->current();
  const std::string& server = asking.ingress.server;
  std::string result = R"({"resultType":"complete","supportedVersions":)" + std::string(supported_versions()) +
                       R"(,"capabilities":)" + catalogue->capabilities(server, Era::kModern);
  if (const std::string text = catalogue->instructions(server); !text.empty()) {
    result += R"(,"instructions":)" + json_string(text);
  }
  result = hinted(result + "}", {.ttl_ms = kDiscoverTtlMs, .is_public = true}, true);
  reply.result(modern_result("server/discover", result, true));
}

void ModernDoor::list(ListKind kind, Asking asking) {
  const std::string server = asking.ingress.server;
  auto reply = std::make_shared<ModernReply>(asking.exchange, asking.message.id());
  if (raw_member(services_->catalogue->current()->capabilities(server), capability_of(kind)).empty()) {
    return reply->error(404, kMethodNotFound, "Method not found");
  }
  Catalogue::Query query{.kind = kind, .server = server};
  if (const std::string_view cursor = raw_member(asking.message.params(), "cursor"); !cursor.empty()) {
    query.cursor = raw_string(cursor, "?");
  }
  services_->running.fetch_add(1);
  services_->catalogue->when_fresh(server, kind, [services = services_, reply, query, who = asking.principal] {
    services->running.fetch_sub(1);
    Pipeline& pipeline = *services->calls.pipeline;
    const auto visible = [&](std::string_view upstream, std::string_view name, std::string_view exposed) {
      return pipeline.visible(who, upstream, name, exposed);
    };
    const auto catalogue = services->catalogue->current();
    auto page = catalogue->page(query, visible);
    if (!page) return reply->error(200, kInvalidParams, page.error().message);
    const bool may_be_public = same_for_all(pipeline.config()->policy);
    reply->result(modern_result(list_method(query.kind),
                                hinted(std::move(*page), catalogue->hint(query.kind, query.server), may_be_public),
                                may_be_public));
  });
}

void ModernDoor::call(Asking asking, const HttpRequest& request) {
  auto reply = std::make_shared<ModernReply>(asking.exchange, asking.message.id());
  const Message& message = asking.message;
  if (const std::string wrong = wrong_params(message); !wrong.empty()) {
    return reply->error(200, kInvalidParams, wrong);
  }
  const auto catalogue = services_->catalogue->current();
  const std::string& server = asking.ingress.server;
  if (message.method() == "tools/call") {
    if (const auto* params = catalogue->header_params(server, message.name())) {
      if (const auto refusal = check_params(*params, message.arguments(), request)) {
        return asking.exchange->answer(refusal->to_response(message.id()));
      }
    }
  }
  ModernCall::Request wanted{.binding = state_binding(message, asking.principal, server)};
  if (message.method() == "resources/read") {
    wanted.others = catalogue->candidates(server, message.name());
    if (!wanted.others.empty()) wanted.others.erase(wanted.others.begin());
  }
  const bool repeated = !raw_member(message.params(), "requestState").empty();
  wanted.message = std::move(asking.message);
  wanted.ingress = std::move(asking.ingress);
  wanted.principal = std::move(asking.principal);
  return repeated ? repeat(std::move(wanted), reply) : start(std::move(wanted), reply);
}

void ModernDoor::start(ModernCall::Request request, const std::shared_ptr<ModernReply>& reply) {
  auto call = std::make_shared<ModernCall>(context_, reply->reactor(), std::move(request));
  call->start(reply);
}

void ModernDoor::repeat(ModernCall::Request request, const std::shared_ptr<ModernReply>& reply) {
  const std::string_view params = request.message.params();
  const auto state = open_state(*services_, request.binding, raw_string(raw_member(params, "requestState")));
  if (!state) return reply->error(200, kInvalidParams, state.error().message, state.error().payload);
  if (state->kind == RequestState::Kind::kParked) {
    const auto waiting = context_->calls.unpark(state->value);
    if (waiting) return waiting->resume(std::move(request.message), reply);
    return reply->error(200, kInvalidParams,
                        "requestState: no call waits for it any more (it was used before, its time is over, or the "
                        "gateway was restarted); begin anew without requestState",
                        R"({"requestState":"gone"})");
  }
  auto repeated =
      Message::parse(request.message.with({.params = with_member(params, "requestState", json_string(state->value))}));
  if (!repeated) return reply->error(200, kInvalidParams, repeated.error().message);
  request.message = std::move(*repeated);
  request.upstream = state->upstream;
  // Whoever asked is asked again, also where others may have the resource.
  if (request.message.method() == "resources/read") request.ingress.server = state->upstream;
  request.others.clear();
  start(std::move(request), reply);
}

void ModernDoor::list_changed(const std::string& upstream, ListKind kind) { listeners_->list_changed(upstream, kind); }

void ModernDoor::sweep() {
  context_->calls.sweep();
  context_->pool->sweep();
  listeners_->sweep();
}

void ModernDoor::close_all(Cause cause) {
  context_->calls.close_all(cause);
  listeners_->close_all();
}

}  // namespace bursar::broker
