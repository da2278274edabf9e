// An MCP server that is a program: children by isolation (one for all, one a principal, one an agent session), each
// started by its first request, restarted with back-off when it crashes, and stopped when nobody used it for a while.
// A crash fails the calls in flight with kChildExited; sessions stay, and their next request starts the child anew.
#pragma once

#include "bursar/broker/upstream/upstream_factory.h"

namespace bursar::broker {

// config.command must not be empty. All children live on one reactor.
[[nodiscard]] std::shared_ptr<Upstream> make_stdio_upstream(const UpstreamConfig& config, Reactors& reactors,
                                                            const UpstreamLimits& limits);

}  // namespace bursar::broker
