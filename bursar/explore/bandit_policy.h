// Any bandit behind core/policy.h: arms are options, budgets are kept, rewards come with the outcome.
//
//   inline constexpr BanditEntry … in the table; then
//   auto policy = make_policy(*find_policy(explore::policies(), "ucb1"), {.budget = {40}, .parameters = {{"arms",
//   3}}}); auto d = (*policy)->decide({.costs = usual, .holds = most});           // [arms x resources] each, or
//   neither auto ok = (*policy)->observe(d->id, {.costs = paid, .reward = .7});
//
// decide: `rewards`, where a caller has to give some, are not read: the policy learns them. An arm is closed while its
// hold does not fit into what remains or into the purse. The hold is the request's `holds`, or its `costs`, or the
// parameter `most` for every arm; without any of them nothing is held, and all arms close when a resource is used up.
// With `holds` or `most` no budget is ever exceeded. Nothing taken: kBudget where all arms are closed, otherwise
// kNothingPays (learners that may rest); kChance where the arm was drawn.
// observe: an outcome without a reward counts its costs and teaches nothing; `refused` neither costs nor teaches. Twice
// the same id: kNotFound, as core/policy.h has it. A reward outside the declared range: kInvalidArgument.
// prices(): of learners that price resources, in reward per unit; zeros for others.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bursar/core/policy.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

class BanditPolicy final : public Policy {
 public:
  BanditPolicy(std::string_view name, PolicySetup setup, Bandit bandit);

  [[nodiscard]] Result<Decision> decide(const Request& request) override;
  [[nodiscard]] Result<void> observe(DecisionId id, const Outcome& outcome) override;
  [[nodiscard]] std::span<const double> prices() const override;
  [[nodiscard]] std::span<const double> remaining() const override { return remaining_; }
  [[nodiscard]] std::uint64_t decided() const override { return bandit_.chosen(); }
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved);

  // The whole budget anew, for a new day or month: what was learned stays, and decisions that are open no longer count.
  void renew();

  [[nodiscard]] const Bandit& bandit() const { return bandit_; }

 private:
  struct Held {
    std::vector<double> expected, hold;  // [resources]
    bool past = false;                   // of a budget before renew()
  };
  [[nodiscard]] Result<void> check(const Request& request) const;
  [[nodiscard]] std::span<const double> hold_of(const Request& request, std::size_t arm) const;
  [[nodiscard]] bool fits(std::span<const double> hold, const Request& request) const;
  void limit_held();

  std::string name_;
  PolicySetup setup_;
  Bandit bandit_;
  std::vector<double> most_, remaining_;  // [resources]; most: the parameter, zeros where it is empty
  bool anything_known_ = false;           // `most` was given
  std::map<DecisionId, Held> held_;
  std::vector<std::uint8_t> closed_;
  mutable std::vector<double> prices_;
};

// Of the parameters that every bandit has; `count` and `number` read completed parameters.
[[nodiscard]] Result<BanditOptions> bandit_options(const PolicySetup& setup);
[[nodiscard]] std::uint64_t count_of(const PolicySetup& setup, std::string_view parameter);
[[nodiscard]] double number_of(const PolicySetup& setup, std::string_view parameter);
[[nodiscard]] std::vector<double> numbers_of(const PolicySetup& setup, std::string_view parameter);
[[nodiscard]] std::string_view text_of(const PolicySetup& setup, std::string_view parameter);
[[nodiscard]] bool flag_of(const PolicySetup& setup, std::string_view parameter);

template <class T>
[[nodiscard]] Result<std::unique_ptr<Learner>> as_learner(Result<std::unique_ptr<T>> made) {
  return std::move(made).map([](std::unique_ptr<T> p) -> std::unique_ptr<Learner> { return p; });
}

using MakeLearner = Result<std::unique_ptr<Learner>> (*)(const PolicySetup& setup);

// The parameters arms, seed, low, high, most and max_open, and then the learner's own. The result lives for ever.
[[nodiscard]] std::span<const PolicyParameter> with_common_parameters(std::span<const PolicyParameter> own);

[[nodiscard]] Result<std::unique_ptr<Policy>> make_bandit_policy(std::string_view name, const PolicySetup& setup,
                                                                 MakeLearner make);
[[nodiscard]] Result<std::unique_ptr<Policy>> restore_bandit_policy(const boost::json::object& saved,
                                                                    const PolicyEntry& entry, MakeLearner make);

// One line of the room's table. In a learner's file:
//
//   struct Ucb1Bandit {
//     static constexpr std::string_view kName = "ucb1", kSlug = "bandits", kAbout = "…";
//     static std::span<const PolicyParameter> parameters();    // its own
//     static Result<std::unique_ptr<Learner>> make(const PolicySetup& setup);
//   };
//   PolicyEntry entry = bandit_entry<Ucb1Bandit>();
template <class B>
[[nodiscard]] const PolicyEntry& bandit_entry() {
  static const PolicyEntry entry{
      .name = B::kName,
      .slug = B::kSlug,
      .room = "explore",
      .about = B::kAbout,
      .parameters = with_common_parameters(B::parameters()),
      .make = [](const PolicySetup& setup) { return make_bandit_policy(B::kName, setup, &B::make); },
      .restore =
          [](const boost::json::object& saved) { return restore_bandit_policy(saved, bandit_entry<B>(), &B::make); }};
  return entry;
}

}  // namespace bursar::explore
