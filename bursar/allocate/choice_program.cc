#include "bursar/allocate/choice_program.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>

#include "bursar/allocate/choice_relaxation.h"

namespace bursar::allocate::detail {
namespace {

constexpr double kUnreachable = -std::numeric_limits<double>::infinity();
constexpr double kExactInteger = 0x1.0p53;

struct Scale {
  std::vector<double> least;  // [items] cost of the cheapest allowed option
  double total_least = 0;
  std::uint64_t step = 1;
  std::uint64_t capacity = 0;  // (budget - total_least) / step, at most what the dearest options need
  std::uint64_t dearest = 0;   // (sum of the dearest - total_least) / step
};

std::optional<std::size_t> first_fraction(const ChoiceTable& table) {
  for (std::size_t o = 0; o < table.cost.size(); ++o) {
    if (table.allowed(o) && (table.cost[o] != std::floor(table.cost[o]) || std::abs(table.cost[o]) >= kExactInteger)) {
      return o;
    }
  }
  return std::nullopt;
}

// Costs must be integers. nullopt: the budget is below the cheapest answer.
std::optional<Scale> measure(const ChoiceTable& table, double budget) {
  Scale s;
  std::uint64_t step = 0;
  double dearest_total = 0;
  for (std::size_t i = 0; i < table.items(); ++i) {
    double least = std::numeric_limits<double>::infinity(), most = -least;
    for (std::size_t o = table.begin(i); o < table.end(i); ++o) {
      if (!table.allowed(o)) continue;
      least = std::min(least, table.cost[o]);
      most = std::max(most, table.cost[o]);
    }
    for (std::size_t o = table.begin(i); o < table.end(i) && step != 1; ++o) {
      if (table.allowed(o)) step = std::gcd(step, static_cast<std::uint64_t>(table.cost[o] - least));
    }
    s.least.push_back(least);
    s.total_least += least;
    dearest_total += most - least;
  }
  const double left = std::floor(budget) - s.total_least;
  if (left < 0) return std::nullopt;
  s.step = std::max<std::uint64_t>(step, 1);
  s.dearest = static_cast<std::uint64_t>(dearest_total) / s.step;
  s.capacity = static_cast<std::uint64_t>(std::min(left, dearest_total)) / s.step;
  return s;
}

// best[b] = max over options; `pick` remembers which. Both rows are [0, capacity].
template <class Pick>
void take_item(const ChoiceTable& table, std::size_t item, const Scale& scale, std::uint64_t reach,
               const std::vector<double>& before, std::vector<double>& best, Pick* pick) {
  std::ranges::fill(best, kUnreachable);
  for (std::size_t o = table.begin(item); o < table.end(item); ++o) {
    if (!table.allowed(o)) continue;
    const auto cost = static_cast<std::uint64_t>(table.cost[o] - scale.least[item]) / scale.step;
    if (cost > scale.capacity) continue;
    const std::size_t n = std::min(scale.capacity - cost, reach) + 1;
    const double value = table.value[o];
    const auto k = static_cast<Pick>(o - table.begin(item));
    const double* from = before.data();
    double* to = best.data() + cost;
    Pick* mark = pick + cost;
    for (std::size_t b = 0; b < n; ++b) {
      const double candidate = from[b] + value;
      const bool better = candidate > to[b];
      to[b] = better ? candidate : to[b];
      mark[b] = better ? k : mark[b];
    }
  }
}

// The total to end at, for the sense asked for.
Result<std::uint64_t> target(const std::vector<double>& best, const Scale& scale, double budget, ChoiceSense sense) {
  const auto reachable = [&](std::uint64_t b) { return best[b] != kUnreachable; };
  if (sense == ChoiceSense::kAtMost) {
    return static_cast<std::uint64_t>(std::ranges::max_element(best) - best.begin());
  }
  std::uint64_t b = scale.capacity;
  while (!reachable(b)) --b;  // the cheapest total, 0, always is
  const double total = scale.total_least + static_cast<double>(b * scale.step);
  if (sense == ChoiceSense::kExactly && total != budget) {
    return fail(ErrorCode::kInfeasible, "no choice costs exactly " + to_text(budget) +
                                            "; the largest total below it is " + to_text(total) +
                                            ": ask for that, or for the largest reachable total");
  }
  return b;
}

template <class Pick>
Result<ChoiceResult> run(const ChoiceTable& table, double budget, const ChoiceOptions& options, const Scale& scale) {
  const std::size_t items = table.items();
  const std::size_t row = scale.capacity + 1;
  std::vector<Pick> picks(items * row);
  std::vector<double> before(row, kUnreachable), best(row);
  before[0] = 0;
  std::uint64_t reach = 0;
  for (std::size_t i = 0; i < items; ++i) {
    if (options.stop && options.stop()) {
      return fail(ErrorCode::kCancelled,
                  "the program was stopped at item " + std::to_string(i) + " of " + std::to_string(items) +
                      "; it has no answer before the last",
                  true);
    }
    take_item(table, i, scale, reach, before, best, picks.data() + i * row);
    double most = 0;
    for (std::size_t o = table.begin(i); o < table.end(i); ++o) {
      if (table.allowed(o)) most = std::max(most, table.cost[o] - scale.least[i]);
    }
    reach = std::min(scale.capacity, reach + static_cast<std::uint64_t>(most) / scale.step);
    before.swap(best);
  }
  auto end = target(before, scale, budget, options.sense);
  if (!end) return tl::unexpected(end.error());
  ChoiceResult r{.choice = std::vector<std::uint32_t>(items), .method = ChoiceMethod::kDynamicProgram};
  std::uint64_t b = *end;
  for (std::size_t i = items; i-- > 0;) {
    const Pick k = picks[i * row + b];
    r.choice[i] = static_cast<std::uint32_t>(k);
    b -= static_cast<std::uint64_t>(table.cost[table.begin(i) + k] - scale.least[i]) / scale.step;
  }
  r.states = static_cast<std::uint64_t>(items) * row;
  r.passes = 2;
  return r;
}

}  // namespace

double program_cells(const ChoiceTable& table, double budget) {
  if (first_fraction(table)) return 0;
  const auto scale = measure(table, budget);
  return scale ? static_cast<double>(table.items()) * (static_cast<double>(scale->capacity) + 1) : 0;
}

Result<ChoiceResult> solve_program(const ChoiceTable& table, double budget, const ChoiceOptions& options) {
  if (const auto o = first_fraction(table)) {
    const std::size_t item =
        table.first.empty()
            ? *o / table.width
            : static_cast<std::size_t>(std::ranges::upper_bound(table.first, *o) - table.first.begin()) - 1;
    return invalid_argument("item " + std::to_string(item) + ", option " + std::to_string(*o - table.begin(item)) +
                            ": cost is " + to_text(table.cost[*o]) +
                            "; the program needs integers: scale the costs, or choose the core");
  }
  const auto scale = measure(table, budget);
  if (!scale) return below_minimum(table, budget);
  if (options.sense == ChoiceSense::kExactly &&
      scale->total_least + static_cast<double>(scale->dearest * scale->step) < budget) {
    return fail(ErrorCode::kInfeasible,
                "the dearest options together cost " +
                    to_text(scale->total_least + static_cast<double>(scale->dearest * scale->step)) + " and exactly " +
                    to_text(budget) + " was asked for; lower the budget or ask for at most that");
  }
  const double cells = static_cast<double>(table.items()) * (static_cast<double>(scale->capacity) + 1);
  if (cells > static_cast<double>(options.max_cells)) {
    return fail(ErrorCode::kExhausted, "the program needs " + to_text(cells) + " cells and max_cells is " +
                                           std::to_string(options.max_cells) +
                                           "; raise it, count costs in larger units, or choose the core");
  }
  std::size_t widest = 0;
  for (std::size_t i = 0; i < table.items(); ++i) widest = std::max(widest, table.end(i) - table.begin(i));
  if (widest <= 256) return run<std::uint8_t>(table, budget, options, *scale);
  if (widest <= 65536) return run<std::uint16_t>(table, budget, options, *scale);
  return run<std::uint32_t>(table, budget, options, *scale);
}

}  // namespace bursar::allocate::detail
