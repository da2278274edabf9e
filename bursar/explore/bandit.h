// Spending in order to learn: a bandit chooses one arm at a time, and hears afterwards what it was worth.
//
//   auto bandit = Bandit::make({.seed = 7}, Ucb1::make({.arms = 3, .horizon = 10'000}).value());
//   Choice choice = bandit->choose().value();
//   run(*choice.arm);
//   auto ok = bandit->learn(choice.id, {.reward = .8});    // at once, late, out of order, or never
//   std::vector<Belief> now = bandit->intervals();         // of every arm, with confidence bounds
//   auto saved = to_json(bandit->save());                  // exact to the last bit
//
// Two halves. A Learner is one algorithm: which arm to pick, and what to learn from a reward in [0, 1]. The Bandit
// around it is the same for all: it numbers the choices, keeps what is open, refuses what is wrong or comes twice,
// scales rewards from their declared range and hands out randomness. Which learner for what: docs/explore.md; by name:
// explore/policies.h, which also puts them behind core/policy.h with a budget.
// Randomness: choice n draws from RandomStream(seed).split(n) alone, so that no state of an engine is saved.
// Feedback that never comes is withdrawn by forget(), or when max_open later choices are open. Not thread-safe.
// Source: systems/bandits.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "bursar/core/policy.h"
#include "bursar/core/random.h"
#include "bursar/core/result.h"

namespace bursar::explore {

using Arm = std::uint32_t;

// Views of the caller's arrays, read during the call only; all numbers finite.
struct Question {
  std::span<const double> context = {};       // features [d], or one type 0, 1, …; as the learner says
  std::span<const std::uint8_t> closed = {};  // [arms], 1: cannot be chosen now; empty: all can
  std::span<const double> costs = {};         // [arms x resources]: expected use, for learners that know of budgets
  std::span<const double> remaining = {};     // [resources]
  [[nodiscard]] bool open(std::size_t arm) const { return closed.empty() || closed[arm] == 0; }
};

// What a learner picked, with all that it needs to learn from the reward however late that comes.
struct Pick {
  std::optional<Arm> arm;         // absent: none is worth it, or all are closed
  double propensity = 1;          // the probability of this arm before it was drawn; 0: not known in closed form
  bool by_chance = false;         // drawn, not computed
  std::vector<Arm> set = {};      // semi-bandits: the atoms of the chosen action
  std::vector<double> memo = {};  // the learner's own
};

// Rewards are in the declared range, or, where a learner sees them, in [0, 1].
struct Feedback {
  double reward = 0;
  std::span<const double> spent = {};  // [resources]: what it used, for learners that know of budgets
  std::span<const double> each = {};   // full feedback: rewards of all arms; semi-bandits: of the atoms of the set
};

struct Belief {
  double mean = 0, low = 0, high = 0;  // of the reward, with the learner's own confidence bounds
  double pulls = 0;                    // rewards that were learned
};

class Learner {
 public:
  Learner() = default;
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;
  virtual ~Learner() = default;

  [[nodiscard]] virtual std::size_t arms() const = 0;
  // Never a closed arm. Errors, state unchanged: kInvalidArgument for a context or costs of the wrong shape.
  [[nodiscard]] virtual Result<Pick> pick(const Question& question, RandomStream& random) = 0;
  // Once for each pick that named an arm, in any order; or forget(). `random` is the pick's own, split for learning.
  // Errors, state unchanged: kInvalidArgument for `spent` or `each` of the wrong shape or range.
  [[nodiscard]] virtual Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) = 0;
  virtual void forget(const Pick& /*pick*/) {}

  [[nodiscard]] virtual std::vector<Belief> beliefs() const = 0;  // [arms]
  // [resources], reward in [0, 1] per unit: of learners that price resources. Empty for others.
  [[nodiscard]] virtual std::vector<double> prices() const { return {}; }
  // The proved bound on expected regret over `rounds`, constants included; absent where none is known.
  [[nodiscard]] virtual std::optional<double> regret_bound(double /*rounds*/) const { return std::nullopt; }

  // load() is called on a learner made with the same parameters. kCorrupt where the state contradicts itself.
  [[nodiscard]] virtual boost::json::object save() const = 0;
  [[nodiscard]] virtual Result<void> load(const boost::json::object& saved) = 0;
};

struct RewardRange {
  double low = 0, high = 1;  // low < high
};

struct BanditOptions {
  std::uint64_t seed = 1;
  RewardRange range = {};
  std::uint32_t max_open = 1 << 16;  // choices kept open; older ones are forgotten
};

struct Choice {
  DecisionId id = 0;  // 0, 1, 2, … in the order of choose()
  std::optional<Arm> arm;
  double propensity = 1;
  bool by_chance = false;
  std::vector<Arm> set = {};
};

class Bandit {
 public:
  // kInvalidArgument for a range that is empty or not finite and for max_open of 0.
  [[nodiscard]] static Result<Bandit> make(BanditOptions options, std::unique_ptr<Learner> learner);

  // Errors: the learner's; kInvalidArgument for arrays of the wrong length. State unchanged.
  [[nodiscard]] Result<Choice> choose(const Question& question = {});
  // Errors, state unchanged: kNotFound for a choice that was never made or named no arm; kAlreadyExists for feedback
  // that came before (or too late: forgotten); kInvalidArgument for a reward outside the range.
  [[nodiscard]] Result<void> learn(DecisionId id, const Feedback& feedback);
  [[nodiscard]] Result<void> forget(DecisionId id);  // its feedback will never come; errors as learn()

  [[nodiscard]] const Learner& learner() const { return *learner_; }
  [[nodiscard]] const BanditOptions& options() const { return options_; }
  [[nodiscard]] std::uint64_t chosen() const { return chosen_; }  // choices so far
  [[nodiscard]] std::size_t open() const { return open_count_; }
  [[nodiscard]] std::vector<Belief> intervals() const;                    // in the declared range
  [[nodiscard]] std::optional<double> regret_bound(double rounds) const;  // in units of the reward
  [[nodiscard]] boost::json::object save() const;
  [[nodiscard]] Result<void> load(const boost::json::object& saved);  // on a bandit made with the same parameters

 private:
  struct Slot {
    bool used = false;
    DecisionId id = 0;
    Pick pick;
  };
  Bandit(BanditOptions options, std::unique_ptr<Learner> learner);
  [[nodiscard]] Result<void> check(const Feedback& feedback) const;
  [[nodiscard]] Result<Slot*> slot_of(DecisionId id);
  void keep(DecisionId id, Pick pick);
  void grow();

  BanditOptions options_;
  std::unique_ptr<Learner> learner_;
  std::uint64_t chosen_ = 0;
  std::vector<Slot> slots_;  // a ring by id
  std::size_t open_count_ = 0;
  std::vector<double> scaled_;
};

}  // namespace bursar::explore
