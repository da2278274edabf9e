// Who we are at an authorization server: registered beforehand, by a document of ours, or by asking (RFC 7591); and how
// we prove it at the token endpoint (RFC 6749, section 2.3.1; RFC 7523).
//
//   request->json = registration_text(ask);                             // POST to the registration endpoint
//   auto client = parse_registration(reply.status, reply.body, issuer, redirect_uri);
//   if (auto ok = prove(*client, keys, moment, *request, form); !ok) …  // headers and form of a token request
//
// A client belongs to its issuer: what one issuer gave is never shown to another.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/config/identity_config.h"
#include "bursar/broker/identity/fetch.h"
#include "bursar/broker/oauth/challenge.h"
#include "bursar/core/clock.h"

namespace bursar::broker::oauth {

using Random = std::function<std::string(std::size_t)>;  // so many random bytes

struct Client {
  std::string issuer, id, secret;       // no secret: a public client
  TokenAuth auth = TokenAuth::kNone;    // never kAuto
  std::string redirect_uri;             // that it was registered with; empty: by hand
  bool registered = false;              // by us, so that we may register again
  std::optional<WallTime> secret_ends;  // absent: never
  bool operator==(const Client&) const = default;
};

// The parts of a form, encoded as they come.
class Form {
 public:
  Form& add(std::string_view name, std::string_view value);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// The method that `wanted`, our credentials and the server's list (empty: not said) leave. Errors: kInvalidArgument
// where none is left.
[[nodiscard]] Result<TokenAuth> choose_auth(TokenAuth wanted, bool secret, bool key,
                                            const std::vector<std::string>& offered);

struct RegistrationAsk {
  std::string redirect_uri;
  Scopes scopes;
  std::vector<std::string> offered;  // methods of the token endpoint
};
[[nodiscard]] std::string registration_text(const RegistrationAsk& ask);
[[nodiscard]] Result<Client> parse_registration(int status, std::string_view body, const std::string& issuer,
                                                const RegistrationAsk& ask);

// What signs assertions, and when.
struct Proof {
  std::string_view private_key, algorithm;
  WallTime now;
  const Random& random;
};
Result<void> prove(const Client& client, const Proof& proof, FetchRequest& request, Form& form);

}  // namespace bursar::broker::oauth
