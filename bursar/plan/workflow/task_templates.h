// Measured task templates: how often one sample of a task succeeds, how long it takes and how many tokens it writes.
//
//   auto templates = read_task_templates(text);       // success_prob,lat_mean,lat_std,cost_mean: a row a task
//   Option option = option_of((*templates)[0], "qwen-4b", /*usd per token=*/.42e-6);
//
// The format is that of the data beside WangXinglin/MCPP: seconds, and cost in tokens. Source: systems/mcpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/plan/workflow/workflow.h"

namespace bursar::plan {

struct TaskTemplate {
  double success = 0;                                  // in [0, 1]
  double latency_mean_s = 0, latency_deviation_s = 0;  // > 0; >= 0
  double tokens = 0;                                   // >= 0
};

// Columns are found by their names, in any order; others are passed over. Errors: kInvalidArgument naming the line and
// the column: one that is missing, a number that is none or out of range, no rows. O(text).
[[nodiscard]] Result<std::vector<TaskTemplate>> read_task_templates(std::string_view csv);

[[nodiscard]] Option option_of(const TaskTemplate& measured, std::string model, double usd_per_token);

}  // namespace bursar::plan
