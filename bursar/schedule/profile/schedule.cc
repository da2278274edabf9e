#include "bursar/schedule/profile/schedule.h"

#include <algorithm>
#include <cmath>

#include "bursar/schedule/profile/text.h"

namespace bursar::schedule {
namespace {

constexpr std::int64_t kMostTable = std::int64_t{1} << 27;

Result<void> check(const Phase& phase) {
  if (phase.steps < 1 || phase.steps > Schedule::kMostSteps) {
    return invalid_argument("steps: must be from 1 to 2^50, is " + std::to_string(phase.steps));
  }
  if (phase.warmup < 0 || phase.warmup >= phase.steps) {
    return invalid_argument("warmup: must be from 0 to less than the " + std::to_string(phase.steps) +
                            " steps of which it is a part, is " + std::to_string(phase.warmup));
  }
  if (!std::isfinite(phase.peak)) return invalid_argument("peak: must be a number, is " + to_text(phase.peak));
  if (!std::isfinite(phase.floor) || phase.floor < 0) {
    return invalid_argument("floor: must be a number of at least 0, is " + to_text(phase.floor));
  }
  if (phase.peak < phase.floor) {
    return invalid_argument("peak: must be at least the floor " + to_text(phase.floor) + ", is " + to_text(phase.peak));
  }
  if (!(phase.warmup_from >= 0 && phase.warmup_from <= phase.peak)) {
    return invalid_argument("warmup_from: must be from 0 to the peak " + to_text(phase.peak) + ", is " +
                            to_text(phase.warmup_from));
  }
  return {};
}

double end_of(const Phase& phase) { return phase.floor + (phase.peak - phase.floor) * phase.profile(1); }

}  // namespace

Result<Schedule> Schedule::create(Phase phase) {
  std::vector<Phase> one;
  one.push_back(std::move(phase));
  return phases(std::move(one));
}

Result<Schedule> Schedule::phases(std::vector<Phase> phases) {
  if (phases.empty() || phases.size() > kMostPhases) {
    return invalid_argument("phases: must be 1 to " + std::to_string(kMostPhases) + ", are " +
                            std::to_string(phases.size()));
  }
  Schedule out;
  std::int64_t start = 0;
  for (Phase& phase : phases) {
    auto ok = check(phase);
    if (ok && phase.steps > kMostSteps - start) ok = invalid_argument("steps: of all phases exceed 2^50");
    if (!ok && phases.size() == 1) return tl::unexpected(ok.error());
    if (!ok) return tl::unexpected(with_context("phase " + std::to_string(out.parts_.size()), ok.error()));
    const std::int64_t steps = phase.steps;
    out.parts_.push_back({.phase = std::move(phase), .start = start});
    start += steps;
  }
  out.pieces_ = {{}};
  out.end_ = static_cast<double>(start);
  out.total_ = start;
  return out;
}

Result<Schedule> Schedule::restarts(const Phase& first, const Restarts& how) {
  if (how.count < 1 || how.count > static_cast<std::int64_t>(kMostPhases)) {
    return invalid_argument("count: must be from 1 to " + std::to_string(kMostPhases) + ", is " +
                            std::to_string(how.count));
  }
  if (!std::isfinite(how.growth) || how.growth <= 0) {
    return invalid_argument("growth: must be a positive number, is " + to_text(how.growth));
  }
  if (!(how.decay > 0 && how.decay <= 1)) {
    return invalid_argument("decay: must lie in (0, 1], is " + to_text(how.decay));
  }
  if (auto ok = check(first); !ok) return tl::unexpected(ok.error());
  std::vector<Phase> all;
  double steps = static_cast<double>(first.steps), peak = first.peak;
  for (std::int64_t k = 0; k < how.count; ++k, steps *= how.growth, peak *= how.decay) {
    if (steps > static_cast<double>(kMostSteps)) return invalid_argument("growth: the phases exceed 2^50 steps");
    Phase next = first;
    next.steps = std::llround(steps);
    next.peak = std::max(peak, first.floor);
    next.warmup_from = std::min(first.warmup_from, next.peak);
    all.push_back(std::move(next));
  }
  return phases(std::move(all));
}

double Schedule::position_of(std::int64_t step) const {
  const Piece& piece = *std::prev(std::ranges::upper_bound(pieces_, step, {}, &Piece::step));
  return piece.position + static_cast<double>(step - piece.step) * piece.slope;
}

std::int64_t Schedule::first_step_at(double position) const {
  const Piece& piece = *std::prev(std::ranges::upper_bound(pieces_, position, {}, &Piece::position));
  return piece.step + static_cast<std::int64_t>(std::ceil((position - piece.position) / piece.slope));
}

double Schedule::rate(std::int64_t step) const {
  if (step >= total()) return end_of(parts_.back().phase);
  const double position = position_of(step);
  const auto after = std::ranges::upper_bound(parts_, position, {}, [](const Part& p) { return double(p.start); });
  const Part& part = *std::prev(after);
  const Phase& phase = part.phase;
  const double x = position - static_cast<double>(part.start), warmup = static_cast<double>(phase.warmup);
  if (x < warmup) return phase.warmup_from + (phase.peak - phase.warmup_from) * (x + 1) / (warmup + 1);
  double read = x;
  if (const std::int64_t apart = phase.sampling.steps(); apart > 1) {
    const std::int64_t first = std::min(step, first_step_at(static_cast<double>(part.start + phase.warmup)));
    const std::int64_t last = first + (step - first) / apart * apart;
    read = std::max(warmup, position_of(last) - static_cast<double>(part.start));
  }
  const double s = phase.sampling.last_share((read - warmup) / static_cast<double>(phase.steps - phase.warmup));
  return phase.floor + (phase.peak - phase.floor) * phase.profile(s);
}

Result<double> Schedule::at(std::int64_t step) const {
  if (step < 0) return invalid_argument("step: must be at least 0, is " + std::to_string(step));
  const double out = rate(step);
  if (std::isfinite(out)) return out;
  return invalid_argument("step " + std::to_string(step) + ": the profile gives " + to_text(out) +
                          " there; a curve must lie in [0, 1] everywhere");
}

Result<void> Schedule::write(std::int64_t first, std::span<double> out) const {
  if (first < 0 || first > kMostSteps) {
    return invalid_argument("step: must be from 0 to 2^50, is " + std::to_string(first));
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto one = at(first + static_cast<std::int64_t>(i));
    if (!one) return tl::unexpected(one.error());
    out[i] = *one;
  }
  return {};
}

Result<std::vector<double>> Schedule::table() const {
  if (total() > kMostTable) {
    return fail(ErrorCode::kExhausted,
                "a table of " + std::to_string(total()) + " steps is too long (at most 2^27); write it in parts");
  }
  std::vector<double> out(static_cast<std::size_t>(total()));
  if (auto ok = write(0, out); !ok) return tl::unexpected(ok.error());
  return out;
}

double Schedule::peak() const {
  return std::ranges::max(parts_, {}, [](const Part& p) { return p.phase.peak; }).phase.peak;
}

Result<Schedule> Schedule::with_budget(std::int64_t done, std::int64_t budget) const {
  if (done < 0) return invalid_argument("done: must be at least 0 steps, is " + std::to_string(done));
  if (done >= total()) {
    return invalid_argument("done: after " + std::to_string(done) + " of " + std::to_string(total()) +
                            " steps nothing is left to stretch; begin another phase");
  }
  if (budget <= done || budget > kMostSteps) {
    return invalid_argument("total: must be more than the " + std::to_string(done) +
                            " steps that are done and at most 2^50, is " + std::to_string(budget));
  }
  if (pieces_.size() > kMostPhases) {
    return fail(ErrorCode::kExhausted, "the budget has changed " + std::to_string(kMostPhases) + " times already");
  }
  Schedule out = *this;
  if (budget == total_) return out;
  const double position = position_of(done), slope = (end_ - position) / static_cast<double>(budget - done);
  if (out.pieces_.back().step == done) out.pieces_.pop_back();
  out.pieces_.push_back({.step = done, .position = position, .slope = slope});
  out.total_ = budget;
  return out;
}

Result<Schedule> uba_schedule(std::int64_t total, double peak, double floor, double phi, std::int64_t warmup) {
  return Profile::uba(phi).and_then([&](Profile profile) {
    return Schedule::create(
        {.profile = std::move(profile), .steps = total, .peak = peak, .floor = floor, .warmup = warmup});
  });
}

}  // namespace bursar::schedule
