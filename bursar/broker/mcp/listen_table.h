// subscriptions/listen: the event streams of modern agents that want to hear of changed lists and resources.
//
//   table.listen(message, principal, server, exchange);       // acknowledges first, then whatever the filter asks for
//   table.list_changed("files", ListKind::kTools);            // from the catalogue
//   table.said(slot, message);                                // from an upstream session:
//   notifications/resources/updated
//
// Every notification carries the id of the request that opened its stream. Only what the upstreams announce is
// honoured, and only resources that the policy shows. Silent streams get heartbeats; a reader that does not read is cut
// off by its queue's limit. A stream ends with an error when what its agent showed, a token or a key, has expired.
// Bounded per principal and in all; thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "bursar/broker/mcp/agent_session.h"
#include "bursar/broker/mcp/upstream_pool.h"

namespace bursar::broker {

class ListenTable : public std::enable_shared_from_this<ListenTable> {
 public:
  static constexpr std::size_t kMaxStreams = 4096, kMaxStreamsPerPrincipal = 256, kMaxResources = 1024;

  explicit ListenTable(std::shared_ptr<McpServices> services) : services_(std::move(services)) {}
  void use(std::shared_ptr<UpstreamPool> pool) { pool_ = std::move(pool); }

  void listen(const Message& message, const Principal& principal, const std::string& server,
              const std::shared_ptr<Exchange>& exchange);
  void list_changed(const std::string& upstream, ListKind kind);
  void said(const void* slot, const Message& message);
  void sweep();      // once a second: subscriptions of sessions that were lost are made anew; what expired ends
  void close_all();  // ends every stream with its result
  [[nodiscard]] std::size_t size() const;

 private:
  struct Stream {
    std::shared_ptr<Exchange> exchange;
    std::string id;  // raw, of the request
    Principal principal;
    std::string server;
    bool tools = false, prompts = false, resources = false;
    std::map<std::string, std::string> followed;                         // URI -> upstream
    std::map<std::string, std::shared_ptr<UpstreamPool::Lease>> leases;  // by upstream
    [[nodiscard]] bool empty() const { return !tools && !prompts && !resources && followed.empty(); }
    [[nodiscard]] bool wants(ListKind kind) const;
    void say(std::string_view method, std::string_view params) const;
  };
  using StreamPtr = std::shared_ptr<Stream>;

  [[nodiscard]] Result<StreamPtr> read(const Message& message, const Principal& principal, const std::string& server);
  [[nodiscard]] Result<void> read_resources(std::string_view list, Stream& stream) const;
  [[nodiscard]] bool add(const StreamPtr& stream);
  void remove(const StreamPtr& stream);
  void follow(Stream& stream, const std::string& upstream);  // on the stream's reactor
  void unfollow(Stream& stream);
  void end(const StreamPtr& stream, const std::string& answer);
  [[nodiscard]] std::vector<StreamPtr> all() const;

  std::shared_ptr<McpServices> services_;
  std::shared_ptr<UpstreamPool> pool_;
  mutable std::mutex mutex_;
  std::unordered_map<const Stream*, StreamPtr> streams_;
  std::unordered_map<std::string, std::size_t> per_principal_;
};

}  // namespace bursar::broker
