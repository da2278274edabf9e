// The program `bursar-plan`, which `bursar plan` starts: budgets inside one job, before it runs.
//
//   bursar plan split --credits 20,80 --total 200 --decay cosine      // tokens for each sub-question
//   bursar plan steps "What is 3 + 4? Double it, then halve it." --level 3
//   bursar plan bound --p 0.3 --progress 3 --error 0.05               // steps that are enough
//   bursar plan org --budget 1e5 --rho .05 --beta .1 --kappa .05      // one agent, a star or a tree
//   bursar plan gate rows.jsonl --price 0.01                          // when to check a first answer: a threshold
//   bursar plan workflow essay.yaml --budget-usd .8 --deadline-s 300   // what of a workflow starts now
//   bursar plan simulate essay.yaml --deadline-s 300 --policy mcpp,seq:2
//   bursar plan compare bom sevra pets:samples=16 --questions 200      // strategies on a simulated model
//   bursar plan replay answer.json                                    // the same decisions again, from what was seen
//   bursar plan run essay.yaml --budget "0.80 usd, 300 s"             // a workflow, on a gateway's models
//
// Exit codes: 0 done; 1 the input is wrong; 2 the words on the command line are wrong; 3 a file cannot be read, or
// nobody answers; 4 a workflow ended before it was complete.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::cli {

struct PlanOutput {
  std::ostream& out;
  std::ostream& err;
};
// Runs one command line, without the program's name. Never throws.
[[nodiscard]] int run_plan(std::vector<std::string> words, PlanOutput output);

struct GateWords {
  std::string file;
  double price = .01, flip_price = 0, threshold = -1;  // threshold < 0: calibrate one
  bool accuracy_first = false, json = false;
};
[[nodiscard]] Result<void> gate_rows(const GateWords& words, std::ostream& out);

struct CompareWords {
  std::vector<std::string> strategies;  // NAME or NAME:parameter=value,…; none: all
  std::int64_t questions = 200, max_tokens = 512;
  std::uint64_t seed = 1;
  double difficulty = -1;
  std::string kind = "open", model = "sim-medium", small_model = "sim-small", judge_model = "sim-medium", purse;
  bool json = false;
};
[[nodiscard]] Result<void> compare_strategies(const CompareWords& words, std::ostream& out);

struct ReplayWords {
  std::string file;
  std::optional<std::uint64_t> simulated;  // and in simulation, with a model of that seed
};
// kCorrupt where a decision is another one.
[[nodiscard]] Result<void> replay_job(const ReplayWords& words, std::ostream& out);

}  // namespace bursar::cli
