#include "reproduce/stream/suite_table.h"

#include <algorithm>
#include <limits>

namespace bursar::reproduce::stream {

SuiteOptions suite_options(const RunOptions& options, bool repeated) {
  const std::size_t own = options.quick ? 2 : 3;
  return {.seed = options.seed,
          .seeds = options.seeds == 0 ? own : options.seeds,
          .quick = options.quick,
          .repeated = repeated};
}

Table rank_table(const Suite& suite, TableText text, std::span<const SheetRow> sheet) {
  std::vector<std::string> names;
  std::vector<std::vector<double>> figures;
  for (const Arm& arm : arms()) {
    names.push_back(arm.name);
    const auto found = std::ranges::find(sheet, arm.name, &SheetRow::arm);
    figures.push_back(found == sheet.end() ? std::vector<double>{} : found->figures);
  }
  // A quick run has no large budgets, and then no column for them.
  const bool large =
      std::ranges::any_of(suite.configurations, [](const Configuration& c) { return c.budget > kLow.to; });
  std::vector<std::string> columns{"mean rank", "budgets up to 10 %", "from 25 %",
                                   "first",     "among three",        "error / best"};
  if (!large) {
    columns.erase(columns.begin() + 2);
    for (auto& row : figures) {
      if (row.size() > 2) row.erase(row.begin() + 2);
    }
  }
  const std::size_t after = large ? 3 : 2;
  Grid grid(names, columns);
  for (std::size_t a = 0; a < names.size(); ++a) {
    for (const Configuration& c : suite.configurations) {
      grid.add(a, 0, c.ranks[a]);
      grid.add(a, c.budget <= kLow.to ? 1 : 2, c.ranks[a]);
      grid.add(a, after, c.ranks[a] <= 1 ? 1 : 0);
      grid.add(a, after + 1, c.ranks[a] <= 3 ? 1 : 0);
      grid.add(a, after + 2, c.errors[a] / std::ranges::min(c.errors));
    }
  }
  return grid.table(std::move(text), figures);
}

Table better_table(const Suite& suite, std::string_view arm, TableText text,
                   const std::vector<std::pair<std::string, double>>& rivals) {
  std::vector<std::string> names;
  std::vector<std::vector<double>> figures;
  for (const auto& [name, figure] : rivals) names.push_back(name), figures.push_back({figure});
  Grid grid(names, {std::string(arm) + " is better"});
  const std::size_t own = arm_named(arm);
  for (std::size_t r = 0; r < names.size(); ++r) {
    const std::size_t other = arm_named(names[r]);
    for (const Configuration& c : suite.configurations) grid.add(r, 0, c.errors[own] < c.errors[other] ? 1 : 0);
  }
  return grid.table(std::move(text), figures);
}

double share_better(const Suite& suite, std::string_view arm, std::string_view than) {
  return static_cast<double>(suite.better(arm_named(arm), arm_named(than))) /
         static_cast<double>(suite.configurations.size());
}

double rank_of(const Suite& suite, std::string_view arm, Budgets budgets) {
  return suite.mean_rank(arm_named(arm), budgets);
}

double best_other_rank(const Suite& suite, std::string_view arm, Budgets budgets) {
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t a = 0; a < arms().size(); ++a) {
    if (arms()[a].name != arm) best = std::min(best, suite.mean_rank(a, budgets));
  }
  return best;
}

}  // namespace bursar::reproduce::stream
