// Makes the upstream that a configuration describes: a child process (command) or a streamable HTTP endpoint (url).
//
//   Reactors reactors(0);
//   auto upstream = make_upstream(config.upstreams[0], reactors);
//   if (!upstream) return report(upstream.error());
//   auto session = (*upstream)->open({.key = principal.account, .events = events});
//
// Nothing is started or connected before the first request of a session. The reactors must outlive the upstream and run
// until its close() has had its effect; a session opened on a reactor's thread stays on that reactor where the
// transport allows (HTTP), so that its calls never change threads.
#pragma once

#include <cstddef>
#include <memory>

#include "bursar/broker/http/reactor.h"
#include "bursar/broker/upstream/credential.h"
#include "bursar/broker/upstream/upstream.h"

namespace bursar::broker {

// What an upstream can fill, and how far.
struct UpstreamLimits {
  std::size_t message_bytes = 8 << 20;  // one message: a line of a child, a body, an event
  std::size_t json_depth = 128;
  std::size_t header_bytes = 16 << 10;
  std::size_t write_queue_bytes = 16 << 20;  // waiting for a child that does not read
};

// Errors: kInvalidArgument where neither or both of command and url are set, or the url is not
// http(s)://host[:port]/path. `credential`: of an HTTP upstream, beside its configured headers; null for none.
[[nodiscard]] Result<std::shared_ptr<Upstream>> make_upstream(const UpstreamConfig& config, Reactors& reactors,
                                                              const UpstreamLimits& limits = {},
                                                              std::shared_ptr<UpstreamCredential> credential = nullptr);

// Whether a running upstream does what another configuration of it wants, so that it need not be started anew.
[[nodiscard]] bool same_upstream(const UpstreamConfig& a, const UpstreamConfig& b);

}  // namespace bursar::broker
