#include "bursar/allocate/marginal_greedy.h"

#include <string>

#include "bursar/allocate/multiple_choice.h"

namespace bursar::allocate::detail {
namespace {

tl::unexpected<Error> floors_too_high(const UnitProblem& p, std::int64_t total) {
  std::size_t most = 0;
  for (std::size_t i = 1; i < p.items; ++i) {
    if (p.floor_of(i) > p.floor_of(most)) most = i;
  }
  return fail(ErrorCode::kInfeasible, "the floors need " + std::to_string(total) + " units and the budget is " +
                                          std::to_string(p.budget) + ": " + std::to_string(total - p.budget) +
                                          " short; the largest floor is " + std::to_string(p.floor_of(most)) +
                                          " of item " + std::to_string(most) + "; lower floors or raise the budget");
}

// The most units above its floor that an item can hold within the budget.
std::vector<std::int64_t> rooms(const UnitProblem& p) {
  std::int64_t left = p.budget;
  for (std::size_t i = 0; i < p.items; ++i) left -= p.floor_of(i);
  std::vector<std::int64_t> room(p.items);
  for (std::size_t i = 0; i < p.items; ++i) room[i] = std::min(left, p.ceiling_of(i) - p.floor_of(i));
  return room;
}

Result<void> check_cells(const std::vector<std::int64_t>& room, std::uint64_t max_cells) {
  std::uint64_t cells = 0;
  for (const std::int64_t r : room) {
    cells += static_cast<std::uint64_t>(r) + 1;
    if (cells > max_cells) {
      return fail(ErrorCode::kExhausted, "the curves have more than " + std::to_string(max_cells) +
                                             " units up to their ceilings; lower the ceilings or raise max_cells");
    }
  }
  return {};
}

}  // namespace

Result<void> check_units(const UnitProblem& p) {
  constexpr std::int64_t kMost = std::int64_t{1} << 50;
  if (p.budget < 0 || p.budget > kMost) {
    return invalid_argument("budget is " + std::to_string(p.budget) + "; it must be from 0 to 2^50");
  }
  if ((!p.floors.empty() && p.floors.size() != p.items) || (!p.ceilings.empty() && p.ceilings.size() != p.items)) {
    return invalid_argument("there are " + std::to_string(p.items) + " items, " + std::to_string(p.floors.size()) +
                            " floors and " + std::to_string(p.ceilings.size()) +
                            " ceilings; give one of each per item or none");
  }
  std::int64_t total = 0;
  for (std::size_t i = 0; i < p.items; ++i) {
    const std::int64_t floor = p.floor_of(i), ceiling = p.ceiling_of(i);
    if (floor < 0 || floor > ceiling || floor > kMost) {
      return invalid_argument("item " + std::to_string(i) + ": floor " + std::to_string(floor) + " and ceiling " +
                              std::to_string(ceiling) + " must satisfy 0 <= floor <= ceiling");
    }
    if (__builtin_add_overflow(total, floor, &total)) return invalid_argument("the floors do not fit 64 bits");
  }
  if (total > p.budget) return floors_too_high(p, total);
  return {};
}

tl::unexpected<Error> bad_gain(std::size_t item, std::int64_t unit, double gain) {
  return invalid_argument("gain(" + std::to_string(item) + ", " + std::to_string(unit) + ") is " + to_text(gain) +
                          "; gains must be finite");
}

Result<std::optional<GrowingGain>> look_for_growth(const UnitProblem& problem,
                                                   const std::function<double(std::size_t, std::int64_t)>& gain,
                                                   std::uint64_t max_cells) {
  const auto room = rooms(problem);
  if (auto ok = check_cells(room, max_cells); !ok) return tl::unexpected(ok.error());
  for (std::size_t i = 0; i < problem.items; ++i) {
    double last = std::numeric_limits<double>::infinity();
    for (std::int64_t n = problem.floor_of(i); n < problem.floor_of(i) + room[i]; ++n) {
      const double next = gain(i, n);
      if (!std::isfinite(next)) return bad_gain(i, n, next);
      if (next > last) return GrowingGain{i, n};
      last = next;
    }
  }
  return std::nullopt;
}

Result<UnitSplit> split_by_table(const UnitProblem& problem,
                                 const std::function<double(std::size_t, std::int64_t)>& gain,
                                 const UnitOptions& options, GrowingGain first_growth) {
  const auto room = rooms(problem);
  if (auto ok = check_cells(room, options.max_cells); !ok) return tl::unexpected(ok.error());
  std::vector<double> value, cost;
  std::vector<std::uint64_t> first{0};
  std::int64_t left = problem.budget;
  for (std::size_t i = 0; i < problem.items; ++i) {
    const std::int64_t floor = problem.floor_of(i);
    left -= floor;
    double total = 0;
    for (std::int64_t n = 0; n <= room[i]; ++n) {
      value.push_back(total);
      cost.push_back(static_cast<double>(n));
      if (n == room[i]) break;
      const double next = gain(i, floor + n);
      if (!std::isfinite(next)) return bad_gain(i, floor + n, next);
      total += next;
    }
    first.push_back(value.size());
  }
  const auto r = multiple_choice(
      {.value = value, .cost = cost, .first = first}, static_cast<double>(left),
      {.method = options.when_gains_grow == Growth::kHull ? ChoiceMethod::kLagrangian : ChoiceMethod::kAutomatic,
       .relative_gap = 0,
       .max_cells = options.max_cells});
  if (!r) return tl::unexpected(r.error());
  UnitSplit split{.gained = r->value, .bound = r->bound, .next_gain = r->price, .grows = first_growth, .stop = r->stop};
  for (std::size_t i = 0; i < problem.items; ++i) {
    split.units.push_back(problem.floor_of(i) + static_cast<std::int64_t>(r->choice[i]));
    split.spent += split.units.back();
  }
  return split;
}

}  // namespace bursar::allocate::detail
