// The part of bursar.yaml about who callers are, how they prove it, and how we prove ourselves to others.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bursar/core/clock.h"
#include "bursar/ledger/account.h"

namespace bursar::broker {

struct TlsServerConfig {
  std::string certificate, key;  // PEM files: the chain, and its private key
  std::string client_ca;         // PEM file; where set, a client must show a certificate that it signed
  bool operator==(const TlsServerConfig&) const = default;
};

struct TlsClientConfig {
  std::string ca;                // PEM file; without one, the system's authorities
  std::string certificate, key;  // PEM files, for servers that want a certificate of ours
  bool operator==(const TlsClientConfig&) const = default;
};

// RFC 8693: what the caller showed is exchanged, at our own identity provider, for a token meant for one upstream.
struct TokenExchangeConfig {
  std::string url;  // the token endpoint; empty: no exchange
  std::string client_id, client_secret;
  std::string audience, resource, scope;  // of the token that is asked for
  bool operator==(const TokenExchangeConfig&) const = default;
};

// How a client proves itself at a token endpoint. kAuto: the first that the server offers and our credentials allow.
enum class TokenAuth : std::uint8_t { kAuto, kNone, kBasic, kPost, kPrivateKeyJwt };
// Who the tokens speak for: somebody who signed in with a browser, or the client itself.
enum class OAuthGrant : std::uint8_t { kAuthorizationCode, kClientCredentials };

// OAuth 2.1 towards an upstream (bursar/broker/oauth): one account for all who may call it. Whatever is left empty is
// learned from the upstream and its authorization server.
struct OAuthConfig {
  std::string issuer;  // the only authorization server that is believed; needed with a secret or key of ours
  std::string client_id, client_secret;
  std::string client_metadata_url;  // our Client ID Metadata Document, an https URL
  TokenAuth token_auth = TokenAuth::kAuto;
  std::string private_key;          // PEM file, for kPrivateKeyJwt
  std::string algorithm = "ES256";  // of its signatures
  OAuthGrant grant = OAuthGrant::kAuthorizationCode;
  std::vector<std::string> scopes;  // asked for in the place of those that the upstream names
  std::string redirect_url;         // where browsers reach our /oauth/callback; by default found out
  TlsClientConfig tls;              // towards the authorization server
  bool operator==(const OAuthConfig&) const = default;
};

// An authorization server whose JWT access tokens we accept.
struct IssuerConfig {
  std::string issuer;                  // `iss`, exactly
  std::string jwks_url;                // without one: asked of the issuer's metadata (RFC 8414, OpenID Connect)
  std::vector<std::string> audiences;  // `aud` must hold one of them; without any, identity.resource
  std::vector<std::string> algorithms{"RS256", "PS256", "ES256"};  // asymmetric ones only
  Duration clock_skew = std::chrono::seconds{60};
  Duration jwks_cache = std::chrono::minutes{10};
  std::string groups_claim = "groups";
  bool private_network = false;  // its host names may lead to a loopback, private or link-local address
  TlsClientConfig tls;
};

// Which account pays for a principal that came with a token; the first rule that fits.
struct AccountRule {
  std::string issuer = "*", subject = "*";    // globs
  std::vector<std::string> groups;            // globs, one must fit; none: any
  std::map<std::string, std::string> claims;  // globs by claim
  std::string account;                        // "acme/{tenant}/{sub}": {claim} is the value of a claim
  bool create = false;                        // make the account, below an existing parent, where it is missing
  std::vector<ledger::Limit> limits;          // of an account so made
};

struct IdentityConfig {
  bool development = true;  // an unauthenticated caller on loopback is the development principal
  std::string development_account = "dev";
  std::string resource;  // our own identifier, an https URL: RFC 9728 `resource`, and the audience that tokens need
  std::vector<std::string> scopes;           // that every token needs; told to clients in the metadata
  std::string admin_scope = "bursar:admin";  // who has it in a token may administer
  std::vector<IssuerConfig> issuers;
  std::vector<AccountRule> accounts;
};

}  // namespace bursar::broker
