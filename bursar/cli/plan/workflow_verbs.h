// bursar plan workflow, bursar plan simulate: one decision for a workflow, and how policies fare on it.
//
//   bursar plan workflow essay.yaml --budget-usd .8 --deadline-s 300 --explain
//   bursar plan simulate essay.yaml --budget-usd .8 --deadline-s 300 --policy mcpp,seq:small:2,uniform --runs 2000
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "bursar/core/result.h"

namespace CLI {
class App;
}

namespace bursar::cli {

struct WorkflowWords {
  std::string file;
  std::optional<double> budget_usd, budget_tokens, deadline_s;  // at least one of them
  std::vector<int> samples{1, 2, 4, 8};
  double prior = 0;
  std::uint64_t seed = 1;
  bool cancel_on_success = false, published = false, explain = false, json = false;
  std::vector<std::string> policies{"mcpp"};
  std::int64_t runs = 1000;
};

void describe_workflow_verbs(CLI::App& app, WorkflowWords& words);
[[nodiscard]] Result<void> plan_workflow(const WorkflowWords& words, std::ostream& out);
[[nodiscard]] Result<void> simulate_workflow(const WorkflowWords& words, std::ostream& out);

}  // namespace bursar::cli
