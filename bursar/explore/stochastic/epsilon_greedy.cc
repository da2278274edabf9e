#include "bursar/explore/stochastic/epsilon_greedy.h"

#include <algorithm>
#include <cmath>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {

double exploration_rate(double t, double arms) {
  return std::min(1.0, std::cbrt(arms * std::log(std::max(t, 2.0)) / std::max(t, 2.0)));
}

std::size_t count_open(std::size_t arms, const Question& question) {
  return question.closed.empty() ? arms : static_cast<std::size_t>(std::ranges::count(question.closed, 0));
}

std::optional<Arm> any_open(std::size_t arms, const Question& question, RandomStream& random) {
  const std::size_t open = count_open(arms, question);
  if (open == 0) return std::nullopt;
  std::uint64_t rank = random.uniform_int(std::uint64_t{open});
  if (question.closed.empty()) return static_cast<Arm>(rank);
  for (std::size_t a = 0;; ++a) {
    if (question.closed[a] == 0 && rank-- == 0) return static_cast<Arm>(a);
  }
}

Result<std::unique_ptr<EpsilonGreedy>> EpsilonGreedy::make(const EpsilonGreedyOptions& options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_between("epsilon", options.epsilon, 0, 1); !ok) return tl::unexpected(ok.error());
  return std::unique_ptr<EpsilonGreedy>(new EpsilonGreedy(options));
}

Result<Pick> EpsilonGreedy::pick(const Question& question, RandomStream& random) {
  ++round_;
  const double epsilon = options_.epsilon > 0
                             ? options_.epsilon
                             : exploration_rate(static_cast<double>(round_), static_cast<double>(table_.arms()));
  const auto best = table_.highest(0, question);
  if (!best) return Pick{};
  Pick out{.arm = best, .by_chance = random.uniform01() < epsilon};
  if (out.by_chance) out.arm = any_open(table_.arms(), question, random);
  out.propensity =
      epsilon / static_cast<double>(count_open(table_.arms(), question)) + (out.arm == best ? 1 - epsilon : 0);
  table_.pick(*out.arm);
  return out;
}

Result<void> EpsilonGreedy::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  table_.learn(*pick.arm, feedback.reward);
  return {};
}

std::vector<Belief> EpsilonGreedy::beliefs() const {
  return table_.beliefs(std::sqrt(2 * std::log(std::max(static_cast<double>(round_), 2.0))));
}

boost::json::object EpsilonGreedy::save() const {
  boost::json::object out = table_.save();
  out["round"] = round_;
  return out;
}

Result<void> EpsilonGreedy::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const std::uint64_t round = from.count("round");
  if (auto ok = from.check(); !ok) return ok;
  if (auto ok = table_.load(saved); !ok) return ok;
  round_ = round;
  return {};
}

}  // namespace bursar::explore
