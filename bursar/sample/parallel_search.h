// Many partial solutions grown side by side, and their rollouts split anew after each step.
//
//   ParallelSearch search({.rollouts = 64, .steps = 12, .split = {.policy = RolloutPolicy::kDora}});
//   while (!search.done()) {
//     std::vector<SearchStep> grown;
//     for (std::size_t parent : search.to_extend()) grown.push_back(sample_one_step_of(parent));    // kRoot at first
//     auto ok = search.report(grown);
//   }
//   auto answer = search.answer();                      // weighted majority over what has finished
//
// Sans-I/O: the caller samples, scores and embeds. A step that is reported finished leaves the search with its score as
// the weight of its vote; the others are split by split_rollouts, copies of one candidate sampling on independently.
// It ends when nothing is alive, `rollouts` have finished, or the steps are used up: candidates that never finished are
// dropped. stop() ends it at once with what there is (a purse or a deadline). Source: systems/dora.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "bursar/sample/rollout_split.h"
#include "bursar/sample/vote.h"

namespace bursar::sample {

struct SearchOptions {
  std::int64_t rollouts = 16;  // N >= 1
  std::size_t steps = 8;       // >= 1
  RolloutOptions split;
};

struct SearchStep {
  bool finished = false;
  std::string answer;            // of a finished one; empty: it has none
  double score = 0;              // in [0, 1]
  std::vector<float> embedding;  // where the policy needs it, of one that goes on
};

class ParallelSearch {
 public:
  static constexpr std::size_t kRoot = std::numeric_limits<std::size_t>::max();

  [[nodiscard]] static Result<ParallelSearch> make(const SearchOptions& options);

  // Which of the candidates that were reported last is extended, once for each entry; kRoot: the prompt.
  [[nodiscard]] const std::vector<std::size_t>& to_extend() const { return extend_; }
  // One for each entry of to_extend(), in its order. Errors, state unchanged: kInvalidArgument naming the step.
  [[nodiscard]] Result<void> report(std::vector<SearchStep> grown);
  void stop() { extend_.clear(); }

  [[nodiscard]] bool done() const { return extend_.empty(); }
  [[nodiscard]] const std::vector<Trace>& finished() const { return finished_; }
  // Absent where nothing has finished with an answer. The key is canonical in `form`.
  [[nodiscard]] std::optional<std::string> answer(AnswerForm form = AnswerForm::kMath) const;

 private:
  explicit ParallelSearch(const SearchOptions& options);
  [[nodiscard]] Result<std::vector<std::int64_t>> split(const std::vector<SearchStep>& grown,
                                                        const std::vector<std::size_t>& alive) const;

  SearchOptions options_;
  std::vector<std::size_t> extend_, groups_;  // groups_: the tree of each entry, for dvts
  std::vector<Trace> finished_;
  std::size_t taken_ = 0;  // steps
};

}  // namespace bursar::sample
