// What a search agent does next under two hard budgets: search, decompose, or answer; and which of two answers it
// gives.
//
//   VoiController controller;
//   const ScoredAction best = *controller.decide(state);       // best.action, and every number that led to it
//
// Each action that can be afforded gets  r = max(u, 0) / (share of the scarcer resource + eps),  with u its predicted
// progress plus structure less a penalty that grows with pressure and with the chance that the answer could no longer
// be paid. Guards override the score. An estimate of use, neither Shannon information nor a posterior. The answer's
// tokens are to be reserved before anything else: a policy that may spend its last token on a search loses a quarter of
// its episodes. Coefficients are ours [choice], picked on other seeds of the sheet's simulator.
// O(1). Source: systems/voi-search.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::plan {

enum class SearchAction : std::uint8_t { kSearch, kDecompose, kAnswer };
[[nodiscard]] std::string_view name_of(SearchAction action);

struct ActionCost {
  double tokens = 0;  // expected, > 0
  double spread = 0;  // coefficient of variation, >= 0
};

struct SearchState {
  double sufficiency = 0;  // of the evidence, by a critic that sees the evidence alone; in [0, 1]
  bool compositional = false, decomposed = false;
  int searches = 0, useless = 0, steps = 0;  // useless: in a row
  bool decomposing_changed_nothing = false;
  double calls = 0, calls_budget = 0;    // left, and at first; >= 0
  double tokens = 0, tokens_budget = 0;  // left, and at first; >= 0
  ActionCost search{.tokens = 55, .spread = .35}, decompose{.tokens = 40, .spread = .35},
      answer{.tokens = 25, .spread = .35};
};

struct VoiOptions {
  double answer_weight = .35, support = 1, pressure_weight = .2, epsilon = .5, context_growth = .15;
  bool penalty = true, cost_division = true, guards = true;  // false: the sheet's ablations
};

struct ScoredAction {
  SearchAction action = SearchAction::kAnswer;
  double score = 0;                             // r
  double progress = 0, penalty = 0, share = 0;  // of the scarcer resource that is left
  double overrun = 0;                           // chance that the answer could no longer be paid
  std::string_view guard;                       // which rule spoke; empty: the score
};

class VoiController {
 public:
  explicit VoiController(VoiOptions options = {}) : options_(options) {}
  // Errors: kInvalidArgument naming the field: sufficiency outside [0, 1], negative budgets, a cost without a mean.
  [[nodiscard]] Result<ScoredAction> decide(const SearchState& state) const;

 private:
  [[nodiscard]] ScoredAction score(SearchAction action, const SearchState& state) const;
  [[nodiscard]] std::string_view forbidden(SearchAction action, const SearchState& state) const;
  [[nodiscard]] double overrun(SearchAction action, const SearchState& state) const;

  VoiOptions options_;
};

// 1 - the smaller remaining share, in [0, 1].
[[nodiscard]] double budget_pressure(const SearchState& state);

// --- The answer

enum class Disagreement : std::uint8_t { kNone, kPolarity, kBinary, kSlot, kFactoid, kBridge, kComparison, kOther };
[[nodiscard]] std::string_view name_of(Disagreement disagreement);

struct Trajectory {
  std::string question;
  std::string evidence;              // all that was retrieved
  std::vector<std::string> options;  // two that the question names, where it does
  std::string bridge;                // the entity that links two hops; empty: none
  bool open_hops = false;            // something is still unresolved
};

// How two answers differ, by their form: yes and no, two named options, a typed slot (a year, a number), …
[[nodiscard]] Disagreement disagreement_of(const Trajectory& trajectory, std::string_view base,
                                           std::string_view refined);

struct OutcomeRates {
  double gain = 0, harm = 0;  // P(refined right and base wrong), P(base right and refined wrong)
};

struct FinalChoice {
  bool refined = false;
  Disagreement kind = Disagreement::kNone;
  bool safe = false;
  double value = 0;  // gain - eta harm; 0 without a table
};

// Replaces the base answer where the disagreement is of a safe kind, every content word of the refined answer stands in
// the evidence, the bridge is kept, no hop is open, and gain - eta x harm >= threshold. No further model call: the
// refined answer comes out of the same trajectory. With a cap on harm the rule is optimal, eta - 1 its multiplier.
class SelectiveFinalizer {
 public:
  explicit SelectiveFinalizer(double eta = 1.5, double threshold = 0) : eta_(eta), threshold_(threshold) {}
  // What was logged for a kind; without any, "safe and supported" decides.
  void learn(Disagreement kind, const OutcomeRates& rates) { rates_.at(static_cast<std::size_t>(kind)) = rates; }
  [[nodiscard]] FinalChoice choose(const Trajectory& trajectory, std::string_view base, std::string_view refined) const;
  // The kinds alone, for a table of rates: whether the rule replaces answers of this kind.
  [[nodiscard]] bool replaces(Disagreement kind) const;

 private:
  double eta_, threshold_;
  std::array<std::optional<OutcomeRates>, 8> rates_{};
};

}  // namespace bursar::plan
