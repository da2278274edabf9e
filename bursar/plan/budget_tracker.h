// What an agent is told of its tool budgets after each step, and what a job has cost in one unit.
//
//   BudgetTracker tracker({{"search", 50}, {"browse", 50}});
//   auto ok = tracker.use("search");
//   tracker.block();       // "[budget] search 1 used, 49 left (98 %, HIGH: 3-5 diverse queries) …": for the model,
//   last double usd = unified_cost({.input_tokens = 100'000, .cached_tokens = 60'000, .output_tokens = 4'000}, prices);
//
// The text is advice: the cap is the ledger's. It changes with every step and would break a prompt's cache if it stood
// early, so it goes last. Regimes by the remaining share: HIGH from .7, MEDIUM from .3, LOW from .1, else CRITICAL; a
// tool without a budget is CRITICAL at once. Source: systems/bats.
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::plan {

enum class Regime : std::uint8_t { kHigh, kMedium, kLow, kCritical };
[[nodiscard]] std::string_view name_of(Regime regime);    // "HIGH", …
[[nodiscard]] std::string_view advice_of(Regime regime);  // "3-5 diverse queries", …

struct RegimeLimits {
  double high = .7, medium = .3, low = .1;  // at or above; 1 >= high >= medium >= low >= 0
};
[[nodiscard]] Regime regime_of(double remaining_share, const RegimeLimits& limits = {});

struct ToolBudget {
  std::string tool;
  std::int64_t budget = 0;  // calls, >= 0
  std::int64_t used = 0;    // 0 … budget
};

class BudgetTracker {
 public:
  explicit BudgetTracker(std::vector<ToolBudget> tools, RegimeLimits limits = {});

  // Counts a call. Errors, nothing counted: kNotFound for a tool without a budget here; kExhausted where none is left.
  [[nodiscard]] Result<void> use(std::string_view tool, std::int64_t calls = 1);

  [[nodiscard]] double share(std::string_view tool) const;  // that is left; 0 for a tool that is not known
  [[nodiscard]] Regime regime(std::string_view tool) const { return regime_of(share(tool), limits_); }
  [[nodiscard]] Regime regime() const;  // the worst of all tools
  [[nodiscard]] const std::vector<ToolBudget>& tools() const { return tools_; }

  [[nodiscard]] std::string block() const;               // for the model
  [[nodiscard]] boost::json::object structured() const;  // for programs: tool -> used, remaining, share, regime

 private:
  [[nodiscard]] const ToolBudget* find(std::string_view tool) const;
  std::vector<ToolBudget> tools_;
  RegimeLimits limits_;
};

// Prices per million tokens and per call, in one currency.
struct CostPrices {
  double input = 0, cached_input = 0, output = 0;
  std::map<std::string, double, std::less<>> per_call;
};
struct CostUsage {
  std::int64_t input_tokens = 0, cached_tokens = 0, output_tokens = 0;  // cached: of the input
  std::map<std::string, std::int64_t, std::less<>> calls;
};
struct UnifiedCost {
  double total = 0, tokens = 0, tools = 0;
  std::vector<std::string> unpriced;  // tools without a price, counted at 0
};
// Errors: kInvalidArgument for negative use, more cached than input tokens, a price below 0.
[[nodiscard]] Result<UnifiedCost> unified_cost(const CostUsage& usage, const CostPrices& prices);

// --- Verification of a proposed answer, clue by clue

enum class Clue : std::uint8_t { kUnknown, kSatisfied, kContradicted };
enum class Verdict : std::uint8_t { kSuccess, kContinue, kPivot };
[[nodiscard]] std::string_view name_of(Verdict verdict);

// All satisfied: success. Any contradicted, or unknown ones of which none can still be decided: pivot to another lead.
// Otherwise continue, while the budget is above the LOW floor; below it pivot, which ends in the best answer so far.
[[nodiscard]] Verdict verdict_of(const std::vector<Clue>& clues, bool decidable, Regime regime);

// How many new branches to plan: the most of the regime's range.
[[nodiscard]] int branches_of(Regime regime);

}  // namespace bursar::plan
