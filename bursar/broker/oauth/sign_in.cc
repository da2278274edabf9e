#include "bursar/broker/oauth/sign_in.h"

#include <algorithm>

#include "bursar/broker/audit/digest.h"
#include "bursar/broker/http/query.h"
#include "bursar/broker/upstream/modern.h"

namespace bursar::broker::oauth {
namespace {

constexpr std::size_t kMaxDocument = 256 << 10;

std::string base64url_of(const Sha256& digest) {
  return base64url(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

Error wrong(ErrorCode code, std::string message) { return Error{.code = code, .message = std::move(message)}; }

// A parameter that may stand once in a query; an error where it stands twice.
Result<std::string> once(std::string_view target, std::string_view name) {
  std::size_t count = 0;
  const std::string_view query = target.substr(std::min(target.size(), target.find('?')));
  for (std::size_t at = query.find_first_of("?&"); at != std::string_view::npos;
       at = query.find_first_of("?&", at + 1)) {
    const std::string_view rest = query.substr(at + 1);
    count += rest.starts_with(name) && rest.substr(name.size()).starts_with('=') ? 1 : 0;
  }
  if (count > 1) return invalid_argument("the parameter " + std::string(name) + " came twice");
  return query_value(target, name);
}

}  // namespace

SignIn::SignIn(Party party, SignInStart start, Random random)
    : party_(std::move(party)), start_(std::move(start)), random_(std::move(random)) {
  if (auto reachable = request_to(party_, party_.url); reachable) {
    go(start_.challenge ? Step::kResource : Step::kProbe);
  } else {
    fail_with(reachable.error());
  }
}

void SignIn::fail_with(Error error) {
  state_ = State::kFailed;
  error_ = std::move(error);
}

void SignIn::go(Step step) {
  step_ = step;
  state_ = State::kAsking;
  candidates_.clear();
  last_failure_.clear();
  if (step == Step::kResource) {
    candidates_ = resource_metadata_urls(party_.url);
    const std::string& named = start_.challenge ? start_.challenge->resource_metadata : std::string();
    if (!named.empty()) std::erase(candidates_, named);
    if (!named.empty()) candidates_.insert(candidates_.begin(), named);
  }
  if (step == Step::kServer) candidates_ = server_metadata_urls(server_.issuer);
}

std::optional<FetchRequest> SignIn::ask(const std::string& url) {
  auto request = request_to(party_, url);
  if (!request) {
    fail_with(request.error());
    return std::nullopt;
  }
  request->bytes_max = kMaxDocument;
  return std::move(*request);
}

// A request that every server understands and that changes nothing, without a credential.
FetchRequest SignIn::probe_request() const {
  FetchRequest request = *request_to(party_, party_.url);
  const std::string params = modern_params({}, {.capabilities = "{}", .client_info = {}});
  request.json = make_request("1", "tools/list", params);
  request.headers = {{"Accept", "application/json, text/event-stream"},
                     {"MCP-Protocol-Version", std::string(kModernVersion)},
                     {"Mcp-Method", "tools/list"}};
  request.bytes_max = kMaxDocument;
  return request;
}

std::optional<FetchRequest> SignIn::next(WallTime now) {
  if (state_ != State::kAsking) return std::nullopt;
  switch (step_) {
    case Step::kProbe: return probe_request();
    case Step::kResource:
    case Step::kServer: return ask(candidates_.front());
    case Step::kRegister: {
      auto request = ask(server_.registration_endpoint);
      if (request) {
        request->json = registration_text(
            {.redirect_uri = start_.redirect_uri, .scopes = result_.asked, .offered = server_.token_auth_methods});
      }
      return request;
    }
    case Step::kToken: break;
  }
  return token_request(now);
}

std::optional<FetchRequest> SignIn::token_request(WallTime now) {
  auto request = ask(server_.token_endpoint);
  if (!request) return std::nullopt;
  Form form;
  if (by_browser()) {
    form.add("grant_type", "authorization_code").add("code", code_).add("redirect_uri", start_.redirect_uri);
    form.add("code_verifier", verifier_);
  } else {
    form.add("grant_type", "client_credentials");
    if (!result_.asked.empty()) form.add("scope", join_scopes(result_.asked));
  }
  form.add("resource", result_.resource);
  const Proof proof{
      .private_key = start_.private_key, .algorithm = party_.oauth.algorithm, .now = now, .random = random_};
  if (auto proved = prove(result_.client, proof, *request, form); !proved) {
    fail_with(proved.error());
    return std::nullopt;
  }
  request->form = form.text();
  return request;
}

void SignIn::take(Result<FetchReply> reply, WallTime now) {
  if (state_ != State::kAsking) return;
  switch (step_) {
    case Step::kProbe: return take_probe(reply);
    case Step::kResource: return take_resource(reply);
    case Step::kServer: return take_server(reply);
    case Step::kRegister: {
      if (!reply) return fail_with(with_context("registration", reply.error()));
      auto client = parse_registration(
          reply->status, reply->body, server_.issuer,
          {.redirect_uri = start_.redirect_uri, .scopes = result_.asked, .offered = server_.token_auth_methods});
      if (!client) return fail_with(client.error());
      return use_client(std::move(*client));
    }
    case Step::kToken: break;
  }
  if (!reply) return fail_with(with_context("token endpoint", reply.error()));
  auto grant = parse_grant(reply->status, reply->body, now);
  if (!grant) return fail_with(grant.error());
  if (grant->scopes.empty()) grant->scopes = result_.asked;
  result_.grant = std::move(*grant);
  result_.since = now;
  state_ = State::kDone;
}

void SignIn::take_probe(const Result<FetchReply>& reply) {
  if (!reply && reply.error().code == ErrorCode::kPermissionDenied) return fail_with(reply.error());
  if (reply && reply->status == 401) start_.challenge = read_challenge(reply->challenge);
  go(Step::kResource);
}

void SignIn::take_resource(const Result<FetchReply>& reply) {
  if (reply && reply->status == 200) {
    auto resource = parse_resource_metadata(reply->body, party_.url);
    if (!resource) return fail_with(resource.error());
    return use_resource(std::move(*resource));
  }
  if (!reply) last_failure_ = reply.error().message;
  candidates_.erase(candidates_.begin());
  if (!candidates_.empty()) return;
  if (!last_failure_.empty()) {
    return fail_with(wrong(ErrorCode::kUnavailable, "the metadata of the protected resource: " + last_failure_));
  }
  const std::string issuer = party_.oauth.issuer.empty() ? origin_of(party_.url) : party_.oauth.issuer;
  use_resource({.resource = party_.url, .servers = {issuer}, .scopes = {}});
}

void SignIn::use_resource(ResourceMetadata resource) {
  const std::string& wanted = party_.oauth.issuer;
  if (!wanted.empty() && std::ranges::find(resource.servers, wanted) == resource.servers.end()) {
    return fail_with(wrong(ErrorCode::kPermissionDenied,
                           "the server names another authorization server than oauth.issuer, " +
                               resource.servers.front().substr(0, 200) + "; look who is right before you change it"));
  }
  server_.issuer = wanted.empty() ? resource.servers.front() : wanted;
  resource_ = std::move(resource);
  result_.resource = resource_.resource;
  if (server_metadata_urls(server_.issuer).empty()) {
    return fail_with(wrong(ErrorCode::kInvalidArgument, "the issuer " + server_.issuer.substr(0, 200) + " is no url"));
  }
  go(Step::kServer);
}

void SignIn::take_server(const Result<FetchReply>& reply) {
  if (reply && reply->status == 200) {
    auto server = parse_server_metadata(reply->body, server_.issuer, by_browser());
    if (!server) return fail_with(server.error());
    return use_server(std::move(*server));
  }
  last_failure_ = reply ? "HTTP " + std::to_string(reply->status) : reply.error().message;
  candidates_.erase(candidates_.begin());
  if (!candidates_.empty()) return;
  fail_with(wrong(ErrorCode::kUnavailable,
                  "the authorization server " + server_.issuer.substr(0, 200) + " has no metadata: " + last_failure_));
}

void SignIn::choose_scopes() {
  const Scopes challenged = start_.challenge ? start_.challenge->scopes : Scopes{};
  const bool wider = start_.challenge && start_.challenge->error == "insufficient_scope";
  Scopes before = start_.before;
  std::erase(before, "offline_access");  // of the server that it was asked of
  Scopes chosen = party_.oauth.scopes;
  if (chosen.empty()) {
    const bool named = !challenged.empty() || !before.empty();
    chosen = united(std::move(before), named ? challenged : resource_.scopes);
  } else if (wider) {
    chosen = united(std::move(chosen), challenged);
  }
  // Only beside others: alone it would take the place of the server's own default.
  if (by_browser() && !chosen.empty() && has_scope(server_.scopes, "offline_access")) {
    chosen = united(std::move(chosen), {"offline_access"});
  }
  result_.asked = std::move(chosen);
}

void SignIn::use_server(ServerMetadata server) {
  server_ = std::move(server);
  result_.token_endpoint = server_.token_endpoint;
  for (const std::string& url : {server_.token_endpoint, server_.authorization_endpoint}) {
    if (url.empty()) continue;
    if (auto reachable = request_to(party_, url); !reachable) return fail_with(reachable.error());
  }
  choose_scopes();
  const OAuthConfig& oauth = party_.oauth;
  if (!oauth.client_id.empty()) {
    const auto auth = choose_auth(oauth.token_auth, !oauth.client_secret.empty(), !start_.private_key.empty(),
                                  server_.token_auth_methods);
    if (!auth) return fail_with(auth.error());
    return use_client({.issuer = server_.issuer, .id = oauth.client_id, .secret = oauth.client_secret, .auth = *auth});
  }
  if (server_.reads_client_documents && !oauth.client_metadata_url.empty()) {
    return use_client({.issuer = server_.issuer, .id = oauth.client_metadata_url});
  }
  const auto& before = start_.client;
  if (before && before->registered && before->issuer == server_.issuer && before->redirect_uri == start_.redirect_uri) {
    return use_client(*before);
  }
  if (!server_.registration_endpoint.empty()) return go(Step::kRegister);
  fail_with(wrong(ErrorCode::kPermissionDenied, "the authorization server " + server_.issuer.substr(0, 200) +
                                                    " does not register clients; register by hand with redirect url " +
                                                    start_.redirect_uri + " and set oauth.client_id"));
}

void SignIn::use_client(Client client) {
  result_.client = std::move(client);
  if (!by_browser()) return go(Step::kToken);
  verifier_ = base64url(random_(32));
  state_value_ = base64url(random_(32));
  if (verifier_.size() < 43 || state_value_.size() < 43) {
    return fail_with(wrong(ErrorCode::kUnavailable, "the operating system gives no random bytes"));
  }
  Form form;
  form.add("response_type", "code").add("client_id", result_.client.id).add("redirect_uri", start_.redirect_uri);
  form.add("state", state_value_).add("code_challenge", base64url_of(sha256(verifier_)));
  form.add("code_challenge_method", "S256").add("resource", result_.resource);
  if (!result_.asked.empty()) form.add("scope", join_scopes(result_.asked));
  if (has_scope(result_.asked, "offline_access")) form.add("prompt", "consent");  // as OpenID Connect demands
  const bool has_query = server_.authorization_endpoint.find('?') != std::string::npos;
  authorization_url_ = server_.authorization_endpoint + (has_query ? '&' : '?') + form.text();
  state_ = State::kBrowser;
}

bool SignIn::expects(std::string_view target) const {
  const auto state = once(target, "state");
  return state_ == State::kBrowser && state && *state == state_value_;
}

Result<void> SignIn::come_back(std::string_view target) {
  if (!expects(target)) return fail(ErrorCode::kNotFound, "this sign-in is not known, or is over; begin again");
  const auto over = [&](std::string why) -> Result<void> {
    fail_with(wrong(ErrorCode::kPermissionDenied, std::move(why)));
    return tl::unexpected(error_);
  };
  const auto issuer = once(target, "iss"), code = once(target, "code"), refusal = once(target, "error");
  for (const auto* parameter : {&issuer, &code, &refusal}) {
    if (!*parameter) return over(parameter->error().message);
  }
  if (issuer->empty() ? server_.says_issuer : *issuer != server_.issuer) {
    return over("the answer does not come from the authorization server " + server_.issuer.substr(0, 200) +
                (issuer->empty() ? ": it names no issuer" : ": it names another issuer"));
  }
  if (!refusal->empty()) {
    const bool shown = std::ranges::all_of(*refusal, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    return over("the authorization server refused: " + (shown ? refusal->substr(0, 64) : std::string("an error")));
  }
  if (code->empty()) return over("the answer of the authorization server has no code");
  code_ = *code;
  go(Step::kToken);
  return {};
}

Result<FetchRequest> renewal_request(const Party& party, const SignedIn& signed_in, const Proof& proof) {
  auto request = request_to(party, signed_in.token_endpoint);
  if (!request) return request;
  Form form;
  form.add("grant_type", "refresh_token").add("refresh_token", signed_in.grant.refresh_token);
  form.add("resource", signed_in.resource);
  if (auto proved = prove(signed_in.client, proof, *request, form); !proved) return tl::unexpected(proved.error());
  request->form = form.text();
  return request;
}

Result<Grant> renewed(const Grant& old, const FetchReply& reply, WallTime now) {
  auto grant = parse_grant(reply.status, reply.body, now);
  if (!grant) return grant;
  if (grant->refresh_token.empty()) grant->refresh_token = old.refresh_token;
  if (grant->scopes.empty()) grant->scopes = old.scopes;
  return grant;
}

}  // namespace bursar::broker::oauth
