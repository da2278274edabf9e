// One period of the philosopher's rule: which free items propose to the buyer, who gets one, and which are thrown away.
//
//   ProposalPlan plan = *ProposalPlan::create(matching, lp);
//   std::vector<std::uint8_t> free(matching.items, 1);
//   std::optional<std::size_t> sold = plan.step(t, type, free, luck);
//
// Given the free items F, in order of falling w: S = ordered pivotal sample of the rates r; the buyer gets the heaviest
// of S. Each item must leave with probability q_i = sum_j p r_j in all, so that Pr[i free at t] = 1 - y_it exactly, and
// items must leave together no more often than independently, so that the events stay negatively dependent:
//  - one type in the period: every other item of S leaves with probability p;
//  - several types: with m_i the chance that i is matched now, every unmatched free item leaves with probability
//    (q_i - m_i) / (1 - m_i).
// The paper's abstract says "careful discarding"; both rules are derived in systems/philosopher and give both facts.
// Independent proposals (each free item with probability r) are the older 1 - 1/e algorithm, for comparison.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bursar/admit/matching/bayesian_matching.h"

namespace bursar::admit {

enum class Proposals : std::uint8_t { kPivotal, kIndependent };

struct Proposal {
  std::uint32_t item = 0;
  double rate = 0, worth = 0;
};

class ProposalPlan {
 public:
  // kInvalidArgument where the LP is of another matching.
  [[nodiscard]] static Result<ProposalPlan> create(const BayesianMatching& matching, const OnlineLp& lp,
                                                   Proposals proposals = Proposals::kPivotal);

  [[nodiscard]] std::size_t items() const { return items_; }
  [[nodiscard]] Proposals how() const { return how_; }
  [[nodiscard]] std::size_t periods() const { return first_.size() - 1; }
  [[nodiscard]] std::size_t types(std::size_t t) const { return first_[t + 1] - first_[t]; }
  [[nodiscard]] double probability(std::size_t t, std::size_t type) const { return probability_[first_[t] + type]; }
  // Items with r > 0, by falling worth, then rising number.
  [[nodiscard]] std::span<const Proposal> proposals(std::size_t t, std::size_t type) const {
    return proposals_[first_[t] + type];
  }
  [[nodiscard]] double leaves(std::size_t t, std::size_t item) const { return leaves_[t * items_ + item]; }  // q_i

  // How many uniform numbers a step takes, whatever happens: common random numbers stay in step.
  [[nodiscard]] std::size_t luck_size() const { return 2 * items_ + 1; }
  // Plays period t: `type` came, or nobody. Clears free[i] of what is sold or thrown away; returns what is sold.
  // O(items types): proposals are sorted once, by create().
  std::optional<std::size_t> step(std::size_t t, std::optional<std::size_t> type, std::vector<std::uint8_t>& free,
                                  std::span<const double> luck) const;
  // Which type comes for a uniform u, or none.
  [[nodiscard]] std::optional<std::size_t> draw_type(std::size_t t, double u) const;
  // m_i += p (chance that the buyer of this type is matched to i), given the free items.
  void add_match_chances(std::size_t t, std::size_t type, std::span<const std::uint8_t> free,
                         std::span<double> chance) const;

 private:
  std::optional<std::size_t> step_one_type(std::size_t t, bool came, std::vector<std::uint8_t>& free,
                                           std::span<const double> luck) const;
  template <class Take>
  void propose(std::size_t pair, std::span<const std::uint8_t> free, std::span<const double> luck, Take take) const;

  std::size_t items_ = 0;
  Proposals how_ = Proposals::kPivotal;
  std::vector<std::size_t> first_;                // [periods + 1]
  std::vector<double> probability_;               // [pairs]
  std::vector<std::vector<Proposal>> proposals_;  // [pairs]
  std::vector<double> leaves_;                    // [periods x items]
};

}  // namespace bursar::admit
