#include "bursar/allocate/problem.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <span>
#include <utility>

#include "bursar/allocate/grouped_choice.h"
#include "bursar/allocate/many_resources.h"

namespace bursar::allocate {
namespace {

constexpr std::array<std::pair<Method, std::string_view>, 6> kMethods{{{Method::kAutomatic, "auto"},
                                                                       {Method::kProgram, "program"},
                                                                       {Method::kCore, "core"},
                                                                       {Method::kLagrangian, "lagrangian"},
                                                                       {Method::kResources, "resources"},
                                                                       {Method::kGroups, "groups"}}};

tl::unexpected<Error> wrong_length(std::string_view what, std::size_t is, std::string_view needs) {
  return invalid_argument(std::string(what) + " has " + std::to_string(is) + " entries; it needs " +
                          std::string(needs));
}

Result<void> check(const Problem& p, const Budget& budget) {
  const std::size_t options = p.value.size(), resources = budget.amounts.size();
  if (resources == 0) return invalid_argument("the budget names no resource; give at least one amount");
  if (p.cost.size() != resources * options) return wrong_length("cost", p.cost.size(), "one per option and resource");
  if (p.first.empty() && options != 0 && (p.width == 0 || options % p.width != 0)) {
    return invalid_argument(std::to_string(options) + " options cannot be shared by items of width " +
                            std::to_string(p.width));
  }
  if (!p.first.empty()) {
    if (p.first.front() != 0 || p.first.back() != options || !std::ranges::is_sorted(p.first)) {
      return invalid_argument("first must rise from 0 to the number of options, " + std::to_string(options));
    }
  }
  const std::size_t items = p.items();
  if (!p.resource_names.empty() && p.resource_names.size() != resources)
    return wrong_length("resource_names", p.resource_names.size(), "one per resource");
  if (!p.item_names.empty() && p.item_names.size() != items)
    return wrong_length("item_names", p.item_names.size(), "one per item");
  if (!p.option_names.empty() && p.option_names.size() != options &&
      (p.width == 0 || p.option_names.size() != p.width)) {
    return wrong_length("option_names", p.option_names.size(),
                        "one per option, or one per column where all items have the same");
  }
  if (!p.forbidden.empty() && p.forbidden.size() != options)
    return wrong_length("forbidden", p.forbidden.size(), "one per option");
  if (!p.minimum.empty() && p.minimum.size() != items) return wrong_length("minimum", p.minimum.size(), "one per item");
  if (!p.group.empty() && p.group.size() != items) return wrong_length("group", p.group.size(), "one per item");
  if (p.group.empty() != p.groups.empty())
    return invalid_argument("group and groups go together: give both or neither");
  return {};
}

ChoiceTable shape_of(const Problem& p) {
  return {.value = p.value,
          .cost = std::span(p.cost).first(p.value.size()),
          .first = p.first,
          .width = p.width,
          .forbidden = p.forbidden};
}

// Forbidden options and those below their item's minimum; empty where there are none.
Result<std::vector<std::uint8_t>> excluded(const Problem& p) {
  if (p.minimum.empty()) return std::vector<std::uint8_t>{};
  std::vector<std::uint8_t> out = p.forbidden;
  out.resize(p.value.size());
  const ChoiceTable shape = shape_of(p);
  for (std::size_t i = 0; i < shape.items(); ++i) {
    if (std::isnan(p.minimum[i])) return invalid_argument("item " + std::to_string(i) + ": minimum is nan");
    bool any = false;
    double most = -std::numeric_limits<double>::infinity();
    for (std::size_t o = shape.begin(i); o < shape.end(i); ++o) {
      if (p.cost[o] < p.minimum[i]) out[o] = 1;
      if (shape.allowed(o)) most = std::max(most, p.cost[o]);
      any |= out[o] == 0;
    }
    if (!any && shape.end(i) > shape.begin(i)) {
      return fail(ErrorCode::kInfeasible, "item " + std::to_string(i) + ": its minimum is " + to_text(p.minimum[i]) +
                                              " and its largest allowed option costs " + to_text(most) + ": " +
                                              to_text(p.minimum[i] - most) + " short");
    }
  }
  return out;
}

// "item 3" becomes "item 3 (conv1)", "resource 0" becomes "resource 0 (tokens)", and so for groups.
std::string with_names(std::string text, std::string_view word, const auto& name) {
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos;) {
    std::size_t digits = at + word.size(), end = digits;
    std::size_t id = 0;
    while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0 && end - digits < 18) {
      id = id * 10 + static_cast<std::size_t>(text[end++] - '0');
    }
    at = end;
    const bool starts_word = digits == word.size() || text[digits - word.size() - 1] == ' ';
    if (end == digits || !starts_word) continue;
    if (const std::string n = name(id); !n.empty()) text.insert(end, " (" + n + ")");
  }
  return text;
}

Error named(const Problem& p, Error e) {
  const auto of = [](const std::vector<std::string>& names) {
    return [&names](std::size_t id) { return id < names.size() ? names[id] : std::string(); };
  };
  e.message = with_names(std::move(e.message), "item ", of(p.item_names));
  e.message = with_names(std::move(e.message), "resource ", of(p.resource_names));
  e.message = with_names(std::move(e.message), "group ",
                         [&](std::size_t g) { return g < p.groups.size() ? p.groups[g].name : std::string(); });
  return e;
}

Method pick(const Problem& p, const Budget& budget, Method asked) {
  if (asked != Method::kAutomatic) return asked;
  if (budget.amounts.size() > 1) return Method::kResources;
  return p.groups.empty() ? Method::kAutomatic : Method::kGroups;
}

Result<Allocation> by_choice(const ChoiceTable& table, double budget, Method method, const AllocateOptions& o) {
  const ChoiceMethod m = method == Method::kProgram      ? ChoiceMethod::kDynamicProgram
                         : method == Method::kCore       ? ChoiceMethod::kCore
                         : method == Method::kLagrangian ? ChoiceMethod::kLagrangian
                                                         : ChoiceMethod::kAutomatic;
  auto r = multiple_choice(table, budget,
                           {.method = m,
                            .sense = o.sense,
                            .relative_gap = o.relative_gap,
                            .max_states = o.max_states,
                            .max_cells = o.max_cells,
                            .stop = o.stop});
  if (!r) return tl::unexpected(r.error());
  return Allocation{.choice = std::move(r->choice),
                    .value = r->value,
                    .cost = {r->cost},
                    .bound = r->bound,
                    .price = {r->price},
                    .stop = r->stop,
                    .method = r->method == ChoiceMethod::kDynamicProgram ? Method::kProgram
                              : r->method == ChoiceMethod::kLagrangian   ? Method::kLagrangian
                                                                         : Method::kCore};
}

Result<Allocation> by_groups(const Problem& p, const ChoiceTable& table, double budget, const AllocateOptions& o) {
  std::vector<double> caps;
  caps.reserve(p.groups.size());
  for (const Group& g : p.groups) caps.push_back(g.cap);
  auto r = grouped_choice(table, p.group, caps, budget,
                          {.relative_gap = o.relative_gap, .max_states = o.max_states, .stop = o.stop});
  if (!r) return tl::unexpected(r.error());
  return Allocation{.choice = std::move(r->choice),
                    .value = r->value,
                    .cost = {r->cost},
                    .bound = r->bound,
                    .price = {r->price},
                    .group_price = std::move(r->group_price),
                    .stop = r->stop,
                    .method = Method::kGroups};
}

// Group caps are further resources, which only the group's items use.
Result<Allocation> by_resources(const Problem& p, const ChoiceTable& table, const Budget& budget,
                                const AllocateOptions& o) {
  std::vector<double> budgets = budget.amounts, cost;
  std::vector<std::size_t> group_row(p.groups.size(), 0);
  for (std::size_t g = 0; g < p.groups.size(); ++g) {
    if (std::isinf(p.groups[g].cap)) continue;
    group_row[g] = budgets.size();
    budgets.push_back(p.groups[g].cap);
  }
  std::span<const double> costs = p.cost;
  if (budgets.size() > budget.amounts.size()) {
    if (budgets.size() > ResourceTable::kMostResources) {
      return invalid_argument(std::to_string(p.groups.size()) + " group caps beside " +
                              std::to_string(budget.amounts.size()) + " resources are more than " +
                              std::to_string(ResourceTable::kMostResources) +
                              " limits; with one resource any number of groups is taken");
    }
    cost = p.cost;
    cost.resize(budgets.size() * table.value.size());
    for (std::size_t i = 0; i < table.items(); ++i) {
      if (p.group[i] >= p.groups.size()) {
        return invalid_argument("item " + std::to_string(i) + ": group is " + std::to_string(p.group[i]) +
                                " and there are " + std::to_string(p.groups.size()));
      }
      if (group_row[p.group[i]] == 0) continue;
      for (std::size_t k = table.begin(i); k < table.end(i); ++k)
        cost[group_row[p.group[i]] * table.value.size() + k] = p.cost[k];
    }
    costs = cost;
  }
  auto r = many_resources({.value = table.value,
                           .cost = costs,
                           .resources = budgets.size(),
                           .first = table.first,
                           .width = table.width,
                           .forbidden = table.forbidden},
                          budgets, {.relative_gap = o.relative_gap, .max_nodes = o.max_nodes, .stop = o.stop});
  if (!r) return tl::unexpected(r.error());
  Allocation a{.choice = std::move(r->choice),
               .value = r->value,
               .cost = std::move(r->cost),
               .bound = r->bound,
               .price = std::move(r->price),
               .stop = r->stop,
               .method = Method::kResources};
  for (const std::size_t row : group_row) a.group_price.push_back(row == 0 ? 0.0 : a.price[row]);
  a.cost.resize(budget.amounts.size());
  a.price.resize(budget.amounts.size());
  return a;
}

Result<Allocation> solve(const Problem& p, const ChoiceTable& table, const Budget& budget,
                         const AllocateOptions& options) {
  const Method method = pick(p, budget, options.method);
  const bool plain = budget.amounts.size() == 1 && p.groups.empty();
  const auto refuse = [&](std::string_view needs) {
    return invalid_argument("method " + std::string(name_of(method)) + " needs " + std::string(needs) +
                            "; choose auto");
  };
  if (options.sense != ChoiceSense::kAtMost && !plain)
    return invalid_argument("an exact total is for one resource without groups; ask for at most the budget");
  switch (method) {
    case Method::kGroups:
      if (budget.amounts.size() != 1 || p.groups.empty()) return refuse("groups and one resource");
      return by_groups(p, table, budget.amounts[0], options);
    case Method::kResources: return by_resources(p, table, budget, options);
    default: break;
  }
  if (!plain) return refuse("one resource and no groups");
  return by_choice(table, budget.amounts[0], method, options);
}

}  // namespace

std::size_t Problem::items() const {
  return first.empty() ? (width == 0 ? 0 : value.size() / width) : first.size() - 1;
}

std::string_view name_of(Method method) {
  for (const auto& [m, name] : kMethods) {
    if (m == method) return name;
  }
  return "auto";
}

Result<Method> method_named(std::string_view name) {
  std::string known;
  for (const auto& [m, n] : kMethods) {
    if (n == name) return m;
    known += (known.empty() ? "" : ", ") + std::string(n);
  }
  return fail(ErrorCode::kInvalidArgument, "method is '" + std::string(name) + "'; known are " + known);
}

Result<Allocation> allocate(const Problem& problem, const Budget& budget, const AllocateOptions& options) {
  if (auto ok = check(problem, budget); !ok) return tl::unexpected(ok.error());
  auto mask = excluded(problem);
  if (!mask) return tl::unexpected(named(problem, mask.error()));
  std::vector<double> negated;
  ChoiceTable table = shape_of(problem);
  if (!mask->empty()) table.forbidden = *mask;
  if (problem.minimise) {
    negated.reserve(problem.value.size());
    for (const double v : problem.value) negated.push_back(-v);
    table.value = negated;
  }
  auto a = solve(problem, table, budget, options);
  if (!a) return tl::unexpected(named(problem, a.error()));
  a->gap = relative_gap(a->value, a->bound);
  if (problem.minimise) a->value = 0 - a->value, a->bound = 0 - a->bound;
  a->group_cost.assign(problem.groups.size(), 0);
  for (std::size_t i = 0; i < problem.group.size(); ++i)
    a->group_cost[problem.group[i]] += problem.cost[table.begin(i) + a->choice[i]];
  return a;
}

}  // namespace bursar::allocate
