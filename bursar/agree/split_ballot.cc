#include "bursar/agree/split_ballot.h"

#include <algorithm>
#include <cmath>

#include "bursar/agree/number_text.h"
#include "bursar/core/apportionment.h"

namespace bursar::agree {
namespace {

Result<void> check(const SplitBallot& ballot, std::span<const double> shares) {
  if (ballot.lines.size() < 2) return invalid_argument("a ballot needs two budget lines at least");
  std::vector<std::string> sorted = ballot.lines;
  std::ranges::sort(sorted);
  if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
    return invalid_argument("the budget line '" + *twice + "' stands twice");
  }
  if (shares.size() != ballot.lines.size()) {
    return invalid_argument("there are " + std::to_string(ballot.lines.size()) + " budget lines and " +
                            std::to_string(shares.size()) + " shares; give one share per line");
  }
  double sum = 0;
  for (std::size_t j = 0; j < shares.size(); ++j) {
    if (!(shares[j] >= 0 && shares[j] <= 1)) {
      return invalid_argument("line '" + ballot.lines[j] + "': the share " + to_text(shares[j]) +
                              " is outside of [0, 1]");
    }
    sum += shares[j];
  }
  if (std::abs(sum - 1) <= 1e-9) return {};
  return invalid_argument("the shares of the lines sum to " + to_text(sum) + " instead of 1");
}

}  // namespace

Result<std::vector<LineBudget>> split_total(const SplitBallot& ballot, std::span<const double> shares) {
  if (auto ok = check(ballot, shares); !ok) return tl::unexpected(ok.error());
  std::vector<LineBudget> out;
  for (std::size_t j = 0; j < shares.size(); ++j) out.push_back({.line = ballot.lines[j], .share = shares[j]});
  for (const Amount& amount : ballot.total.items()) {
    auto units = apportion(shares, amount.units);
    if (!units) {
      return tl::unexpected(with_context("the total of " + std::string(amount.resource.name()), units.error()));
    }
    for (std::size_t j = 0; j < out.size(); ++j) {
      if (auto ok = out[j].amounts.set(amount.resource, (*units)[j]); !ok) return tl::unexpected(ok.error());
    }
  }
  return out;
}

Result<std::vector<PartyAnswer>> explain(const Profile& profile, double outcome, std::span<const std::string> names) {
  auto owed = guarantees(profile, outcome);
  if (!owed) return tl::unexpected(owed.error());
  if (!names.empty() && names.size() != owed->size()) {
    return invalid_argument("there are " + std::to_string(owed->size()) + " parties and " +
                            std::to_string(names.size()) + " names; give one name per party");
  }
  std::vector<PartyAnswer> out;
  for (std::size_t i = 0; i < owed->size(); ++i) {
    const Guarantee& g = (*owed)[i];
    out.push_back({.guarantee = g,
                   .text = (names.empty() ? "party " + std::to_string(i) : names[i]) + " asked for " +
                           to_short(profile.reports[i]) + " and is " + to_short(g.distance) +
                           " away from it; alone it may be " + to_short(g.individual) +
                           " away at most, with those who ask for the same " + to_short(g.unanimous) +
                           ", and in its best group " + to_short(g.proportional)});
  }
  return out;
}

}  // namespace bursar::agree
