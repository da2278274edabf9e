// The tasks extension: a task that an upstream made is known to its agent under a handle of ours, which says where to
// ask for it and is of use to nobody else.
#include "bursar/broker/mcp/modern_door.h"
#include "bursar/broker/mcp/modern_headers.h"
#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kTaskHandle = "task";
constexpr int kInvalidParams = -32602;
constexpr int kUpstreamFailed = 1006;
constexpr Duration kTaskDeadline = std::chrono::seconds{30};

std::string binding(const Principal& principal) { return pack({principal.subject, principal.account}); }

}  // namespace

bool offers_tasks(std::string_view capabilities) {
  return !raw_member(raw_member(capabilities, "extensions"), kTasksExtension).empty();
}

std::string with_task_handle(const McpServices& services, const Principal& principal, const std::string& upstream,
                             std::string_view result) {
  const std::string_view id = raw_member(result, "taskId");
  if (!id.starts_with('"')) return std::string(result);
  const std::string handle = services.handles.seal(kTaskHandle, binding(principal), pack({upstream, raw_string(id)}));
  return with_member(result, "taskId", json_string(handle));
}

void ModernDoor::task(Asking asking) {
  auto reply = std::make_shared<ModernReply>(asking.exchange, asking.message.id());
  const Message& message = asking.message;
  const std::string_view capabilities = raw_member(message.meta(), kCapabilitiesKey);
  if (!offers_tasks(capabilities)) {
    return reply->error(400, kMissingCapability, "The client must declare the tasks extension for this request",
                        R"({"requiredCapabilities":{"extensions":{)" + json_string(kTasksExtension) + ":{}}}}");
  }
  const std::string_view raw = raw_member(message.params(), "taskId");
  if (!raw.starts_with('"')) return reply->error(200, kInvalidParams, "params.taskId: a string is needed");
  const auto content = services_->handles.open(kTaskHandle, binding(asking.principal), raw_string(raw));
  const auto fields = content ? unpack(*content) : std::nullopt;
  const auto set = services_->upstreams();
  const UpstreamEntry* const entry = fields && fields->size() == 2 && set ? set->find((*fields)[0]) : nullptr;
  const bool here = asking.ingress.server.empty() || (entry != nullptr && asking.ingress.server == (*fields)[0]);
  if (entry == nullptr || !here) return reply->error(200, kInvalidParams, "params.taskId: there is no such task");
  auto lease = context_->pool->take(*entry,
                                    {.principal = asking.principal,
                                     .capabilities = capabilities,
                                     .client_info = raw_member(message.meta(), kClientInfoKey)},
                                    asking.exchange->reactor(), {});
  if (!lease) return reply->error(200, kUpstreamFailed, "the upstream cannot be reached");
  UpstreamRequest request{.method = std::string(message.method()),
                          .params = with_member(message.params(), "taskId", json_string((*fields)[1])),
                          .deadline = kTaskDeadline,
                          .accepts_input_required = true};
  request.params =
      with_member(request.params, "_meta", "{" + json_string(kCapabilitiesKey) + ":" + std::string(capabilities) + "}");
  services_->running.fetch_add(1);
  (*lease)->session()->request(
      std::move(request), [](Message) {},
      [services = services_, reply, lease = *lease, handle = std::string(raw),
       method = std::string(message.method())](UpstreamReply answer) {
        services->running.fetch_sub(1);
        if (answer.failure) return reply->error(200, kUpstreamFailed, "the upstream did not answer");
        if (!answer.error.empty()) return reply->error(200, answer.error);
        std::string result = std::move(answer.result);
        if (!raw_member(result, "taskId").empty()) result = with_member(result, "taskId", handle);
        reply->result(modern_result(method, result, false));
      });
}

}  // namespace bursar::broker
