// A GoalMatcher as a Policy: an option is a goal, and a request a slot.
//
//   auto policy = make_policy(*find_policy(policies(), "stochastic-balance"),
//                             {.budget = {100}, .parameters = {{"weights", {1, 1, 2.5}}}});
//   auto d = (*policy)->decide({.rewards = {{.3, 0, .5}}, .costs = {{1, 1, 1}}});   // w p of each goal; 0: not
//   compatible
//   (*policy)->observe(d->id, {.reward = worked ? 1.0 : 0.0});                  // above 0: the goal is reached
//
// rewards [goals] are expected: weight x success probability, so that p = reward / weight, at most 1. costs [goals x
// resources], or empty where a try costs nothing. A goal whose hold does not fit is passed over. While a try is under
// way its goal takes max_pending - 1 more, so at most goals x max_pending decisions are open; `refused` takes the try
// and its load back. prices() are zeros. Source: systems/stochastic-balance.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bursar/admit/matching/goal_matcher.h"
#include "bursar/core/policy.h"

namespace bursar::admit {

class GoalPolicy final : public Policy {
 public:
  GoalPolicy(std::string name, PolicySetup setup, std::vector<double> weights, GoalMatcher matcher);

  [[nodiscard]] Result<Decision> decide(const Request& request) override;
  [[nodiscard]] Result<void> observe(DecisionId id, const Outcome& outcome) override;
  [[nodiscard]] std::span<const double> prices() const override { return zeros_; }
  [[nodiscard]] std::span<const double> remaining() const override { return remaining_; }
  [[nodiscard]] std::uint64_t decided() const override { return decided_; }
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved);

  [[nodiscard]] const GoalMatcher& matcher() const { return matcher_; }

 private:
  struct Open {
    std::uint64_t attempt = 0;
    std::vector<double> cost, hold;  // [resources]
  };
  [[nodiscard]] Result<void> check(const Request& request) const;
  [[nodiscard]] bool fits(std::span<const double> hold, std::span<const double> purse) const;

  std::string name_;
  PolicySetup setup_;
  std::vector<double> weights_, zeros_, remaining_;
  GoalMatcher matcher_;
  std::uint64_t decided_ = 0;
  std::map<DecisionId, Open> open_;
};

}  // namespace bursar::admit
