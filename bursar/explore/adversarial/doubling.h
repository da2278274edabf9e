// Any learner that must know its horizon, where nobody does: run with 1, 2, 4, … rounds and start afresh each time.
//
//   auto make = [](std::uint64_t rounds) { return as_learner(Exp3::make(exp3_ix(10, rounds))); };
//   auto bandit = Bandit::make({}, Doubling::make(make, {.first = 64}).value());
//
// Epoch k has first x 2^k picks. A bound that grows as sqrt(T) is paid 1 / (1 - 1 / sqrt 2) = 3.41 times at most. What
// an epoch learned is dropped with it, and so is feedback that comes after its epoch has ended. Where an anytime form
// of the learner exists (Ucb1 without a horizon) it is better. Source: systems/bandits, 5.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "bursar/explore/bandit.h"

namespace bursar::explore {

using LearnerMaker = std::function<Result<std::unique_ptr<Learner>>(std::uint64_t rounds)>;

struct DoublingOptions {
  std::uint64_t first = 1;  // rounds of the first epoch, >= 1
};

class Doubling final : public Learner {
 public:
  // Errors: those of `make` for the first epoch, and kInvalidArgument for first = 0. Where `make` fails later, picks
  // do.
  [[nodiscard]] static Result<std::unique_ptr<Doubling>> make(LearnerMaker make, const DoublingOptions& options = {});

  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }  // from 0
  [[nodiscard]] const Learner& inner() const { return *inner_; }

  [[nodiscard]] std::size_t arms() const override { return inner_->arms(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  void forget(const Pick& pick) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override { return inner_->beliefs(); }
  [[nodiscard]] std::optional<double> regret_bound(double rounds) const override;  // the sum over epochs
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  Doubling(LearnerMaker make, std::uint64_t first, std::unique_ptr<Learner> inner)
      : make_(std::move(make)), first_(first), inner_(std::move(inner)) {}
  // The inner learner's pick, whose memo ends with its epoch; absent where that has ended.
  [[nodiscard]] std::optional<Pick> inner_pick(const Pick& pick) const;

  LearnerMaker make_;
  std::uint64_t first_;
  std::unique_ptr<Learner> inner_;
  std::uint64_t epoch_ = 0, picked_ = 0;  // picked_: in this epoch
};

}  // namespace bursar::explore
