// How an account stands, as the API writes it and its clients read it.
//
//   {"account":"acme/ada","frozen":false,"sync":false,"fail_open":false,"limits":[{"limit":"100.00
//   usd","window":"month",
//    "spent":"3.00 usd","held":"0.00 usd","left":"97.00 usd",…,"refills_at":"2026-12-…"}]}
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/ledger/ledger.h"

namespace bursar::broker {

// `standings` of this account alone.
[[nodiscard]] std::string account_json(const ledger::AccountSpec& account,
                                       const std::vector<ledger::Standing>& standings);
// Every limit of every account in {"accounts":[…]}, in its order. Errors: kInvalidArgument naming the member.
[[nodiscard]] Result<std::vector<ledger::Standing>> parse_accounts(std::string_view json);

}  // namespace bursar::broker
