#include "bursar/explore/combinatorial/semi_bandit_hedge.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/combinatorial/closed_atoms.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {
namespace {

double default_rate(const ActionSpace& space, const SemiBanditOptions& options) {
  const auto rounds = static_cast<double>(options.horizon), longest = static_cast<double>(space.longest());
  if (options.full) return std::sqrt(8 * space.log_actions() / rounds) / longest;
  return std::sqrt(2 * space.log_actions() / (longest * static_cast<double>(space.useful().size()) * rounds));
}

}  // namespace

Result<std::unique_ptr<SemiBanditHedge>> SemiBanditHedge::make(std::unique_ptr<ActionSpace> space,
                                                               const SemiBanditOptions& options) {
  if (space == nullptr) return invalid_argument("space: is missing");
  if (options.horizon == 0 && options.rate == 0) {
    return invalid_argument("horizon: must be at least 1 round, or give a rate");
  }
  if (auto ok = check_between("rate", options.rate, 0, 1e6); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_between("exploration", options.exploration, 0, 1); !ok) return tl::unexpected(ok.error());
  return std::unique_ptr<SemiBanditHedge>(new SemiBanditHedge(std::move(space), options));
}

SemiBanditHedge::SemiBanditHedge(std::unique_ptr<ActionSpace> space, const SemiBanditOptions& options)
    : space_(std::move(space)),
      options_(options),
      rate_(options.rate == 0 ? default_rate(*space_, options) : options.rate),
      losses_(space_->atoms(), 0.0),
      covered_(space_->atoms(), 0.0),
      means_(space_->atoms()) {
  if (options_.exploration == 0) return;
  for (const std::uint32_t atom : space_->useful()) {
    for (const std::uint32_t e : space_->covering(atom))
      covered_[e] += 1 / static_cast<double>(space_->useful().size());
  }
}

void SemiBanditHedge::weigh(const Question& question) {
  log_weights_.resize(losses_.size());
  for (std::size_t e = 0; e < losses_.size(); ++e) log_weights_[e] = -rate_ * losses_[e] - closed_penalty(question, e);
  space_->weigh(log_weights_, weights_);
  q_ = weights_.marginal;
  if (options_.exploration == 0 || any_closed(question)) return;
  for (std::size_t e = 0; e < q_.size(); ++e) {
    q_[e] = (1 - options_.exploration) * q_[e] + options_.exploration * covered_[e];
  }
}

std::vector<double> SemiBanditHedge::marginals() const {
  std::vector<double> log_weights(losses_.size());
  std::ranges::transform(losses_, log_weights.begin(), [&](double l) { return -rate_ * l; });
  ActionWeights weights;
  space_->weigh(log_weights, weights);
  for (std::size_t e = 0; e < losses_.size(); ++e) {
    weights.marginal[e] = (1 - options_.exploration) * weights.marginal[e] + options_.exploration * covered_[e];
  }
  return weights.marginal;
}

Result<Pick> SemiBanditHedge::pick(const Question& question, RandomStream& random) {
  weigh(question);
  const bool explore = options_.exploration > 0 && random.bernoulli(options_.exploration) && !any_closed(question);
  const auto useful = space_->useful();
  Action action = explore ? space_->covering(useful[random.uniform_int(std::uint64_t{useful.size()})])
                          : space_->draw(weights_, random);
  if (has_closed(question, action)) return Pick{};
  Pick out{.arm = action.front(), .propensity = q_[action.front()], .by_chance = true};
  out.memo.reserve(action.size());
  for (const std::uint32_t e : action) out.memo.push_back(q_[e]);
  out.set = std::move(action);
  return out;
}

Result<void> SemiBanditHedge::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  if (options_.full) return learn_all(feedback);
  if (auto ok = check_atoms(pick, feedback, *space_); !ok) return ok;
  if (pick.memo.size() != pick.set.size()) return fail(ErrorCode::kCorrupt, "saved choice: misses its probabilities");
  for (std::size_t k = 0; k < pick.set.size(); ++k) {
    if (!(pick.memo[k] > 0)) return fail(ErrorCode::kCorrupt, "saved choice: a probability is not positive");
  }
  for (std::size_t k = 0; k < pick.set.size(); ++k) {
    losses_[pick.set[k]] += (1 - feedback.each[k]) / pick.memo[k];
    means_.learn(pick.set[k], feedback.each[k]);
  }
  return {};
}

Result<void> SemiBanditHedge::learn_all(const Feedback& feedback) {
  if (feedback.each.size() != losses_.size()) {
    return invalid_argument("each: must be the rewards of all " + std::to_string(losses_.size()) + " atoms, has " +
                            std::to_string(feedback.each.size()));
  }
  for (std::size_t e = 0; e < losses_.size(); ++e) {
    losses_[e] += 1 - feedback.each[e];
    means_.learn(e, feedback.each[e]);
  }
  return {};
}

std::optional<double> SemiBanditHedge::regret_bound(double rounds) const {
  const double ln = space_->log_actions(), longest = static_cast<double>(space_->longest());
  if (ln == 0) return 0;
  if (rate_ <= 0) return std::nullopt;
  if (options_.full) return ln / rate_ + rate_ * longest * longest * rounds / 8;
  return ln / rate_ + rate_ * longest * static_cast<double>(space_->useful().size()) * rounds / 2 +
         options_.exploration * longest * rounds;
}

boost::json::object SemiBanditHedge::save() const {
  boost::json::object out{{"losses", saved_numbers(losses_)}};
  means_.save(out);
  return out;
}

Result<void> SemiBanditHedge::load(const boost::json::object& saved) {
  RewardMeans means(losses_.size());
  SavedNumbers from(saved);
  auto losses = from.numbers("losses", losses_.size());
  means.load(from);
  if (auto ok = from.check(); !ok) return ok;
  losses_ = std::move(losses);
  means_ = std::move(means);
  return {};
}

}  // namespace bursar::explore
