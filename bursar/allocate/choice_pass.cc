#include "bursar/allocate/choice_pass.h"

#include <algorithm>
#include <cmath>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define BURSAR_WIDE __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define BURSAR_WIDE
#endif

namespace bursar::allocate::detail {
namespace {

constexpr double kForbidden = -std::numeric_limits<double>::infinity();

BURSAR_WIDE void subtract_priced(const double* value, const double* cost, double price, std::size_t n, double* worth) {
  for (std::size_t k = 0; k < n; ++k) worth[k] = value[k] - price * cost[k];
}

BURSAR_WIDE bool any_bad(const double* x, std::size_t n) {
  std::uint64_t bad = 0;
  for (std::size_t k = 0; k < n; ++k) bad |= static_cast<std::uint64_t>(!(std::abs(x[k]) <= kLargestNumber));
  return bad != 0;
}

// Conditional moves, not jumps: which option wins is as good as random to the branch predictor.
void first_largest(const double* worth, std::size_t items, std::size_t width, std::uint32_t* choice) {
  for (std::size_t i = 0; i < items; ++i, worth += width) {
    double best = worth[0];
    std::uint32_t at = 0;
    for (std::size_t k = 1; k < width; ++k) {
      const bool better = worth[k] > best;
      best = better ? worth[k] : best;
      at = better ? static_cast<std::uint32_t>(k) : at;
    }
    choice[i] = at;
  }
}

BURSAR_WIDE void count_above(const double* worth, std::size_t items, std::size_t width, double slack,
                             std::uint32_t* counts) {
  for (std::size_t i = 0; i < items; ++i, worth += width) {
    double best = worth[0];
    for (std::size_t k = 1; k < width; ++k) best = worth[k] > best ? worth[k] : best;
    const double least = best - slack;
    std::uint32_t n = 0;
    for (std::size_t k = 0; k < width; ++k) n += worth[k] > least ? 1U : 0U;
    counts[i] = n;
  }
}

}  // namespace

void ChoicePass::penalise(std::size_t from, std::size_t to, double price) {
  const std::size_t begin = table_.begin(from);
  const std::size_t n = table_.begin(to) - begin;
  if (worth_.size() < n) worth_.resize(n);
  subtract_priced(table_.value.data() + begin, table_.cost.data() + begin, price, n, worth_.data());
  if (table_.forbidden.empty()) return;
  for (std::size_t k = 0; k < n; ++k) {
    if (table_.forbidden[begin + k] != 0) worth_[k] = kForbidden;
  }
}

void ChoicePass::choose(std::size_t from, std::size_t to, double price, std::uint32_t* choice) {
  penalise(from, to, price);
  if (table_.first.empty()) {
    first_largest(worth_.data(), to - from, table_.width, choice);
  } else {
    const std::size_t begin = table_.begin(from);
    for (std::size_t i = from; i < to; ++i) {
      first_largest(worth_.data() + (table_.begin(i) - begin), 1, table_.end(i) - table_.begin(i), choice + (i - from));
    }
  }
  if (table_.forbidden.empty()) return;
  for (std::size_t i = from; i < to; ++i) {
    if (!table_.allowed(table_.begin(i) + choice[i - from])) choice[i - from] = kNone;
  }
}

std::optional<std::size_t> ChoicePass::bad_number(std::size_t from, std::size_t to) const {
  const std::size_t begin = table_.begin(from);
  const std::size_t n = table_.begin(to) - begin;
  if (!any_bad(table_.value.data() + begin, n) && !any_bad(table_.cost.data() + begin, n)) return std::nullopt;
  for (std::size_t o = begin; o < begin + n; ++o) {
    if (!(std::abs(table_.value[o]) <= kLargestNumber) || !(std::abs(table_.cost[o]) <= kLargestNumber)) return o;
  }
  return std::nullopt;
}

void ChoicePass::count_close(std::size_t from, std::size_t to, double price, double slack, std::uint32_t* counts) {
  penalise(from, to, price);
  if (table_.first.empty()) {
    count_above(worth_.data(), to - from, table_.width, slack, counts);
    return;
  }
  const std::size_t begin = table_.begin(from);
  for (std::size_t i = from; i < to; ++i) {
    count_above(worth_.data() + (table_.begin(i) - begin), 1, table_.end(i) - table_.begin(i), slack,
                counts + (i - from));
  }
}

}  // namespace bursar::allocate::detail
