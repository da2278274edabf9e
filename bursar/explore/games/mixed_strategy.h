// Hedge as one player of a game: from a first strategy of its own, and with the rate that its horizon asks for.
//
//   auto player = MixedStrategy::create(3, 1000, /*rate=*/0, {.8, .1, .1});
//   std::vector<double> p = player->strategy();
//   auto ok = player->learn(costs);                // [actions], in [0, 1]
//
// p(a) ~ start(a) (1 - eps)^(cost of a so far). Regret as hedge.h with ln(1 / least start) in place of ln K.
// O(actions).
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/explore/adversarial/hedge.h"

namespace bursar::explore {

class MixedStrategy {
 public:
  [[nodiscard]] static Result<MixedStrategy> create(std::size_t actions, std::uint64_t rounds, double rate,
                                                    std::span<const double> start) {
    auto hedge = Hedge::create(actions, rate == 0 ? hedge_rate({.experts = actions, .rounds = rounds}) : rate);
    if (!hedge) return tl::unexpected(hedge.error());
    if (!start.empty() && start.size() != actions) {
      return invalid_argument("start: has " + std::to_string(start.size()) + " weights for " + std::to_string(actions) +
                              " actions");
    }
    for (const double w : start) {
      if (!(std::isfinite(w) && w > 0)) {
        return invalid_argument("start: weights must be positive numbers, one is " + std::to_string(w));
      }
    }
    return MixedStrategy(std::move(*hedge), start);
  }

  [[nodiscard]] std::vector<double> strategy() const {
    const auto weights = hedge_.probabilities();
    std::vector<double> out(weights.begin(), weights.end());
    double total = 0;
    for (std::size_t a = 0; a < out.size(); ++a) total += out[a] *= start_.empty() ? 1 : start_[a];
    for (double& p : out) p /= total;
    return out;
  }
  Result<void> learn(std::span<const double> costs) { return hedge_.learn(costs); }

 private:
  MixedStrategy(Hedge hedge, std::span<const double> start)
      : hedge_(std::move(hedge)), start_(start.begin(), start.end()) {}
  Hedge hedge_;
  std::vector<double> start_;
};

}  // namespace bursar::explore
