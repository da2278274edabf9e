#include "bursar/allocate/multiple_choice.h"

#include <algorithm>
#include <cmath>

#include "bursar/allocate/choice_core.h"
#include "bursar/allocate/choice_pass.h"
#include "bursar/allocate/choice_program.h"
#include "bursar/allocate/choice_relaxation.h"

namespace bursar::allocate {
namespace {

void add_up(const ChoiceTable& table, ChoiceResult& r) {
  long double value = 0, cost = 0;
  for (std::size_t i = 0; i < r.choice.size(); ++i) {
    value += table.value[table.begin(i) + r.choice[i]];
    cost += table.cost[table.begin(i) + r.choice[i]];
  }
  r.value = static_cast<double>(value);
  r.cost = static_cast<double>(cost);
}

Result<ChoiceResult> program(const ChoiceTable& table, double budget, const ChoiceOptions& options) {
  detail::ChoicePass pass(table);
  for (std::size_t from = 0; from < table.items(); from += detail::kBlockItems) {
    const auto bad = pass.bad_number(from, std::min(from + detail::kBlockItems, table.items()));
    if (bad) return detail::bad_number(table, *bad);
  }
  auto r = detail::solve_program(table, budget, options);
  if (!r) return r;
  add_up(table, *r);
  r->bound = r->value;
  r->stop = StopReason::kOptimal;
  if (options.sense == ChoiceSense::kAtMost) {
    if (auto lp = detail::relax(table, budget)) r->price = lp->price;
  }
  return r;
}

Result<ChoiceResult> core(const ChoiceTable& table, double budget, const ChoiceOptions& options) {
  const double allowed = with_tolerance(budget);
  auto lp = detail::relax(table, budget);
  if (!lp) return tl::unexpected(lp.error());
  ChoiceResult r{.price = lp->price, .passes = lp->passes};
  if (options.method == ChoiceMethod::kLagrangian) {
    for (const auto& [item, option] : lp->filled) lp->choice[item] = option;
    r.method = ChoiceMethod::kLagrangian;
    r.bound = lp->bound;
    r.stop = lp->value >= lp->bound                                       ? StopReason::kOptimal
             : relative_gap(lp->value, lp->bound) <= options.relative_gap ? StopReason::kWithinGap
                                                                          : StopReason::kLimit;
  } else {
    const detail::CoreResult found = detail::search_core(table, allowed, options, *lp);
    r.method = ChoiceMethod::kCore;
    r.bound = found.bound;
    r.stop = found.stop;
    r.states = found.states;
    r.passes += found.passed ? 1 : 0;
  }
  r.choice = std::move(lp->choice);
  add_up(table, r);
  if (r.stop == StopReason::kOptimal || r.bound < r.value) r.bound = std::max(r.value, std::min(r.bound, lp->bound));
  return r;
}

}  // namespace

Result<ChoiceResult> multiple_choice(const ChoiceTable& table, double budget, const ChoiceOptions& options) {
  if (auto ok = detail::check_shape(table, budget); !ok) return tl::unexpected(ok.error());
  if (std::isnan(options.relative_gap) || options.relative_gap < 0) {
    return invalid_argument("relative_gap is " + to_text(options.relative_gap) + "; it must not be negative");
  }
  if (table.items() == 0) {
    if (budget < 0 || (options.sense == ChoiceSense::kExactly && budget != 0)) {
      return fail(ErrorCode::kInfeasible, "there are no items and the budget is " + to_text(budget));
    }
    return ChoiceResult{.method = options.method};
  }
  const bool needs_program = options.sense != ChoiceSense::kAtMost;
  if (needs_program && options.method != ChoiceMethod::kAutomatic && options.method != ChoiceMethod::kDynamicProgram) {
    return invalid_argument("an exact total needs the method program; " + std::string(name_of(options.method)) +
                            " only keeps within the budget");
  }
  if (needs_program || options.method == ChoiceMethod::kDynamicProgram) return program(table, budget, options);
  auto r = core(table, budget, options);
  if (!r || options.method != ChoiceMethod::kAutomatic || r->stop != StopReason::kLimit) return r;
  const double cells = detail::program_cells(table, budget);
  if (cells == 0 || cells > static_cast<double>(options.max_cells)) return r;
  auto exact = program(table, budget, options);
  return exact ? std::move(exact) : std::move(r);
}

std::string_view name_of(ChoiceMethod method) {
  switch (method) {
    case ChoiceMethod::kAutomatic: return "automatic";
    case ChoiceMethod::kDynamicProgram: return "program";
    case ChoiceMethod::kCore: return "core";
    case ChoiceMethod::kLagrangian: return "lagrangian";
  }
  return "automatic";
}

}  // namespace bursar::allocate
