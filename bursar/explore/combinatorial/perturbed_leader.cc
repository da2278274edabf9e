#include "bursar/explore/combinatorial/perturbed_leader.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/combinatorial/closed_atoms.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {
namespace {

double useful(const ActionSpace& space) { return static_cast<double>(space.useful().size()); }
double longest(const ActionSpace& space) { return static_cast<double>(space.longest()); }

Result<void> check(const ActionSpace* space, const FplOptions& options, bool has_presets) {
  if (space == nullptr) return invalid_argument("space: is missing");
  if (options.horizon == 0 && !has_presets) {
    return invalid_argument("horizon: must be at least 1 round, or give what it would set");
  }
  if (auto ok = check_between("noise_max", options.noise_max, 0, 1e12); !ok) return ok;
  return check_between("exploration", options.exploration, 0, 1);
}

}  // namespace

PerturbedLeader::PerturbedLeader(std::unique_ptr<ActionSpace> space, double noise_max)
    : space_(std::move(space)), noise_max_(noise_max), costs_(space_->atoms(), 0.0), means_(space_->atoms()) {}

Pick PerturbedLeader::lead(const Question& question, RandomStream& random) const {
  std::vector<double> perturbed = costs_;
  for (std::size_t e = 0; e < perturbed.size(); ++e) {
    perturbed[e] += closed_penalty(question, e) - random.uniform(0, noise_max_);
  }
  Action action = space_->best(perturbed);
  if (has_closed(question, action)) return {};
  // The probability of an action has no closed form.
  return {.arm = action.front(), .propensity = 0, .by_chance = true, .set = std::move(action)};
}

void PerturbedLeader::add(std::size_t atom, double cost, double reward) {
  costs_[atom] += cost;
  means_.learn(atom, reward);
}

boost::json::object PerturbedLeader::save() const {
  boost::json::object out{{"costs", saved_numbers(costs_)}};
  means_.save(out);
  return out;
}

Result<void> PerturbedLeader::load(const boost::json::object& saved) {
  RewardMeans means(costs_.size());
  SavedNumbers from(saved);
  auto costs = from.numbers("costs", costs_.size());
  means.load(from);
  if (auto ok = from.check(); !ok) return ok;
  costs_ = std::move(costs);
  means_ = std::move(means);
  return {};
}

Result<std::unique_ptr<Fpl>> Fpl::make(std::unique_ptr<ActionSpace> space, const FplOptions& options) {
  if (auto ok = check(space.get(), options, options.noise_max > 0); !ok) return tl::unexpected(ok.error());
  const double preset = std::sqrt(useful(*space) * static_cast<double>(options.horizon));
  return std::unique_ptr<Fpl>(new Fpl(std::move(space), options.noise_max > 0 ? options.noise_max : preset));
}

Result<Pick> Fpl::pick(const Question& question, RandomStream& random) { return lead(question, random); }

Result<void> Fpl::update(const Pick& /*pick*/, const Feedback& feedback, RandomStream& /*random*/) {
  if (feedback.each.size() != costs_.size()) {
    return invalid_argument("each: must be the rewards of all " + std::to_string(costs_.size()) + " atoms, has " +
                            std::to_string(feedback.each.size()));
  }
  for (std::size_t e = 0; e < costs_.size(); ++e) add(e, 1 - feedback.each[e], feedback.each[e]);
  return {};
}

std::optional<double> Fpl::regret_bound(double rounds) const {
  return longest(*space_) * (noise_max_ + useful(*space_) * rounds / noise_max_);
}

Result<std::unique_ptr<SemiBanditFpl>> SemiBanditFpl::make(std::unique_ptr<ActionSpace> space,
                                                           const FplOptions& options) {
  const bool given = options.noise_max > 0 && options.exploration > 0;
  if (auto ok = check(space.get(), options, given); !ok) return tl::unexpected(ok.error());
  const double d = useful(*space), m = longest(*space), rounds = static_cast<double>(options.horizon);
  const double gamma = options.exploration > 0 ? options.exploration : std::min(1.0, std::cbrt(d * d / (m * rounds)));
  const double noise = options.noise_max > 0 ? options.noise_max : d * std::sqrt(rounds / (gamma * m));
  return std::unique_ptr<SemiBanditFpl>(new SemiBanditFpl(std::move(space), noise, gamma));
}

// memo: the atom that is explored.
Result<Pick> SemiBanditFpl::pick(const Question& question, RandomStream& random) {
  if (!random.bernoulli(exploration_) || any_closed(question)) return lead(question, random);
  const auto atoms = space_->useful();
  const std::uint32_t atom = atoms[random.uniform_int(std::uint64_t{atoms.size()})];
  Action action = space_->covering(atom);
  return Pick{.arm = action.front(),
              .propensity = 0,
              .by_chance = true,
              .set = std::move(action),
              .memo = {static_cast<double>(atom)}};
}

Result<void> SemiBanditFpl::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  if (auto ok = check_atoms(pick, feedback, *space_); !ok) return ok;
  for (std::size_t k = 0; k < pick.set.size(); ++k) {
    const double reward = feedback.each[k];
    const bool explored = !pick.memo.empty() && pick.memo.front() == static_cast<double>(pick.set[k]);
    add(pick.set[k], explored ? (1 - reward) * useful(*space_) / exploration_ : 0, reward);
  }
  return {};
}

std::optional<double> SemiBanditFpl::regret_bound(double rounds) const {
  const double d = useful(*space_), m = longest(*space_);
  return m * exploration_ * rounds + m * noise_max_ + d * d * rounds / (exploration_ * noise_max_);
}

}  // namespace bursar::explore
