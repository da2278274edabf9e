// Small workflows for the tests of this folder.
#pragma once

#include <stdexcept>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/plan/workflow/workflow.h"

namespace bursar::plan {

inline Workflow must_make(std::vector<Subtask> tasks) {
  auto out = Workflow::make(std::move(tasks));
  if (!out) throw std::logic_error(out.error().message);
  return std::move(*out);
}

// A diamond: 0, then 1 and 2, then 3; every sample costs .001 usd and 100 tokens.
inline Workflow diamond(double p, double cv = 0) {
  std::vector<Subtask> tasks;
  for (std::size_t v = 0; v < 4; ++v)
    tasks.push_back({.id = std::string(1, static_cast<char>('a' + v)),
                     .options = {{.model = "m",
                                  .p = p,
                                  .latency = {.mean_ms = 1000 * static_cast<double>(v + 1), .cv = cv},
                                  .cost = {.usd = .001, .tokens = 100}}}});
  tasks[1].parents = {0};
  tasks[2].parents = {0};
  tasks[3].parents = {1, 2};
  return must_make(std::move(tasks));
}

// Edges from earlier to later subtasks at random; one or two models.
inline Workflow random_workflow(std::size_t nodes, RandomStream random) {
  std::vector<Subtask> tasks;
  for (std::size_t v = 0; v < nodes; ++v) {
    Subtask task{.id = std::to_string(v)};
    for (std::size_t parent = 0; parent < v; ++parent) {
      if (random.bernoulli(.4)) task.parents.push_back(parent);
    }
    const std::size_t models = 1 + random.uniform_int(std::uint64_t{2});
    for (std::size_t m = 0; m < models; ++m)
      task.options.push_back({.model = m == 0 ? "small" : "large",
                              .p = random.uniform(.3, .95),
                              .latency = {.mean_ms = random.uniform(500, 3000), .cv = random.uniform(0, .8)},
                              .cost = {.usd = random.uniform(.001, .01), .tokens = random.uniform(50, 500)}});
    tasks.push_back(std::move(task));
  }
  return must_make(std::move(tasks));
}

}  // namespace bursar::plan
