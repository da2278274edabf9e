#include "bursar/explore/stochastic/successive_elimination.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <numeric>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {

SuccessiveElimination::SuccessiveElimination(const SuccessiveEliminationOptions& options)
    : options_(options),
      table_(options.arms),
      radius_(std::sqrt(options.conf * std::log(static_cast<double>(options.horizon)))),
      active_(options.arms) {
  std::iota(active_.begin(), active_.end(), Arm{0});
}

Result<std::unique_ptr<SuccessiveElimination>> SuccessiveElimination::make(
    const SuccessiveEliminationOptions& options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_horizon(options.horizon); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_positive("conf", options.conf); !ok) return tl::unexpected(ok.error());
  return std::unique_ptr<SuccessiveElimination>(new SuccessiveElimination(options));
}

void SuccessiveElimination::eliminate() {
  const auto radius = [&](Arm a) { return table_.pulls(a) > 0 ? radius_ / std::sqrt(table_.pulls(a)) : 1.0; };
  double floor = -1;
  for (const Arm a : active_) floor = std::max(floor, table_.mean(a) - radius(a));
  std::erase_if(active_, [&](Arm a) { return table_.mean(a) + radius(a) < floor; });
  turn_ = 0;
}

Result<Pick> SuccessiveElimination::pick(const Question& question, RandomStream& /*random*/) {
  Pick out;
  for (std::size_t tried = 0; tried <= active_.size() && !out.arm; ++tried) {
    if (turn_ == active_.size()) eliminate();
    const Arm arm = active_[turn_++];
    if (question.open(arm)) out.arm = arm;
  }
  if (!out.arm) out.arm = table_.highest(0, question);
  if (out.arm) table_.pick(*out.arm);
  return out;
}

Result<void> SuccessiveElimination::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  table_.learn(*pick.arm, feedback.reward);
  return {};
}

std::optional<double> SuccessiveElimination::regret_bound(double rounds) const {
  if (options_.conf < 2) return std::nullopt;
  const auto arms = static_cast<double>(table_.arms());
  return 4 * std::sqrt(options_.conf * arms * rounds * std::log(std::max(rounds, 2.0))) + arms + 2;
}

boost::json::object SuccessiveElimination::save() const {
  boost::json::object out = table_.save();
  out["active"] = boost::json::array(active_.begin(), active_.end());
  out["turn"] = turn_;
  return out;
}

Result<void> SuccessiveElimination::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const std::uint64_t turn = from.count("turn");
  const auto* list = saved.if_contains("active");
  const std::size_t size = list != nullptr && list->is_array() ? list->get_array().size() : 0;
  const auto active = from.numbers("active", size);
  if (auto ok = from.check(); !ok) return ok;
  const bool ordered = std::ranges::adjacent_find(active, std::greater_equal{}) == active.end();
  if (size == 0 || !ordered || active.front() < 0 || active.back() >= static_cast<double>(table_.arms()) ||
      turn > size) {
    return fail(ErrorCode::kCorrupt, "saved state: active must be arms in order, and turn one of them");
  }
  if (auto ok = table_.load(saved); !ok) return ok;
  active_.assign(active.begin(), active.end());
  turn_ = turn;
  return {};
}

}  // namespace bursar::explore
