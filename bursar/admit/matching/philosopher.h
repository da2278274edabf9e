// Matches buyers with items as they come, earning at least .678 of the best online policy ("the philosopher").
//
//   Philosopher matcher = *Philosopher::create(matching, *solve_online_lp(matching), {.seed = 7});
//   for (std::size_t t = 0; t < matching.periods.size(); ++t)
//     if (who comes) item = *matcher.arrive(t, type);  else matcher.no_arrival(t);
//
// .678 for general weights (arXiv 2407.15285, against the LP's optimum, hence against every online policy); .685 with
// vertex weights is the paper's, perhaps for a variant: do not take it as proved for this rule. Items are thrown away
// with care (proposal_plan.h), which the proof needs and value does not: PostedPrices on what is unsold is never worse
// in expectation, and is what one should run ("no discard, one-step improvement"). Correlated arrivals are outside the
// model. Deterministic in the seed and the calls: period t draws from RandomStream(seed).split(t). Step O(items types).
// Source: systems/philosopher.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bursar/admit/matching/bayesian_matching.h"
#include "bursar/admit/matching/proposal_plan.h"
#include "bursar/core/random.h"
#include "bursar/core/result.h"

namespace bursar::admit {

struct PhilosopherOptions {
  std::uint64_t seed = 1;
  Proposals proposals = Proposals::kPivotal;
};

class Philosopher {
 public:
  // Errors: as check(), and an LP of another matching.
  [[nodiscard]] static Result<Philosopher> create(const BayesianMatching& matching, const OnlineLp& lp,
                                                  PhilosopherOptions options = {});

  // A buyer of this type came in period t: the item that it gets, or none. Periods are played one after the other, each
  // by arrive() or no_arrival(), because items may be thrown away in either. kInvalidArgument for another period than
  // the next or an unknown type.
  [[nodiscard]] Result<std::optional<std::size_t>> arrive(std::size_t t, std::size_t type);
  [[nodiscard]] Result<void> no_arrival(std::size_t t);

  [[nodiscard]] std::size_t next_period() const { return next_; }
  [[nodiscard]] const std::vector<std::uint8_t>& free() const { return free_; }  // [items]: 1 where still to be had

  // For save and restore: the state is the next period and what is free.
  [[nodiscard]] Result<void> resume(std::size_t next_period, std::vector<std::uint8_t> free);

 private:
  Philosopher(ProposalPlan plan, std::uint64_t seed) : plan_(std::move(plan)), root_(seed), free_(plan_.items(), 1) {}
  [[nodiscard]] Result<std::optional<std::size_t>> play(std::size_t t, std::optional<std::size_t> type);

  ProposalPlan plan_;
  RandomStream root_;
  std::vector<std::uint8_t> free_;
  std::size_t next_ = 0;
  std::vector<double> luck_;
};

}  // namespace bursar::admit
