// Mean of the rewards that were seen of each arm, for learners whose decisions do not rest on it.
//
//   RewardMeans means(3);
//   means.learn(1, .8);
//   std::vector<Belief> now = means.beliefs();   // mean, and [0, 1]: an adversary leaves no narrower bound
#pragma once

#include <boost/json/object.hpp>
#include <vector>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

class RewardMeans {
 public:
  explicit RewardMeans(std::size_t arms) : mean_(arms, .5), pulls_(arms, 0.0) {}

  void learn(std::size_t arm, double reward) {
    const double n = ++pulls_[arm];
    mean_[arm] = n == 1 ? reward : mean_[arm] + (reward - mean_[arm]) / n;
  }
  [[nodiscard]] std::vector<Belief> beliefs() const {
    std::vector<Belief> out(mean_.size());
    for (std::size_t a = 0; a < out.size(); ++a) out[a] = {.mean = mean_[a], .low = 0, .high = 1, .pulls = pulls_[a]};
    return out;
  }
  void save(boost::json::object& out) const {
    out["mean"] = saved_numbers(mean_);
    out["pulls"] = saved_numbers(pulls_);
  }
  void load(SavedNumbers& from) {  // complaints stay in `from`: load a copy, and take it where from.check() holds
    mean_ = from.numbers("mean", mean_.size());
    pulls_ = from.numbers("pulls", pulls_.size());
  }

 private:
  std::vector<double> mean_, pulls_;
};

}  // namespace bursar::explore
