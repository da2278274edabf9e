// CBC and GLPK on the same instance, through their C libraries, with their default settings and gap 0.
#pragma once

#include "bench/allocate/instances.h"
#include "bench/allocate/measure.h"

namespace bursar::bench {

[[nodiscard]] bool have_cbc();
[[nodiscard]] bool have_glpk();

// width options an item, exactly one of each; a knapsack is passed with width 0 (items are in or out).
Answer solve_by_cbc(const std::vector<double>& value, const std::vector<double>& cost, std::size_t width, double budget,
                    double limit_s);
Answer solve_by_glpk(const std::vector<double>& value, const std::vector<double>& cost, std::size_t width,
                     double budget, double limit_s);

}  // namespace bursar::bench
