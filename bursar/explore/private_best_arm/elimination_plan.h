// How many arms are left after each phase of an elimination, and how many samples the phases may have.
//
//   auto plan = plan_elimination({.arms = 30, .dimension = 3, .samples = 10'000});
//   plan->survivors;            // {30, 4, 3, 2, 1}
//   plan->pulls(3);             // how often each is pulled in a phase that pulls 3
//
// kPaper: g_0 = min(K, ceil(d^2/4)), h_0 = max(K - ceil(d^2/4), 0), lambda = max(2, h_0^(1/ln d)) (h_0 + 2 for d = 1);
//   g_i = ceil(g_{i-1}/2), h_i = ceil((h_{i-1} + 1)/lambda) - 1; first the h shrink to 0 (M_1 phases), then g to 1.
//   Theta(log d) phases, and the error bound exp(-T'/(65 M H)) of the paper holds.
// kHalving: K, ceil(d/2), ceil(d/4), …, 1. No bound of the paper's; much better in practice.
// T' = T - sum_p slack_p, slack_p = max(d, s_p if d >= sqrt(s_p) else 0), so that rounding pulls up never overspends T.
// Source: systems/dp-bai.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::explore {

enum class EliminationSchedule : std::uint8_t { kPaper, kHalving };

struct EliminationProblem {
  std::size_t arms = 0;       // K >= 1
  std::size_t dimension = 0;  // d, 1 … K: the rank of the features; K without features
  std::uint64_t samples = 0;  // T, at most 2^53
  EliminationSchedule schedule = EliminationSchedule::kPaper;
};

struct EliminationPlan {
  std::vector<std::size_t> survivors;  // [M + 1]: s_1 = K, …, s_{M+1} = 1
  std::uint64_t usable = 0;            // T' > 0; T for a single arm

  [[nodiscard]] std::size_t phases() const { return survivors.size() - 1; }
  // ceil(T' / (M arms)) for each of the arms that a phase pulls.
  [[nodiscard]] std::uint64_t pulls(std::size_t arms) const;
};

// Errors: kInvalidArgument for numbers out of range; kInfeasible where T' <= 0, naming the fewest samples that work.
[[nodiscard]] Result<EliminationPlan> plan_elimination(const EliminationProblem& problem);

// How hard it is to find the best of arms with these means: H_BAI = max i / D_(i)^2, H_pri = max i / (epsilon D_(i))
// over 2 <= i <= min(d^2, K), gaps D ascending, D_(1) the best arm's. Infinite where the best is not unique.
struct EliminationHardness {
  double samples = 0;  // H_BAI
  double privacy = 0;  // H_pri; 0 for an infinite epsilon
};
[[nodiscard]] Result<EliminationHardness> elimination_hardness(std::span<const double> means, std::size_t dimension,
                                                               double epsilon);

// exp(-T' / (65 M H)): above the chance of a wrong answer, under kPaper alone.
[[nodiscard]] double elimination_error_bound(const EliminationPlan& plan, const EliminationHardness& hardness);

}  // namespace bursar::explore
