#include "bursar/broker/upstream/stdio_upstream.h"

#include <functional>
#include <utility>

#include "bursar/broker/upstream/stdio_child.h"

namespace bursar::broker {

std::shared_ptr<Upstream> make_stdio_upstream(const UpstreamConfig& config, Reactors& reactors,
                                              const UpstreamLimits& limits) {
  Reactor& reactor = reactors.at(std::hash<std::string>{}(config.name) % reactors.size());
  return make_peer_pool(config, reactors, limits,
                        {.peers_max = config.max_children, .limit_name = "max_children", .fixed = &reactor},
                        [](Reactor& on, std::shared_ptr<PeerShared> shared, OpenSession first) {
                          return std::make_shared<StdioChild>(on, std::move(shared), std::move(first));
                        });
}

}  // namespace bursar::broker
