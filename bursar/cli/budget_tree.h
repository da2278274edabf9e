// The budget tree on paper.
//
//   acme
//   │  usd    ████████░░░░░░░░░░░░   40.12 of 100 usd month   59.88 left   refills 2026-12-01 00:00:00Z
//   └─ ada
//      calls  ██▒░░░░░░░░░░░░░░░░░   12 of 100 calls          86 left, 2 held
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "bursar/core/clock.h"
#include "bursar/ledger/ledger.h"

namespace bursar::cli {

// Standings in tree order. Accounts without a limit of their own appear where one below them has one.
void print_budget(const std::vector<ledger::Standing>& standings, WallTime now, std::ostream& out);

// A JSON array on one line, an object a limit: account, resource, window, limit, spent, held, left, overrun, stranded
// (exact decimal numbers of the resource's unit), refills_at ("2026-12-01 00:00:00Z" or null), frozen.
[[nodiscard]] std::string budget_json(const std::vector<ledger::Standing>& standings);

}  // namespace bursar::cli
