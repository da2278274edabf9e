#include "bursar/explore/contextual/lin_ucb.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/learner_checks.h"
#include "bursar/explore/stochastic/epsilon_greedy.h"

namespace bursar::explore {
namespace {

constexpr std::size_t kMostDimensions = 1024;
constexpr std::size_t kMostNumbers = 1 << 27;

}  // namespace

LinUcb::LinUcb(const LinUcbOptions& options)
    : options_(options),
      models_(options.shared ? 1 : options.arms, RidgeModel(options.dimension, options.ridge, options.intercept)),
      averages_(options.arms),
      scores_(options.arms) {}

Result<std::unique_ptr<LinUcb>> LinUcb::make(const LinUcbOptions& options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  if (options.dimension == 0 || options.dimension > kMostDimensions) {
    return invalid_argument("dimension: must be 1 to " + std::to_string(kMostDimensions) + ", is " +
                            std::to_string(options.dimension));
  }
  const std::size_t models = options.shared ? 1 : options.arms;
  if (models > kMostNumbers / (options.dimension * options.dimension)) {
    return invalid_argument("arms x dimension^2: is too large; let the arms share one theta");
  }
  if (auto ok = check_between("alpha", options.alpha, 0, 1e6); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_between("ridge", options.ridge, 1e-9, 1e9); !ok) return tl::unexpected(ok.error());
  return std::unique_ptr<LinUcb>(new LinUcb(options));
}

double LinUcb::exploration() const {
  switch (options_.exploration) {
    case Exploration::kOptimism: return 0;
    case Exploration::kFirst: return round_ <= options_.explore ? 1 : 0;
    case Exploration::kDecaying:
      return exploration_rate(static_cast<double>(round_), static_cast<double>(options_.arms));
  }
  return 0;
}

Result<Pick> LinUcb::pick(const Question& question, RandomStream& random) {
  const std::size_t d = options_.dimension, wanted = options_.shared ? options_.arms * d : d;
  if (question.context.size() != wanted) {
    return invalid_argument("context: has " + std::to_string(question.context.size()) + " numbers, needs " +
                            std::to_string(wanted) +
                            (options_.shared ? ": a row of features for each arm" : ": the features of the request"));
  }
  ++round_;
  const double epsilon = exploration();
  const double alpha = options_.exploration == Exploration::kOptimism ? options_.alpha : 0;
  if (options_.shared) {
    models_[0].score(question.context, alpha, scores_);
  } else {
    for (std::size_t a = 0; a < models_.size(); ++a) {
      models_[a].score(question.context, alpha, std::span(scores_).subspan(a, 1));
    }
  }
  Pick out;
  for (std::size_t a = 0; a < scores_.size(); ++a) {
    if (question.open(a) && (!out.arm || scores_[a] > scores_[*out.arm])) out.arm = static_cast<Arm>(a);
  }
  if (!out.arm) return out;
  if (epsilon > 0) {
    const Arm best = *out.arm;
    out.by_chance = random.uniform01() < epsilon;
    if (out.by_chance) out.arm = any_open(options_.arms, question, random);
    out.propensity =
        epsilon / static_cast<double>(count_open(options_.arms, question)) + (*out.arm == best ? 1 - epsilon : 0);
  }
  const auto x = options_.shared ? question.context.subspan(*out.arm * d, d) : question.context;
  out.memo.assign(x.begin(), x.end());
  averages_.pick(*out.arm);
  return out;
}

Result<void> LinUcb::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  if (pick.memo.size() != options_.dimension) return fail(ErrorCode::kCorrupt, "saved state: a choice has no features");
  models_[options_.shared ? 0 : *pick.arm].add(pick.memo, feedback.reward, 1 / pick.propensity);
  averages_.learn(*pick.arm, feedback.reward);
  return {};
}

std::vector<Belief> LinUcb::beliefs() const { return averages_.beliefs(std::sqrt(.5 * std::log(2 / .05))); }

boost::json::object LinUcb::save() const {
  boost::json::object out = averages_.save();
  boost::json::array models;
  for (const RidgeModel& model : models_) models.push_back(model.save());
  out["models"] = std::move(models);
  out["round"] = round_;
  return out;
}

Result<void> LinUcb::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const std::uint64_t round = from.count("round");
  if (auto ok = from.check(); !ok) return ok;
  const auto* models = saved.if_contains("models");
  if (models == nullptr || !models->is_array() || models->get_array().size() != models_.size()) {
    return fail(ErrorCode::kCorrupt, "saved state: models must be " + std::to_string(models_.size()) + " objects");
  }
  if (auto ok = averages_.load(saved); !ok) return ok;
  for (std::size_t a = 0; a < models_.size(); ++a) {
    const auto& one = models->get_array()[a];
    if (!one.is_object()) return fail(ErrorCode::kCorrupt, "saved state: models must be objects");
    if (auto ok = models_[a].load(one.get_object()); !ok) return ok;
  }
  round_ = round;
  return {};
}

std::uint64_t oracle_exploration(double rounds, double arms, double log_policies) {
  const double n = std::pow(rounds, 2.0 / 3) * std::cbrt(arms * (log_policies + std::log(std::max(rounds, 2.0))));
  return static_cast<std::uint64_t>(std::min(std::ceil(n), rounds));
}

}  // namespace bursar::explore
