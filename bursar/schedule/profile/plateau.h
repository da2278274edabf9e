// A rate that falls when a measurement stops improving: feedback, not a budget, decides, so this is a controller and
// no profile.
//
//   auto rate = Plateau::create({.rate = .1, .patience = 5});
//   for (each evaluation) lr = *rate->report(validation_loss);
//
// An evaluation improves on the best so far if it is smaller than best x (1 - threshold), or best - threshold |best|
// for negative ones; larger than best + threshold |best| where larger is better. After `patience` evaluations in a row
// without improvement the rate is multiplied by `factor`, never below `floor`, and `cooldown` evaluations then do not
// count. (Trainers that wait for more than `patience` bad evaluations take ours less one.) Errors, kInvalidArgument:
// rate <= 0, factor outside (0, 1), patience < 1, cooldown < 0, threshold outside [0, 1), floor outside [0, rate]; a
// measurement that is not a number (infinite ones count as no improvement), and the state is then unchanged. Source:
// the baseline of systems/rex. O(1).
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>

#include "bursar/core/result.h"

namespace bursar::schedule {

struct PlateauOptions {
  double rate = 0;
  double factor = .1;
  std::int64_t patience = 10, cooldown = 0;  // evaluations
  double threshold = 1e-4;
  double floor = 0;
  bool larger_is_better = false;
};

class Plateau {
 public:
  static Result<Plateau> create(const PlateauOptions& options);

  [[nodiscard]] Result<double> report(double measured);  // the rate from now on
  [[nodiscard]] double rate() const { return rate_; }
  [[nodiscard]] std::optional<double> best() const { return best_; }  // none before the first finite measurement

  // restore(save()) goes on as this one would. kCorrupt for a state that contradicts itself.
  [[nodiscard]] boost::json::object save() const;
  static Result<Plateau> restore(const boost::json::object& saved);

 private:
  explicit Plateau(const PlateauOptions& options) : options_(options), rate_(options.rate) {}
  [[nodiscard]] bool improves(double measured) const;

  PlateauOptions options_;
  double rate_ = 0;
  std::optional<double> best_;
  std::int64_t bad_ = 0, cooling_ = 0;  // evaluations
};

}  // namespace bursar::schedule
