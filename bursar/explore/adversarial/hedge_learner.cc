#include "bursar/explore/adversarial/hedge_learner.h"

#include <algorithm>
#include <string>

#include "bursar/explore/learner_checks.h"

namespace bursar::explore {

Result<std::unique_ptr<HedgeLearner>> HedgeLearner::make(const HedgeLearnerOptions& options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  if (options.horizon == 0 && options.rate == 0) {
    return invalid_argument("horizon: must be at least 1 round, or give a rate");
  }
  if (!(options.share > 0 && options.share <= 1)) {
    return invalid_argument("share: must be above 0 and at most 1, is " + std::to_string(options.share));
  }
  const HedgePlan plan{.experts = options.arms, .rounds = options.horizon, .share = options.share};
  auto hedge = Hedge::create(options.arms, options.rate == 0 ? hedge_rate(plan) : options.rate);
  if (!hedge) return tl::unexpected(hedge.error());
  return std::unique_ptr<HedgeLearner>(new HedgeLearner(options.share, std::move(*hedge)));
}

Result<Pick> HedgeLearner::pick(const Question& question, RandomStream& random) {
  if (question.closed.empty()) {
    const std::size_t arm = hedge_.draw(random);
    return Pick{.arm = static_cast<Arm>(arm), .propensity = hedge_.probabilities()[arm], .by_chance = true};
  }
  std::vector<double> open(arms(), 0.0);
  double total = 0;
  for (std::size_t a = 0; a < open.size(); ++a) {
    if (question.open(a)) total += open[a] = std::max(hedge_.probabilities()[a], 1e-300);
  }
  if (total == 0) return Pick{};
  const std::size_t arm = index_at(open, total, random.uniform01());
  return Pick{.arm = static_cast<Arm>(arm), .propensity = open[arm] / total, .by_chance = true};
}

Result<void> HedgeLearner::update(const Pick& /*pick*/, const Feedback& feedback, RandomStream& /*random*/) {
  if (feedback.each.size() != costs_.size()) {
    return invalid_argument("each: must be the rewards of all " + std::to_string(costs_.size()) + " arms, has " +
                            std::to_string(feedback.each.size()));
  }
  std::ranges::transform(feedback.each, costs_.begin(), [](double r) { return 1 - r; });
  return hedge_.learn(costs_);
}

std::vector<Belief> HedgeLearner::beliefs() const {
  std::vector<Belief> out(arms(), Belief{.mean = .5, .low = 0, .high = 1});
  if (hedge_.rounds() == 0) return out;
  const auto rounds = static_cast<double>(hedge_.rounds());
  for (std::size_t a = 0; a < out.size(); ++a) out[a].mean = 1 - hedge_.costs()[a] / rounds, out[a].pulls = rounds;
  return out;
}

std::optional<double> HedgeLearner::regret_bound(double rounds) const {
  return hedge_bound({.experts = arms(), .rounds = static_cast<std::uint64_t>(rounds), .share = share_}, hedge_.rate());
}

}  // namespace bursar::explore
