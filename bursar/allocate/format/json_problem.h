// A problem as a JSON document: what `bursar allocate problem.json` and POST /v1/allocate read.
//
//   {"budget": 8, "minimise": true, "items": [
//     {"name": "conv1", "options": [{"name": "2 bit", "value": 9, "cost": 2}, {"value": 4, "cost": 4}]},
//     {"name": "head",  "options": [{"value": 3, "cost": 2}, {"value": 2.4, "cost": 4, "forbidden": true}]}]}
//
// An item has `options`, of which it takes one; or `value` and `cost`, and is in or out (knapsack), up to `copies`
// times. Further members of an item: `group`, and `minimum`, the least cost of it in the first resource. Several
// resources: "budget": {"usd": 5, "hours": 3} and "cost": {"usd": 1, "hours": 0} (0 stands for nothing of each).
// "groups" maps groups to their caps: {"north": 100, "south": null}, null for none. Many numbers are shorter as a
// table, a row an item: {"value": [[0, 5], [0, 9]], "cost": [[0, 2], [0, 6]]}, with item_names, option_names (of all
// rows), group, minimum and forbidden beside them where wanted; "cost" may be an object of tables, one a resource. How
// to solve: "method" (auto, program, core, lagrangian, resources, groups), "sense" (at_most, exactly,
// largest_reachable), "gap" (relative, at most 1), "time_limit_s". "explain": items whose choice is to be explained.
// Errors (kInvalidArgument) name the place ("$.items[3].options[0].cost: is -2; it must be at least 0"): unknown keys,
// items or options that stand twice, rows of different lengths; kExhausted past a limit. Memory: the document.
#pragma once

#include <string_view>

#include "bursar/allocate/format/source.h"
#include "bursar/allocate/format/stated_problem.h"

namespace bursar::allocate {

[[nodiscard]] Result<StatedProblem> read_problem_json(std::string_view text, const ReadLimits& limits = {});

}  // namespace bursar::allocate
