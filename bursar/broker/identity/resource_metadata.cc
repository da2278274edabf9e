#include "bursar/broker/identity/resource_metadata.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kWellKnown = "/.well-known/oauth-protected-resource";

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out.append(out.empty() ? "" : " ").append(word);
  return out;
}

// Inside quotes of a header: printable ASCII without quotes and backslashes (RFC 6750, section 3).
std::string quotable(std::string_view text) {
  std::string out(text);
  std::ranges::replace(out, '"', '\'');
  std::ranges::replace_if(out, [](char c) { return c < 0x20 || c > 0x7e || c == '\\'; }, ' ');
  return out;
}

void add(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(", ").append(name).append("=\"").append(quotable(value)).append("\"");
}

}  // namespace

bool is_resource_metadata(std::string_view path) {
  if (!path.starts_with(kWellKnown)) return false;
  path.remove_prefix(kWellKnown.size());
  return path.empty() || path == "/" || path == "/mcp" || path.starts_with("/mcp/");
}

std::string resource_metadata(const IdentityConfig& identity) {
  if (identity.issuers.empty() || identity.resource.empty()) return {};
  boost::json::array issuers, scopes;
  for (const IssuerConfig& issuer : identity.issuers) issuers.emplace_back(issuer.issuer);
  for (const std::string& scope : identity.scopes) scopes.emplace_back(scope);
  boost::json::object out{{"resource", identity.resource}, {"authorization_servers", std::move(issuers)}};
  if (!scopes.empty()) out["scopes_supported"] = std::move(scopes);
  out["bearer_methods_supported"] = boost::json::array{"header"};
  out["resource_name"] = "Bursar";
  return to_json(out);
}

std::string resource_metadata_url(const IdentityConfig& identity) {
  if (identity.issuers.empty() || identity.resource.empty()) return {};
  const std::string& resource = identity.resource;
  const std::size_t scheme = resource.find("://");
  const std::size_t path = resource.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  std::string out = resource.substr(0, path);
  out += kWellKnown;
  if (path != std::string::npos && path + 1 < resource.size()) out += resource.substr(path);
  while (out.ends_with('/')) out.pop_back();
  return out;
}

std::string bearer_challenge(const IdentityConfig& identity, std::string_view error, std::string_view description,
                             std::string_view scope) {
  std::string out = R"(Bearer realm="bursar")";
  add(out, "error", error);
  add(out, "error_description", description);
  if (identity.issuers.empty()) return out;
  add(out, "scope", scope.empty() ? joined(identity.scopes) : std::string(scope));
  add(out, "resource_metadata", resource_metadata_url(identity));
  return out;
}

}  // namespace bursar::broker
