// Ballots to budgets: what each line gets in whole units of the ledger, and what the outcome means to each party.
//
//   SplitBallot ballot{.lines = {"search", "rerank"}, .total = *parse_amounts("10M tokens")};
//   auto budgets = split_total(ballot, std::vector{.4, .6});        // search 4M tokens, rerank 6M tokens
//   auto why = explain({.reports = wishes}, .4, {"ada", "bo", …});  // one sentence a party
//
// Every resource is divided by the largest-remainder rule (core/apportionment): the lines' units sum to the total
// exactly, and each line gets its quota rounded down or up, ties to the earlier line.
// Errors: kInvalidArgument for fewer than two lines or a name that stands twice, shares that do not fit the lines, are
// outside of [0, 1] or do not sum to 1 within 1e-9, and a total that is negative or beyond 2^50 smallest units.
// Source: systems/uniform-phantom.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "bursar/agree/axioms.h"
#include "bursar/core/amount.h"

namespace bursar::agree {

struct SplitBallot {
  std::vector<std::string> lines;  // two for a point, m for independent markets
  Amounts total;
};

struct LineBudget {
  std::string line;
  double share = 0;
  Amounts amounts;
};
[[nodiscard]] Result<std::vector<LineBudget>> split_total(const SplitBallot& ballot, std::span<const double> shares);

// One sentence a party: what it asked for, how far the outcome is from it, and how far each axiom lets it be. `names`:
// [parties], or empty for positions. Errors: those of guarantees; kInvalidArgument for another number of names.
struct PartyAnswer {
  Guarantee guarantee;
  std::string text;
};
[[nodiscard]] Result<std::vector<PartyAnswer>> explain(const Profile& profile, double outcome,
                                                       std::span<const std::string> names = {});

}  // namespace bursar::agree
