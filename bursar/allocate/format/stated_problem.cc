#include "bursar/allocate/format/stated_problem.h"

#include <algorithm>
#include <cmath>

#include "bursar/allocate/format/names.h"

namespace bursar::allocate {
namespace {

// "a, b and 5 more": enough to see a slip of the pen.
std::string list_of(std::size_t count, const auto& name) {
  constexpr std::size_t kShown = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(count, kShown); ++i) text += (i == 0 ? "" : ", ") + name(i);
  return count > kShown ? text + " and " + std::to_string(count - kShown) + " more" : text;
}

}  // namespace

std::string why_refused(double number, Sign sign) {
  if (std::isnan(number)) return "is nan; it must be a finite number";
  if (std::isinf(number)) return "is infinite; it must be a finite number";
  if (std::abs(number) > kLargestNumber)
    return "is " + to_text(number) + "; numbers beyond " + to_text(kLargestNumber) + " need a larger unit";
  if (sign == Sign::kNotNegative && number < 0) return "is " + to_text(number) + "; it must be at least 0";
  return {};
}

Result<ChoiceSense> sense_named(std::string_view name) {
  if (name == "at_most") return ChoiceSense::kAtMost;
  if (name == "exactly") return ChoiceSense::kExactly;
  if (name == "largest_reachable") return ChoiceSense::kLargestReachable;
  return invalid_argument("sense is '" + std::string(name.substr(0, 80)) +
                          "'; known are at_most, exactly, largest_reachable");
}

std::size_t resources_of(const Problem& problem) {
  return problem.value.empty() ? problem.resource_names.size() : problem.cost.size() / problem.value.size();
}

std::size_t first_option(const Problem& problem, std::size_t item) {
  return problem.first.empty() ? item * problem.width : problem.first[item];
}

std::string item_name(const Problem& problem, std::size_t item) {
  return problem.item_names.empty() ? std::to_string(item) : problem.item_names[item];
}

std::string option_name(const Problem& problem, std::size_t item, std::uint32_t option) {
  if (problem.option_names.empty()) return std::to_string(option);
  if (problem.option_names.size() == problem.value.size())
    return problem.option_names[first_option(problem, item) + option];
  return problem.option_names[option];
}

std::string resource_name(const Problem& problem, std::size_t resource) {
  if (resource < problem.resource_names.size()) return problem.resource_names[resource];
  return resources_of(problem) == 1 ? "cost" : "resource " + std::to_string(resource);
}

Result<void> set_caps(Problem& problem, const std::vector<NamedAmount>& caps) {
  for (const NamedAmount& cap : caps) {
    const auto group = std::ranges::find(problem.groups, cap.name, &Group::name);
    if (group == problem.groups.end()) {
      return fail(ErrorCode::kNotFound,
                  "there is no group '" + cap.name + "' to cap; " +
                      (problem.groups.empty() ? "the problem has no groups"
                                              : "groups are " + list_of(problem.groups.size(), [&](std::size_t g) {
                                                  return problem.groups[g].name;
                                                })));
    }
    if (const auto why = why_refused(cap.amount, Sign::kNotNegative); !why.empty())
      return invalid_argument("the cap of group '" + cap.name + "' " + why);
    group->cap = cap.amount;
  }
  return {};
}

Result<Budget> budget_of(const Problem& problem, const std::vector<NamedAmount>& amounts) {
  const std::size_t resources = std::max<std::size_t>(1, resources_of(problem));
  const auto names = [&] { return list_of(resources, [&](std::size_t r) { return resource_name(problem, r); }); };
  std::vector<std::optional<double>> found(resources);
  for (const NamedAmount& amount : amounts) {
    std::size_t r = 0;
    if (amount.name.empty()) {
      if (resources != 1) {
        return invalid_argument("the budget " + to_text(amount.amount) + " names no resource, and the problem has " +
                                std::to_string(resources) + ": " + names());
      }
    } else {
      while (r < resources && resource_name(problem, r) != amount.name) ++r;
      if (r == resources) return invalid_argument("the budget names '" + amount.name + "'; resources are " + names());
    }
    if (found[r]) return invalid_argument("the budget of " + resource_name(problem, r) + " is given twice");
    if (const auto why = why_refused(amount.amount, Sign::kNotNegative); !why.empty())
      return invalid_argument("the budget of " + resource_name(problem, r) + " " + why);
    found[r] = amount.amount;
  }
  Budget budget;
  for (std::size_t r = 0; r < resources; ++r) {
    if (!found[r]) return invalid_argument("no budget for " + resource_name(problem, r));
    budget.amounts.push_back(*found[r]);
  }
  return budget;
}

Result<std::size_t> item_named(const Problem& problem, std::string_view name) {
  const auto found = std::ranges::find(problem.item_names, name);
  if (found != problem.item_names.end()) return static_cast<std::size_t>(found - problem.item_names.begin());
  const auto position = position_named(name);
  if (position && *position < problem.items()) return *position;
  return fail(ErrorCode::kNotFound, "there is no item '" + std::string(name) + "'; there are " +
                                        std::to_string(problem.items()) + ": " +
                                        list_of(problem.items(), [&](std::size_t i) { return item_name(problem, i); }));
}

}  // namespace bursar::allocate
