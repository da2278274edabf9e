#include "bursar/explore/adversarial/expert_vote.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <string>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {
Result<ExpertVote> ExpertVote::majority_vote(std::size_t experts) {
  if (auto ok = check_arms(experts); !ok) return tl::unexpected(with_context("experts", ok.error()));
  return ExpertVote(experts, 1);
}

Result<ExpertVote> ExpertVote::weighted_majority(std::size_t experts, double rate) {
  if (auto ok = check_arms(experts); !ok) return tl::unexpected(with_context("experts", ok.error()));
  if (!(rate > 0 && rate < 1)) {
    return invalid_argument("rate: must be above 0 and below 1, is " + std::to_string(rate));
  }
  return ExpertVote(experts, rate);
}

Result<bool> ExpertVote::predict(std::span<const bool> advice) const {
  if (advice.size() != errors_.size()) {
    return invalid_argument("advice: " + std::to_string(advice.size()) + " opinions of " +
                            std::to_string(errors_.size()) + " experts");
  }
  const std::uint64_t least = best_mistakes();
  if (rate_ == 1 && least > 0) {
    return fail(ErrorCode::kInfeasible,
                "every expert has erred, so none is perfect: use weighted_majority, which allows for mistakes");
  }
  double yes = 0, no = 0;
  for (std::size_t e = 0; e < advice.size(); ++e) {
    (advice[e] ? yes : no) += std::pow(1 - rate_, static_cast<double>(errors_[e] - least));
  }
  return yes >= no;
}

Result<void> ExpertVote::learn(std::span<const bool> advice, bool truth) {
  const auto guess = predict(advice);
  if (!guess) return tl::unexpected(guess.error());
  mistakes_ += *guess != truth ? 1 : 0;
  for (std::size_t e = 0; e < advice.size(); ++e) errors_[e] += advice[e] != truth ? 1 : 0;
  return {};
}

std::uint64_t ExpertVote::best_mistakes() const { return *std::ranges::min_element(errors_); }

double ExpertVote::mistake_bound() const {
  const auto experts = static_cast<double>(errors_.size());
  if (rate_ == 1) return std::log2(experts);
  return 2 / (1 - rate_) * static_cast<double>(best_mistakes()) + 2 / rate_ * std::log(experts);
}

boost::json::object ExpertVote::save() const {
  return {{"errors", boost::json::array(errors_.begin(), errors_.end())}, {"mistakes", mistakes_}};
}

Result<void> ExpertVote::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  const auto errors = from.numbers("errors", errors_.size());
  const std::uint64_t mistakes = from.count("mistakes");
  if (auto ok = from.check(); !ok) return ok;
  if (!std::ranges::all_of(errors, [](double n) { return n >= 0 && n < 0x1p53 && n == std::floor(n); })) {
    return fail(ErrorCode::kCorrupt, "saved state: errors must be counts");
  }
  std::ranges::transform(errors, errors_.begin(), [](double n) { return static_cast<std::uint64_t>(n); });
  mistakes_ = mistakes;
  return {};
}

}  // namespace bursar::explore
