// The two ends of a sign-in as the owner wrote them down, and how we may reach what the others name.
//
//   auto request = request_to(party, metadata_url);       // a FetchRequest under the rules of that url
//   if (!request) return tl::unexpected(request.error()); // plain HTTP, or no url
//
// A url of the upstream's own scheme, host and port is the owner's, under the upstream's rules; so is one of the
// configured issuer's. Every other url was said by a server: https only, no loopback, private or link-local address
// behind it whatever its form, unless private_network says so, or the upstream itself is on this machine: then its
// others may be on this machine too.
#pragma once

#include <string>
#include <string_view>

#include "bursar/broker/config/config.h"
#include "bursar/broker/identity/fetch.h"

namespace bursar::broker::oauth {

struct Party {
  std::string name;  // of the upstream
  std::string url;   // of the upstream
  bool private_network = false;
  TlsClientConfig tls;  // towards the upstream
  AuthChoice auth = AuthChoice::kAuto;
  OAuthConfig oauth;
  bool operator==(const Party&) const = default;
};

// Whether we may sign in there at all: an HTTP upstream without another credential.
[[nodiscard]] bool may_sign_in(const UpstreamConfig& upstream);
[[nodiscard]] Party party_of(const UpstreamConfig& upstream);

// Errors: kInvalidArgument for what is no http(s) url, kPermissionDenied for plain HTTP where somebody could listen.
[[nodiscard]] Result<FetchRequest> request_to(const Party& party, const std::string& url);

// "https://files.example:8443" of a url; empty for what is none.
[[nodiscard]] std::string origin_of(std::string_view url);

}  // namespace bursar::broker::oauth
