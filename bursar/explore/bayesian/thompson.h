// Thompson sampling: draw a world from what is believed, and play its best arm.
//
//   auto learner = ThompsonBeta::make({.arms = 10});                      // rewards 0 or 1, or anything in [0, 1]
//   auto smooth = ThompsonGaussian::make({.arms = 10, .noise = .1});      // rewards with normal noise
//   auto known = ThompsonFinite::make({.arms = 3, .problems = {.9, .5, .5,  .2, .5, .8}});    // one of two worlds
//
// The best choice on average for stationary rewards, and at ease with late feedback: draws spread by themselves. Picks
// are drawn, and their propensity has no closed form (0). Beta: a reward r that is neither 0 nor 1 is turned into a
// coin of probability r. Gaussian: a normal prior for each mean, noise of known deviation. Finite: a list of problems,
// each the means of all arms, with prior weights; exact Bayes on the list, rewards as coins.
// pick O(arms), Finite O(problems x arms). Bayesian regret O(sqrt(K T ln T)). Source: systems/bandits, 6.
#pragma once

#include <memory>
#include <vector>

#include "bursar/explore/bandit.h"

namespace bursar::explore {

struct ThompsonBetaOptions {
  std::size_t arms = 0;
  double a = 1, b = 1;  // the prior Beta(a, b) of every arm; > 0
};

class ThompsonBeta final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ThompsonBeta>> make(const ThompsonBetaOptions& options);

  [[nodiscard]] std::size_t arms() const override { return a_.size(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override;  // 95% of each posterior, equal tails
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  explicit ThompsonBeta(const ThompsonBetaOptions& options)
      : options_(options), a_(options.arms, options.a), b_(options.arms, options.b) {}
  ThompsonBetaOptions options_;
  std::vector<double> a_, b_;
};

struct ThompsonGaussianOptions {
  std::size_t arms = 0;
  double mean = .5, deviation = .5;  // the prior of every arm's mean; deviation > 0
  double noise = .5;                 // standard deviation of one reward; > 0
};

class ThompsonGaussian final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ThompsonGaussian>> make(const ThompsonGaussianOptions& options);

  [[nodiscard]] std::size_t arms() const override { return mean_.size(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override;
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

 private:
  explicit ThompsonGaussian(const ThompsonGaussianOptions& options);
  ThompsonGaussianOptions options_;
  std::vector<double> mean_, precision_;
};

struct ThompsonFiniteOptions {
  std::size_t arms = 0;
  std::vector<double> problems;      // [problems x arms]: means in [0, 1]
  std::vector<double> weights = {};  // [problems], > 0; empty: alike
};

class ThompsonFinite final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ThompsonFinite>> make(ThompsonFiniteOptions options);

  [[nodiscard]] std::size_t arms() const override { return options_.arms; }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override;  // mean and range over problems of weight > 1e-3
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

  [[nodiscard]] std::vector<double> posterior() const;  // [problems]

 private:
  explicit ThompsonFinite(ThompsonFiniteOptions options);
  ThompsonFiniteOptions options_;
  std::vector<double> log_weight_;  // not normalised
  std::vector<double> pulls_;
};

}  // namespace bursar::explore
