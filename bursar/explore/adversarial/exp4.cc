#include "bursar/explore/adversarial/exp4.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "bursar/explore/learner_checks.h"

namespace bursar::explore {

Result<std::unique_ptr<Exp4>> Exp4::make(const Exp4Options& options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  if (options.horizon == 0 && options.rate == 0) {
    return invalid_argument("horizon: must be at least 1 round, or give a rate");
  }
  if (auto ok = check_between("exploration", options.exploration, 0, 1); !ok) return tl::unexpected(ok.error());
  const std::size_t experts = options.experts == 0 ? options.arms : options.experts;
  const HedgePlan plan{
      .experts = experts, .rounds = options.horizon, .share = static_cast<double>(options.arms), .second_moment = true};
  auto hedge = Hedge::create(experts, options.rate == 0 ? hedge_rate(plan) : options.rate,
                             std::numeric_limits<double>::infinity());
  if (!hedge) return tl::unexpected(hedge.error());
  return std::unique_ptr<Exp4>(new Exp4(options, std::move(*hedge)));
}

Exp4::Exp4(const Exp4Options& options, Hedge hedge)
    : options_(options), hedge_(std::move(hedge)), means_(options.arms), costs_(hedge_.size()) {
  if (options_.experts > 0) return;
  constant_.resize(hedge_.size());
  std::iota(constant_.begin(), constant_.end(), 0.0);
}

Result<void> Exp4::check(std::span<const double> advice) const {
  if (advice.size() != hedge_.size()) {
    return invalid_argument("context: must be the arm that each of " + std::to_string(hedge_.size()) +
                            " experts recommends, has " + std::to_string(advice.size()) + " numbers");
  }
  for (std::size_t e = 0; e < advice.size(); ++e) {
    const double arm = advice[e];
    if (arm >= 0 && arm < static_cast<double>(options_.arms) && arm == std::floor(arm)) continue;
    return invalid_argument("context: expert " + std::to_string(e) + " must recommend an arm below " +
                            std::to_string(options_.arms) + ", recommends " + std::to_string(arm));
  }
  return {};
}

Result<Pick> Exp4::pick(const Question& question, RandomStream& random) {
  const auto advice = constant_.empty() ? question.context : std::span<const double>(constant_);
  if (auto ok = check(advice); !ok) return tl::unexpected(ok.error());
  std::vector<double> mass(options_.arms, 0.0);
  double heard = 0, open = 0;
  for (std::size_t a = 0; a < options_.arms; ++a) open += question.open(a) ? 1 : 0;
  if (open == 0) return Pick{};
  for (std::size_t e = 0; e < advice.size(); ++e) {
    const auto arm = static_cast<std::size_t>(advice[e]);
    if (!question.open(arm)) continue;
    mass[arm] += hedge_.probabilities()[e];
    heard += hedge_.probabilities()[e];
  }
  double total = 0;
  for (std::size_t a = 0; a < options_.arms; ++a) {
    if (!question.open(a)) continue;
    const double advised = heard > 0 ? mass[a] / heard : 1 / open;
    total += mass[a] = (1 - options_.exploration) * advised + options_.exploration / open;
  }
  const std::size_t arm = index_at(mass, total, random.uniform01());
  Pick out{.arm = static_cast<Arm>(arm), .propensity = mass[arm], .by_chance = true};
  for (std::size_t e = 0; e < advice.size(); ++e) {
    if (advice[e] == static_cast<double>(arm)) out.memo.push_back(static_cast<double>(e));
  }
  return out;
}

Result<void> Exp4::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  std::ranges::fill(costs_, 0.0);
  const double fake = (1 - feedback.reward) / pick.propensity;
  for (const double e : pick.memo) {
    if (!(e >= 0 && e < static_cast<double>(costs_.size()))) {
      return fail(ErrorCode::kCorrupt, "saved choice: there is no expert " + std::to_string(e));
    }
    costs_[static_cast<std::size_t>(e)] = fake;
  }
  if (auto ok = hedge_.learn(costs_); !ok) return ok;
  means_.learn(*pick.arm, feedback.reward);
  return {};
}

std::optional<double> Exp4::regret_bound(double rounds) const {
  const HedgePlan plan{.experts = hedge_.size(),
                       .rounds = static_cast<std::uint64_t>(rounds),
                       .share = static_cast<double>(options_.arms),
                       .second_moment = true};
  return hedge_bound(plan, hedge_.rate()) + options_.exploration * rounds;
}

boost::json::object Exp4::save() const {
  boost::json::object out = hedge_.save();
  means_.save(out);
  return out;
}

Result<void> Exp4::load(const boost::json::object& saved) {
  RewardMeans means(options_.arms);
  SavedNumbers from(saved);
  means.load(from);
  if (auto ok = from.check(); !ok) return ok;
  if (auto ok = hedge_.load(saved); !ok) return ok;
  means_ = std::move(means);
  return {};
}

}  // namespace bursar::explore
