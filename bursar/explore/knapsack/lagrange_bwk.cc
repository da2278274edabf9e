#include "bursar/explore/knapsack/lagrange_bwk.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/explore/learner_checks.h"

namespace bursar::explore {

Result<std::unique_ptr<LagrangeBwk>> LagrangeBwk::make(const LagrangeBwkOptions& options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  if (options.horizon == 0) return invalid_argument("horizon: must be at least 1 round");
  if (options.budget.empty() || options.most.size() != options.budget.size()) {
    return invalid_argument("most: must say the most that one round uses of each of " +
                            std::to_string(options.budget.size()) + " resources, has " +
                            std::to_string(options.most.size()) + " numbers");
  }
  for (std::size_t j = 0; j < options.budget.size(); ++j) {
    if (auto ok = check_positive("budget", options.budget[j]); !ok) return tl::unexpected(ok.error());
    if (auto ok = check_positive("most", options.most[j]); !ok) return tl::unexpected(ok.error());
  }
  auto primal = Exp3::make(exp3_ix(options.arms + (options.rest ? 1 : 0), options.horizon));
  if (!primal) return tl::unexpected(primal.error());
  const std::size_t resources = options.budget.size() + 1;
  auto dual = Hedge::create(resources, hedge_rate({.experts = resources, .rounds = options.horizon}));
  if (!dual) return tl::unexpected(dual.error());
  return std::unique_ptr<LagrangeBwk>(new LagrangeBwk(options, std::move(*primal), std::move(*dual)));
}

LagrangeBwk::LagrangeBwk(LagrangeBwkOptions options, std::unique_ptr<Exp3> primal, Hedge dual)
    : options_(std::move(options)), primal_(std::move(primal)), dual_(std::move(dual)), means_(options_.arms), low_(0) {
  for (std::size_t j = 0; j < options_.budget.size(); ++j) {
    low_ = std::min(low_, 1 - static_cast<double>(options_.horizon) / options_.budget[j] * options_.most[j]);
  }
}

// Resting is decided and learned at once: it pays nothing and uses nothing.
Result<Pick> LagrangeBwk::pick(const Question& question, RandomStream& random) {
  std::vector<std::uint8_t> closed;
  if (!question.closed.empty()) {
    closed.assign(question.closed.begin(), question.closed.end());
    if (options_.rest) closed.push_back(0);
    if (std::ranges::all_of(question.closed, [](std::uint8_t c) { return c != 0; })) return Pick{};
  }
  auto pick = primal_->pick({.closed = closed}, random);
  if (!pick) return pick;
  const auto weight = dual_.probabilities();
  if (*pick->arm < options_.arms) {
    pick->memo.assign(weight.begin(), weight.end());
    return pick;
  }
  const std::vector<double> now(weight.begin(), weight.end()), nothing(options_.budget.size(), 0.0);
  if (auto ok = learn(*pick, now, {.reward = 0, .spent = nothing}, random); !ok) return tl::unexpected(ok.error());
  return Pick{.propensity = pick->propensity, .by_chance = true};
}

Result<void> LagrangeBwk::update(const Pick& pick, const Feedback& feedback, RandomStream& random) {
  if (feedback.spent.size() != options_.budget.size()) {
    return invalid_argument("spent: must be what was used of each of " + std::to_string(options_.budget.size()) +
                            " resources, has " + std::to_string(feedback.spent.size()) + " numbers");
  }
  if (pick.memo.size() != dual_.size()) return fail(ErrorCode::kCorrupt, "saved choice: misses its weights");
  if (auto ok = learn(pick, pick.memo, feedback, random); !ok) return ok;
  means_.learn(*pick.arm, feedback.reward);
  return {};
}

Result<void> LagrangeBwk::learn(const Pick& inner, std::span<const double> weight, const Feedback& feedback,
                                RandomStream& random) {
  // L(a, i) on the scale of [0, 1]: a payoff for the arms, and so a cost for the resources.
  std::vector<double> payoff(dual_.size());
  for (std::size_t i = 0; i < payoff.size(); ++i) {
    const double use = i < options_.budget.size() ? static_cast<double>(options_.horizon) / options_.budget[i] *
                                                        std::min(feedback.spent[i], options_.most[i])
                                                  : 1;
    payoff[i] = std::clamp((feedback.reward + 1 - use - low_) / (2 - low_), 0.0, 1.0);
  }
  double expected = 0;
  for (std::size_t i = 0; i < payoff.size(); ++i) expected += weight[i] * payoff[i];
  if (auto ok = primal_->update(inner, {.reward = std::clamp(expected, 0.0, 1.0)}, random); !ok) return ok;
  return dual_.learn(payoff);
}

std::vector<double> LagrangeBwk::prices() const {
  std::vector<double> out;
  out.reserve(options_.budget.size());
  for (std::size_t j = 0; j < options_.budget.size(); ++j) {
    out.push_back(static_cast<double>(options_.horizon) / options_.budget[j] * dual_.probabilities()[j]);
  }
  return out;
}

boost::json::object LagrangeBwk::save() const {
  boost::json::object out{{"primal", primal_->save()}, {"dual", dual_.save()}};
  means_.save(out);
  return out;
}

Result<void> LagrangeBwk::load(const boost::json::object& saved) {
  const auto *primal = saved.if_contains("primal"), *dual = saved.if_contains("dual");
  if (primal == nullptr || !primal->is_object() || dual == nullptr || !dual->is_object()) {
    return fail(ErrorCode::kCorrupt, "saved state: needs the objects primal and dual");
  }
  RewardMeans means(options_.arms);
  SavedNumbers from(saved);
  means.load(from);
  if (auto ok = from.check(); !ok) return ok;
  if (auto ok = primal_->load(primal->get_object()); !ok) return ok;
  if (auto ok = dual_.load(dual->get_object()); !ok) return ok;
  means_ = std::move(means);
  return {};
}

}  // namespace bursar::explore
