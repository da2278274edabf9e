// A Beta posterior for each arm, and the arm that looks best.
//
//   BetaArms table = BetaArms::create({{6, 4}, {4, 6}}).value();
//   table.learn(0, 1);
//   std::optional<Arm> best = table.best(question);
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <vector>

#include "bursar/core/saved_numbers.h"
#include "bursar/explore/bandit.h"
#include "bursar/explore/incentives/recommendation.h"

namespace bursar::explore {

class BetaArms {
 public:
  // Errors: kInvalidArgument for no arms, too many, and priors that are not two positive numbers.
  [[nodiscard]] static Result<BetaArms> create(std::vector<BetaPrior> priors);

  [[nodiscard]] std::size_t arms() const { return now_.size(); }
  void learn(std::size_t arm, double reward);  // reward successes, 1 - reward failures
  [[nodiscard]] double mean(std::size_t arm) const { return now_[arm].mean(); }
  [[nodiscard]] double pulls(std::size_t arm) const { return pulls_[arm]; }
  // The highest mean of the open arms, the first of equals; absent where all are closed.
  [[nodiscard]] std::optional<Arm> best(const Question& question) const;
  [[nodiscard]] std::vector<Belief> beliefs() const;  // with the central 95% of the posterior

  void save(boost::json::object& out) const;
  void load(SavedNumbers& from);  // complaints stay in `from`: load a copy, and take it where from.check() holds

 private:
  explicit BetaArms(std::vector<BetaPrior> priors) : now_(std::move(priors)), pulls_(now_.size(), 0.0) {}
  std::vector<BetaPrior> now_;
  std::vector<double> pulls_;
};

}  // namespace bursar::explore
