// The gateway's doors for signing in to upstreams.
//
//   OAuthDoor door({.authenticate = …, .accounts = &accounts, .config = …});
//   if (OAuthDoor::is_mine(request.path)) return door.handle(std::move(request), exchange);
//
//   GET  /oauth/callback                  the browser comes back here; anybody, its state says which sign-in it ends
//   GET  /oauth/client-metadata.json      our Client ID Metadata Document, where the configuration names one
//   GET  /v1/upstreams                    how each sign-in stands; administrators, as all that follows
//   GET  /v1/upstreams/{name}
//   POST /v1/upstreams/{name}:login       begins one: {"authorization_url":…,"redirect_uri":…}
//   POST /v1/upstreams/{name}:callback    {"url":…}: where a browser ended that cannot reach the gateway
//   POST /v1/upstreams/{name}:logout      forgets the token
// Origin and Host are checked for all of them. No answer holds a token, a code or a secret.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bursar/broker/config/config.h"
#include "bursar/broker/http/server.h"
#include "bursar/broker/oauth/accounts.h"
#include "bursar/broker/pipeline/authenticate.h"

namespace bursar::broker::oauth {

class OAuthDoor {
 public:
  struct Dependencies {
    std::function<Authentication(const HttpRequest&)> authenticate;
    Accounts* accounts = nullptr;
    std::function<std::shared_ptr<const Config>()> config;
  };
  explicit OAuthDoor(Dependencies dependencies) : deps_(std::move(dependencies)) {}

  [[nodiscard]] static bool is_mine(std::string_view path);
  void handle(const HttpRequest& request, const std::shared_ptr<Exchange>& exchange) const;

 private:
  void administer(const HttpRequest& request, const std::shared_ptr<Exchange>& exchange) const;
  void come_back(const std::string& target, const std::shared_ptr<Exchange>& exchange) const;
  [[nodiscard]] HttpResponse client_metadata(std::string_view host) const;

  Dependencies deps_;
};

[[nodiscard]] std::string to_json(const SignInStatus& status);

}  // namespace bursar::broker::oauth
