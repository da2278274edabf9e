// What a token says, and the checks that need no key: who issued it, for whom, and until when.
//
//   auto claims = Claims::parse(jws->payload);
//   if (auto refused = check(*claims, issuer, resource, now)) return *refused;
//   claims->subject(); claims->texts(issuer.groups_claim); claims->scopes();
//
// Times are NumericDate (RFC 7519), whole or with a fraction; `exp` and `sub` are required, `nbf` and `iat` hold where
// they are there; each with the issuer's clock_skew to the caller's favour. Limits: 16 levels, 512 values in a list,
// 256 bytes of a subject. Control characters in a subject, a group or a scope make the token malformed.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/broker/config/identity_config.h"
#include "bursar/broker/identity/token_verifier.h"
#include "bursar/core/result.h"

namespace bursar::broker {

class Claims {
 public:
  // Errors: kInvalidArgument, without a word of the token.
  [[nodiscard]] static Result<Claims> parse(std::string_view payload);

  [[nodiscard]] std::string_view issuer() const { return issuer_; }
  [[nodiscard]] std::string_view subject() const { return subject_; }
  [[nodiscard]] WallTime expires() const { return expires_; }
  [[nodiscard]] const std::vector<std::string>& audiences() const { return audiences_; }
  [[nodiscard]] const std::vector<std::string>& scopes() const { return scopes_; }  // of `scope`, else `scp`

  // A claim by its name, or by a path of names joined by dots ("realm_access.roles") where no claim has that name:
  // the text of a string or whole number, or the texts of a list of strings. Empty where absent or of another type.
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> text(std::string_view name) const;  // not of a list

 private:
  friend std::optional<TokenRefusal> check(const Claims&, const IssuerConfig&, std::string_view, WallTime);
  [[nodiscard]] const boost::json::value* find(std::string_view name) const;

  boost::json::object all_;
  std::string issuer_, subject_;
  std::vector<std::string> audiences_, scopes_;
  WallTime expires_{};
  std::optional<WallTime> not_before_, issued_;
};

// `resource` is the audience where the issuer names none.
[[nodiscard]] std::optional<TokenRefusal> check(const Claims& claims, const IssuerConfig& issuer,
                                                std::string_view resource, WallTime now);

}  // namespace bursar::broker
