#include "bursar/broker/oauth/client.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "bursar/broker/audit/digest.h"
#include "bursar/broker/mcp/base64.h"
#include "bursar/broker/net/url.h"
#include "bursar/broker/oauth/signature.h"
#include "bursar/broker/pipeline/authenticate.h"
#include "bursar/core/json.h"

namespace bursar::broker::oauth {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxAnswer = 64 << 10, kMaxId = 2048, kMaxSecret = 4096;
constexpr std::int64_t kAssertionSeconds = 60;

constexpr std::array<std::pair<std::string_view, TokenAuth>, 4> kMethods = {
    {{"client_secret_basic", TokenAuth::kBasic},
     {"client_secret_post", TokenAuth::kPost},
     {"none", TokenAuth::kNone},
     {"private_key_jwt", TokenAuth::kPrivateKeyJwt}}};

std::string_view name_of_method(TokenAuth auth) {
  return std::ranges::find(kMethods, auth, &std::pair<std::string_view, TokenAuth>::second)->first;
}

bool offers(const std::vector<std::string>& offered, TokenAuth auth) {
  return std::ranges::find(offered, name_of_method(auth)) != offered.end();
}

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

bool on_this_machine(const std::string& url) {
  const auto parsed = parse_url(url);
  return parsed && is_loopback_host(parsed->host);
}

// Where we register ourselves: without a secret where that is possible, for PKCE does the rest.
TokenAuth method_to_register(const std::vector<std::string>& offered) {
  for (const TokenAuth auth : {TokenAuth::kNone, TokenAuth::kBasic, TokenAuth::kPost}) {
    if (offers(offered, auth)) return auth;
  }
  return TokenAuth::kBasic;  // the default of RFC 8414
}

std::string encoded(std::string_view text) { return form_encoded({{"", text}}).substr(1); }

}  // namespace

Form& Form::add(std::string_view name, std::string_view value) {
  if (!text_.empty()) text_ += '&';
  text_ += form_encoded({{name, value}});
  return *this;
}

Result<TokenAuth> choose_auth(TokenAuth wanted, bool secret, bool key, const std::vector<std::string>& offered) {
  if (wanted != TokenAuth::kAuto) return wanted;
  if (key) return TokenAuth::kPrivateKeyJwt;
  if (!secret) return TokenAuth::kNone;
  if (offered.empty()) return TokenAuth::kBasic;
  for (const TokenAuth auth : {TokenAuth::kBasic, TokenAuth::kPost, TokenAuth::kNone}) {
    if (offers(offered, auth)) return auth;
  }
  return invalid_argument("the token endpoint offers no way to prove a client with a secret; set oauth.token_auth");
}

std::string registration_text(const RegistrationAsk& ask) {
  json::object out{{"client_name", "Bursar"},
                   {"redirect_uris", json::array{ask.redirect_uri}},
                   {"grant_types", json::array{"authorization_code", "refresh_token"}},
                   {"response_types", json::array{"code"}},
                   {"token_endpoint_auth_method", name_of_method(method_to_register(ask.offered))},
                   {"application_type", on_this_machine(ask.redirect_uri) ? "native" : "web"}};
  if (!ask.scopes.empty()) out["scope"] = join_scopes(ask.scopes);
  return to_json(out);
}

Result<Client> parse_registration(int status, std::string_view body, const std::string& issuer,
                                  const RegistrationAsk& ask) {
  if (status != 200 && status != 201) {
    return fail(ErrorCode::kPermissionDenied, "the authorization server did not register us: it answered " +
                                                  std::to_string(status) +
                                                  "; register by hand and set oauth.client_id");
  }
  const auto document = parse_json(body, {.max_bytes = kMaxAnswer, .max_depth = 16});
  if (!document) return invalid_argument("the answer to our registration is no JSON");
  const JsonView root(*document);
  const auto id = root.string_at("client_id", kMaxId);
  if (!id || id->empty() || !printable(*id)) return invalid_argument("the answer to our registration has no client_id");
  Client out{.issuer = issuer, .id = std::string(*id), .redirect_uri = ask.redirect_uri, .registered = true};
  if (const auto secret = root.string_at("client_secret", kMaxSecret); secret && printable(*secret)) {
    out.secret = *secret;
  }
  if (const auto ends = root.int_at("client_secret_expires_at", 1); ends && !out.secret.empty()) {
    out.secret_ends = wall_from_unix_us(std::min(*ends, std::int64_t{1} << 40) * 1'000'000);
  }
  const auto said = root.string_at("token_endpoint_auth_method", 64);
  const auto known = std::ranges::find(kMethods, said.value_or(""), &std::pair<std::string_view, TokenAuth>::first);
  const bool usable = known != kMethods.end() && known->second != TokenAuth::kPrivateKeyJwt &&
                      (known->second == TokenAuth::kNone || !out.secret.empty());
  const auto chosen = usable ? Result<TokenAuth>(known->second)
                             : choose_auth(TokenAuth::kAuto, !out.secret.empty(), false, ask.offered);
  if (!chosen) return tl::unexpected(chosen.error());
  out.auth = *chosen;
  return out;
}

Result<void> prove(const Client& client, const Proof& proof, FetchRequest& request, Form& form) {
  switch (client.auth) {
    case TokenAuth::kBasic:
      request.authorization = "Basic " + encode_base64(encoded(client.id) + ":" + encoded(client.secret));
      return {};
    case TokenAuth::kPost: form.add("client_id", client.id).add("client_secret", client.secret); return {};
    case TokenAuth::kPrivateKeyJwt: break;
    default: form.add("client_id", client.id); return {};
  }
  const std::int64_t now = unix_us(proof.now) / 1'000'000;
  const json::object claims{{"iss", client.id},
                            {"sub", client.id},
                            {"aud", client.issuer},
                            {"iat", now},
                            {"exp", now + kAssertionSeconds},
                            {"jti", base64url(proof.random(16))}};
  const auto assertion = sign_jwt(proof.private_key, proof.algorithm, to_json(claims));
  if (!assertion) return tl::unexpected(assertion.error());
  form.add("client_id", client.id)
      .add("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
      .add("client_assertion", *assertion);
  return {};
}

}  // namespace bursar::broker::oauth
