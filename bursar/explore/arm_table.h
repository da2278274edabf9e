// What is known of every arm whose rewards are averaged: the common memory of index learners.
//
//   ArmTable table(3);
//   table.pick(1);            // chosen; its reward is still to come
//   table.learn(1, .8);       // or forget(1)
//   Arm best = table.highest(/*scale=*/std::sqrt(2 * std::log(1e4)), question).value();
//
// An arm has picks n (rewards that came or are awaited) and a mean m of those that came. The index of an arm is
// m + scale / sqrt(n), and infinite for n = 0: the radius counts picks, not rewards, so that choices made while
// feedback is late spread over arms instead of repeating one. Where every reward comes at once the two are the same.
// highest(): O(arms), reads 16 bytes an arm; ties go to the first. Rewards in [0, 1].
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

class ArmTable {
 public:
  explicit ArmTable(std::size_t arms);

  void pick(Arm arm);
  void learn(Arm arm, double reward);
  void forget(Arm arm);

  [[nodiscard]] std::size_t arms() const { return mean_.size(); }
  [[nodiscard]] double mean(std::size_t arm) const { return mean_[arm]; }  // 1/2 before the first reward
  [[nodiscard]] double picks(std::size_t arm) const { return picks_[arm]; }
  [[nodiscard]] double pulls(std::size_t arm) const { return pulls_[arm]; }
  // Of m + scale / sqrt(n); absent where all arms are closed.
  [[nodiscard]] std::optional<Arm> highest(double scale, const Question& question) const;
  // The open arm with fewest picks.
  [[nodiscard]] std::optional<Arm> least(const Question& question) const;
  // Bounds m ± radius / sqrt(pulls), cut to [0, 1].
  [[nodiscard]] std::vector<Belief> beliefs(double radius) const;

  [[nodiscard]] boost::json::object save() const;
  [[nodiscard]] Result<void> load(const boost::json::object& saved);  // of as many arms

 private:
  void widen(std::size_t arm);
  std::vector<double> mean_, inverse_root_;  // inverse_root: 1 / sqrt(picks), kUnknown for none
  std::vector<double> picks_, pulls_;
};

}  // namespace bursar::explore
