#include "reproduce/workflow_worlds.h"

#include <array>
#include <cmath>
#include <stdexcept>

namespace bursar::reproduce {
namespace {

// Coefficients of the sheet [derived]: log-odds of success, log latency in seconds and log tokens hang together.
constexpr double kUsdPerToken = .42e-6;

std::vector<plan::Option> draw_options(bool three_models, RandomStream& random) {
  struct Model {
    const char* name;
    double latency, cost, logit;
  };
  constexpr std::array kModels{Model{"middle", 1, 1, 0}, Model{"small", .55, .45, -.9}, Model{"large", 2.2, 4.5, 1.3}};
  const double z1 = random.normal(), z2 = random.normal(), z3 = random.normal(), z4 = random.normal();
  const double logit = .132 + .913 * z1, slow = -.916 * z1 + .401 * z2;
  const double seconds = std::exp(1.750 + .817 * slow), tokens = std::exp(7.527 + .787 * (.958 * slow + .287 * z3));
  const double cv = std::exp(-.98 + .25 * z4);
  std::vector<plan::Option> out;
  for (const Model& model : kModels) {
    out.push_back({.model = model.name,
                   .p = 1 / (1 + std::exp(-logit - model.logit)),
                   .latency = {.mean_ms = 1000 * seconds * model.latency, .cv = cv},
                   .cost = {.usd = kUsdPerToken * tokens * model.cost, .tokens = tokens}});
    if (!three_models) break;
  }
  return out;
}

}  // namespace

plan::Workflow draw_workflow(const WorkflowShape& shape, RandomStream random) {
  std::vector<std::size_t> sizes(shape.layers, 1);
  for (std::size_t i = shape.layers; i < shape.nodes; ++i) ++sizes[random.uniform_int(std::uint64_t{shape.layers})];
  std::vector<plan::Subtask> tasks;
  std::size_t above = 0;  // where the layer before begins
  for (std::size_t l = 0; l < shape.layers; ++l) {
    const std::size_t begin = tasks.size();
    for (std::size_t i = 0; i < sizes[l]; ++i) {
      plan::Subtask task{.id = std::to_string(tasks.size())};
      for (std::size_t parent = above; parent < begin; ++parent) {
        if (random.bernoulli(.5)) task.parents.push_back(parent);
      }
      if (task.parents.empty() && l > 0)
        task.parents.push_back(above + random.uniform_int(std::uint64_t{begin - above}));
      if (shape.templates != nullptr) {
        const auto& measured = (*shape.templates)[random.uniform_int(std::uint64_t{shape.templates->size()})];
        task.options = {plan::option_of(measured, "middle", kUsdPerToken)};
      } else {
        task.options = draw_options(shape.three_models, random);
      }
      tasks.push_back(std::move(task));
    }
    above = begin;
  }
  auto workflow = plan::Workflow::make(std::move(tasks));
  if (!workflow) throw std::logic_error(workflow.error().message);
  return std::move(*workflow);
}

plan::WorkflowBudget budget_of(const plan::Workflow& workflow, const WorkflowCell& cell) {
  return {.usd = cell.budget * plan::budget_scale_usd(workflow),
          .ms = cell.deadline * plan::deadline_scale_ms(workflow)};
}

}  // namespace bursar::reproduce
