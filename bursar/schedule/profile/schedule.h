// A profile at a sampling rate between a peak and a floor: one number, such as a learning rate, for every step of a
// budget that is known beforehand, and a way to go on when it turns out to be another.
//
//   auto rate = Schedule::create({.profile = Profile::rex(), .steps = 10'000, .peak = .1, .warmup = 500});
//   rate->at(0); rate->at(9'999);                        // before each step
//   rate->write(0, rates);                               // many at once
//   auto longer = rate->with_budget(6'000, 25'000);      // after 6,000 steps the budget grows
//
// A phase has `steps` steps x = 0 … steps - 1, of which the first w = warmup rise in a line:
//   rate = warmup_from + (peak - warmup_from) (x + 1) / (w + 1),                            x < w
//   rate = floor + (peak - floor) p(s),  s = (x - w) / (steps - w) at the last reading,     x >= w
// so that the first step after the warm-up takes the peak, and the last step of all a small rate, not p(1): a schedule
// over steps - 1 would waste its last step. Steps at and past the end read p(1) of the last phase, since trainers
// overrun by one. Phases follow one another; restarts are phases.
//
// A budget that changes (with_budget): steps that are done keep their rates; from there on, what was left of the
// schedule, its position at that step to its end, is read over the steps that are left now. The rate is continuous
// where the budget changes, falls where it fell before, and ends where the new budget ends; the same budget changes
// nothing, and changes add up. Warm-ups and later phases that are still ahead are stretched alike. Readings every r
// steps stay r steps apart.
//
// Errors, kInvalidArgument, name the field: steps < 1 or > 2^50, warmup outside [0, steps), peak < floor, floor < 0,
// warmup_from outside [0, peak], numbers that are not finite, step < 0. Source: systems/rex, systems/uba. A reading
// takes O(log phases + log changes).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/schedule/profile/profile.h"
#include "bursar/schedule/profile/sampling.h"

namespace bursar::schedule {

struct Phase {
  Profile profile = Profile::linear();
  Sampling sampling = {};
  std::int64_t steps = 0;  // its warm-up included
  double peak = 0, floor = 0;
  std::int64_t warmup = 0;
  double warmup_from = 0;
};

struct Restarts {
  std::int64_t count = 1;  // phases in all, 1 … 4,096
  double growth = 1;       // each is this many times as long as the last, > 0, rounded
  double decay = 1;        // and has this share of its peak, in (0, 1], but never less than the floor
};

class Schedule {
 public:
  static constexpr std::int64_t kMostSteps = std::int64_t{1} << 50;
  static constexpr std::size_t kMostPhases = 4096;  // and changes of the budget

  static Result<Schedule> create(Phase phase);
  static Result<Schedule> phases(std::vector<Phase> phases);
  static Result<Schedule> restarts(const Phase& first, const Restarts& how);

  [[nodiscard]] Result<double> at(std::int64_t step) const;
  // Rates of steps first, first + 1, …; `out` is undefined after an error.
  [[nodiscard]] Result<void> write(std::int64_t first, std::span<double> out) const;
  // [total]. kExhausted past 2^27 steps: write() them in parts.
  [[nodiscard]] Result<std::vector<double>> table() const;

  [[nodiscard]] std::int64_t total() const { return total_; }
  [[nodiscard]] double peak() const;  // the largest of all phases

  // The schedule after `done` steps when the budget becomes `total` steps in all, those that are done included.
  // kInvalidArgument unless 0 <= done < total, and done < total() before.
  [[nodiscard]] Result<Schedule> with_budget(std::int64_t done, std::int64_t total) const;

 private:
  // The schedule was written for `end_` steps of its own; a run's step is a position among them, in lines whose pieces
  // begin where the budget changed.
  struct Piece {
    std::int64_t step = 0;
    double position = 0, slope = 1;
  };
  struct Part {
    Phase phase;
    std::int64_t start = 0;
  };

  Schedule() = default;
  [[nodiscard]] double position_of(std::int64_t step) const;
  [[nodiscard]] std::int64_t first_step_at(double position) const;
  [[nodiscard]] double rate(std::int64_t step) const;

  std::vector<Part> parts_;    // not empty
  std::vector<Piece> pieces_;  // increasing, the first at step 0
  double end_ = 0;
  std::int64_t total_ = 0;
};

// systems/uba with its defaults: create() of Profile::uba(phi).
[[nodiscard]] Result<Schedule> uba_schedule(std::int64_t total, double peak, double floor = 0, double phi = .5,
                                            std::int64_t warmup = 0);

}  // namespace bursar::schedule
