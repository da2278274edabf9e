// One entry for every one-shot allocation of known items: what the command line, HTTP and Python call.
//
//   Problem p;
//   p.value = {0, 5, 0, 9};  p.cost = {0, 2, 0, 6};  p.width = 2;   // two items with two options each
//   p.item_names = {"cache", "index"};
//   auto a = allocate(p, {{6}});
//   if (!a) return report(a.error());               // "item 1 (index), option 0: cost is nan; …"
//   use(a->choice, a->value, a->bound);
//   say(explain(p, *a, 1)->text);                   // why index got what it got
//
// The method is chosen by what the problem has (kAutomatic): groups -> grouped_choice; several resources ->
// many_resources (group caps become further resources); otherwise multiple_choice, exact where that is in reach. Or by
// name: "auto", "program", "core", "lagrangian", "resources", "groups".
// Complexity and bounds: as the header of the method. The problem is not copied, except the values where it minimises.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/allocate/multiple_choice.h"

namespace bursar::allocate {

struct Group {
  std::string name;
  double cap = std::numeric_limits<double>::infinity();  // on the first resource
};

// Structure of arrays: option o of the table belongs to the item i with first[i] <= o < first[i + 1].
struct Problem {
  std::vector<double> value;                // [options]
  std::vector<double> cost;                 // [resources x options], one resource after the other
  std::vector<std::uint64_t> first;         // [items + 1], where items differ in their number of options
  std::size_t width = 0;                    // or: every item has this many, and `first` is empty
  bool minimise = false;                    // values are losses
  std::vector<std::string> resource_names;  // [resources] or empty: "resource 0", …; their number is the budget's
  std::vector<std::string> item_names;      // [items] or empty
  std::vector<std::string> option_names;    // [options], or [width] for all items, or empty
  std::vector<std::uint8_t> forbidden;      // [options] or empty; nonzero: must not be taken
  std::vector<double> minimum;              // [items] or empty: the item's cost in the first resource is at least this
  std::vector<std::uint32_t> group;         // [items] or empty
  std::vector<Group> groups;

  [[nodiscard]] std::size_t items() const;
};

struct Budget {
  std::vector<double> amounts;  // one per resource
};

enum class Method : std::uint8_t { kAutomatic, kProgram, kCore, kLagrangian, kResources, kGroups };

[[nodiscard]] std::string_view name_of(Method method);
[[nodiscard]] Result<Method> method_named(std::string_view name);  // kInvalidArgument lists the names

struct AllocateOptions {
  Method method = Method::kAutomatic;
  ChoiceSense sense = ChoiceSense::kAtMost;  // others: one resource, no groups, integer costs
  double relative_gap = 1e-9;
  std::uint64_t max_states = 1 << 26;   // core search; see multiple_choice.h
  std::uint64_t max_cells = 1 << 28;    // exact program
  std::uint64_t max_nodes = 2'000'000;  // search under several resources
  StopCallback stop = nullptr;
};

struct Allocation {
  std::vector<std::uint32_t> choice;  // [items]: position of the option within its item
  double value = 0;                   // in the problem's sense: a loss where it minimises
  std::vector<double> cost;           // [resources]
  double bound = 0;                   // no answer is better: >= value, or <= value where the problem minimises
  double gap = 0;                     // relative_gap of the two
  std::vector<double> price;          // [resources]: what one more unit of the budget is worth
  std::vector<double> group_cost;     // [groups]
  std::vector<double> group_price;    // [groups]: what one more unit of the cap is worth, on top of price[0]
  StopReason stop = StopReason::kOptimal;
  Method method = Method::kAutomatic;  // the one used
};

// Errors: those of the method, items named; kInvalidArgument for arrays of the wrong length and for a method that
// cannot take the problem; kInfeasible where an item has no option that is allowed and meets its minimum.
[[nodiscard]] Result<Allocation> allocate(const Problem& problem, const Budget& budget,
                                          const AllocateOptions& options = {});

enum class OptionStatus : std::uint8_t {
  kChosen,
  kForbidden,
  kBelowMinimum,
  kDominated,     // another option of the item costs no more of anything and is worth at least as much
  kOffHull,       // a mixture of two others is better at every price (one resource only)
  kPricedOut,     // worth less than the chosen one at the prices of the budgets
  kUnaffordable,  // worth as much or more at those prices, but the budget does not reach
};
[[nodiscard]] std::string_view name_of(OptionStatus status);

struct OptionReport {
  double value = 0;
  std::vector<double> cost;  // [resources]
  double worth = 0;          // value less priced costs
  OptionStatus status = OptionStatus::kPricedOut;
};

struct Explanation {
  std::size_t item = 0;
  std::uint32_t chosen = 0;
  std::vector<OptionReport> options;
  // One resource: at a price below `more_below` the item would take the next dearer option of its hull, above
  // `less_above` the next cheaper one; 0 and infinite where there is none.
  double more_below = 0;
  double less_above = std::numeric_limits<double>::infinity();
  std::string text;  // the same in a few sentences
};

// Why the item got its option. kInvalidArgument for an item or allocation that does not belong to the problem. O(k^2)
// for k options.
[[nodiscard]] Result<Explanation> explain(const Problem& problem, const Allocation& allocation, std::size_t item);

}  // namespace bursar::allocate
