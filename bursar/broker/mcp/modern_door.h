// Revision 2026-07-28 on /mcp and /mcp/<server>: every POST stands for itself, without a session.
//
//   auto modern = std::make_shared<ModernDoor>(services);
//   if (speaks_modern(message, header)) return modern->handle({message, ingress, principal, exchange}, request);
//
//   server/discover, tools|prompts|resources|resources/templates list    from the catalogue
//   tools/call, prompts/get, resources/read, completion/complete         through the pipeline (modern_call.h)
//   tasks/get, tasks/update, tasks/cancel                                to the upstream that made the task
//   subscriptions/listen                                                 an event stream for as long as it is open
//   404 -32601 any other method, and lists of what no upstream has       400 as modern_headers.h says
// Closing the connection cancels the call. A notification is answered with 202 and has no effect: there is none on this
// transport that would say anything.
#pragma once

#include <memory>
#include <string>

#include "bursar/broker/http/server.h"
#include "bursar/broker/mcp/listen_table.h"
#include "bursar/broker/mcp/modern_call.h"

namespace bursar::broker {

class ModernDoor : public std::enable_shared_from_this<ModernDoor> {
 public:
  struct Asking {
    Message message;
    Ingress ingress;
    Principal principal;
    std::shared_ptr<Exchange> exchange;
  };

  explicit ModernDoor(std::shared_ptr<McpServices> services);

  void handle(Asking asking, const HttpRequest& request);  // `request` without its body
  void list_changed(const std::string& upstream, ListKind kind);
  void sweep();  // once a second
  void close_all(Cause cause);
  [[nodiscard]] const ModernCalls& calls() const { return context_->calls; }

 private:
  void dispatch(Asking asking, const HttpRequest& request);
  void discover(const Asking& asking, ModernReply& reply);
  void list(ListKind kind, Asking asking);
  void call(Asking asking, const HttpRequest& request);
  void task(Asking asking);
  void repeat(ModernCall::Request request, const std::shared_ptr<ModernReply>& reply);
  void start(ModernCall::Request request, const std::shared_ptr<ModernReply>& reply);

  std::shared_ptr<McpServices> services_;
  std::shared_ptr<ModernContext> context_;
  std::shared_ptr<ListenTable> listeners_;
};

}  // namespace bursar::broker
