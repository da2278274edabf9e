// Zooming: many arms with a distance, of which only those near the good ones are ever tried.
//
//   auto learner = Zooming::make({.points = uniform_net({{0, 1}}, 1e-4).value(), .lipschitz = 1, .horizon = 100'000});
//   auto metric = Zooming::make({.arms = 500, .distance = edit_distance, .lipschitz = .1, .horizon = 10'000});
//
// An active arm x has the ball B(x, rad(x) / L), rad(x) = sqrt(conf ln T / (n(x) + 1)). While an arm lies outside all
// balls, one such arm becomes active; the active arm with the highest m + 2 rad is played. The space is the finite set
// of points (a net as fine as you like for a continuum), so the covering oracle is a list: each arm remembers a ball
// that covers it and is looked at again when that ball has shrunk past it.
// Regret as of a uniform net, with the zooming dimension (of near-optimal points) for the covering dimension. It wins
// over net.h only in long runs: about 50,000 rounds for the peak of the sheet. A closed arm is passed over.
// pick O(active); update O(arms covered by its ball) when they fall out, each looking through the active ones.
// Source: systems/bandits, 8.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "bursar/explore/arm_table.h"
#include "bursar/explore/bandit.h"
#include "bursar/explore/metric/net.h"

namespace bursar::explore {

struct ZoomingOptions {
  Net points = {};                                // arms are its points, with the largest coordinate's distance
  std::size_t arms = 0;                           // or so many arms
  std::function<double(Arm, Arm)> distance = {};  // with this distance: >= 0, symmetric, triangle inequality
  double lipschitz = 1;                           // > 0: means differ by at most this x distance
  std::uint64_t horizon = 0;                      // rounds; >= 2
  double conf = 2;                                // > 0
};

class Zooming final : public Learner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Zooming>> make(ZoomingOptions options);

  [[nodiscard]] std::size_t arms() const override { return table_.arms(); }
  [[nodiscard]] Result<Pick> pick(const Question& question, RandomStream& random) override;
  [[nodiscard]] Result<void> update(const Pick& pick, const Feedback& feedback, RandomStream& random) override;
  void forget(const Pick& pick) override;
  [[nodiscard]] std::vector<Belief> beliefs() const override;
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

  [[nodiscard]] std::span<const Arm> active() const { return active_; }
  [[nodiscard]] double reach(Arm arm) const;  // of its ball
  [[nodiscard]] double distance(Arm a, Arm b) const;

 private:
  explicit Zooming(ZoomingOptions options);
  [[nodiscard]] double radius(Arm arm) const;
  void activate(Arm arm);
  void cover();  // activates arms until all are covered

  ZoomingOptions options_;
  ArmTable table_;
  double log_rounds_;
  std::vector<Arm> active_;                // in the order of activation
  std::vector<std::vector<Arm>> covered_;  // [arms]: those that count on this arm's ball
  std::vector<Arm> bare_;                  // arms that no ball may cover any more
};

}  // namespace bursar::explore
