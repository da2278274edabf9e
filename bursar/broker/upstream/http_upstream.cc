#include "bursar/broker/upstream/http_upstream.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <utility>

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

bool token_byte(char c) {
  const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return word || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

Result<void> check_headers(const UpstreamConfig& config) {
  constexpr std::array<std::string_view, 12> kOurs{
      "host",           "content-length",       "transfer-encoding", "connection", "accept", "content-type",
      "mcp-session-id", "mcp-protocol-version", "last-event-id",     "upgrade",    "expect", "te"};
  for (const auto& [name, value] : config.headers) {
    const std::string where = "upstream " + config.name + ": headers." + name;
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name.empty() || !std::all_of(name.begin(), name.end(), token_byte))
      return invalid_argument(where + ": not a header name");
    if (std::find(kOurs.begin(), kOurs.end(), lower) != kOurs.end())
      return invalid_argument(where + ": is set by the protocol");
    const bool clean =
        std::none_of(value.begin(), value.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7F; });
    if (!clean) return invalid_argument(where + ": its value holds a line break or another control character");
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<Upstream>> make_http_upstream(const UpstreamConfig& config, Reactors& reactors,
                                                     const UpstreamLimits& limits) {
  auto endpoint = Endpoint::make({.url = config.url, .tls = config.tls, .private_network = config.private_network});
  if (!endpoint) return tl::unexpected(with_context("upstream " + config.name, endpoint.error()));
  if (auto ok = check_headers(config); !ok) return tl::unexpected(ok.error());
  auto pools = std::make_shared<Pools>(std::move(*endpoint));
  return make_peer_pool(config, reactors, limits, {.peers_max = kSessionsMax, .limit_name = "upstream sessions"},
                        [pools](Reactor& reactor, std::shared_ptr<PeerShared> shared, OpenSession first) {
                          return std::make_shared<HttpPeer>(reactor, std::move(shared), std::move(first),
                                                            pools->of(reactor));
                        });
}

}  // namespace bursar::broker
