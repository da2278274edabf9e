#include "bursar/explore/adversarial/exp3.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "bursar/explore/adversarial/hedge.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {
namespace {

double log_arms(std::size_t arms) { return std::log(static_cast<double>(std::max<std::size_t>(arms, 1))); }

// Where arms are closed: the probabilities of the open ones, which add up to `total`.
std::vector<double> open_weights(const ArmWeights& weights, const Question& question, double& total) {
  std::vector<double> out(weights.size(), 0.0);
  total = 0;
  for (std::size_t a = 0; a < out.size(); ++a) {
    if (question.open(a)) total += out[a] = weights.probability(a);
  }
  if (total > 0) return out;
  // Only vanished weights are open: they count alike.
  for (std::size_t a = 0; a < out.size(); ++a) {
    if (question.open(a)) total += out[a] = 1;
  }
  return out;
}

}  // namespace

Exp3Options exp3(std::size_t arms, std::uint64_t horizon) {
  const double eps =
      hedge_rate({.experts = arms, .rounds = horizon, .share = static_cast<double>(arms), .second_moment = true});
  return {.arms = arms, .rate = -std::log1p(-eps)};
}

Exp3Options exp3_ix(std::size_t arms, std::uint64_t horizon) {
  const double rounds = static_cast<double>(std::max<std::uint64_t>(horizon, 1));
  const double rate = std::sqrt(2 * log_arms(arms) / (static_cast<double>(std::max<std::size_t>(arms, 1)) * rounds));
  return {.arms = arms, .rate = rate, .implicit = rate / 2};
}

double exp3_ix_bound(std::size_t arms, double rounds, double delta) {
  if (arms <= 1) return 0;
  const double kt = static_cast<double>(arms) * rounds, ln = log_arms(arms);
  return 2 * std::sqrt(2 * kt * ln) + (std::sqrt(2 * kt / ln) + 1) * std::log(2 / delta);
}

Result<std::unique_ptr<Exp3>> Exp3::make(const Exp3Options& options) {
  auto weights = ArmWeights::create(options.arms, options.rate);
  if (!weights) return tl::unexpected(weights.error());
  if (auto ok = check_between("exploration", options.exploration, 0, 1); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_between("implicit", options.implicit, 0, 1e6); !ok) return tl::unexpected(ok.error());
  return std::unique_ptr<Exp3>(new Exp3(options, std::move(*weights)));
}

double Exp3::probability(std::size_t arm) const {
  return (1 - options_.exploration) * weights_.probability(arm) + options_.exploration / static_cast<double>(arms());
}

Result<Pick> Exp3::pick(const Question& question, RandomStream& random) {
  const bool explore = options_.exploration > 0 && random.bernoulli(options_.exploration);
  if (question.closed.empty()) {
    const auto arm = static_cast<Arm>(explore ? random.uniform_int(std::uint64_t{arms()}) : weights_.draw(random));
    return Pick{.arm = arm, .propensity = probability(arm), .by_chance = true};
  }
  const auto open = static_cast<double>(std::ranges::count(question.closed, std::uint8_t{0}));
  if (open == 0) return Pick{};
  double total = 0;
  const std::vector<double> weights = open_weights(weights_, question, total);
  std::size_t arm = index_at(weights, total, random.uniform01());
  if (explore) {
    auto nth = random.uniform_int(static_cast<std::uint64_t>(open));
    for (arm = 0; !question.open(arm) || nth-- > 0;) ++arm;
  }
  const double p = (1 - options_.exploration) * weights[arm] / total + options_.exploration / open;
  return Pick{.arm = static_cast<Arm>(arm), .propensity = p, .by_chance = true};
}

Result<void> Exp3::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  const double fake = (1 - feedback.reward) / (pick.propensity + options_.implicit);
  if (auto ok = weights_.add(*pick.arm, fake); !ok) return ok;
  means_.learn(*pick.arm, feedback.reward);
  return {};
}

std::optional<double> Exp3::regret_bound(double rounds) const {
  const double k = static_cast<double>(arms()), rate = options_.rate;
  if (arms() == 1) return 0;
  if (rate <= 0) return std::nullopt;
  if (options_.implicit == 0) {
    const double eps = -std::expm1(-rate);
    if (eps > .5) return std::nullopt;
    return 3 * eps * k * rounds + log_arms(arms()) / eps + options_.exploration * rounds;
  }
  if (options_.implicit != rate / 2 || options_.exploration != 0) return std::nullopt;
  // Integral over delta of the bound at this rate, 2 ln K / rate + rate K T + (2 / rate + 1) ln(2 / delta).
  return 2 * log_arms(arms()) / rate + rate * k * rounds + (2 / rate + 1) * (std::numbers::ln2 + 1);
}

boost::json::object Exp3::save() const {
  boost::json::object out = weights_.save();
  means_.save(out);
  return out;
}

Result<void> Exp3::load(const boost::json::object& saved) {
  RewardMeans means(arms());
  SavedNumbers from(saved);
  means.load(from);
  if (auto ok = from.check(); !ok) return ok;
  if (auto ok = weights_.load(saved); !ok) return ok;
  means_ = std::move(means);
  return {};
}

}  // namespace bursar::explore
