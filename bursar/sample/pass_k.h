// Which k of the answers seen are submitted, when one of them being right is enough (Pass@k).
//
//   auto chosen = select_pass_k(*ballot, {.rule = SelectRule::kBestOfMajority, .k = 3, .threshold = .01});
//   // chosen->groups: up to 3 indices into ballot->groups, the best first
//
// Best-of-majority keeps the answers that are frequent enough for a reward model to be trusted on them, and submits the
// k best rewarded of those: minimax optimal in the error of the reward model, and, other than best-of-N, never worse
// with more samples. Theory wants a threshold of 3/4 of the chance of the best answer; a smaller one works better in
// practice, because at the theory's own the best answer itself is often dropped until there are many samples.
// Ties: the more frequent answer, then the one seen first. Where no answer reaches the threshold it falls to the
// largest frequency; where fewer than k do, the next most frequent ones fill up, which cannot lower Pass@k [choice].
// Source: systems/bom.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/sample/answers.h"

namespace bursar::sample {

enum class SelectRule : std::uint8_t { kMajority, kBestOfN, kSoftBestOfN, kBestOfMajority };
[[nodiscard]] std::string_view name_of(SelectRule rule);  // "majority", "best-of-n", "soft-best-of-n", "bom"
[[nodiscard]] Result<SelectRule> select_rule_named(std::string_view name);

struct SelectOptions {
  SelectRule rule = SelectRule::kBestOfMajority;
  std::size_t k = 1;        // >= 1
  double threshold = .005;  // best-of-majority: the least frequency, in [0, 1); 0 is best-of-N
  double temperature = 1;   // soft best-of-N: draws by softmax(reward / temperature), > 0
  std::uint64_t seed = 1;   // of those draws
};

struct Selection {
  std::vector<std::size_t> groups;  // at most k, distinct, the best first
  std::size_t survivors = 0;        // answers that reach the threshold
  std::size_t reward_calls = 0;     // rewards that were asked for
  double threshold = 0;             // that was used
};

// Asked once for each survivor; at most 1 / threshold of them. An error ends the selection with it.
using RewardModel = std::function<Result<double>(const AnswerGroup&)>;

// With the rewards that the ballot has. Errors: kInvalidArgument for k = 0, no samples, a threshold outside [0, 1), a
// reward that is missing or not finite. O(groups log groups).
[[nodiscard]] Result<Selection> select_pass_k(const Ballot& ballot, const SelectOptions& options);
// Buys rewards for survivors only, through `reward`.
[[nodiscard]] Result<Selection> select_pass_k(const Ballot& ballot, const SelectOptions& options,
                                              const RewardModel& reward);

[[nodiscard]] inline double default_threshold(std::int64_t samples) {
  return samples <= 0 ? .005 : std::max(2.0 / static_cast<double>(samples), .005);
}

struct SamplePlan {
  double threshold = 0;
  std::int64_t samples = 0;       // enough for the guarantee
  std::int64_t reward_calls = 0;  // at most
};

// For who knows the smallest success rate worth caring about: p_min in (0, 1], k >= 1, the reward model's mean squared
// error in (0, 1].
[[nodiscard]] Result<SamplePlan> plan_samples(double p_min, std::size_t k, double reward_error);

struct LabelledBallot {
  Ballot ballot;      // with rewards
  std::string right;  // canonical
};

struct ThresholdChoice {
  double threshold = 0;
  double pass_k = 0;  // on questions that were held out, by cross-validation; not the best of what was tried on itself
};

// The threshold among 0, 2/N, .003, .005, .01, .015, .03 with the best Pass@k; the larger of equals. Errors:
// kInvalidArgument with fewer than `folds` questions, folds < 2.
[[nodiscard]] Result<ThresholdChoice> choose_threshold(std::span<const LabelledBallot> questions, std::size_t k,
                                                       std::size_t folds = 5);

}  // namespace bursar::sample
