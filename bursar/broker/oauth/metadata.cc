#include "bursar/broker/oauth/metadata.h"

#include <algorithm>

#include "bursar/broker/net/url.h"
#include "bursar/broker/oauth/party.h"
#include "bursar/core/json.h"

namespace bursar::broker::oauth {
namespace {

constexpr std::size_t kMaxDocument = 256 << 10, kMaxUrl = 2048, kMaxList = 256, kMaxServers = 16;

std::string cut(std::string_view text) { return std::string(text.substr(0, 200)); }

// A list of short texts; absent is empty, anything else than such a list as well.
std::vector<std::string> texts_at(const JsonView& root, std::string_view key, std::size_t at_most = kMaxList) {
  std::vector<std::string> out;
  const auto list = root.find(key);
  if (!list || !*list) return out;
  const auto size = (*list)->array_size();
  for (std::size_t i = 0; size && i < std::min(*size, at_most); ++i) {
    const auto item = (*list)->element(i).and_then([](const JsonView& view) { return view.as_string(kMaxUrl); });
    if (item) out.emplace_back(*item);
  }
  return out;
}

Scopes scopes_at(const JsonView& root, std::string_view key) {
  Scopes out;
  for (const std::string& scope : texts_at(root, key)) out = united(std::move(out), split_scopes(scope));
  return out;
}

bool flag_at(const JsonView& root, std::string_view key) { return root.bool_at(key).value_or(false); }

std::string_view without_slash(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

// The path of a url without its query and without slashes at its end.
std::string path_of(std::string_view url) {
  const auto parsed = parse_url(url);
  if (!parsed) return {};
  return std::string(without_slash(std::string_view(parsed->target).substr(0, parsed->target.find('?'))));
}

// The resource is the server itself or what it stands below, on the same host.
bool covers(std::string_view resource, std::string_view server_url) {
  if (resource.find('#') != std::string_view::npos || origin_of(resource) != origin_of(server_url)) return false;
  if (resource.find('?') != std::string_view::npos && resource != server_url) return false;
  const std::string above = path_of(resource), below = path_of(server_url);
  return below.starts_with(above) && (below.size() == above.size() || below[above.size()] == '/');
}

// An endpoint that a document names: a url, or empty.
Result<std::string> endpoint_at(const JsonView& root, std::string_view key) {
  const auto found = root.find(key);
  if (!found || !*found) return std::string();
  const auto text = (*found)->as_string(kMaxUrl);
  if (!text) return tl::unexpected(text.error());
  if (const auto url = parse_url(*text); !url) return tl::unexpected(with_context(key, url.error()));
  return std::string(text->substr(0, text->find('#')));
}

}  // namespace

std::vector<std::string> resource_metadata_urls(std::string_view server_url) {
  constexpr std::string_view kWellKnown = "/.well-known/oauth-protected-resource";
  const std::string origin = origin_of(server_url), path = path_of(server_url);
  std::vector<std::string> out;
  if (!path.empty()) out.push_back(origin + std::string(kWellKnown) + path);
  out.push_back(origin + std::string(kWellKnown));
  return out;
}

Result<ResourceMetadata> parse_resource_metadata(std::string_view body, std::string_view server_url) {
  const auto document = parse_json(body, {.max_bytes = kMaxDocument, .max_depth = 16});
  if (!document) return invalid_argument("the metadata of the protected resource is no JSON");
  const JsonView root(*document);
  const auto resource = root.string_at("resource", kMaxUrl);
  if (!resource) return tl::unexpected(with_context("metadata of the protected resource", resource.error()));
  if (!covers(*resource, server_url)) {
    return invalid_argument("the metadata is of the resource " + cut(*resource) + ", not of " +
                            std::string(server_url));
  }
  ResourceMetadata out{.resource = std::string(*resource)};
  out.servers = texts_at(root, "authorization_servers", kMaxServers);
  out.scopes = scopes_at(root, "scopes_supported");
  if (out.servers.empty())
    return invalid_argument("the metadata of " + cut(*resource) + " names no authorization server");
  return out;
}

std::vector<std::string> server_metadata_urls(std::string_view issuer) {
  const std::string origin = origin_of(issuer), path = path_of(issuer);
  if (origin.empty()) return {};
  std::vector<std::string> out = {origin + "/.well-known/oauth-authorization-server" + path,
                                  origin + "/.well-known/openid-configuration" + path};
  if (!path.empty()) out.push_back(origin + path + "/.well-known/openid-configuration");
  return out;
}

Result<ServerMetadata> parse_server_metadata(std::string_view body, std::string_view issuer, bool browser) {
  const auto document = parse_json(body, {.max_bytes = kMaxDocument, .max_depth = 16});
  if (!document) return invalid_argument("the metadata of the authorization server is no JSON");
  const JsonView root(*document);
  const auto said = root.string_at("issuer", kMaxUrl);
  if (!said) return tl::unexpected(with_context("metadata of " + cut(issuer), said.error()));
  if (*said != issuer) {
    return invalid_argument("the metadata at " + cut(issuer) + " is of another issuer, " + cut(*said));
  }
  ServerMetadata out{.issuer = std::string(*said)};
  for (const auto& [key, to] : {std::pair{"authorization_endpoint", &out.authorization_endpoint},
                                {"token_endpoint", &out.token_endpoint},
                                {"registration_endpoint", &out.registration_endpoint}}) {
    auto endpoint = endpoint_at(root, key);
    if (!endpoint) return tl::unexpected(with_context("metadata of " + cut(issuer), endpoint.error()));
    *to = std::move(*endpoint);
  }
  out.token_auth_methods = texts_at(root, "token_endpoint_auth_methods_supported");
  out.scopes = scopes_at(root, "scopes_supported");
  out.says_issuer = flag_at(root, "authorization_response_iss_parameter_supported");
  out.reads_client_documents = flag_at(root, "client_id_metadata_document_supported");
  if (out.token_endpoint.empty()) return invalid_argument("the metadata of " + cut(issuer) + " has no token_endpoint");
  if (!browser) return out;
  if (out.authorization_endpoint.empty()) {
    return invalid_argument("the metadata of " + cut(issuer) + " has no authorization_endpoint");
  }
  const auto methods = texts_at(root, "code_challenge_methods_supported");
  if (std::ranges::find(methods, "S256") == methods.end()) {
    return invalid_argument("the authorization server " + cut(issuer) + " does not offer PKCE by S256");
  }
  return out;
}

}  // namespace bursar::broker::oauth
