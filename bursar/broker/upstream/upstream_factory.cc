#include "bursar/broker/upstream/upstream_factory.h"

#include "bursar/broker/upstream/http_upstream.h"
#include "bursar/broker/upstream/stdio_upstream.h"

namespace bursar::broker {

Result<std::shared_ptr<Upstream>> make_upstream(const UpstreamConfig& config, Reactors& reactors,
                                                const UpstreamLimits& limits) {
  if (config.command.empty() == config.url.empty()) {
    return invalid_argument("upstream " + config.name + ": set exactly one of command and url");
  }
  if (!config.command.empty()) return make_stdio_upstream(config, reactors, limits);
  return make_http_upstream(config, reactors, limits);
}

}  // namespace bursar::broker
