// The tables of the suite that rex and uba share.
#pragma once

#include "reproduce/stream/suite.h"
#include "reproduce/system.h"

namespace bursar::reproduce::stream {

// The suite's own number of seeds where the options name none.
[[nodiscard]] SuiteOptions suite_options(const RunOptions& options, bool repeated = false);

// What the sheet says of each arm: mean rank, low, high, share of first places, of first three, error / best.
struct SheetRow {
  std::string_view arm;
  std::vector<double> figures;
};
// Arms in the order of arms(); one sample a configuration, so that intervals are over configurations.
[[nodiscard]] Table rank_table(const Suite& suite, TableText text, std::span<const SheetRow> sheet);

// How often `arm` has the smaller error: one row a rival, shares of the configurations.
[[nodiscard]] Table better_table(const Suite& suite, std::string_view arm, TableText text,
                                 const std::vector<std::pair<std::string, double>>& rivals);

[[nodiscard]] double share_better(const Suite& suite, std::string_view arm, std::string_view than);
[[nodiscard]] double rank_of(const Suite& suite, std::string_view arm, Budgets budgets = {});
// The least mean rank of all arms but this one.
[[nodiscard]] double best_other_rank(const Suite& suite, std::string_view arm, Budgets budgets = {});

constexpr Budgets kLow{.from = 0, .to = .1}, kHigh{.from = .25, .to = 1};

}  // namespace bursar::reproduce::stream
