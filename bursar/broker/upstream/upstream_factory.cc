#include "bursar/broker/upstream/upstream_factory.h"

#include <tuple>

#include "bursar/broker/upstream/http_upstream.h"
#include "bursar/broker/upstream/stdio_upstream.h"

namespace bursar::broker {

Result<std::shared_ptr<Upstream>> make_upstream(const UpstreamConfig& config, Reactors& reactors,
                                                const UpstreamLimits& limits,
                                                std::shared_ptr<UpstreamCredential> credential) {
  if (config.command.empty() == config.url.empty()) {
    return invalid_argument("upstream " + config.name + ": set exactly one of command and url");
  }
  if (!config.command.empty()) return make_stdio_upstream(config, reactors, limits);
  return make_http_upstream(config, reactors, limits, std::move(credential));
}

bool same_upstream(const UpstreamConfig& a, const UpstreamConfig& b) {
  const auto parts = [](const UpstreamConfig& c) {
    return std::tie(c.command, c.args, c.env, c.directory, c.url, c.headers, c.tls, c.token_exchange, c.auth, c.oauth,
                    c.private_network, c.era, c.isolation, c.max_children, c.max_concurrent, c.memory_bytes,
                    c.open_files, c.start_timeout, c.child_idle);
  };
  return a.name == b.name && parts(a) == parts(b);
}

}  // namespace bursar::broker
