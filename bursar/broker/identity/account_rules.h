// Which account pays for a caller with a token: the first rule of identity.accounts that fits.
//
//   // {subject: "*", claims: {plan: pro}, account: "acme/{tenant}/{sub}", create: true}
//   auto account = account_for(config.accounts, *claims, groups);     // {"acme/blue/ada", rule}
//   if (!account) answer 403 with account.error()
//
// A rule fits if its globs on issuer, subject, one of the groups and every named claim (one value of a list) do, and if
// the token has every claim that its template names. The values of a template are put in as they are: one that is no
// single name of an account path ([A-Za-z0-9._@-]{1,64}, not "." or "..") is refused, never repaired, since two callers
// must not become one, and nobody may choose his parent.
#pragma once

#include <string>
#include <vector>

#include "bursar/broker/config/identity_config.h"
#include "bursar/broker/identity/claims.h"

namespace bursar::broker {

struct PayingAccount {
  std::string path;
  const AccountRule* rule = nullptr;  // into the list that was given
};

[[nodiscard]] tl::expected<PayingAccount, TokenRefusal> account_for(const std::vector<AccountRule>& rules,
                                                                    const Claims& claims,
                                                                    const std::vector<std::string>& groups);

// Whether a template can be read: closed braces, named claims, and text that can stand in an account path. Errors:
// kInvalidArgument.
[[nodiscard]] Result<void> check_account_template(std::string_view text);

}  // namespace bursar::broker
