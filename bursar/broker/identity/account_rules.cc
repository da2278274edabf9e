#include "bursar/broker/identity/account_rules.h"

#include <algorithm>

#include "bursar/broker/pipeline/glob.h"
#include "bursar/ledger/account.h"

namespace bursar::broker {
namespace {

constexpr std::size_t kMaxName = 64;

bool is_account_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName || name == "." || name == "..") return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '@' || c == '-';
  });
}

// Calls text(…) and claim(…) for the parts of a template in turn; false where one of them does, or a brace is open.
template <class Text, class Claim>
bool walk(std::string_view at, Text text, Claim claim) {
  while (!at.empty()) {
    const std::size_t open = at.find('{');
    if (!text(at.substr(0, open))) return false;
    if (open == std::string_view::npos) return true;
    const std::size_t close = at.find('}', open);
    if (close == std::string_view::npos || !claim(at.substr(open + 1, close - open - 1))) return false;
    at.remove_prefix(close + 1);
  }
  return true;
}

bool fits(const AccountRule& rule, const Claims& claims, const std::vector<std::string>& groups) {
  if (!glob_match(rule.issuer, claims.issuer()) || !glob_match(rule.subject, claims.subject())) return false;
  if (!rule.groups.empty() &&
      std::ranges::none_of(groups, [&](const std::string& group) { return any_match(rule.groups, group); })) {
    return false;
  }
  const bool named = std::ranges::all_of(rule.claims, [&](const auto& wanted) {
    return std::ranges::any_of(claims.texts(wanted.first),
                               [&](const std::string& value) { return glob_match(wanted.second, value); });
  });
  return named && walk(
                      rule.account, [](std::string_view) { return true; },
                      [&](std::string_view name) { return claims.text(name).has_value(); });
}

tl::unexpected<TokenRefusal> no_account(std::string why) {
  return tl::unexpected(TokenRefusal{.fault = TokenFault::kNoAccount, .why = std::move(why)});
}

}  // namespace

tl::expected<PayingAccount, TokenRefusal> account_for(const std::vector<AccountRule>& rules, const Claims& claims,
                                                      const std::vector<std::string>& groups) {
  const auto rule = std::ranges::find_if(rules, [&](const AccountRule& r) { return fits(r, claims, groups); });
  if (rule == rules.end()) {
    return no_account("No account pays for this caller: none of the rules in identity.accounts fits the token.");
  }
  PayingAccount out{.path = {}, .rule = &*rule};
  std::string bad;
  const bool good = walk(
      rule->account, [&](std::string_view text) { return out.path.append(text), true; },
      [&](std::string_view name) {
        const std::string value = claims.text(name).value_or("");
        if (!is_account_name(value)) return bad = name, false;
        return out.path.append(value), true;
      });
  if (!bad.empty()) {
    return no_account("No account pays for this caller: the token's claim \"" + bad +
                      "\" cannot be a name in an account's path (1 to 64 of A-Z a-z 0-9 . _ @ -).");
  }
  if (!good || !ledger::check({.path = out.path})) {
    return no_account("No account pays for this caller: what identity.accounts makes of the token is no account path.");
  }
  return out;
}

Result<void> check_account_template(std::string_view text) {
  std::string example;
  const bool readable = walk(
      text, [&](std::string_view part) { return example.append(part), part.find('}') == std::string_view::npos; },
      [&](std::string_view name) {
        return example.append("x"), !name.empty() && name.size() <= 128 && name.find('{') == name.npos;
      });
  if (!readable) return invalid_argument("must be like acme/{tenant}/{sub}: a claim's name in each pair of braces");
  if (auto ok = ledger::check({.path = example}); !ok) return tl::unexpected(ok.error());
  return {};
}

}  // namespace bursar::broker
