// An MCP server at an HTTP address: upstream sessions by isolation, one a reactor, over connections that are kept and
// shared. Only the configured headers go there, nothing of the agent's.
#pragma once

#include "bursar/broker/upstream/upstream_factory.h"

namespace bursar::broker {

// Errors: kInvalidArgument for a url that cannot be called and for headers that break a request or are the protocol's
// own.
[[nodiscard]] Result<std::shared_ptr<Upstream>> make_http_upstream(const UpstreamConfig& config, Reactors& reactors,
                                                                   const UpstreamLimits& limits,
                                                                   std::shared_ptr<UpstreamCredential> credential);

}  // namespace bursar::broker
