// Spends slots (a free worker, a rollout, an impression) on goals that need one success each, the moment a slot comes.
//
//   GoalMatcher matcher = stochastic_balance({1, 1}).value();            // two goals of weight 1
//   auto attempt = matcher.offer(std::array{MatchEdge{0, .3}, MatchEdge{1, .2}});    // Result<optional<MatchTry>>
//   if (attempt && *attempt) matcher.report((*attempt)->id, /*success=*/ run((*attempt)->goal));
//   GoalId late = *matcher.add_goal(2);
//
// A slot may try one goal u of those it is compatible with that has not succeeded yet; the try works with probability
// p_uv, and is used up either way. Rules, by the score that they take the largest of:
//  - balance:  w_u p_uv (1 - f(l_u)), l_u = sum of p over the tries of u so far (systems/stochastic-balance). At least
//              .611 of the best policy that knows everything but the coins where all p are small (equal p: .613).
//  - greedy:   w_u p_uv. One half, and no better.
//  - ranking:  w_u p_uv (1 - exp(y_u - 1)), y_u one uniform draw a goal; at p = 1 the RANKING of Karp, Vazirani and
//              Vazirani with weights by Aggarwal et al.
//  - random:   any compatible goal, uniformly.   - first: the lowest id (a queue).
// Ties go to the lowest id (or the highest: ties_high). With large p only statements of the 1/2 kind are proved. p must
// be honest: use shrunken estimates such as the mean of a Beta posterior.
//
// While a try is under way its goal takes max_pending - 1 more. Load is counted when a try begins, failed ones
// included. Ids are handed out again only after remove_goal, and then differ from the old ones. offer() O(edges);
// everything else O(1). State saves to JSON and comes back exactly (not a custom load curve, which is to be given
// again). Not thread-safe. Deterministic in its options and calls.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bursar/admit/matching/load_curve.h"
#include "bursar/admit/matching/match_instance.h"
#include "bursar/core/json.h"
#include "bursar/core/result.h"

namespace bursar::admit {

enum class GoalRule : std::uint8_t { kBalance, kGreedy, kRanking, kRandom, kFirst };
[[nodiscard]] std::string_view name_of(GoalRule rule);  // "balance", "greedy", "ranking", "random", "first"
[[nodiscard]] Result<GoalRule> goal_rule_named(std::string_view name);

struct GoalMatcherOptions {
  GoalRule rule = GoalRule::kBalance;
  LoadCurve curve = LoadCurve::expected_marginal();
  std::uint64_t seed = 1;            // of ranking and random
  bool ties_high = false;            // the highest id wins ties
  std::uint32_t max_pending = 1;     // tries of one goal under way at once
  std::size_t max_goals = 1U << 22;  // at once
};

struct MatchTry {
  std::uint64_t id = 0;  // for report()
  GoalId goal = 0;
  double probability = 0;
};

enum class GoalState : std::uint8_t { kOpen, kSucceeded };

struct GoalStatus {
  double weight = 0;
  double load = 0;  // sum of the probabilities of its tries
  std::uint64_t tries = 0;
  std::uint32_t pending = 0;
  GoalState state = GoalState::kOpen;
};

class GoalMatcher {
 public:
  // Goals 0 … weights - 1. Errors: kInvalidArgument for a weight that is negative or not finite or max_pending 0,
  // kExhausted past max_goals.
  [[nodiscard]] static Result<GoalMatcher> create(std::span<const double> weights, GoalMatcherOptions options = {});

  // The goal that this slot tries, or none where no compatible goal is open. Errors: kInvalidArgument for a probability
  // outside [0, 1] or NaN and for a goal that stands twice, kNotFound for an unknown goal; nothing has changed then.
  // Goals that have succeeded may stand in an offer and are passed over.
  [[nodiscard]] Result<std::optional<MatchTry>> offer(std::span<const MatchEdge> edges);
  // How a try ended. A failure after its goal succeeded by another try, or was removed, is taken too. Errors: kNotFound
  // for a try that was not offered or is already reported.
  [[nodiscard]] Result<void> report(std::uint64_t attempt, bool success);
  // The try was never made: its load is taken back. Errors as report().
  [[nodiscard]] Result<void> retract(std::uint64_t attempt);

  [[nodiscard]] Result<GoalId> add_goal(double weight);
  [[nodiscard]] Result<void> remove_goal(GoalId goal);         // kNotFound
  [[nodiscard]] Result<GoalStatus> status(GoalId goal) const;  // kNotFound
  [[nodiscard]] Result<double> load(GoalId goal) const;        // kNotFound
  [[nodiscard]] std::size_t goals() const { return goals_.size() - free_.size(); }
  [[nodiscard]] std::size_t open_goals() const { return open_; }
  [[nodiscard]] double succeeded_weight() const { return succeeded_weight_; }  // over the matcher's whole life
  [[nodiscard]] std::uint64_t tries() const { return next_try_; }
  [[nodiscard]] const GoalMatcherOptions& options() const { return options_; }

  // {"format": "bursar-goals/1", …}. load: kCorrupt or kInvalidArgument naming the place for anything that save() did
  // not write; `curve` where the saved one was custom.
  [[nodiscard]] boost::json::value save() const;
  [[nodiscard]] static Result<GoalMatcher> load(const boost::json::value& state,
                                                std::optional<LoadCurve> curve = std::nullopt);

 private:
  static constexpr double kClosed = -1, kAbsent = -2;  // not to be tried now; no such goal
  // What offer() reads of a goal: 16 bytes.
  struct Face {
    double score = kAbsent;  // score / p; or kClosed, kAbsent
    std::uint32_t generation = 0;
    std::uint32_t seen = 0;  // the offer that named it last
  };
  struct Goal : GoalStatus {
    bool present = false;
  };
  struct Pending {
    GoalId goal = 0;
    double probability = 0;
  };

  explicit GoalMatcher(GoalMatcherOptions options) : options_(std::move(options)) {}
  [[nodiscard]] GoalId id_of(std::size_t index) const;
  [[nodiscard]] Result<std::size_t> index_of(GoalId goal) const;
  [[nodiscard]] tl::unexpected<Error> wrong_edge(const MatchEdge& edge) const;
  [[nodiscard]] double drawn_rank(GoalId goal) const;
  void refresh(std::size_t index);
  MatchTry begin(std::size_t index, double probability);
  [[nodiscard]] Result<Pending> finish(std::uint64_t attempt);
  [[nodiscard]] Result<void> read_goals(const JsonView& state);
  [[nodiscard]] Result<void> read_goal(const JsonView& row);
  [[nodiscard]] Result<void> read_pending(const JsonView& state);

  GoalMatcherOptions options_;
  std::vector<Face> faces_;
  std::vector<Goal> goals_;
  std::vector<std::uint32_t> free_;  // indices of removed goals
  std::unordered_map<std::uint64_t, Pending> pending_;
  std::uint64_t next_try_ = 0;
  std::uint32_t offers_ = 0;  // stamps Face::seen; wraps
  std::uint64_t draws_ = 0;   // of the random rule
  std::size_t open_ = 0;
  double succeeded_weight_ = 0;
};

// The rule of systems/stochastic-balance.
[[nodiscard]] Result<GoalMatcher> stochastic_balance(std::span<const double> weights,
                                                     LoadCurve curve = LoadCurve::expected_marginal());
// The same rule's peers, for comparison; seed is ranking's and random's.
[[nodiscard]] Result<GoalMatcher> goal_matcher(GoalRule rule, std::span<const double> weights, std::uint64_t seed = 1);

}  // namespace bursar::admit
