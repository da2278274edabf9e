#include "bursar/explore/stochastic/explore_first.h"

#include <algorithm>
#include <cmath>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {

Result<std::unique_ptr<ExploreFirst>> ExploreFirst::make(const ExploreFirstOptions& options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_horizon(options.horizon); !ok) return tl::unexpected(ok.error());
  const auto rounds = static_cast<double>(options.horizon), arms = static_cast<double>(options.arms);
  const double each = std::ceil(std::pow(rounds / arms, 2.0 / 3) * std::cbrt(std::log(rounds)));
  return std::unique_ptr<ExploreFirst>(
      new ExploreFirst(options, options.each > 0 ? options.each : static_cast<std::uint64_t>(std::max(each, 1.0))));
}

Result<Pick> ExploreFirst::pick(const Question& question, RandomStream& /*random*/) {
  Pick out;
  if (round_ < each_ * table_.arms()) {
    out.arm = table_.least(question);
  } else {
    if (!committed_) committed_ = table_.highest(0, {});
    out.arm = question.open(*committed_) ? committed_ : table_.highest(0, question);
  }
  if (out.arm) table_.pick(*out.arm);
  ++round_;
  return out;
}

Result<void> ExploreFirst::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  table_.learn(*pick.arm, feedback.reward);
  return {};
}

std::vector<Belief> ExploreFirst::beliefs() const {
  return table_.beliefs(std::sqrt(2 * std::log(static_cast<double>(options_.horizon))));
}

std::optional<double> ExploreFirst::regret_bound(double rounds) const {
  const auto each = static_cast<double>(each_), arms = static_cast<double>(table_.arms());
  return std::min(rounds, each * arms) + 2 * rounds * std::sqrt(2 * std::log(std::max(rounds, 2.0)) / each) + 2;
}

boost::json::object ExploreFirst::save() const {
  boost::json::object out = table_.save();
  out["round"] = round_;
  if (committed_) out["committed"] = *committed_;
  return out;
}

Result<void> ExploreFirst::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const std::uint64_t round = from.count("round");
  const std::uint64_t committed = saved.contains("committed") ? from.count("committed") : 0;
  if (auto ok = from.check(); !ok) return ok;
  if (committed >= table_.arms()) return fail(ErrorCode::kCorrupt, "saved state: committed is no arm");
  if (auto ok = table_.load(saved); !ok) return ok;
  round_ = round;
  if (saved.contains("committed")) committed_ = static_cast<Arm>(committed);
  return {};
}

}  // namespace bursar::explore
