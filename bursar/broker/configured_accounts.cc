#include "bursar/broker/configured_accounts.h"

#include <algorithm>
#include <string>

namespace bursar::broker {
namespace {

const ledger::AccountSpec* find(const std::vector<ledger::AccountSpec>& accounts, const std::string& path) {
  const auto found = std::ranges::find(accounts, path, &ledger::AccountSpec::path);
  return found == accounts.end() ? nullptr : &*found;
}

Result<void> put_development_account(ledger::Ledger& ledger, const std::string& development) {
  for (std::size_t slash = development.find('/'); true; slash = development.find('/', slash + 1)) {
    const std::string path = development.substr(0, slash);
    if (!ledger.account(path)) {
      if (auto ok = ledger.put_account({.path = path}); !ok) {
        return tl::unexpected(with_context("identity.development_account", ok.error()));
      }
    }
    if (slash == std::string::npos) return {};
  }
}

}  // namespace

Result<void> put_accounts(ledger::Ledger& ledger, const Config& wanted, const Config* running) {
  const auto existing = ledger.accounts();
  for (ledger::AccountSpec account : wanted.accounts) {  // parents before children
    const ledger::AccountSpec* now = find(existing, account.path);
    const ledger::AccountSpec* before = running == nullptr ? nullptr : find(running->accounts, account.path);
    const bool thawed = before != nullptr && before->frozen && !account.frozen;
    account.frozen |= now != nullptr && now->frozen && !thawed;
    if (now != nullptr && *now == account) continue;
    if (auto ok = ledger.put_account(account); !ok) return tl::unexpected(with_context("accounts", ok.error()));
  }
  const std::string& development = wanted.identity.development_account;
  if (!wanted.identity.development || find(wanted.accounts, development) != nullptr) return {};
  return put_development_account(ledger, development);
}

}  // namespace bursar::broker
