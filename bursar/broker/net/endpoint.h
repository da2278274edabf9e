// An HTTP server that the configuration names: its address taken apart, how its certificate is checked, and where its
// name may lead. Everything that calls out (upstreams, models, identity providers, telemetry) goes through one.
//
//   auto endpoint = Endpoint::make({.url = config.url, .tls = config.tls, .private_network = config.private_network});
//   if (!endpoint) return tl::unexpected(with_context("upstream " + config.name, endpoint.error()));
//   HttpClient client(*endpoint);                                   // http_client.h
//
// Where a name may lead: a host name that resolves to a loopback, private, link-local, shared (CGNAT), multicast or
// otherwise not global address is refused, unless private_network says so. A literal address and the name localhost are
// what the owner wrote, and are let through, unless the url is `learned`: said by a server, so that it is held to the
// same rule whatever its form, and may lead to this machine only with `loopback`. The addresses that were checked are
// those that are connected to: a name is not asked twice for one connection, so it cannot change its mind in between
// (DNS rebinding). Redirections are never followed.
//
// TLS: 1.2 or later, the server's certificate and host name verified, the name sent (SNI), a certificate of our own
// where the configuration has one. The files are read in make().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/config/identity_config.h"
#include "bursar/broker/net/url.h"
#include "bursar/core/result.h"

namespace boost::asio::ssl {
class context;
}

namespace bursar::broker {

struct EndpointOptions {
  std::string url;
  TlsClientConfig tls = {};
  bool private_network = false;
  bool learned = false;   // a server named the url, nobody of ours
  bool loopback = false;  // of a learned one: it may lead to this machine, as what named it does
  // Instead of the system's resolver, for tests: addresses of a name, in text.
  std::function<std::vector<std::string>(const std::string& host)> resolve = {};
};

// Immutable and thread-safe once made.
class Endpoint {
 public:
  // Errors: kInvalidArgument for a url that cannot be called, for TLS files that cannot be read or do not fit
  // together, and for a client certificate without its key.
  [[nodiscard]] static Result<std::shared_ptr<const Endpoint>> make(EndpointOptions options);

  [[nodiscard]] const Url& url() const { return url_; }
  [[nodiscard]] const EndpointOptions& options() const { return options_; }
  [[nodiscard]] boost::asio::ssl::context* tls() const { return tls_.get(); }  // null for http://
  // Whether any address will do: private_network, or a literal or localhost that the owner wrote.
  [[nodiscard]] bool may_be_private() const;
  // Why this endpoint does not lead there ("private"); absent where it may.
  [[nodiscard]] std::optional<std::string_view> why_not(std::string_view address) const;

 private:
  Endpoint() = default;
  EndpointOptions options_;
  Url url_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
};

// Why an address (text of IPv4 or IPv6, no zone) is no place for a name from outside: "loopback", "private",
// "link-local", …; absent where it is global. IPv4 addresses inside IPv6 (mapped, NAT64, 6to4) count as what they hold.
// What is no address at all is "not an address".
[[nodiscard]] std::optional<std::string_view> why_not_global(std::string_view address);

}  // namespace bursar::broker
