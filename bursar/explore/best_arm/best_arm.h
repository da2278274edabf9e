// The best arm, and nothing but the answer: what to sample next, when to stop, and with what guarantee.
//
//   auto halving = SequentialHalving::make({.arms = 8, .budget = 400}).value();       // a fixed number of samples
//   auto sure = FixedConfidence::make({.arms = 8, .delta = .05, .epsilon = .02}).value();   // until it is sure
//   while (auto arm = sure->next()) sure->record(*arm, run(*arm));
//   Verdict v = sure->verdict();           // v.arm; v.error <= .05
//
// Rewards in [0, 1]. Samples may come in any order and late: next() may be asked several times before record(), and an
// answer that was not asked for counts too. Both are Learners as well (explore/bandit.h): pick() is next(), and names
// no arm when they have stopped.
//   SequentialHalving: ceil(log2 K) rounds; each gives every arm that is left floor(budget / (left x rounds)) samples
//     (at least one) and keeps the better half. error: 3 log2 K exp(-budget / (8 H2 log2 K)), H2 = max_i i / gap_i^2
//     with the gaps as measured: an estimate, not a guarantee. (Karnin, Koren and Somekh 2013 [lit].)
//   FixedConfidence lucb: the arm with the best mean and its strongest rival, the rest's highest upper bound; stops
//     when upper(rival) - lower(best) <= epsilon. rad(n, t) = sqrt(ln(5 K t^4 / (4 delta)) / (2 n)).
//     (Kalyanakrishnan et al. 2012 [lit].)
//   FixedConfidence elimination: all arms in turn; drops a when upper(a) < the highest lower bound; stops when one is
//     left or 2 rad <= epsilon. rad(n) = sqrt(ln(pi^2 K n^2 / (3 delta)) / (2 n)).
//     Either is within epsilon of the best with probability 1 - delta. Needs O(sum 1/gap^2 ln(K/(delta gap))) samples.
// next O(K), record O(1). Source: systems/bandits, chapters 1 and 2.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "bursar/explore/arm_table.h"
#include "bursar/explore/bandit.h"

namespace bursar::explore {

struct Verdict {
  Arm arm = 0;
  bool stopped = false;     // nothing more is asked for
  double error = 1;         // probability that another arm is better by more than `epsilon`, at most
  double epsilon = 0;       // how much worse than the best it may be
  bool guaranteed = false;  // `error` is proved; otherwise an estimate from the measured gaps
  double samples = 0;       // recorded
};

struct SequentialHalvingOptions {
  std::size_t arms = 0;
  std::uint64_t budget = 0;  // samples, all arms together; at least arms x ceil(log2 arms)
};

class SequentialHalving final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SequentialHalving>> make(const SequentialHalvingOptions& options);

  [[nodiscard]] std::optional<Arm> next();  // absent: stopped, or the samples of this round are under way
  [[nodiscard]] Result<void> record(Arm arm, double reward);
  [[nodiscard]] Verdict verdict() const;
  [[nodiscard]] std::span<const Arm> left() const { return left_; }

  [[nodiscard]] std::size_t arms() const override { return table_.arms(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  void forget(const Pick& pick) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override;
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  explicit SequentialHalving(const SequentialHalvingOptions& options);
  [[nodiscard]] std::uint64_t each() const;  // samples of every arm that is left, in this round
  void advance();
  [[nodiscard]] bool complete() const;

  SequentialHalvingOptions options_;
  std::size_t rounds_, round_ = 0;
  ArmTable table_;
  std::vector<double> asked_, got_;  // [arms], of this round; means are of all rounds
  std::vector<Arm> left_;
};

enum class ConfidenceRule : std::uint8_t { kLucb, kElimination };

struct FixedConfidenceOptions {
  std::size_t arms = 0;
  double delta = .05;  // in (0, 1)
  double epsilon = 0;  // >= 0; 0: stops only when the best is told apart
  ConfidenceRule rule = ConfidenceRule::kLucb;
};

class FixedConfidence final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<FixedConfidence>> make(const FixedConfidenceOptions& options);

  [[nodiscard]] std::optional<Arm> next();  // absent: stopped
  [[nodiscard]] Result<void> record(Arm arm, double reward);
  [[nodiscard]] Verdict verdict() const;

  [[nodiscard]] std::size_t arms() const override { return table_.arms(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  void forget(const Pick& pick) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override;
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  explicit FixedConfidence(const FixedConfidenceOptions& options);
  struct Rivals {
    Arm best = 0, rival = 0;
    double gap = 0;  // upper(rival) - lower(best)
  };
  [[nodiscard]] double radius(Arm arm) const;
  [[nodiscard]] Rivals rivals() const;
  [[nodiscard]] bool stopped() const;
  [[nodiscard]] std::optional<Arm> in_turn() const;

  FixedConfidenceOptions options_;
  ArmTable table_;
  double samples_ = 0;
};

}  // namespace bursar::explore
