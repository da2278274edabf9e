// Sparse matching: which (row, column) pairs of an affinity matrix are active, under caps per row, per column and in
// all.
//
//   // 512 tokens x 4096 features; 8 matches a token on average, given to the best pairs wherever they are.
//   auto r = sparse_match({.data = z, .rows = 512, .columns = 4096}, {.total = 512 * 8});
//   for (std::size_t m = r->first[3]; m < r->first[4]; ++m) use(3, r->column[m]);
//
// Maximises  sum S_ij z_ij  over S in {0,1}  subject to  sum S <= total,  sum_j S_ij <= per_row (row_caps_i),
// sum_i S_ij <= per_column (column_caps_j). Only positive affinities are taken unless allow_negative. The caps choose:
//  - token choice: per_row alone (every token takes its k best features);
//  - feature choice: per_column or column_caps alone (every feature takes its m_j best tokens);
//  - mutual choice: total alone (the best pairs of all), or total with caps on one side.
// These are exact in O(rows x columns) by selecting thresholds. With caps on rows and on columns no thresholds suffice:
// up to max_lp_pairs candidate pairs the linear program is solved, whose vertices are whole; beyond it, greedy (best
// pairs first), with the bound of prices per row and column. Ties go to the lower row, then the lower column. Source:
// systems/sae-choice; also expert choice in mixtures of experts.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/allocate/solve.h"

namespace bursar::allocate {

struct AffinityView {
  const float* data = nullptr;  // [rows x stride], row after row
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t stride = 0;  // 0: columns

  [[nodiscard]] const float* row(std::size_t i) const { return data + i * (stride == 0 ? columns : stride); }
};

struct MatchCaps {
  std::int64_t total = -1;                         // -1: none
  std::int64_t per_row = -1;                       // -1: none
  std::int64_t per_column = -1;                    // -1: none
  std::span<const std::int64_t> row_caps = {};     // [rows] or empty: instead of per_row
  std::span<const std::int64_t> column_caps = {};  // [columns] or empty: instead of per_column
};

struct MatchOptions {
  bool allow_negative = false;        // also take affinities <= 0 where caps leave room (caps on one side, or total)
  std::size_t max_lp_pairs = 50'000;  // caps on both sides: candidates up to which the answer is exact
};

struct MatchResult {
  std::vector<std::size_t> first;     // [rows + 1]: matches of row i are [first_i, first_{i+1})
  std::vector<std::uint32_t> column;  // [matches], rising within a row
  double value = 0;
  double bound = 0;
  float threshold = 0;                  // least affinity taken; 0 where nothing was
  std::vector<float> row_threshold;     // [rows]: least affinity taken in the row; +inf where none
  std::vector<float> column_threshold;  // [columns]
  StopReason stop = StopReason::kOptimal;
};

// Errors: kInvalidArgument for an affinity that is not finite (naming row and column), caps below 0 (other than -1 for
// none), caps of the wrong number, and more than 2^32 - 1 columns.
[[nodiscard]] Result<MatchResult> sparse_match(const AffinityView& affinity, const MatchCaps& caps,
                                               const MatchOptions& options = {});

}  // namespace bursar::allocate
