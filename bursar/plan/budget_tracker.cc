#include "bursar/plan/budget_tracker.h"

#include <algorithm>
#include <cmath>

namespace bursar::plan {
namespace {

constexpr std::array<std::string_view, 4> kRegimes{"HIGH", "MEDIUM", "LOW", "CRITICAL"};
constexpr std::array<std::string_view, 4> kAdvice{"3-5 diverse queries, explore widely",
                                                  "2-3 precise queries, converge", "one focused query",
                                                  "avoid this tool unless indispensable, answer"};
constexpr std::array<std::string_view, 3> kVerdicts{"success", "continue", "pivot"};

double share_of(const ToolBudget& tool) {
  return tool.budget > 0 ? static_cast<double>(tool.budget - tool.used) / static_cast<double>(tool.budget) : 0;
}

}  // namespace

std::string_view name_of(Regime regime) { return kRegimes.at(static_cast<std::size_t>(regime)); }
std::string_view advice_of(Regime regime) { return kAdvice.at(static_cast<std::size_t>(regime)); }
std::string_view name_of(Verdict verdict) { return kVerdicts.at(static_cast<std::size_t>(verdict)); }

Regime regime_of(double share, const RegimeLimits& limits) {
  if (share >= limits.high) return Regime::kHigh;
  if (share >= limits.medium) return Regime::kMedium;
  return share >= limits.low && share > 0 ? Regime::kLow : Regime::kCritical;
}

BudgetTracker::BudgetTracker(std::vector<ToolBudget> tools, RegimeLimits limits)
    : tools_(std::move(tools)), limits_(limits) {}

const ToolBudget* BudgetTracker::find(std::string_view tool) const {
  const auto found = std::ranges::find(tools_, tool, &ToolBudget::tool);
  return found == tools_.end() ? nullptr : &*found;
}

Result<void> BudgetTracker::use(std::string_view tool, std::int64_t calls) {
  const auto found = std::ranges::find(tools_, tool, &ToolBudget::tool);
  if (found == tools_.end()) return fail(ErrorCode::kNotFound, "tool \"" + std::string(tool) + "\" has no budget here");
  if (calls < 0) return invalid_argument("calls is " + std::to_string(calls) + "; it must be at least 0");
  if (calls > found->budget - found->used)
    return fail(ErrorCode::kExhausted, "tool \"" + found->tool + "\": " + std::to_string(found->used) + " of " +
                                           std::to_string(found->budget) + " calls are used; " + std::to_string(calls) +
                                           " more do not fit");
  found->used += calls;
  return {};
}

double BudgetTracker::share(std::string_view tool) const {
  const ToolBudget* found = find(tool);
  return found == nullptr ? 0 : share_of(*found);
}

Regime BudgetTracker::regime() const {
  Regime worst = Regime::kHigh;
  for (const ToolBudget& tool : tools_) worst = std::max(worst, regime_of(share_of(tool), limits_));
  return worst;
}

std::string BudgetTracker::block() const {
  std::string out = "[budget]";
  for (const ToolBudget& tool : tools_) {
    const Regime now = regime_of(share_of(tool), limits_);
    out.append(" ").append(tool.tool).append(" ").append(std::to_string(tool.used)).append(" used, ");
    out.append(std::to_string(tool.budget - tool.used)).append(" left (").append(name_of(now)).append(": ");
    out.append(advice_of(now)).append(");");
  }
  if (out.ends_with(';')) out.pop_back();
  return out;
}

boost::json::object BudgetTracker::structured() const {
  boost::json::object out;
  for (const ToolBudget& tool : tools_)
    out[tool.tool] = boost::json::object{{"used", tool.used},
                                         {"remaining", tool.budget - tool.used},
                                         {"share", share_of(tool)},
                                         {"regime", name_of(regime_of(share_of(tool), limits_))}};
  return out;
}

Result<UnifiedCost> unified_cost(const CostUsage& usage, const CostPrices& prices) {
  if (usage.input_tokens < 0 || usage.output_tokens < 0 || usage.cached_tokens < 0)
    return invalid_argument("token counts must be at least 0");
  if (usage.cached_tokens > usage.input_tokens)
    return invalid_argument("cached_tokens is " + std::to_string(usage.cached_tokens) + ", above input_tokens, " +
                            std::to_string(usage.input_tokens));
  if (!(prices.input >= 0) || !(prices.cached_input >= 0) || !(prices.output >= 0))
    return invalid_argument("prices must be at least 0");
  UnifiedCost out;
  const auto fresh = static_cast<double>(usage.input_tokens - usage.cached_tokens);
  out.tokens = (fresh * prices.input + static_cast<double>(usage.cached_tokens) * prices.cached_input +
                static_cast<double>(usage.output_tokens) * prices.output) /
               1e6;
  for (const auto& [tool, calls] : usage.calls) {
    if (calls < 0) return invalid_argument("calls of \"" + tool + "\" must be at least 0");
    const auto price = prices.per_call.find(tool);
    if (price == prices.per_call.end()) {
      out.unpriced.push_back(tool);
      continue;
    }
    if (!(price->second >= 0)) return invalid_argument("the price of \"" + tool + "\" must be at least 0");
    out.tools += price->second * static_cast<double>(calls);
  }
  out.total = out.tokens + out.tools;
  return out;
}

Verdict verdict_of(const std::vector<Clue>& clues, bool decidable, Regime regime) {
  if (std::ranges::find(clues, Clue::kContradicted) != clues.end()) return Verdict::kPivot;
  if (std::ranges::find(clues, Clue::kUnknown) == clues.end()) return Verdict::kSuccess;
  return decidable && regime != Regime::kCritical ? Verdict::kContinue : Verdict::kPivot;
}

int branches_of(Regime regime) {
  constexpr std::array kBranches{5, 3, 1, 0};
  return kBranches.at(static_cast<std::size_t>(regime));
}

}  // namespace bursar::plan
