// A world of one protected MCP server and one authorization server, as answers to requests: for tests of sign-ins
// without sockets. Change `documents` and the functions to make it misbehave. Tests only.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bursar/broker/http/query.h"
#include "bursar/broker/identity/fetch.h"
#include "bursar/broker/oauth/party.h"

namespace bursar::broker::oauth::testing {

inline Party party_of_files() { return {.name = "files", .url = "https://files.example/mcp"}; }

struct World {
  std::string challenge =
      R"(Bearer resource_metadata="https://files.example/.well-known/oauth-protected-resource/mcp", scope="read")";
  std::map<std::string, std::string> documents{
      {"https://files.example/.well-known/oauth-protected-resource/mcp",
       R"({"resource":"https://files.example/mcp","authorization_servers":["https://id.example"],"scopes_supported":["read","write"]})"},
      {"https://id.example/.well-known/oauth-authorization-server",
       R"({"issuer":"https://id.example","authorization_endpoint":"https://id.example/authorize","token_endpoint":"https://id.example/token","registration_endpoint":"https://id.example/register","code_challenge_methods_supported":["S256"],"token_endpoint_auth_methods_supported":["none"],"authorization_response_iss_parameter_supported":true})"}};
  std::function<FetchReply(World&, const FetchRequest&)> token = [](World& world, const FetchRequest&) {
    return world.granted();
  };
  int tokens = 0;  // given so far
  int lifetime = 300;
  bool refreshes = true;
  std::vector<FetchRequest> asked;

  FetchReply granted() {
    const std::string number = std::to_string(++tokens);
    std::string body =
        R"({"access_token":"access-)" + number + R"(","token_type":"Bearer","expires_in":)" + std::to_string(lifetime);
    if (refreshes) body += R"(,"refresh_token":"refresh-)" + number + "\"";
    return {.status = 200, .body = body + "}"};
  }

  FetchReply answer(const FetchRequest& request) {
    asked.push_back(request);
    if (request.url == "https://files.example/mcp") return {.status = 401, .body = "{}", .challenge = challenge};
    if (const auto found = documents.find(request.url); found != documents.end()) {
      return {.status = 200, .body = found->second};
    }
    if (request.url == "https://id.example/register") {
      return {.status = 201, .body = R"({"client_id":"registered-1"})"};
    }
    if (request.url == "https://id.example/token") return token(*this, request);
    return {.status = 404, .body = "no"};
  }

  [[nodiscard]] std::size_t times(std::string_view url) const {
    return static_cast<std::size_t>(std::ranges::count_if(asked, [&](const FetchRequest& r) { return r.url == url; }));
  }
  void replace(const std::string& url, std::string_view from, std::string_view to) {
    std::string& text = documents.at(url);
    text.replace(text.find(from), from.size(), to);
  }
};

inline const std::string kServerDocument = "https://id.example/.well-known/oauth-authorization-server";
inline const std::string kResourceDocument = "https://files.example/.well-known/oauth-protected-resource/mcp";

// A parameter of an url or of a form.
inline std::string parameter(const std::string& url, std::string_view name) { return query_value(url, name); }
inline std::string field(const FetchRequest& request, std::string_view name) {
  return query_value("?" + request.form, name);
}

// Where the browser comes back to, after somebody said yes.
inline std::string agreed(const std::string& authorization_url, const std::string& issuer = "https://id.example") {
  std::string out = "/oauth/callback?code=c0de&state=" + parameter(authorization_url, "state");
  return issuer.empty() ? out : out + "&iss=" + form_encoded({{"", issuer}}).substr(1);
}

}  // namespace bursar::broker::oauth::testing
