// Hiring agents whose costs and signals are not known yet: explore, compare costs, commit.
//
//   auto online = OnlineHiring::make({.efforts = {2, 2}, .signals = {2, 2}, .states = 2, .utility = {1, 0, 0, 1},
//                                     .pay_cap = 1, .rules = strict, .horizon = 1'000'000, .seed = 7});
//   while (round()) {
//     const Offer& offer = online->next();               // tell each agent its effort and its pay
//     auto action = online->act(reports);                // on the reports, before the truth shows
//     pay_out(online->pay(i, reports, theta));           // afterwards, in [0, pay_cap] each
//     if (auto ok = online->observe(reports, theta); !ok) fall_back(ok.error());
//   }
//
// Known beforehand: for each agent and effort a rule (pay by own report and truth) under which that effort and the
// truth are strictly best. Unknown: costs, and the law of signals; efforts are never seen. With T rounds:
//   1. explore   every profile b of efforts N1 = ceil(T^(2/3) / |B|) times under its strict rules; P(s, theta | b) by
//                frequency.
//   2. compare   for each agent, mixtures of two strict rules (cost_search.h), each for N2 = ceil(40 ln T) rounds,
//   others
//                on their cheapest rule; the effort taken is the likeliest one; ceil(log2(T) / 2) halvings.
//   3. commit    the optimal mechanism (hiring_mechanism.h) of the estimates, made robust:
//      kTighten  other efforts must lose eps = kappa M sqrt(ln T / N1), halved while that is infeasible;
//      kMix      constraints relaxed by eps, then pay mixed with the strict rules by alpha = min(1, 2 eps / (l + eps)),
//      so
//                that their margin l covers the error. Correct as T grows; at practical T alpha is 1 for kappa = 1.
// Regret O~(T^(2/3)). The bound on N2 asks that one decision fails with a chance below a percent; efforts whose laws
// are nearer than that, frequencies that fit no effort, and changes that are not found make it stuck
// ("unidentifiable"): it then offers the cheapest strict rules for ever and says so on every observe(). It does not
// commit on such data. An agent whose effort tells nothing may report what it likes; nothing is learned from that.
// Horizons below about 2e4 are eaten by exploring: see exploration_rounds(). Deterministic in (spec, observations).
// Source: systems/info-acquisition, algorithm B.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/agree/cost_search.h"
#include "bursar/agree/hiring_mechanism.h"
#include "bursar/core/random.h"

namespace bursar::agree {

struct StrictRule {
  std::vector<std::vector<double>> pay;  // [efforts][own signals x states], in [0, pay_cap]
};

enum class Robustness : std::uint8_t { kTighten, kMix };

struct OnlineOptions {
  double kappa = .1;       // of the margin eps; 0 … 100
  double exploration = 1;  // factor of N1; > 0, at most 100
  Robustness robustness = Robustness::kTighten;
  double strict_margin = 0;  // l of the strict rules, > 0 for kMix
};

struct OnlineSpec {
  std::vector<std::size_t> efforts, signals;  // [agents]
  std::size_t states = 0;
  std::vector<double> utility;  // [actions x states]
  double pay_cap = 0;
  std::vector<StrictRule> rules;  // [agents]
  std::uint64_t horizon = 0;      // T, from 100 to 10^12
  std::uint64_t seed = 0;         // of the draws after committing
  OnlineOptions options = {};
};

enum class HiringPhase : std::uint8_t { kExplore, kCompare, kCommit, kStuck };
[[nodiscard]] std::string_view name_of(HiringPhase phase);  // "explore", "compare", "commit", "stuck"

struct Offer {
  HiringPhase phase = HiringPhase::kExplore;
  std::uint64_t terms = 0;           // grows when pay changes: an agent that thought about these terms need not again
  std::vector<std::size_t> efforts;  // [agents], recommended; while comparing, agent's own choice is what is looked for
  std::vector<std::vector<double>> pay;  // [agents][own signals x states]; empty after committing: mechanism() pays
};

class OnlineHiring {
 public:
  // Errors: kInvalidArgument for a shape, rule, number or horizon that cannot be, and where exploring takes all rounds.
  [[nodiscard]] static Result<OnlineHiring> make(OnlineSpec spec);

  [[nodiscard]] const Offer& next() const { return offer_; }
  // reports: [agents], each below its number of signals, as in observe().
  [[nodiscard]] std::size_t act(std::span<const std::size_t> reports) const;
  [[nodiscard]] double pay(std::size_t agent, std::span<const std::size_t> reports, std::size_t theta) const;
  // Errors: kInvalidArgument (nothing changes) for reports or a state out of range; kInfeasible once it is stuck.
  [[nodiscard]] Result<void> observe(std::span<const std::size_t> reports, std::size_t theta);

  [[nodiscard]] HiringPhase phase() const { return offer_.phase; }
  [[nodiscard]] std::uint64_t round() const { return round_; }
  [[nodiscard]] const HiringShape& shape() const { return shape_; }
  [[nodiscard]] const OnlineSpec& spec() const { return spec_; }
  // About how many rounds go by before it commits; more than a third of the horizon is worth a warning.
  [[nodiscard]] std::uint64_t exploration_rounds() const;
  // After committing, else null; and the estimate that it is optimal for.
  [[nodiscard]] const Mechanism* mechanism() const { return mechanism_ ? &*mechanism_ : nullptr; }
  [[nodiscard]] const std::vector<std::vector<double>>& costs() const { return costs_; }  // [agents][efforts]

  // The whole state as JSON; a loaded one goes on exactly as this would. Errors of load: kInvalidArgument naming the
  // place of what save() did not write.
  [[nodiscard]] std::string save() const;
  [[nodiscard]] static Result<OnlineHiring> load(std::string_view saved);

 private:
  explicit OnlineHiring(OnlineSpec spec, HiringShape shape);
  [[nodiscard]] Result<void> restore(const JsonView& saved);
  [[nodiscard]] Result<void> check_progress(const JsonView& saved) const;
  void offer_profile();
  void offer_query();
  void offer_draw();
  void look_at_counts();
  void estimate();
  [[nodiscard]] Result<void> begin_compare();
  [[nodiscard]] Result<void> answer_query();
  [[nodiscard]] Result<void> commit();
  [[nodiscard]] Result<Mechanism> robust_mechanism(const HiringGame& game) const;
  void mix_with_strict_rules(Mechanism& mechanism, double alpha) const;
  void get_stuck(const Error& error);
  [[nodiscard]] std::vector<double> expected_pay(std::size_t agent) const;  // [rules x efforts]

  OnlineSpec spec_;
  HiringShape shape_;
  std::uint64_t profile_rounds_ = 0, query_rounds_ = 0;  // N1, N2
  int steps_ = 0;

  std::uint64_t round_ = 0;
  std::uint64_t in_part_ = 0;  // rounds of this profile or query
  Offer offer_;
  std::vector<std::uint32_t> act_;     // [profiles of signals], for this offer until it commits
  std::vector<std::uint64_t> counts_;  // [cells]
  std::size_t profile_ = 0;            // explored now
  std::size_t agent_ = 0;              // compared now
  std::vector<CostSearch> searches_;   // [agents]
  std::vector<std::uint64_t> seen_;    // [own signals x states] of this query
  std::vector<std::vector<double>> costs_;
  std::optional<Mechanism> mechanism_;
  std::string stuck_;

  // From counts_ when exploring is over.
  std::vector<double> joint_;                           // [cells]
  std::vector<std::vector<std::vector<double>>> laws_;  // [agents][efforts][own signals x states], of all its rounds
  std::vector<std::size_t> cheapest_;                   // [agents], the effort whose rule pays least
};

}  // namespace bursar::agree
