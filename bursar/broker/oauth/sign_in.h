// One sign-in at an upstream, as a machine without sockets: what to ask next, what came, and what came of it.
//
//   SignIn flow(party, {.challenge = challenge, .redirect_uri = "http://127.0.0.1:8484/oauth/callback"}, random);
//   while (auto ask = flow.next(now)) flow.take(fetch(*ask), now);      // finds, registers, …
//   open(flow.authorization_url());                                     // kBrowser: somebody signs in
//   flow.come_back("/oauth/callback?code=…&state=…&iss=…");
//   while (auto ask = flow.next(now)) flow.take(fetch(*ask), now);      // code for token
//   flow.signed_in();                                                   // kDone
//
//   kProbe     no challenge is known: the upstream is asked without a credential      -> what its 401 says
//   kResource  metadata of the resource: where the challenge says, the path's, the root's (RFC 9728)
//              none at all: the upstream's host is its own authorization server, as before 2025-06-18
//   kServer    metadata of the authorization server (RFC 8414, OpenID Connect), of that very issuer
//   kRegister  where we have no name there: configured, a document of ours, one from before, else RFC 7591
//   kBrowser   PKCE (S256), state, resource (RFC 8707); what comes back must carry state and the right `iss` (RFC 9207)
//   kToken     the code, or client_credentials, for a token
//
// Scopes: those of the configuration, else of the challenge, else of the resource's metadata, else none; with those
// that were asked for before, so that a wider sign-in does not lose them; and offline_access where the server has it.
// Everything that comes from outside is bounded, and checked before it is used; an error ends the sign-in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bursar/broker/oauth/client.h"
#include "bursar/broker/oauth/grant.h"
#include "bursar/broker/oauth/metadata.h"
#include "bursar/broker/oauth/party.h"

namespace bursar::broker::oauth {

// What a sign-in leaves: all that is needed to call the upstream, and to renew the token.
struct SignedIn {
  Client client;
  std::string resource, token_endpoint;
  Scopes asked;  // the scopes of the request
  Grant grant;
  WallTime since{};  // of the sign-in
  bool operator==(const SignedIn&) const = default;
};

// What is known beforehand.
struct SignInStart {
  std::optional<Challenge> challenge;  // the last one of the upstream
  Scopes before;                       // asked for by the sign-in before
  std::optional<Client> client;        // registered by the sign-in before
  std::string redirect_uri;
  std::string private_key;  // PEM text, where the configuration names a file
};

class SignIn {
 public:
  enum class State : std::uint8_t { kAsking, kBrowser, kDone, kFailed };

  SignIn(Party party, SignInStart start, Random random);

  [[nodiscard]] State state() const { return state_; }
  // The next request, once; empty unless kAsking. Its answer goes to take().
  [[nodiscard]] std::optional<FetchRequest> next(WallTime now);
  void take(Result<FetchReply> reply, WallTime now);

  [[nodiscard]] const std::string& authorization_url() const { return authorization_url_; }  // from kBrowser on
  // Whether the target of a request carries our state, and we are waiting for it.
  [[nodiscard]] bool expects(std::string_view target) const;
  // The target of the request that the browser came back with. Another state than ours changes nothing: kNotFound.
  Result<void> come_back(std::string_view target);

  [[nodiscard]] const SignedIn& signed_in() const { return result_; }  // kDone
  [[nodiscard]] const Error& error() const { return error_; }          // kFailed

 private:
  enum class Step : std::uint8_t { kProbe, kResource, kServer, kRegister, kToken };

  void fail_with(Error error);
  void go(Step step);
  [[nodiscard]] std::optional<FetchRequest> ask(const std::string& url);
  [[nodiscard]] FetchRequest probe_request() const;
  [[nodiscard]] std::optional<FetchRequest> token_request(WallTime now);
  void take_probe(const Result<FetchReply>& reply);
  void take_resource(const Result<FetchReply>& reply);
  void take_server(const Result<FetchReply>& reply);
  void use_resource(ResourceMetadata resource);
  void use_server(ServerMetadata server);
  void use_client(Client client);
  void choose_scopes();
  [[nodiscard]] bool by_browser() const { return party_.oauth.grant == OAuthGrant::kAuthorizationCode; }

  Party party_;
  SignInStart start_;
  Random random_;
  State state_ = State::kAsking;
  Step step_ = Step::kProbe;
  std::vector<std::string> candidates_;  // urls of the document that is looked for, the next one first
  std::string last_failure_;             // why the one before it was none
  ResourceMetadata resource_;
  ServerMetadata server_;
  std::string verifier_, state_value_, authorization_url_, code_;
  SignedIn result_;
  Error error_;
};

// The request that renews a token (RFC 6749, section 6), and what came of it: the old refresh token and scopes stay
// where the answer names none. Errors: those of parse_grant() and of request_to().
[[nodiscard]] Result<FetchRequest> renewal_request(const Party& party, const SignedIn& now_signed_in,
                                                   const Proof& proof);
[[nodiscard]] Result<Grant> renewed(const Grant& old, const FetchReply& reply, WallTime now);

}  // namespace bursar::broker::oauth
