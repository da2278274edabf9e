#include "bursar/admit/matching/goal_matcher.h"

#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "bursar/core/random.h"

namespace bursar::admit {
namespace {

constexpr std::array<std::pair<GoalRule, std::string_view>, 5> kRules{{{GoalRule::kBalance, "balance"},
                                                                       {GoalRule::kGreedy, "greedy"},
                                                                       {GoalRule::kRanking, "ranking"},
                                                                       {GoalRule::kRandom, "random"},
                                                                       {GoalRule::kFirst, "first"}}};

constexpr std::uint32_t index_bits(GoalId id) { return static_cast<std::uint32_t>(id & 0xffffffffU); }
constexpr std::uint32_t generation_bits(GoalId id) { return static_cast<std::uint32_t>(id >> 32U); }

}  // namespace

std::string_view name_of(GoalRule rule) {
  for (const auto& [own, name] : kRules) {
    if (own == rule) return name;
  }
  return "unknown";
}

Result<GoalRule> goal_rule_named(std::string_view name) {
  std::string known;
  for (const auto& [rule, own] : kRules) {
    if (own == name) return rule;
    known += (known.empty() ? "" : ", ") + std::string(own);
  }
  return invalid_argument("there is no rule '" + std::string(name) + "'; there are " + known);
}

Result<GoalMatcher> GoalMatcher::create(std::span<const double> weights, GoalMatcherOptions options) {
  if (options.max_pending == 0) return invalid_argument("max_pending is 0; at least one try must be allowed");
  GoalMatcher matcher(std::move(options));
  for (const double weight : weights) {
    if (auto id = matcher.add_goal(weight); !id) return tl::unexpected(id.error());
  }
  return matcher;
}

GoalId GoalMatcher::id_of(std::size_t index) const {
  return (static_cast<GoalId>(faces_[index].generation) << 32U) | static_cast<GoalId>(index);
}

Result<std::size_t> GoalMatcher::index_of(GoalId goal) const {
  const std::size_t index = index_bits(goal);
  if (index >= faces_.size() || faces_[index].generation != generation_bits(goal) || !goals_[index].present) {
    return fail(ErrorCode::kNotFound, "there is no goal " + std::to_string(goal));
  }
  return index;
}

double GoalMatcher::drawn_rank(GoalId goal) const {
  return RandomStream(options_.seed).split("rank").split(goal).uniform01();
}

// What a goal's score is beside p; negative where it must not be tried.
void GoalMatcher::refresh(std::size_t index) {
  const Goal& goal = goals_[index];
  double score = goal.weight;
  if (options_.rule == GoalRule::kBalance) score *= options_.curve.left(goal.load);
  if (options_.rule == GoalRule::kRanking) score *= -std::expm1(drawn_rank(id_of(index)) - 1);
  const bool open = goal.present && goal.state == GoalState::kOpen && goal.pending < options_.max_pending;
  faces_[index].score = open ? score : goal.present ? kClosed : kAbsent;
}

Result<GoalId> GoalMatcher::add_goal(double weight) {
  if (!(weight >= 0) || !std::isfinite(weight)) {
    return invalid_argument("the weight of a goal is " + std::to_string(weight) +
                            "; it must be a finite number from 0");
  }
  if (goals() >= options_.max_goals) {
    return fail(ErrorCode::kExhausted,
                "there are " + std::to_string(goals()) + " goals, the limit; remove some that are done");
  }
  std::size_t index = goals_.size();
  if (free_.empty()) {
    goals_.emplace_back();
    faces_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  goals_[index] = Goal{{.weight = weight}, true};
  ++open_;
  refresh(index);
  return id_of(index);
}

Result<void> GoalMatcher::remove_goal(GoalId id) {
  const auto index = index_of(id);
  if (!index) return tl::unexpected(index.error());
  if (goals_[*index].state == GoalState::kOpen) --open_;
  goals_[*index] = Goal{};
  faces_[*index].score = kAbsent;
  ++faces_[*index].generation;
  free_.push_back(static_cast<std::uint32_t>(*index));
  return {};
}

// Why an edge cannot stand in this offer.
tl::unexpected<Error> GoalMatcher::wrong_edge(const MatchEdge& edge) const {
  if (auto index = index_of(edge.goal); !index) return tl::unexpected(std::move(index.error()));
  if (!(edge.probability >= 0 && edge.probability <= 1)) {
    return invalid_argument("goal " + std::to_string(edge.goal) + ": the probability is " +
                            std::to_string(edge.probability) + "; it must be from 0 to 1");
  }
  return invalid_argument("goal " + std::to_string(edge.goal) + " stands twice in one offer");
}

Result<std::optional<MatchTry>> GoalMatcher::offer(std::span<const MatchEdge> edges) {
  if (++offers_ == 0) {
    for (Face& face : faces_) face.seen = 0;
    offers_ = 1;
  }
  std::size_t best = faces_.size();
  GoalId best_id = 0;
  double best_score = -1, best_p = 0;
  std::optional<RandomStream> luck;
  if (options_.rule == GoalRule::kRandom) luck = RandomStream(options_.seed).split("offer").split(draws_);
  for (const MatchEdge& edge : edges) {
    const std::size_t index = index_bits(edge.goal);
    if (index >= faces_.size()) return wrong_edge(edge);
    Face& face = faces_[index];
    const double p = edge.probability;
    const bool sound = face.generation == generation_bits(edge.goal) && face.seen != offers_ && p >= 0 && p <= 1;
    if (!sound || face.score == kAbsent) return wrong_edge(edge);
    face.seen = offers_;
    if (face.score < 0 || p <= 0) continue;
    double score = face.score * p;
    if (options_.rule == GoalRule::kFirst) score = 0;
    if (luck) score = luck->uniform01();
    if (score < best_score) continue;
    if (score == best_score && (options_.ties_high ? edge.goal < best_id : edge.goal > best_id)) continue;
    best = index, best_id = edge.goal, best_score = score, best_p = p;
  }
  if (luck) ++draws_;
  if (best == faces_.size()) return std::nullopt;
  return begin(best, best_p);
}

MatchTry GoalMatcher::begin(std::size_t index, double probability) {
  Goal& goal = goals_[index];
  const MatchTry attempt{.id = next_try_++, .goal = id_of(index), .probability = probability};
  pending_[attempt.id] = {.goal = attempt.goal, .probability = probability};
  goal.load += probability;
  ++goal.tries;
  ++goal.pending;
  refresh(index);
  return attempt;
}

Result<GoalMatcher::Pending> GoalMatcher::finish(std::uint64_t attempt) {
  const auto found = pending_.find(attempt);
  if (found == pending_.end()) {
    return fail(ErrorCode::kNotFound,
                "try " + std::to_string(attempt) + " is not under way; report every try that was offered once");
  }
  const Pending pending = found->second;
  pending_.erase(found);
  return pending;
}

Result<void> GoalMatcher::report(std::uint64_t attempt, bool success) {
  const auto pending = finish(attempt);
  if (!pending) return tl::unexpected(pending.error());
  const auto index = index_of(pending->goal);
  if (!index) return {};  // removed meanwhile
  Goal& goal = goals_[*index];
  --goal.pending;
  if (success && goal.state == GoalState::kOpen) {
    goal.state = GoalState::kSucceeded;
    succeeded_weight_ += goal.weight;
    --open_;
  }
  refresh(*index);
  return {};
}

Result<void> GoalMatcher::retract(std::uint64_t attempt) {
  const auto pending = finish(attempt);
  if (!pending) return tl::unexpected(pending.error());
  const auto index = index_of(pending->goal);
  if (!index) return {};
  Goal& goal = goals_[*index];
  --goal.pending;
  --goal.tries;
  goal.load = std::max(0.0, goal.load - pending->probability);
  refresh(*index);
  return {};
}

Result<GoalStatus> GoalMatcher::status(GoalId goal) const {
  return index_of(goal).map([&](std::size_t index) -> GoalStatus { return goals_[index]; });
}

Result<double> GoalMatcher::load(GoalId goal) const {
  return index_of(goal).map([&](std::size_t index) { return goals_[index].load; });
}

Result<GoalMatcher> stochastic_balance(std::span<const double> weights, LoadCurve curve) {
  return GoalMatcher::create(weights, {.curve = std::move(curve)});
}

Result<GoalMatcher> goal_matcher(GoalRule rule, std::span<const double> weights, std::uint64_t seed) {
  return GoalMatcher::create(weights, {.rule = rule, .seed = seed});
}

}  // namespace bursar::admit
