// Re-weights the next tokens of hidden reasoning by the chance that, having taken each, it ends within the budget.
//
//   std::vector<std::optional<LengthLaw>> laws = model.predict(context, classes);   // one a candidate
//   std::vector<double> p{.55, .40, .05};                                           // of the model, untempered
//   auto guided = reweight(laws, /*remaining=*/120, p);                              // p is now the guided one
//
// Bayes:  p(v | L <= R) is proportional to p(v) a_v,  a_v = Pr(L <= R | v) = P(alpha_v, lambda_v ln(R + 1)).  With the
// exact chances applied at every token this is the conditional law of the model itself (Doob's transform). Applied at
// line starts only, sentences end as the model would end them, and the budget is met on average, not surely: a cap is
// for that (line_guide.h). R is held at 1 from below, so that an overdrawn trace is pushed to end at every line.
// Where all chances that matter are 0 the published code takes the model's favourite, which can go on for ever; the
// default takes the candidate that finishes fastest instead [choice]. O(candidates). Source: systems/budget-guidance.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bursar/sample/guidance/length_law.h"

namespace bursar::sample {

enum class GuideFallback : std::uint8_t {
  kFastestFinish,  // the largest chance at R = 1, of equals the smallest mode, then the model's favourite
  kFavourite,      // the model's arg max, as published
};

// A law counts only where it has at least this rate, more than this shape and at least this mode; else a_v = 0. All
// off by default: the limits that were published belong to one network, and drop honest wide laws of others.
struct GuideOptions {
  double min_rate = 0, min_shape = 0, min_mode_tokens = 0;  // >= 0
  GuideFallback fallback = GuideFallback::kFastestFinish;
  bool only_known = false;  // a candidate without a law has no chance, instead of every chance
};
[[nodiscard]] GuideOptions published_guide();  // rate >= 10, shape > 1, mode >= .9, favourite

struct Guided {
  std::vector<double> finish;  // a_v of each candidate
  std::size_t without_law = 0, masked = 0;
  bool fell_back = false;
};

// laws[v] absent: nothing is known of that candidate, and a_v = 1. Where laws were learned from plenty of traces, what
// they never had is better left alone (only_known): neutral, it is what a spent budget turns to. `probs` need not sum
// to 1 (the top 20 of a vocabulary do not); afterwards they do. A candidate of probability 0 keeps it. Errors, with
// `probs` as they were: kInvalidArgument for another number of laws than candidates, none at all, a probability that is
// negative or not finite or all of them 0, a law that is none, an option below 0, and remaining < 0.
[[nodiscard]] Result<Guided> reweight(std::span<const std::optional<LengthLaw>> laws, std::int64_t remaining,
                                      std::span<double> probs, const GuideOptions& options = {});

// The same for chances that come from elsewhere: a_v in [0, 1] at R, and at R = 1 for the fallback.
struct FinishChance {
  double at_remaining = 1, at_one = 1, mode_tokens = 0;
};
[[nodiscard]] Result<Guided> reweight_by(std::span<const FinishChance> chances, std::span<double> probs,
                                         GuideFallback fallback = GuideFallback::kFastestFinish);

}  // namespace bursar::sample
