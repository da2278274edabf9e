// The state of a GoalMatcher as JSON, and back.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "bursar/admit/matching/goal_matcher.h"
#include "bursar/core/json.h"

namespace bursar::admit {
namespace {

constexpr std::string_view kFormat = "bursar-goals/1";
constexpr double kMost = std::numeric_limits<double>::max();
constexpr std::int64_t kMost32 = std::numeric_limits<std::uint32_t>::max();

// JsonView reads signed integers alone.
template <class Integer>
std::int64_t whole(Integer x) {
  return static_cast<std::int64_t>(x);
}

Result<GoalMatcherOptions> read_options(const JsonView& root, std::optional<LoadCurve> given) {
  GoalMatcherOptions options;
  const auto format = root.string_at("format"), rule = root.string_at("rule"), curve = root.string_at("curve");
  const auto seed = root.int_at("seed"), pending = root.int_at("max_pending", 1, kMost32),
             goals = root.int_at("max_goals", 0);
  const auto high = root.bool_at("ties_high");
  for (const auto* text : {&format, &rule, &curve}) {
    if (!*text) return tl::unexpected(text->error());
  }
  for (const auto* number : {&seed, &pending, &goals}) {
    if (!*number) return tl::unexpected(number->error());
  }
  if (!high) return tl::unexpected(high.error());
  if (*format != kFormat)
    return root.wrong("the format is '" + std::string(*format) + "', not " + std::string(kFormat));
  const auto known = goal_rule_named(*rule);
  if (!known) return tl::unexpected(known.error());
  auto own = given ? Result<LoadCurve>(*given) : LoadCurve::named(*curve);
  if (!own) return tl::unexpected(own.error());
  options.rule = *known;
  options.curve = std::move(*own);
  options.seed = static_cast<std::uint64_t>(*seed);
  options.ties_high = *high;
  options.max_pending = static_cast<std::uint32_t>(*pending);
  options.max_goals = static_cast<std::size_t>(*goals);
  return options;
}

}  // namespace

boost::json::value GoalMatcher::save() const {
  boost::json::array goals, free, pending;
  for (std::size_t i = 0; i < goals_.size(); ++i) {
    const Goal& g = goals_[i];
    if (!g.present) {
      goals.push_back(boost::json::array{whole(faces_[i].generation)});
      continue;
    }
    goals.push_back(boost::json::array{whole(faces_[i].generation), g.weight, g.load, whole(g.tries), whole(g.pending),
                                       g.state == GoalState::kSucceeded});
  }
  for (const std::uint32_t index : free_) free.emplace_back(whole(index));
  for (const auto& [id, p] : pending_) pending.push_back(boost::json::array{whole(id), whole(p.goal), p.probability});
  return boost::json::object{{"format", kFormat},
                             {"rule", name_of(options_.rule)},
                             {"curve", options_.curve.name()},
                             {"seed", whole(options_.seed)},
                             {"ties_high", options_.ties_high},
                             {"max_pending", whole(options_.max_pending)},
                             {"max_goals", whole(options_.max_goals)},
                             {"next_try", whole(next_try_)},
                             {"draws", whole(draws_)},
                             {"succeeded_weight", succeeded_weight_},
                             {"goals", std::move(goals)},
                             {"free", std::move(free)},
                             {"pending", std::move(pending)}};
}

// [generation] of a removed goal, or [generation, weight, load, tries, pending, succeeded].
Result<void> GoalMatcher::read_goal(const JsonView& row) {
  const auto size = row.array_size(6);
  if (!size) return tl::unexpected(size.error());
  if (*size != 1 && *size != 6) return row.wrong("must have 1 or 6 entries");
  const auto generation = row.element(0)->as_int(0, kMost32);
  if (!generation) return tl::unexpected(generation.error());
  faces_.push_back({.score = kAbsent, .generation = static_cast<std::uint32_t>(*generation)});
  goals_.emplace_back();
  if (*size == 1) return {};
  const auto weight = row.element(1)->as_double(0, kMost), load = row.element(2)->as_double(0, kMost);
  const auto tries = row.element(3)->as_int(0), pending = row.element(4)->as_int(0, options_.max_pending);
  const auto succeeded = row.element(5)->as_bool();
  if (!weight) return tl::unexpected(weight.error());
  if (!load) return tl::unexpected(load.error());
  if (!tries) return tl::unexpected(tries.error());
  if (!pending) return tl::unexpected(pending.error());
  if (!succeeded) return tl::unexpected(succeeded.error());
  goals_.back() = Goal{{.weight = *weight,
                        .load = *load,
                        .tries = static_cast<std::uint64_t>(*tries),
                        .pending = static_cast<std::uint32_t>(*pending),
                        .state = *succeeded ? GoalState::kSucceeded : GoalState::kOpen},
                       true};
  if (!*succeeded) ++open_;
  refresh(goals_.size() - 1);
  return {};
}

Result<void> GoalMatcher::read_goals(const JsonView& root) {
  const auto goals = root.at("goals"), free = root.at("free");
  if (!goals) return tl::unexpected(goals.error());
  if (!free) return tl::unexpected(free.error());
  const auto count = goals->array_size(kMost32), removed = free->array_size(kMost32);
  if (!count) return tl::unexpected(count.error());
  if (!removed) return tl::unexpected(removed.error());
  for (std::size_t i = 0; i < *count; ++i) {
    if (auto ok = read_goal(*goals->element(i)); !ok) return ok;
  }
  std::vector<bool> listed(*count, false);
  for (std::size_t i = 0; i < *removed; ++i) {
    const auto place = free->element(i);
    const auto index = place->as_int(0, static_cast<std::int64_t>(*count) - 1);
    if (!index) return tl::unexpected(index.error());
    const auto at = static_cast<std::size_t>(*index);
    if (goals_[at].present || listed[at]) return place->wrong("is no removed goal, or stands twice");
    listed[at] = true;
    free_.push_back(static_cast<std::uint32_t>(at));
  }
  for (std::size_t i = 0; i < *count; ++i) {
    if (!goals_[i].present && !listed[i]) return free->wrong("lacks the removed goal " + std::to_string(i));
  }
  return {};
}

Result<void> GoalMatcher::read_pending(const JsonView& root) {
  const auto list = root.at("pending");
  const auto count = list.and_then([](const JsonView& v) { return v.array_size(); });
  if (!count) return tl::unexpected(count.error());
  std::vector<std::uint32_t> seen(goals_.size(), 0);
  for (std::size_t i = 0; i < *count; ++i) {
    const JsonView row = *list->element(i);
    const auto size = row.array_size(3);
    if (!size) return tl::unexpected(size.error());
    if (*size != 3) return row.wrong("must have 3 entries");
    const auto id = row.element(0)->as_int(0, static_cast<std::int64_t>(next_try_) - 1),
               goal = row.element(1)->as_int(0);
    const auto p = row.element(2)->as_double(0, 1);
    if (!id) return tl::unexpected(id.error());
    if (!goal) return tl::unexpected(goal.error());
    if (!p) return tl::unexpected(p.error());
    const Pending pending{.goal = static_cast<GoalId>(*goal), .probability = *p};
    if (!pending_.emplace(static_cast<std::uint64_t>(*id), pending).second) return row.wrong("stands twice");
    if (const auto index = index_of(pending.goal)) ++seen[*index];
  }
  for (std::size_t i = 0; i < goals_.size(); ++i) {
    if (seen[i] != goals_[i].pending) {
      return list->wrong("holds " + std::to_string(seen[i]) + " tries of goal " + std::to_string(id_of(i)) +
                         ", which counts " + std::to_string(goals_[i].pending));
    }
  }
  return {};
}

Result<GoalMatcher> GoalMatcher::load(const boost::json::value& state, std::optional<LoadCurve> curve) {
  const JsonView root(state);
  auto options = read_options(root, std::move(curve));
  if (!options) return tl::unexpected(options.error());
  const auto next = root.int_at("next_try", 0), draws = root.int_at("draws", 0);
  const auto weight = root.double_at("succeeded_weight", 0, kMost);
  if (!next) return tl::unexpected(next.error());
  if (!draws) return tl::unexpected(draws.error());
  if (!weight) return tl::unexpected(weight.error());
  GoalMatcher matcher(std::move(*options));
  matcher.next_try_ = static_cast<std::uint64_t>(*next);
  matcher.draws_ = static_cast<std::uint64_t>(*draws);
  matcher.succeeded_weight_ = *weight;
  if (auto ok = matcher.read_goals(root); !ok) return tl::unexpected(ok.error());
  if (auto ok = matcher.read_pending(root); !ok) return tl::unexpected(ok.error());
  return matcher;
}

}  // namespace bursar::admit
