// Water-filling: splits a divisible budget over concave curves so that one more unit is worth the same everywhere.
//
//   // Tokens over three sub-questions whose uncertainty falls as c / b^a (systems/plan-and-budget).
//   std::vector<WaterItem> items{{PowerCurve{5, .5}}, {PowerCurve{20, 1}}, {PowerCurve{60, 2}}};
//   auto r = water_filling(items, 300);   // amounts {141.06, 115.77, 43.16}
//   auto u = water_filling_units(items, 300);  // whole tokens, optimal among whole splits
//
// Maximises  sum_i f_i(x_i)  subject to  sum_i q_i x_i <= B,  floor_i <= x_i <= ceiling_i,  f_i concave and rising.
// Choose it when amounts are continuous and every curve has diminishing returns. For whole units use
// water_filling_units, or marginal_greedy.h where the gains are given unit by unit; for curves with a threshold or an S
// shape use multiple_choice.h on their tabulated values.
//
// At the optimum f_i'(x_i) = p q_i wherever x_i lies inside its bounds: p is the price of the budget, found by
// budget_price.h. Bound: the dual value sum_i max_x [f_i(x) - p q_i x] + p B. O(items) a probe, about 30 probes.
// Source: systems/plan-and-budget (power), systems/duet (PowerCurve{s^2, 1} with cost L gives cost-weighted Neyman).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <variant>
#include <vector>

#include "bursar/allocate/marginal_greedy.h"
#include "bursar/allocate/solve.h"

namespace bursar::allocate {

struct PowerCurve {  // f(x) = -c x^-a: uncertainty that falls as a power; -inf at 0
  double c = 1;      // > 0
  double a = 1;      // > 0
};
struct LogCurve {  // f(x) = w log(1 + x / s)
  double w = 1;    // >= 0
  double s = 1;    // > 0, unit of x
};
struct SaturatingCurve {  // f(x) = w (1 - exp(-x / tau))
  double w = 1;           // >= 0
  double tau = 1;         // > 0, unit of x
};
struct UserCurve {
  std::function<double(double)> value;  // concave and finite for x > floor
  std::function<double(double)> slope;  // its derivative: >= 0, not rising; may be infinite at the floor
};
using Curve = std::variant<PowerCurve, LogCurve, SaturatingCurve, UserCurve>;

[[nodiscard]] double value_of(const Curve& curve, double amount);
[[nodiscard]] double slope_of(const Curve& curve, double amount);

struct WaterItem {
  Curve curve;
  double floor = 0;  // >= 0
  double ceiling = std::numeric_limits<double>::infinity();
  double cost = 1;  // q > 0: budget per unit of amount
};

struct WaterFilling {
  std::vector<double> amounts;  // [items]
  double value = 0;             // sum f_i
  double spent = 0;             // sum q_i x_i; the budget unless every item is at its ceiling or worthless beyond
  double bound = 0;             // no split is worth more
  double price = 0;             // value of one more unit of budget
  StopReason stop = StopReason::kOptimal;
  int probes = 0;
};

// Errors: kInvalidArgument naming the item and parameter for numbers out of range and for a user curve whose slope is
// not a number or seen to rise; kInfeasible where the floors exceed the budget.
[[nodiscard]] Result<WaterFilling> water_filling(std::span<const WaterItem> items, double budget);

// Whole units (every cost must be 1; bounds are rounded inwards; a PowerCurve needs at least one unit). Starts from the
// rounded-down continuous split and moves units while a move gains: optimal, because the values are separable and
// concave. O(items log items). To round by largest remainder instead, pass amounts to core's apportion().
[[nodiscard]] Result<UnitSplit> water_filling_units(std::span<const WaterItem> items, std::int64_t budget);

// The power curves alone, as systems/plan-and-budget states them: least sum c_i / b_i^a_i with sum b_i = B.
[[nodiscard]] Result<std::vector<double>> waterfill_power(std::span<const double> c, std::span<const double> a,
                                                          double budget);

}  // namespace bursar::allocate
