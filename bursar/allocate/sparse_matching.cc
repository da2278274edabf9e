#include "bursar/allocate/sparse_matching.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "bursar/allocate/linear_program.h"

namespace bursar::allocate {
namespace {

struct Pair {
  float z;
  std::uint32_t row;
  std::uint32_t column;
};

bool before(const Pair& a, const Pair& b) {
  if (a.z != b.z) return a.z > b.z;
  return a.row != b.row ? a.row < b.row : a.column < b.column;
}

// The best `cap` pairs of [from, end) stay, in any order. Linear time.
void keep_best(std::vector<Pair>& pairs, std::size_t from, std::int64_t cap) {
  const std::size_t most = static_cast<std::size_t>(std::max<std::int64_t>(cap, 0));
  if (cap < 0 || pairs.size() - from <= most) return;
  const auto begin = pairs.begin() + static_cast<std::ptrdiff_t>(from);
  if (most > 0) std::nth_element(begin, begin + static_cast<std::ptrdiff_t>(most) - 1, pairs.end(), before);
  pairs.erase(begin + static_cast<std::ptrdiff_t>(most), pairs.end());
}

struct Caps {
  const MatchCaps& caps;
  bool rows() const { return caps.per_row >= 0 || !caps.row_caps.empty(); }
  bool columns() const { return caps.per_column >= 0 || !caps.column_caps.empty(); }
  std::int64_t row(std::size_t i) const { return caps.row_caps.empty() ? caps.per_row : caps.row_caps[i]; }
  std::int64_t column(std::size_t j) const { return caps.column_caps.empty() ? caps.per_column : caps.column_caps[j]; }
};

Result<void> check(const AffinityView& z, const MatchCaps& caps) {
  if (z.columns > std::numeric_limits<std::uint32_t>::max() || z.rows > std::numeric_limits<std::uint32_t>::max()) {
    return invalid_argument("the matrix has " + std::to_string(z.rows) + " x " + std::to_string(z.columns) +
                            " entries; at most 2^32 - 1 of each side are taken");
  }
  if (z.stride != 0 && z.stride < z.columns) {
    return invalid_argument("stride is " + std::to_string(z.stride) + ", less than the columns, " +
                            std::to_string(z.columns));
  }
  const auto wrong = [](const std::string& what, std::int64_t cap) {
    return invalid_argument(what + " is " + std::to_string(cap) + "; a cap is 0 or more, or -1 for none");
  };
  if (caps.total < -1) return wrong("total", caps.total);
  if (caps.per_row < -1) return wrong("per_row", caps.per_row);
  if (caps.per_column < -1) return wrong("per_column", caps.per_column);
  if ((!caps.row_caps.empty() && caps.row_caps.size() != z.rows) ||
      (!caps.column_caps.empty() && caps.column_caps.size() != z.columns)) {
    return invalid_argument("there are " + std::to_string(caps.row_caps.size()) + " row caps and " +
                            std::to_string(caps.column_caps.size()) + " column caps for a matrix of " +
                            std::to_string(z.rows) + " x " + std::to_string(z.columns));
  }
  for (std::size_t i = 0; i < caps.row_caps.size(); ++i) {
    if (caps.row_caps[i] < 0) return wrong("cap of row " + std::to_string(i), caps.row_caps[i]);
  }
  for (std::size_t j = 0; j < caps.column_caps.size(); ++j) {
    if (caps.column_caps[j] < 0) return wrong("cap of column " + std::to_string(j), caps.column_caps[j]);
  }
  for (std::size_t i = 0; i < z.rows; ++i) {
    const float* row = z.row(i);
    for (std::size_t j = 0; j < z.columns; ++j) {
      if (!std::isfinite(row[j])) {
        return invalid_argument("row " + std::to_string(i) + ", column " + std::to_string(j) + ": affinity is " +
                                to_text(row[j]) + "; it must be finite");
      }
    }
  }
  return {};
}

// Pairs that survive the caps of one side: of the rows, or of the columns, or all that are positive. With a cap in all,
// a buffer of twice that many is cut back whenever it is full, so that memory follows the answer and not the matrix.
std::vector<Pair> candidates(const AffinityView& z, const Caps& caps, bool negatives) {
  std::vector<Pair> pairs;
  const auto wanted = [&](float x) { return negatives || x > 0; };
  if (caps.columns() && !caps.rows()) {
    std::vector<std::vector<Pair>> best(z.columns);
    for (std::size_t i = 0; i < z.rows; ++i) {
      const float* row = z.row(i);
      for (std::size_t j = 0; j < z.columns; ++j) {
        if (!wanted(row[j])) continue;
        best[j].push_back({row[j], static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j)});
        if (best[j].size() > 2 * static_cast<std::size_t>(caps.column(j)) + 16) keep_best(best[j], 0, caps.column(j));
      }
    }
    for (std::size_t j = 0; j < z.columns; ++j) {
      keep_best(best[j], 0, caps.column(j));
      pairs.insert(pairs.end(), best[j].begin(), best[j].end());
    }
    return pairs;
  }
  const std::int64_t total = caps.rows() && caps.columns() ? -1 : caps.caps.total;
  for (std::size_t i = 0; i < z.rows; ++i) {
    const std::size_t from = pairs.size();
    const float* row = z.row(i);
    for (std::size_t j = 0; j < z.columns; ++j) {
      if (wanted(row[j])) pairs.push_back({row[j], static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j)});
    }
    if (caps.rows() && !caps.columns()) keep_best(pairs, from, caps.row(i));
    if (total >= 0 && pairs.size() > 2 * static_cast<std::size_t>(total) + 4096) keep_best(pairs, 0, total);
  }
  return pairs;
}

// Both sides capped, few pairs: the constraint matrix is that of a network, so the program's vertex is whole.
Result<std::vector<Pair>> match_by_program(const std::vector<Pair>& pairs, const AffinityView& z, const Caps& caps) {
  LinearProgram lp;
  lp.start.push_back(0);
  const bool total = caps.caps.total >= 0;
  for (const Pair& p : pairs) {
    lp.objective.push_back(p.z);
    lp.upper.push_back(1);
    lp.row.push_back(static_cast<int>(p.row));
    lp.row.push_back(static_cast<int>(z.rows + p.column));
    if (total) lp.row.push_back(static_cast<int>(z.rows + z.columns));
    lp.element.resize(lp.row.size(), 1.0);
    lp.start.push_back(static_cast<int>(lp.row.size()));
  }
  for (std::size_t i = 0; i < z.rows; ++i) lp.row_upper.push_back(static_cast<double>(caps.row(i)));
  for (std::size_t j = 0; j < z.columns; ++j) lp.row_upper.push_back(static_cast<double>(caps.column(j)));
  if (total) lp.row_upper.push_back(static_cast<double>(caps.caps.total));
  auto solved = maximise(lp);
  if (!solved) return tl::unexpected(solved.error());
  std::vector<Pair> taken;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    if (solved->x[k] > .5) taken.push_back(pairs[k]);
  }
  return taken;
}

std::vector<Pair> match_greedily(std::vector<Pair> pairs, const AffinityView& z, const Caps& caps) {
  std::ranges::sort(pairs, before);
  std::vector<std::int64_t> rows(z.rows), columns(z.columns);
  std::vector<Pair> taken;
  for (const Pair& p : pairs) {
    if (caps.caps.total >= 0 && std::ssize(taken) >= caps.caps.total) break;
    if (rows[p.row] >= caps.row(p.row) || columns[p.column] >= caps.column(p.column)) continue;
    ++rows[p.row];
    ++columns[p.column];
    taken.push_back(p);
  }
  return taken;
}

// sum max(0, z - u_i - w_j - t) + sum u_i cap_i + sum w_j cap_j + t total bounds every matching for u, w, t >= 0. Each
// sweep sets every price in turn to its best given the others: the (cap + 1)-th largest of what is left of its pairs.
double price_bound(std::vector<Pair> pairs, const AffinityView& z, const Caps& caps) {
  constexpr int kSweeps = 20;
  std::vector<float> u(z.rows), w(z.columns), left;
  float t = 0;
  const auto best_price = [&](std::int64_t cap) -> float {
    if (cap < 0 || std::ssize(left) <= cap) return 0;
    std::nth_element(left.begin(), left.begin() + cap, left.end(), std::greater{});
    return std::max(0.0F, left[static_cast<std::size_t>(cap)]);
  };
  const auto sweep = [&](auto key, std::vector<float>& own, const std::vector<float>& other, auto other_key, auto cap) {
    std::ranges::sort(pairs, {}, key);
    for (std::size_t k = 0; k < pairs.size();) {
      const std::uint32_t id = key(pairs[k]);
      left.clear();
      for (; k < pairs.size() && key(pairs[k]) == id; ++k) left.push_back(pairs[k].z - other[other_key(pairs[k])] - t);
      own[id] = best_price(cap(id));
    }
  };
  const auto row = [](const Pair& p) { return p.row; };
  const auto column = [](const Pair& p) { return p.column; };
  double least = std::numeric_limits<double>::infinity();
  for (int s = 0; s < kSweeps; ++s) {
    sweep(row, u, w, column, [&](std::uint32_t i) { return caps.row(i); });
    sweep(column, w, u, row, [&](std::uint32_t j) { return caps.column(j); });
    left.clear();
    for (const Pair& p : pairs) left.push_back(p.z - u[p.row] - w[p.column]);
    t = best_price(caps.caps.total);
    double bound = t * static_cast<double>(std::max<std::int64_t>(caps.caps.total, 0));
    for (const Pair& p : pairs) bound += std::max(0.0, static_cast<double>(p.z) - u[p.row] - w[p.column] - t);
    for (std::size_t i = 0; i < z.rows; ++i) bound += u[i] * static_cast<double>(caps.row(i));
    for (std::size_t j = 0; j < z.columns; ++j) bound += w[j] * static_cast<double>(caps.column(j));
    least = std::min(least, bound);
  }
  return least;
}

MatchResult report(std::vector<Pair> taken, const AffinityView& z) {
  constexpr float kNone = std::numeric_limits<float>::infinity();
  std::ranges::sort(taken,
                    [](const Pair& a, const Pair& b) { return a.row != b.row ? a.row < b.row : a.column < b.column; });
  MatchResult r{.first = {0},
                .row_threshold = std::vector<float>(z.rows, kNone),
                .column_threshold = std::vector<float>(z.columns, kNone)};
  r.threshold = taken.empty() ? 0.0F : kNone;
  std::size_t m = 0;
  for (std::size_t i = 0; i < z.rows; ++i) {
    for (; m < taken.size() && taken[m].row == i; ++m) {
      const Pair& p = taken[m];
      r.column.push_back(p.column);
      r.value += p.z;
      r.threshold = std::min(r.threshold, p.z);
      r.row_threshold[i] = std::min(r.row_threshold[i], p.z);
      r.column_threshold[p.column] = std::min(r.column_threshold[p.column], p.z);
    }
    r.first.push_back(m);
  }
  r.bound = r.value;
  return r;
}

}  // namespace

Result<MatchResult> sparse_match(const AffinityView& affinity, const MatchCaps& asked, const MatchOptions& options) {
  if (auto ok = check(affinity, asked); !ok) return tl::unexpected(ok.error());
  const Caps caps{asked};
  // Pairs worth nothing are never needed to fill a cap with both sides limited: there is no minimum.
  const bool both = caps.rows() && caps.columns();
  std::vector<Pair> pairs = candidates(affinity, caps, options.allow_negative && !both);
  if (!both) {
    keep_best(pairs, 0, asked.total);
    return report(std::move(pairs), affinity);
  }
  if (pairs.size() <= options.max_lp_pairs) {
    auto taken = match_by_program(pairs, affinity, caps);
    if (!taken) return tl::unexpected(taken.error());
    return report(std::move(*taken), affinity);
  }
  MatchResult r = report(match_greedily(pairs, affinity, caps), affinity);
  r.bound = std::max(r.value, price_bound(std::move(pairs), affinity, caps));
  r.stop = relative_gap(r.value, r.bound) <= 1e-9 ? StopReason::kWithinGap : StopReason::kLimit;
  return r;
}

}  // namespace bursar::allocate
