#include "bursar/explore/private_best_arm/elimination_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "bursar/allocate/solve.h"

namespace bursar::explore {
namespace {

constexpr std::uint64_t kMostSamples = std::uint64_t{1} << 53;
constexpr std::size_t kMostArms = std::size_t{1} << 32;

std::uint64_t ceil_of(std::uint64_t a, std::uint64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

std::vector<std::size_t> paper_survivors(std::size_t arms, std::size_t d) {
  // ceil(d^2/4), cut at the arms so that it cannot overflow.
  const std::size_t quarter = d >= std::size_t{1} << 17 ? arms : ceil_of(d * d, 4);
  std::size_t g = std::min(arms, quarter), h = arms - g;
  const double lambda = d == 1 ? static_cast<double>(h) + 2
                               : std::max(2.0, std::pow(static_cast<double>(h), 1 / std::log(static_cast<double>(d))));
  const std::size_t g0 = g;
  std::vector<std::size_t> survivors{arms};
  while (h > 0) {
    h = static_cast<std::size_t>(std::ceil((static_cast<double>(h) + 1) / lambda)) - 1;
    survivors.push_back(g0 + h);
  }
  while (g > 1) {
    g = ceil_of(g, 2);
    survivors.push_back(g);
  }
  return survivors;
}

std::vector<std::size_t> halved_survivors(std::size_t arms, std::size_t d) {
  std::vector<std::size_t> survivors{arms};
  while (survivors.back() > 1) survivors.push_back(d = ceil_of(d, 2));
  return survivors;
}

std::uint64_t slack_of(std::size_t survivors, std::size_t d) {
  const double root = std::sqrt(static_cast<double>(survivors));
  return std::max<std::uint64_t>(d, static_cast<double>(d) >= root ? survivors : 0);
}

}  // namespace

std::uint64_t EliminationPlan::pulls(std::size_t arms) const { return ceil_of(usable, phases() * arms); }

Result<EliminationPlan> plan_elimination(const EliminationProblem& problem) {
  const std::size_t k = problem.arms, d = problem.dimension;
  if (k == 0 || k > kMostArms) return invalid_argument("arms: are " + std::to_string(k) + "; needs 1 to 2^32");
  if (d == 0 || d > k) {
    return invalid_argument("dimension: is " + std::to_string(d) + "; it must be from 1 to the number of arms, " +
                            std::to_string(k));
  }
  if (problem.samples > kMostSamples) {
    return invalid_argument("samples: are " + std::to_string(problem.samples) + "; at most 2^53 can be counted");
  }
  EliminationPlan plan{
      .survivors = problem.schedule == EliminationSchedule::kPaper ? paper_survivors(k, d) : halved_survivors(k, d),
      .usable = problem.samples};
  std::uint64_t slack = 0;
  for (std::size_t p = 0; p < plan.phases(); ++p) slack += slack_of(plan.survivors[p], d);
  if (plan.phases() > 0 && slack >= problem.samples) {
    return fail(ErrorCode::kInfeasible, "samples: " + std::to_string(problem.samples) + " are too few for " +
                                            std::to_string(k) + " arms of dimension " + std::to_string(d) + " in " +
                                            std::to_string(plan.phases()) + " phases; the fewest that work are " +
                                            std::to_string(slack + 1));
  }
  plan.usable -= slack;
  return plan;
}

Result<EliminationHardness> elimination_hardness(std::span<const double> means, std::size_t dimension, double epsilon) {
  if (means.empty() || dimension == 0) return invalid_argument("means: there must be an arm, and a dimension");
  if (std::isnan(epsilon) || epsilon <= 0) {
    return invalid_argument("epsilon: is " + allocate::to_text(epsilon) + "; it must be above 0");
  }
  std::vector<double> sorted(means.begin(), means.end());
  if (!std::ranges::all_of(sorted, [](double m) { return std::isfinite(m); })) {
    return invalid_argument("means: must be finite");
  }
  std::ranges::sort(sorted, std::greater{});
  EliminationHardness hardness;
  const std::size_t last =
      dimension >= std::size_t{1} << 16 ? sorted.size() : std::min(sorted.size(), dimension * dimension);
  for (std::size_t i = 2; i <= last; ++i) {
    const double gap = sorted[0] - sorted[i - 1], rank = static_cast<double>(i);
    hardness.samples = std::max(hardness.samples, rank / (gap * gap));
    hardness.privacy = std::max(hardness.privacy, rank / gap / epsilon);
  }
  return hardness;
}

double elimination_error_bound(const EliminationPlan& plan, const EliminationHardness& hardness) {
  if (plan.phases() == 0) return 0;
  const double h = hardness.samples + hardness.privacy, m = static_cast<double>(plan.phases());
  return std::min(1.0, std::exp(-static_cast<double>(plan.usable) / (65 * m * h)));
}

}  // namespace bursar::explore
