#include "bursar/schedule/profile/budget_curriculum.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bursar/schedule/profile/schedule.h"
#include "bursar/schedule/profile/text.h"

namespace bursar::schedule {
namespace {

constexpr double kMostBudget = 0x1p53;  // whole numbers up to here are exact
constexpr std::int64_t kMostSteps = std::int64_t{1} << 40, kMostDrops = std::int64_t{1} << 20;
constexpr std::int64_t kMostListed = std::int64_t{1} << 27;

Result<void> check_budget(const char* name, double budget) {
  if (budget >= 1 && budget <= kMostBudget) return {};
  return invalid_argument(std::string(name) + ": a budget must be from 1 to 2^53, is " + to_text(budget));
}

Result<void> check_steps(std::int64_t steps) {
  if (steps >= 1 && steps <= kMostSteps) return {};
  return invalid_argument("steps: must be from 1 to 2^40, is " + std::to_string(steps));
}

Result<void> check_ends(const BudgetDrops& d) {
  if (auto ok = check_steps(d.steps); !ok) return ok;
  if (auto ok = check_budget("from", d.from); !ok) return ok;
  return check_budget("to", d.to);
}

Result<void> check_drops(const BudgetDrops& d) {
  if (auto ok = check_ends(d); !ok) return ok;
  if (d.drops < 0 || d.drops > kMostDrops) {
    return invalid_argument("drops: must be from 0 to 2^20, is " + std::to_string(d.drops));
  }
  if (d.drops == 0 && d.from != d.to) {
    return invalid_argument("drops: 0 cannot lead from " + to_text(d.from) + " to " + to_text(d.to) +
                            "; give at least 1");
  }
  if (d.steps >= d.drops + 1) return {};
  return invalid_argument("steps: must be at least drops + 1 = " + std::to_string(d.drops + 1) + ", is " +
                          std::to_string(d.steps));
}

// k of n drops, done at step t.
std::int64_t drops_done(const BudgetDrops& d, std::int64_t t) { return t * (d.drops + 1) / d.steps; }

}  // namespace

BudgetCurriculum::BudgetCurriculum(Curve curve, std::int64_t steps)
    : curve_(std::move(curve)), steps_(steps), grows_(curve_(steps - 1) > curve_(0)) {}

Result<BudgetCurriculum> BudgetCurriculum::exponential(const BudgetDrops& drops) {
  if (auto ok = check_drops(drops); !ok) return tl::unexpected(ok.error());
  return BudgetCurriculum(
      [d = drops](std::int64_t t) {
        const std::int64_t k = drops_done(d, t);
        if (k == 0) return d.from;
        if (k == d.drops) return d.to;
        return d.from * std::pow(d.to / d.from, static_cast<double>(k) / static_cast<double>(d.drops));
      },
      drops.steps);
}

Result<BudgetCurriculum> BudgetCurriculum::linear(const BudgetDrops& drops) {
  if (auto ok = check_drops(drops); !ok) return tl::unexpected(ok.error());
  return BudgetCurriculum(
      [d = drops](std::int64_t t) {
        const std::int64_t k = drops_done(d, t);
        if (k == 0) return d.from;
        if (k == d.drops) return d.to;
        return d.from + (d.to - d.from) * (static_cast<double>(k) / static_cast<double>(d.drops));
      },
      drops.steps);
}

Result<BudgetCurriculum> BudgetCurriculum::constant(double budget, std::int64_t steps) {
  if (auto ok = check_budget("budget", budget); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_steps(steps); !ok) return tl::unexpected(ok.error());
  return BudgetCurriculum([budget](std::int64_t) { return budget; }, steps);
}

Result<BudgetCurriculum> BudgetCurriculum::decay(const BudgetDecay& decay) {
  if (auto ok = check_steps(decay.steps); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_budget("from", decay.from); !ok) return tl::unexpected(ok.error());
  if (!(decay.factor > 0 && decay.factor <= 1)) {
    return invalid_argument("factor: must lie in (0, 1], is " + to_text(decay.factor));
  }
  if (decay.interval < 1) {
    return invalid_argument("interval: must be at least 1 step, is " + std::to_string(decay.interval));
  }
  return BudgetCurriculum(
      [d = decay](std::int64_t t) {
        return std::max(1.0, d.from * std::pow(d.factor, static_cast<double>(t / d.interval)));
      },
      decay.steps);
}

Result<BudgetCurriculum> BudgetCurriculum::custom(std::vector<BudgetChange> changes, std::int64_t steps) {
  if (auto ok = check_steps(steps); !ok) return tl::unexpected(ok.error());
  if (changes.empty() || changes.front().step != 0) {
    return invalid_argument("changes: the first must be at step 0, so that every step has a budget");
  }
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (auto ok = check_budget("changes", changes[i].budget); !ok) return tl::unexpected(ok.error());
    if (i == 0 || changes[i].step > changes[i - 1].step) continue;
    return invalid_argument("changes: steps must increase, but " + std::to_string(changes[i].step) + " follows " +
                            std::to_string(changes[i - 1].step));
  }
  if (changes.back().step >= steps) {
    return invalid_argument("changes: step " + std::to_string(changes.back().step) + " is not one of the " +
                            std::to_string(steps) + " steps");
  }
  return BudgetCurriculum(
      [all = std::move(changes)](std::int64_t t) {
        return std::prev(std::ranges::upper_bound(all, t, {}, &BudgetChange::step))->budget;
      },
      steps);
}

Result<BudgetCurriculum> BudgetCurriculum::of_profile(const Profile& profile, const Sampling& sampling,
                                                      const BudgetDrops& ends) {
  if (auto ok = check_ends(ends); !ok) return tl::unexpected(ok.error());
  auto share = Schedule::create({.profile = profile, .sampling = sampling, .steps = ends.steps, .peak = 1});
  if (!share) return tl::unexpected(share.error());
  return BudgetCurriculum(
      [share = std::move(*share), from = ends.from, to = ends.to](std::int64_t t) {
        const auto p = share.at(t);
        return p ? to + (from - to) * *p : std::numeric_limits<double>::quiet_NaN();
      },
      ends.steps);
}

Result<double> BudgetCurriculum::at(std::int64_t step) const {
  if (step < 0) return invalid_argument("step: must be at least 0, is " + std::to_string(step));
  const double budget = curve_(std::min(step, steps_ - 1));
  // Only a custom profile can get here.
  if (!std::isfinite(budget)) {
    return invalid_argument("step " + std::to_string(step) + ": the profile has no value there");
  }
  return budget;
}

Result<std::int64_t> BudgetCurriculum::tokens_at(std::int64_t step) const {
  return at(step).map([](double budget) { return static_cast<std::int64_t>(std::llround(budget)); });
}

Result<std::vector<BudgetChange>> BudgetCurriculum::changes() const {
  if (steps_ > kMostListed) {
    return fail(ErrorCode::kExhausted,
                "changes over " + std::to_string(steps_) + " steps are not listed (at most 2^27)");
  }
  std::vector<BudgetChange> out;
  for (std::int64_t t = 0; t < steps_; ++t) {
    const auto budget = at(t);
    if (!budget) return tl::unexpected(budget.error());
    if (out.empty() || out.back().budget != *budget) out.push_back({.step = t, .budget = *budget});
  }
  return out;
}

}  // namespace bursar::schedule
