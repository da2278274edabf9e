// Predicts yes or no by a vote of experts, each of whom has a weight that falls with its mistakes.
//
//   ExpertVote vote = ExpertVote::weighted_majority(8, .1).value();    // or ExpertVote::majority_vote(8)
//   bool guess = vote.predict(advice).value();                         // advice [experts], true or false
//   auto ok = vote.learn(advice, truth);
//
// majority_vote: an expert who erred once is not heard again. Where one of K never errs, at most log2 K mistakes.
// weighted_majority: a mistake multiplies the weight by 1 - eps; mistakes <= 2 / (1 - eps) cost* + (2 / eps) ln K, with
// cost* the mistakes of the best expert. Ties say true. Each call O(experts). Deterministic. systems/bandits, 9 and 10.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::explore {

class ExpertVote {
 public:
  [[nodiscard]] static Result<ExpertVote> majority_vote(std::size_t experts);
  [[nodiscard]] static Result<ExpertVote> weighted_majority(std::size_t experts, double rate);  // rate in (0, 1)

  // Errors: kInvalidArgument for a wrong number of opinions; kInfeasible where every expert of majority_vote has erred.
  [[nodiscard]] Result<bool> predict(std::span<const bool> advice) const;
  // Counts the mistake that predict(advice) would have made. Errors as predict(), state unchanged.
  Result<void> learn(std::span<const bool> advice, bool truth);

  [[nodiscard]] std::uint64_t mistakes() const { return mistakes_; }
  [[nodiscard]] std::uint64_t best_mistakes() const;  // of the best expert: cost*
  [[nodiscard]] double mistake_bound() const;         // of mistakes() so far

  [[nodiscard]] boost::json::object save() const;
  [[nodiscard]] Result<void> load(const boost::json::object& saved);  // of as many experts; kCorrupt

 private:
  ExpertVote(std::size_t experts, double rate) : rate_(rate), errors_(experts, 0) {}

  double rate_;                        // 1: majority vote
  std::vector<std::uint64_t> errors_;  // of each expert
  std::uint64_t mistakes_ = 0;
};

}  // namespace bursar::explore
