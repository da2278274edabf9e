// What a platform may recommend to users who come once, know the priors, and follow a recommendation only where it is
// in their interest: Bayesian incentive-compatible (BIC) exploration of two arms.
//
//   const TwoArms arms{.first = {6, 4}, .second = {4, 6}};            // Beta priors of success; the first looks better
//   GainOfSignal g = gain_of_samples(arms, 20).value();               // after 20 samples of the first arm
//   double eps = tight_exploration(g);                                // 0.0133: recommend the second so often
//   double never = never_tries_second(arms, 1000).value();            // of a platform that recommends the best: 0.82
//
// G = E[mu2 - mu1 | samples of arm 1] is what the platform knows and the user does not. Recommending arm 2 with
// probability eps whatever G says, and otherwise where G > 0, is followed exactly if eps <= E[G+] / E[G-], with
// G+ = max(G, 0), G- = max(-G, 0) [derived]; the book's sufficient form is eps <= E[G 1{G > 0}] / 3. Where another
// algorithm picks the arm of exploration rounds, it may pick arm 2 just where that is bad: safe_exploration is
// E[G+] / (E[G+] + E[G-]) [derived]. All sums are exact, over the beta-binomial count of successes.
// Source: systems/bandits, 30 to 32.
#pragma once

#include <cstdint>

#include "bursar/core/result.h"

namespace bursar::explore {

struct BetaPrior {
  double a = 1, b = 1;  // > 0
  [[nodiscard]] double mean() const { return a / (a + b); }
};
struct TwoArms {
  BetaPrior first, second;  // the mean of the first is not below the second's
};

struct GainOfSignal {
  double plus = 0, minus = 0;  // E[G+], E[G-]; plus - minus = mean of the second less mean of the first
  double chance = 0;           // P(G > 0): exploration needs it to be positive
};

inline constexpr std::uint64_t kMostSamples = 1'000'000;

// Errors of all: kInvalidArgument for a prior that is not positive or a first arm with the smaller mean, and past
// kMostSamples. O(samples).
[[nodiscard]] Result<GainOfSignal> gain_of_samples(const TwoArms& arms, std::uint64_t samples);

[[nodiscard]] double tight_exploration(const GainOfSignal& gain);  // E[G+] / E[G-], at most 1
[[nodiscard]] double book_exploration(const GainOfSignal& gain);   // E[G+] / 3
[[nodiscard]] double safe_exploration(const GainOfSignal& gain);   // E[G+] / (E[G+] + E[G-])

// The least number of samples of arm 1 after which some outcome makes arm 2 look better (P(G > 0) > 0). kInfeasible
// where no number up to kMostSamples does.
[[nodiscard]] Result<std::uint64_t> samples_needed(const TwoArms& arms);

// P(BayesianGreedy never tries arm 2 in so many rounds), exactly; ties go to arm 1. At least (m1 - m2) / (1 - m2) by
// optional stopping [derived], which is at least the book's m1 - m2. O(rounds^2); rounds at most 20'000.
[[nodiscard]] Result<double> never_tries_second(const TwoArms& arms, std::uint64_t rounds);

}  // namespace bursar::explore
