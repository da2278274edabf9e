// Strategies behind model names: "bursar/pets" and the like, as bursar.yaml says them.
//
//   strategies:
//     model: openai/gpt-4o-mini
//     tools: [docs__search]
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bursar/core/clock.h"

namespace bursar::broker {

struct StrategyConfig {
  std::string model;                        // that jobs ask, by the name that agents would use; empty: no strategies
  std::string small_model, judge_model;     // for cheap steps, and for judging; empty: `model`
  std::string embedding_model;              // that tells texts alike apart; empty: hashed n-grams, without a model
  std::vector<std::string> tools;           // as agents see them; the first is the one to search with
  std::uint64_t max_output_tokens = 1024;   // of one answer, where the agent names none
  std::size_t parallel = 8;                 // inner calls of one job at a time
  std::size_t calls = 128;                  // inner calls of one job
  Duration time = std::chrono::minutes{5};  // of a job, at most
  std::vector<std::string> pipelines;       // files of pipelines, as `bursar tts search` writes them
  bool operator==(const StrategyConfig&) const = default;
};

}  // namespace bursar::broker
