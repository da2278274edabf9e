#include "bursar/explore/stochastic/ucb1.h"

#include <algorithm>
#include <cmath>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {

Result<std::unique_ptr<Ucb1>> Ucb1::make(const Ucb1Options& options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_positive("conf", options.conf); !ok) return tl::unexpected(ok.error());
  return std::unique_ptr<Ucb1>(new Ucb1(options));
}

double Ucb1::radius() const {
  const std::uint64_t rounds = std::max<std::uint64_t>({options_.horizon, round_ + 1, 2});
  return std::sqrt(options_.conf * std::log(static_cast<double>(rounds)));
}

Result<Pick> Ucb1::pick(const Question& question, RandomStream& /*random*/) {
  Pick out{.arm = table_.highest(radius(), question)};
  if (out.arm) table_.pick(*out.arm);
  ++round_;
  return out;
}

Result<void> Ucb1::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  table_.learn(*pick.arm, feedback.reward);
  return {};
}

std::optional<double> Ucb1::regret_bound(double rounds) const {
  if (options_.conf < 2) return std::nullopt;
  const auto arms = static_cast<double>(table_.arms());
  return 2 * std::sqrt(options_.conf * arms * rounds * std::log(std::max(rounds, 2.0))) + arms + 2;
}

boost::json::object Ucb1::save() const {
  boost::json::object out = table_.save();
  out["round"] = round_;
  return out;
}

Result<void> Ucb1::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const std::uint64_t round = from.count("round");
  if (auto ok = from.check(); !ok) return ok;
  if (auto ok = table_.load(saved); !ok) return ok;
  round_ = round;
  return {};
}

}  // namespace bursar::explore
