#include "bursar/admit/matching/proposal_plan.h"

#include <algorithm>
#include <string>

#include "bursar/core/pivotal_sampling.h"

namespace bursar::admit {

Result<ProposalPlan> ProposalPlan::create(const BayesianMatching& m, const OnlineLp& lp, Proposals proposals) {
  if (auto ok = check(m); !ok) return tl::unexpected(ok.error());
  bool fits =
      lp.items == m.items && lp.first.size() == m.periods.size() + 1 && lp.rate.size() == lp.first.back() * m.items;
  for (std::size_t t = 0; fits && t < m.periods.size(); ++t)
    fits = lp.first[t + 1] - lp.first[t] == m.periods[t].types.size();
  if (!fits)
    return invalid_argument("the solution of the LP is of another matching; solve_online_lp() gives the right one");
  ProposalPlan plan;
  plan.items_ = m.items;
  plan.how_ = proposals;
  plan.first_ = lp.first;
  plan.leaves_.assign(m.periods.size() * m.items, 0.0);
  for (std::size_t t = 0; t < m.periods.size(); ++t) {
    for (std::size_t j = 0; j < m.periods[t].types.size(); ++j) {
      const BuyerType& type = m.periods[t].types[j];
      std::vector<Proposal> row;
      for (std::size_t i = 0; i < m.items; ++i) {
        const double r = lp.rate[(lp.first[t] + j) * m.items + i];
        if (r <= 0) continue;
        row.push_back({.item = static_cast<std::uint32_t>(i), .rate = r, .worth = type.value[i]});
        plan.leaves_[t * m.items + i] += type.probability * r;
      }
      std::ranges::stable_sort(row, std::ranges::greater{}, &Proposal::worth);
      plan.proposals_.push_back(std::move(row));
      plan.probability_.push_back(type.probability);
    }
  }
  return plan;
}

std::optional<std::size_t> ProposalPlan::draw_type(std::size_t t, double u) const {
  for (std::size_t j = 0; j < types(t); ++j) {
    u -= probability(t, j);
    if (u < 0) return j;
  }
  return std::nullopt;
}

// Calls take(rank) for every item of S, not in order.
template <class Take>
void ProposalPlan::propose(std::size_t pair, std::span<const std::uint8_t> free, std::span<const double> luck,
                           Take take) const {
  const auto& row = proposals_[pair];
  PivotalStream stream;
  for (std::size_t k = 0; k < row.size(); ++k) {
    if (free[row[k].item] == 0) continue;
    const double u = luck[row[k].item];
    if (how_ == Proposals::kIndependent) {
      if (u < row[k].rate) take(k);
    } else if (const std::size_t s = stream.add(k, row[k].rate, u); s != PivotalStream::kNobody) {
      take(s);
    }
  }
  if (how_ == Proposals::kIndependent) return;
  if (const std::size_t s = stream.finish(luck[2 * items_]); s != PivotalStream::kNobody) take(s);
}

void ProposalPlan::add_match_chances(std::size_t t, std::size_t type, std::span<const std::uint8_t> free,
                                     std::span<double> chance) const {
  const double p = probability(t, type);
  double left = 1;  // chance that no better item proposed
  for (const Proposal& own : proposals(t, type)) {
    if (free[own.item] == 0) continue;
    const double now = how_ == Proposals::kPivotal ? std::min(left, own.rate) : left * own.rate;
    chance[own.item] += p * now;
    left -= now;
  }
}

std::optional<std::size_t> ProposalPlan::step_one_type(std::size_t t, bool came, std::vector<std::uint8_t>& free,
                                                       std::span<const double> luck) const {
  const auto& row = proposals_[first_[t]];
  const double p = probability(t, 0);
  std::size_t best = row.size();
  // The best so far may yet be beaten, so items are thrown away once it is known.
  std::vector<std::size_t> chosen;
  propose(first_[t], free, luck, [&](std::size_t k) {
    chosen.push_back(k);
    best = std::min(best, k);
  });
  for (const std::size_t k : chosen) {
    if (k != best && luck[items_ + row[k].item] < p) free[row[k].item] = 0;
  }
  if (!came || best == row.size()) return std::nullopt;
  free[row[best].item] = 0;
  return row[best].item;
}

std::optional<std::size_t> ProposalPlan::step(std::size_t t, std::optional<std::size_t> type,
                                              std::vector<std::uint8_t>& free, std::span<const double> luck) const {
  if (types(t) == 0) return std::nullopt;
  if (types(t) == 1) return step_one_type(t, type.has_value(), free, luck);
  std::vector<double> matched(items_, 0.0);
  for (std::size_t j = 0; j < types(t); ++j) add_match_chances(t, j, free, matched);
  std::optional<std::size_t> sold;
  if (type) {
    const auto& row = proposals_[first_[t] + *type];
    std::size_t best = row.size();
    propose(first_[t] + *type, free, luck, [&](std::size_t k) { best = std::min(best, k); });
    if (best < row.size()) sold = row[best].item;
  }
  for (std::size_t i = 0; i < items_; ++i) {
    if (free[i] == 0 || sold == i || matched[i] >= 1) continue;
    const double d = (leaves(t, i) - matched[i]) / (1 - matched[i]);
    if (luck[items_ + i] < d) free[i] = 0;
  }
  if (sold) free[*sold] = 0;
  return sold;
}

}  // namespace bursar::admit
