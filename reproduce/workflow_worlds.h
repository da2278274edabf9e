// Workflows drawn as the measured templates of systems/mcpp are, and arms that are played on them.
#pragma once

#include <string>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/plan/workflow/simulated_run.h"
#include "bursar/plan/workflow/task_templates.h"

namespace bursar::reproduce {

struct WorkflowShape {
  std::size_t nodes = 10, layers = 4;
  bool three_models = false;                                   // a small and a large one beside the first
  const std::vector<plan::TaskTemplate>* templates = nullptr;  // one model, drawn from these instead of their fit
};

// Layers of random sizes; an edge to each subtask of the layer before with probability .5, and at least one.
[[nodiscard]] plan::Workflow draw_workflow(const WorkflowShape& shape, RandomStream random);

// Budget and deadline as multiples of the scales of the first model.
struct WorkflowCell {
  double budget = .6, deadline = .7;
};
[[nodiscard]] plan::WorkflowBudget budget_of(const plan::Workflow& workflow, const WorkflowCell& cell);

}  // namespace bursar::reproduce
