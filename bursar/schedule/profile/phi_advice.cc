#include "bursar/schedule/profile/phi_advice.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "bursar/schedule/profile/noisy_quadratic.h"
#include "bursar/schedule/profile/schedule.h"
#include "bursar/schedule/profile/text.h"

namespace bursar::schedule {
namespace {

constexpr std::array kPhis{.125, .25, .5, 1.0, 2.0, 4.0, 8.0};
constexpr std::int64_t kMostReadings = 1024, kMostSteps = std::int64_t{1} << 50;
constexpr double kPeakLow = .002, kPeakHigh = 2;
constexpr std::size_t kPeaks = 25;
constexpr double kEqual = 1e-9;  // relative

}  // namespace

Result<PhiAdvice> advise_phi(const PhiQuestion& question) {
  if (!std::isfinite(question.kappa) || question.kappa < 1) {
    return invalid_argument("kappa: a condition number is at least 1, is " + to_text(question.kappa));
  }
  if (question.total < 1 || question.total > kMostSteps) {
    return invalid_argument("total: must be from 1 to 2^50 steps, is " + std::to_string(question.total));
  }
  const auto problem =
      NoisyQuadratic::create({.low = 1 / question.kappa, .noise = question.noise, .noise_follows_curvature = true});
  if (!problem) return tl::unexpected(problem.error());
  // The last reading may stand for fewer steps than the others; the model then takes a few steps more.
  const std::int64_t repeats = (question.total + kMostReadings - 1) / kMostReadings;
  const std::int64_t readings = (question.total + repeats - 1) / repeats;
  const auto peaks = log_spaced(kPeakLow, kPeakHigh, kPeaks);
  PhiAdvice out;
  double least = 0;
  for (const double phi : kPhis) {
    const auto shares = uba_schedule(readings, 1, 0, phi).and_then([](const Schedule& s) { return s.table(); });
    if (!shares) return tl::unexpected(shares.error());
    const auto best = problem->best(*shares, peaks, repeats);
    if (!best) return tl::unexpected(best.error());
    out.loss_by_phi.push_back({.phi = phi, .loss = best->loss, .peak = best->peak});
    if (out.loss_by_phi.size() > 1 && best->loss > least * (1 + kEqual)) continue;
    out.phi = phi;
    least = best->loss;
  }
  return out;
}

}  // namespace bursar::schedule
