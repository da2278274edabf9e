// The best contract for agents whose efforts nobody sees: whom to ask for how much effort, and what to pay for which
// reports, so that obeying and telling the truth is best for each.
//
//   Result<Mechanism> best = optimal_mechanism(game);        // efforts drawn jointly, pay by all reports and the truth
//   Result<FixedMechanism> plain = best_uncorrelated(game);  // one fixed profile, each paid by its own report
//   best->value >= plain->value;  max_deviation_gain(game, *best) <= 1e-7;
//
// Optimal: a linear program over mu[b], y_i[b, s, theta] = mu[b] gamma_i[b, s, theta], and z_i[b_i, b_i', s_i], what
// the best report is worth to an agent who was told b_i, chose b_i' and saw s_i (systems/info-acquisition, algorithm
// A):
//     max  sum_b mu[b] U(b) - sum_i sum P(s, theta | b) y_i[b, s, theta]
//     s.t. sum_b mu[b] = 1,   0 <= y_i <= M mu[b],
//          sum_{b_-i} (sum P(s, theta | b) y_i - mu[b] c_i(b_i)) >= sum_{s_i} z_i - sum_{b_-i} mu[b] (c_i(b_i') -
//          margin), z_i[b_i, b_i', s_i] >= sum_{b_-i, s_-i, theta} P(s, theta | b_i', b_-i) y_i[b, (s_i', s_-i),
//          theta].
// |B| + n |B||S||Theta| + n |B_i|^2 |S_i| variables; 6,669 (three agents, 3 efforts, 3 signals, 3 states) take seconds.
//
// Equilibria other than the truthful one may exist: where pay depends on agreement alone, shirking and agreeing on a
// constant report may be one. own_share > 0 asks that this share of each agent's expected pay hangs on its own report
// and theta alone. Agents that talk to each other are outside of the model.
// Errors: those of check(game); kInvalidArgument where the program has more than 3 * 10^6 entries (the sum over agents
// of |B_i||S_i||B||S||Theta|); kInfeasible where the margin or the share cannot be met; kExhausted where the simplex
// method stops early.
#pragma once

#include <cstdint>
#include <vector>

#include "bursar/agree/hiring_game.h"

namespace bursar::agree {

struct Mechanism {
  HiringShape shape;
  std::vector<double> mu;                // [profiles of efforts], sums to 1
  std::vector<std::vector<double>> pay;  // [agents][profiles of efforts x profiles of signals x states], in [0, M]
  std::vector<std::uint32_t> act;        // [profiles of efforts x profiles of signals]
  double value = 0;                      // what the principal keeps per round: worth less expected pay
  double expected_pay = 0;               // of all agents together
};

struct MechanismOptions {
  double ic_margin = 0;             // per round: another effort must lose this much; negative relaxes
  double own_share = 0;             // 0 … 1
  double tolerance = 1e-6;          // of check(game)
  int max_iterations = 10'000'000;  // of the simplex method
};
[[nodiscard]] Result<Mechanism> optimal_mechanism(const HiringGame& game, const MechanismOptions& options = {});

struct FixedMechanism {
  std::size_t efforts = 0;               // the profile that all are asked for
  std::vector<std::vector<double>> pay;  // [agents][own signals x states], in [0, M]
  std::vector<std::uint32_t> act;        // [profiles of signals]
  double value = 0, expected_pay = 0;
};
// For each agent and effort the cheapest rule that makes it a best response; then the best profile. An effort that no
// rule within the cap brings about is left out.
[[nodiscard]] Result<FixedMechanism> best_uncorrelated(const HiringGame& game);
[[nodiscard]] Mechanism as_mechanism(const HiringGame& game, const FixedMechanism& fixed);

// What an agent who was told `told` gains, in expectation over the draw and per round, when it does its best against
// others who obey. Ties (within 1e-9) are broken for obedience and truth.
struct Response {
  std::size_t effort = 0;
  std::vector<std::size_t> report;  // [own signals]: what it says to each
  double gain = 0;                  // over obeying; 0 where it obeys
};
[[nodiscard]] Response best_response(const HiringGame& game, const Mechanism& mechanism, std::size_t agent,
                                     std::size_t told);

// The largest such gain over agents and efforts told, before ties are broken; 0 where nobody gains. By enumeration of
// efforts and best reports, independent of the program. O(cells x agents x efforts x signals).
[[nodiscard]] double max_deviation_gain(const HiringGame& game, const Mechanism& mechanism);

}  // namespace bursar::agree
