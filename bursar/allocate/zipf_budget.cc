#include "bursar/allocate/zipf_budget.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "bursar/allocate/solve.h"
#include "bursar/core/apportionment.h"

namespace bursar::allocate {
namespace {

Result<std::vector<std::size_t>> ranked(std::span<const double> densities) {
  for (std::size_t i = 0; i < densities.size(); ++i) {
    if (!(densities[i] >= 0) || densities[i] > kLargestNumber)
      return invalid_argument("feature " + std::to_string(i) + ": density is " + to_text(densities[i]) +
                              "; it must be at least 0 and finite");
  }
  std::vector<std::size_t> order(densities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return densities[i]; });
  return order;
}

}  // namespace

Result<ZipfCurve> fit_zipf(std::span<const double> densities) {
  auto order = ranked(densities);
  if (!order) return tl::unexpected(order.error());
  const auto features = static_cast<double>(densities.size());
  const auto from = static_cast<std::size_t>(std::floor(.02 * features));
  const auto to = static_cast<std::size_t>(std::ceil(.8 * features));
  std::vector<double> rank, log_density;
  for (std::size_t r = from; r < to; ++r) {
    const double density = densities[(*order)[r]];
    if (density <= 0) break;
    rank.push_back(static_cast<double>(r + 1));
    log_density.push_back(std::log(density));
  }
  if (rank.size() < 3) return invalid_argument("a Zipf curve needs at least three positive densities to fit");
  const auto n = static_cast<double>(rank.size());
  ZipfCurve best{.error = std::numeric_limits<double>::infinity()};
  for (const double beta : {0., 1., 2., 5., 10., 20., 50.}) {
    double sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (std::size_t k = 0; k < rank.size(); ++k) {
      const double x = std::log(rank[k] + beta);
      sx += x, sy += log_density[k], sxx += x * x, sxy += x * log_density[k];
    }
    const double alpha = std::clamp(-(sxy - sx * sy / n) / (sxx - sx * sx / n), .3, 2.5);
    const double level = (sy + alpha * sx) / n;
    double squares = 0;
    for (std::size_t k = 0; k < rank.size(); ++k) {
      const double off = log_density[k] - level + alpha * std::log(rank[k] + beta);
      squares += off * off;
    }
    if (const double error = std::sqrt(squares / n); error < best.error) best = {alpha, beta, error};
  }
  return best;
}

Result<ZipfBudgets> zipf_budgets(std::span<const double> densities, const ZipfDemand& demand) {
  constexpr std::int64_t kMost = std::int64_t{1} << 24;
  auto order = ranked(densities);
  if (!order) return tl::unexpected(order.error());
  if (demand.tokens < 1 || demand.tokens > kMost || demand.per_token < 0 || demand.per_token > kMost)
    return invalid_argument("tokens is " + std::to_string(demand.tokens) + " and per_token " +
                            std::to_string(demand.per_token) + "; they must be from 1, and from 0, to 2^24");
  if (!(demand.curve.alpha >= 0 && demand.curve.alpha <= 16) || !(demand.curve.beta >= 0 && demand.curve.beta <= 1e9))
    return invalid_argument("alpha is " + to_text(demand.curve.alpha) + " and beta " + to_text(demand.curve.beta) +
                            "; they must be from 0 to 16, and from 0 to 1e9");
  std::vector<double> weights;
  weights.reserve(densities.size());
  for (std::size_t r = 0; r < densities.size(); ++r)
    weights.push_back(std::pow(static_cast<double>(r + 1) + demand.curve.beta, -demand.curve.alpha));
  const auto features = static_cast<std::int64_t>(densities.size());
  if (features > kMost) return invalid_argument("there are more than 2^24 features");
  const std::int64_t wanted = demand.tokens * demand.per_token;
  ZipfBudgets out{.total = std::clamp(wanted, features, features * demand.tokens)};
  out.forced = out.total != wanted;
  const std::vector<std::int64_t> floors(densities.size(), 1), ceilings(densities.size(), demand.tokens);
  auto by_rank = apportion(weights, out.total, {.floors = floors, .ceilings = ceilings});
  if (!by_rank) return tl::unexpected(by_rank.error());
  out.caps.resize(densities.size());
  for (std::size_t r = 0; r < order->size(); ++r) out.caps[(*order)[r]] = (*by_rank)[r];
  return out;
}

}  // namespace bursar::allocate
