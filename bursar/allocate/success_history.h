// What a training run remembers of each prompt: its last rewards, and the success rate that they suggest.
//
//   SuccessHistory history;
//   history.record("prompt-17", rewards);                   // one visit: the rewards of its rollouts, each in [0, 1]
//   RolloutItem item = history.item("prompt-17");            // p^ and how much was seen; unknown ids have no p^
//   write(file, save_history(history));                      // one JSON line a prompt
//
// Estimates of p^:
//  - kRobustEpoch (default): the mean of the latest visit where it had at least W rewards; otherwise the mean of the W
//    most recent rewards over visits, newest first.
//  - kForgetting: every earlier reward weighs (1 - 1/W) times as much as the one after it; follows a policy that moves.
//  - kBeta: the mean of a Beta(1, 1) belief under the same forgetting; never 0 nor 1.
// Memory W rewards a prompt. Not thread-safe. Source: systems/knapsack-rl.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bursar/allocate/rollout_value.h"
#include "bursar/core/result.h"

namespace bursar::allocate {

enum class SuccessEstimate : std::uint8_t { kRobustEpoch, kForgetting, kBeta };

struct HistoryOptions {
  std::size_t window = 16;  // W >= 1
  SuccessEstimate estimate = SuccessEstimate::kRobustEpoch;
  std::size_t max_prompts = 10'000'000;
};

class SuccessHistory {
 public:
  explicit SuccessHistory(HistoryOptions options = {}) : options_(options) {}

  // Errors: kInvalidArgument for a reward outside [0, 1] (nothing is recorded), kExhausted past max_prompts. A visit
  // without rewards changes nothing. O(rewards).
  [[nodiscard]] Result<void> record(std::string_view id, std::span<const double> rewards);

  [[nodiscard]] std::optional<double> estimate(std::string_view id) const;
  [[nodiscard]] std::int64_t seen(std::string_view id) const;
  [[nodiscard]] RolloutItem item(std::string_view id) const;
  [[nodiscard]] std::size_t prompts() const { return prompts_.size(); }

 private:
  friend std::string save_history(const SuccessHistory& history);
  friend Result<SuccessHistory> load_history(std::string_view lines, HistoryOptions options);
  struct Prompt {
    std::int64_t seen = 0, visit_count = 0;
    double visit_sum = 0;        // of the latest visit
    double weight = 0, sum = 0;  // under forgetting
    std::vector<double> recent;  // at most W, oldest first
  };
  HistoryOptions options_;
  std::map<std::string, Prompt, std::less<>> prompts_;
};

// One line a prompt, in the order of ids:
// {"id":"a","seen":24,"visit_count":8,"visit_sum":3,"weight":14.2,"sum":5.5,"recent":[1,0]}
[[nodiscard]] std::string save_history(const SuccessHistory& history);
// Errors: kInvalidArgument naming line and field; kExhausted past max_prompts.
[[nodiscard]] Result<SuccessHistory> load_history(std::string_view lines, HistoryOptions options);

}  // namespace bursar::allocate
