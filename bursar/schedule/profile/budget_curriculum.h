// How many tokens (or whatever is rationed) each step of a training run may spend: generous first, tight at the end.
//
//   auto budget = BudgetCurriculum::exponential({.from = 256, .to = 87, .drops = 3, .steps = 600});
//   budget->at(0); budget->tokens_at(150); budget->at(599);      // 256, 179, 87
//
// With n drops the steps are n + 1 equal parts, and the budget changes where a part begins, at k = floor(t (n + 1) /
// steps) of them:
//   exponential B_0 (B_f / B_0)^(k / n)        linear B_0 + (B_f - B_0) k / n
// decay() is the published form B(t) = max(1, B_0 gamma^floor(t / I)). A curriculum is a profile at a sampling rate:
// of_profile() takes any, from B_0 where p = 1 to B_f where p = 0. Steps past the end keep the last budget.
// Errors, kInvalidArgument: a budget below 1 or not finite, drops < 0 or, with end points that differ, < 1, steps <
// drops + 1, gamma outside (0, 1], an interval < 1, custom steps that do not begin at 0 and increase; step < 0. A
// budget may grow: grows() says so, since it is more often a mistake. Source: systems/train-long-think-short. O(1), a
// custom one O(log changes).
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/schedule/profile/profile.h"
#include "bursar/schedule/profile/sampling.h"

namespace bursar::schedule {

struct BudgetDrops {
  double from = 0, to = 0;  // B_0, B_f; >= 1
  std::int64_t drops = 3;   // n
  std::int64_t steps = 0;   // of the whole run
};

struct BudgetDecay {
  double from = 0;            // B_0
  double factor = 1;          // gamma
  std::int64_t interval = 1;  // I, steps
  std::int64_t steps = 0;
};

struct BudgetChange {
  std::int64_t step = 0;
  double budget = 0;  // from that step on
};

class BudgetCurriculum {
 public:
  static Result<BudgetCurriculum> exponential(const BudgetDrops& drops);
  static Result<BudgetCurriculum> linear(const BudgetDrops& drops);
  static Result<BudgetCurriculum> constant(double budget, std::int64_t steps);
  static Result<BudgetCurriculum> decay(const BudgetDecay& decay);
  static Result<BudgetCurriculum> custom(std::vector<BudgetChange> changes, std::int64_t steps);
  // `ends` without its drops: the sampling says when the budget changes.
  static Result<BudgetCurriculum> of_profile(const Profile& profile, const Sampling& sampling, const BudgetDrops& ends);

  [[nodiscard]] Result<double> at(std::int64_t step) const;
  [[nodiscard]] Result<std::int64_t> tokens_at(std::int64_t step) const;  // rounded to the nearest
  // The first step, and every later one at which the budget is another. O(steps); kExhausted past 2^27 steps.
  [[nodiscard]] Result<std::vector<BudgetChange>> changes() const;
  [[nodiscard]] std::int64_t steps() const { return steps_; }
  [[nodiscard]] bool grows() const { return grows_; }  // the last budget is above the first

 private:
  using Curve = std::function<double(std::int64_t)>;  // of steps 0 … steps - 1
  BudgetCurriculum(Curve curve, std::int64_t steps);

  Curve curve_;
  std::int64_t steps_ = 0;
  bool grows_ = false;
};

// By its words, as the command line and Python write curricula:
//   exponential:from=256,to=87,drops=3 · linear:from=256,to=87,drops=3 · constant:budget=87 ·
//   decay:from=256,factor=.7,interval=150
// drops is 3 and interval 1 where they are missing, the others must be given. kNotFound lists the names.
[[nodiscard]] Result<BudgetCurriculum> parse_curriculum(std::string_view words, std::int64_t steps);

}  // namespace bursar::schedule
