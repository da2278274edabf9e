#include "bursar/explore/metric/zooming.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <numeric>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {

Zooming::Zooming(ZoomingOptions options)
    : options_(std::move(options)),
      table_(options_.arms),
      log_rounds_(std::log(static_cast<double>(options_.horizon))),
      covered_(options_.arms),
      bare_(options_.arms) {
  std::iota(bare_.begin(), bare_.end(), Arm{0});
}

Result<std::unique_ptr<Zooming>> Zooming::make(ZoomingOptions options) {
  if (!options.distance) options.arms = options.points.size();
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_horizon(options.horizon); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_positive("lipschitz", options.lipschitz); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_positive("conf", options.conf); !ok) return tl::unexpected(ok.error());
  for (const double x : options.points.points) {
    if (!std::isfinite(x)) return invalid_argument("points: must be finite numbers");
  }
  return std::unique_ptr<Zooming>(new Zooming(std::move(options)));
}

double Zooming::distance(Arm a, Arm b) const {
  if (options_.distance) return options_.distance(a, b);
  const auto x = options_.points.point(a), y = options_.points.point(b);
  double out = 0;
  for (std::size_t k = 0; k < x.size(); ++k) out = std::max(out, std::abs(x[k] - y[k]));
  return out;
}

double Zooming::radius(Arm arm) const { return std::sqrt(options_.conf * log_rounds_ / (table_.picks(arm) + 1)); }

double Zooming::reach(Arm arm) const { return radius(arm) / options_.lipschitz; }

void Zooming::activate(Arm arm) {
  active_.push_back(arm);
  const double reaches = reach(arm);
  std::erase_if(bare_, [&](Arm other) {
    if (distance(arm, other) > reaches) return false;
    covered_[arm].push_back(other);
    return true;
  });
}

// Each arm that lost its ball looks for another one; the first of those that find none becomes active: at the edge of
// what is bare, it reaches further beyond the balls that shrank than one in the middle does.
void Zooming::cover() {
  std::erase_if(bare_, [&](Arm arm) {
    for (const Arm center : active_) {
      if (distance(center, arm) > reach(center)) continue;
      covered_[center].push_back(arm);
      return true;
    }
    return false;
  });
  while (!bare_.empty()) {
    std::ranges::sort(bare_);
    activate(bare_.front());
  }
}

Result<Pick> Zooming::pick(const Question& question, RandomStream& /*random*/) {
  if (!bare_.empty()) cover();
  Pick out;
  double top = -1;
  for (const Arm arm : active_) {
    const double index = table_.mean(arm) + 2 * radius(arm);
    if (question.open(arm) && index > top) top = index, out.arm = arm;
  }
  if (!out.arm) {  // all active ones are closed
    for (Arm arm = 0; arm < table_.arms() && !out.arm; ++arm) {
      if (question.open(arm)) out.arm = arm;
    }
    if (out.arm) active_.push_back(*out.arm);
  }
  if (!out.arm) return out;
  table_.pick(*out.arm);
  const double reaches = reach(*out.arm);
  std::erase_if(covered_[*out.arm], [&](Arm other) {
    if (distance(*out.arm, other) <= reaches) return false;
    bare_.push_back(other);
    return true;
  });
  return out;
}

Result<void> Zooming::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  table_.learn(*pick.arm, feedback.reward);
  return {};
}

void Zooming::forget(const Pick& pick) { table_.forget(*pick.arm); }  // its ball grows: all stay covered

std::vector<Belief> Zooming::beliefs() const { return table_.beliefs(std::sqrt(options_.conf * log_rounds_)); }

boost::json::object Zooming::save() const {
  boost::json::object out = table_.save();
  boost::json::array covered;
  for (const auto& list : covered_) covered.push_back(boost::json::array(list.begin(), list.end()));
  out["active"] = boost::json::array(active_.begin(), active_.end());
  out["bare"] = boost::json::array(bare_.begin(), bare_.end());
  out["covered"] = std::move(covered);
  return out;
}

namespace {

// Arms of a saved list, all below `arms`; absent where one is not.
std::optional<std::vector<Arm>> saved_arms(const boost::json::value* list, std::size_t arms) {
  if (list == nullptr || !list->is_array()) return std::nullopt;
  std::vector<Arm> out;
  for (const auto& entry : list->get_array()) {
    if (!entry.is_int64() && !entry.is_uint64()) return std::nullopt;
    const auto arm = entry.is_uint64() ? entry.get_uint64() : static_cast<std::uint64_t>(entry.get_int64());
    if (arm >= arms) return std::nullopt;
    out.push_back(static_cast<Arm>(arm));
  }
  return out;
}

}  // namespace

Result<void> Zooming::load(const boost::json::object& saved) {
  auto active = saved_arms(saved.if_contains("active"), arms()), bare = saved_arms(saved.if_contains("bare"), arms());
  const auto* covered = saved.if_contains("covered");
  const bool fits = covered != nullptr && covered->is_array() && covered->get_array().size() == arms();
  if (!active || !bare || !fits) return fail(ErrorCode::kCorrupt, "saved state: active, bare and covered must be arms");
  std::vector<std::vector<Arm>> lists;
  std::size_t placed = bare->size();
  for (const auto& entry : covered->get_array()) {
    auto list = saved_arms(&entry, arms());
    if (!list) return fail(ErrorCode::kCorrupt, "saved state: covered must be lists of arms");
    placed += list->size();
    lists.push_back(std::move(*list));
  }
  if (placed != arms()) return fail(ErrorCode::kCorrupt, "saved state: each arm must be covered or bare, once");
  if (auto ok = table_.load(saved); !ok) return ok;
  active_ = std::move(*active);
  bare_ = std::move(*bare);
  covered_ = std::move(lists);
  return {};
}

}  // namespace bursar::explore
