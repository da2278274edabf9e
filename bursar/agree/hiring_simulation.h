// Agents that do what is best for them, and what that leaves to the principal.
//
//   auto run = simulate_hiring(truth, optimal_mechanism(truth)->value, std::move(*online), RandomStream(1));
//   run->regret; run->commit_value; run->obeyed;
//
// Every agent knows the true game and answers each offer by its best effort and reports, taking the others to obey;
// ties go to obedience and truth. Rounds until the commitment are drawn one by one; the rounds after it count by their
// exact expected value under those responses. Source: systems/info-acquisition.
#pragma once

#include "bursar/agree/online_hiring.h"

namespace bursar::agree {

// Against pay by own report and truth alone, [own signals x states]; `law[effort]` as of own_law().
[[nodiscard]] Response best_response_to_rule(const std::vector<std::vector<double>>& law, std::span<const double> costs,
                                             std::span<const double> pay, std::size_t states, std::size_t told);

// What the principal keeps per round when each agent answers the mechanism by its best response.
[[nodiscard]] double value_played(const HiringGame& truth, const Mechanism& mechanism);

struct HiringRun {
  HiringPhase phase = HiringPhase::kExplore;  // at the end
  std::uint64_t explored = 0;                 // rounds before the commitment
  double regret = 0;                          // over the horizon, against `optimum` per round
  double commit_value = 0;                    // per round, 0 where it did not commit
  double deviation_gain = 0;                  // of the committed mechanism in the true game
  bool obeyed = false;                        // no agent gains by deviating from it
  std::vector<std::vector<double>> costs;     // as estimated
};
// Errors: kInvalidArgument where the game is not of the shape of `online`; otherwise those of check(game).
[[nodiscard]] Result<HiringRun> simulate_hiring(const HiringGame& truth, double optimum, OnlineHiring online,
                                                RandomStream random);

}  // namespace bursar::agree
