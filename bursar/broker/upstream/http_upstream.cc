#include "bursar/broker/upstream/http_upstream.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <utility>

#include "bursar/broker/net/header_text.h"
#include "bursar/broker/upstream/http_peer.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kSessionsMax = 4096;

// Connections of each reactor, shared by all upstream sessions there.
class Pools {
 public:
  explicit Pools(std::shared_ptr<const Endpoint> endpoint) : endpoint_(std::move(endpoint)) {}

  std::shared_ptr<HttpPool> of(Reactor& reactor) {
    const std::scoped_lock lock(mutex_);
    auto& pool = pools_[&reactor];
    if (!pool) pool = std::make_shared<HttpPool>(reactor.context(), endpoint_);
    return pool;
  }

 private:
  std::shared_ptr<const Endpoint> endpoint_;
  std::mutex mutex_;
  std::map<Reactor*, std::shared_ptr<HttpPool>> pools_;
};

Result<void> check_headers(const UpstreamConfig& config) {
  constexpr std::array<std::string_view, 14> kOurs{"host",
                                                   "content-length",
                                                   "transfer-encoding",
                                                   "connection",
                                                   "accept",
                                                   "content-type",
                                                   "expect",
                                                   "upgrade",
                                                   "mcp-session-id",
                                                   "mcp-method",
                                                   "mcp-protocol-version",
                                                   "last-event-id",
                                                   "mcp-name",
                                                   "te"};
  for (const auto& [name, value] : config.headers) {
    const std::string where = "upstream " + config.name + ": headers." + name;
    const auto is_ours = [&](std::string_view ours) { return same_ignoring_case(name, ours); };
    if (!is_token(name)) return invalid_argument(where + ": not a header name");
    if (std::any_of(kOurs.begin(), kOurs.end(), is_ours) ||
        same_ignoring_case(std::string_view(name).substr(0, 10), "mcp-param-"))
      return invalid_argument(where + ": is set by the protocol");
    if (!is_field_value(value))
      return invalid_argument(where + ": its value holds a line break or another control character");
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<Upstream>> make_http_upstream(const UpstreamConfig& config, Reactors& reactors,
                                                     const UpstreamLimits& limits,
                                                     std::shared_ptr<UpstreamCredential> credential) {
  auto endpoint = Endpoint::make({.url = config.url, .tls = config.tls, .private_network = config.private_network});
  if (!endpoint) return tl::unexpected(with_context("upstream " + config.name, endpoint.error()));
  if (auto ok = check_headers(config); !ok) return tl::unexpected(ok.error());
  auto pools = std::make_shared<Pools>(std::move(*endpoint));
  return make_peer_pool(config, reactors, limits, {.peers_max = kSessionsMax, .limit_name = "upstream sessions"},
                        [pools, credential](Reactor& reactor, std::shared_ptr<PeerShared> shared, OpenSession first) {
                          return std::make_shared<HttpPeer>(reactor, std::move(shared), std::move(first),
                                                            pools->of(reactor), credential);
                        });
}

}  // namespace bursar::broker
