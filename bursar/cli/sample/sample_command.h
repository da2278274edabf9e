// The program `bursar-sample`, which `bursar sample` starts: repeated draws, votes, and where the next draw goes.
//
//   bursar sample select answers.jsonl --rule bom --k 3          // which answers to submit; Pass@k where gold is known
//   bursar sample allocate pool.jsonl --mean 16                  // a recorded batch: who gets the next sample
//   bursar sample fit pool.jsonl --mean 16 --output plan.json    // a plan for questions that come one by one
//   bursar sample run stream.jsonl --plan plan.json
//   bursar sample rollouts candidates.jsonl --n 64 --policy dora
//   bursar sample beliefs beliefs.json                           // what a gateway has learned of models and strategies
//   bursar sample fit-lengths traces.jsonl --output laws.json    // what is left of the thinking, line by line
//   bursar sample guide - --laws laws.json --thinking-budget 500
//
// Exit codes: 0 done; 1 the input is wrong; 2 the words on the command line are wrong; 3 a file cannot be read or
// written.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::cli {

struct SampleOutput {
  std::ostream& out;
  std::ostream& err;
};
// Runs one command line, without the program's name. Never throws.
[[nodiscard]] int run_sample(std::vector<std::string> words, SampleOutput output);

struct SelectWords {
  std::string file, rule = "bom", threshold, reward = "mean";
  std::size_t k = 1;
  double temperature = 1;
  std::uint64_t seed = 1;
  bool exact = false, json = false;
};
[[nodiscard]] Result<void> select_answers(const SelectWords& words, std::ostream& out);

struct AllocateWords {
  std::string file;
  double mean = 16;
  std::size_t options = 32, warm_up = 1;
  bool exact = false, json = false;
};
[[nodiscard]] Result<void> allocate_samples(const AllocateWords& words, std::ostream& out);

struct StreamWords {
  std::string file, plan, output;
  double mean = 16;
  std::size_t warm_up = 4, most = 64;
  bool open = false, exact = false, json = false;
};
[[nodiscard]] Result<void> fit_stream(const StreamWords& words, std::ostream& out);
[[nodiscard]] Result<void> run_stream(const StreamWords& words, std::ostream& out);

struct RolloutWords {
  std::string file, policy = "dora", mode = "two-stage", rounding = "cumulative";
  std::int64_t n = 64, width = 4;
  double quality_temperature = .1, similarity_temperature = 0;  // 0: calibrated on the candidates
  bool json = false;
};
[[nodiscard]] Result<void> rollouts_of(const RolloutWords& words, std::ostream& out);

struct BeliefsWords {
  std::string file;
  bool json = false;
};
[[nodiscard]] Result<void> show_beliefs(const BeliefsWords& words, std::ostream& out);

struct LengthWords {
  std::string file, output;
  std::size_t min_samples = 30;
  double max_distance = .15;
  bool json = false;
};
[[nodiscard]] Result<void> fit_lengths(const LengthWords& words, std::ostream& out);

struct GuideWords {
  std::string file = "-", laws;
  std::int64_t budget = 0;
  bool published = false;
};
[[nodiscard]] Result<void> guide_candidates(const GuideWords& words, std::ostream& out);

}  // namespace bursar::cli
