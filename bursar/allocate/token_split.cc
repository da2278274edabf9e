#include "bursar/allocate/token_split.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>

#include "bursar/allocate/solve.h"

namespace bursar::allocate {
namespace {

double weight(Decay decay, const DecayShape& shape, std::size_t j, std::size_t m) {
  const auto left = static_cast<double>(m - j), at = static_cast<double>(j);
  switch (decay) {
    case Decay::kConstant: return 1;
    case Decay::kLinear: return left;
    case Decay::kPolynomial: return std::pow(left, shape.power);
    case Decay::kExponential: return std::pow(shape.base, at);
    case Decay::kCosine: break;
  }
  return m == 1 ? 1 : (1 + std::cos(std::numbers::pi * at / static_cast<double>(m - 1))) / 2 + shape.floor;
}

}  // namespace

Result<std::vector<std::int64_t>> split_tokens(std::span<const double> credits, std::int64_t total, Decay decay,
                                               const DecayShape& shape) {
  constexpr std::int64_t kMost = std::int64_t{1} << 50;
  if (credits.empty()) return invalid_argument("there are no credits to split by");
  if (total < 0 || total > kMost)
    return invalid_argument("total is " + std::to_string(total) + "; it must be from 0 to 2^50");
  if (!(shape.power >= 0 && shape.power <= 64) || !(shape.base > 0 && shape.base <= 1) ||
      !(shape.floor >= 0 && shape.floor <= kLargestNumber)) {
    return invalid_argument("the decay's shape is out of range: power 0 to 64, base above 0 to 1, floor at least 0");
  }
  std::vector<double> share;
  for (std::size_t j = 0; j < credits.size(); ++j) {
    if (!(credits[j] >= 0) || credits[j] > kLargestNumber)
      return invalid_argument("credit " + std::to_string(j) + " is " + to_text(credits[j]) +
                              "; it must be at least 0 and finite");
    share.push_back(credits[j] * weight(decay, shape, j, credits.size()));
  }
  const double sum = std::accumulate(share.begin(), share.end(), 0.0);
  if (!(sum > 0)) return invalid_argument("all credits are 0, or decay to 0");
  std::vector<std::int64_t> tokens;
  tokens.reserve(share.size());
  std::int64_t left = total;
  for (double& v : share) {
    v /= sum;
    // A product that rounding lifted to the next whole number must not be counted twice.
    tokens.push_back(std::min(left, static_cast<std::int64_t>(std::floor(v * static_cast<double>(total)))));
    left -= tokens.back();
  }
  std::vector<std::size_t> order(share.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t j) { return share[j]; });
  for (std::size_t k = 0; left > 0; k = (k + 1) % order.size()) ++tokens[order[k]], --left;
  return tokens;
}

double residual_uncertainty(std::span<const double> c, std::span<const double> a, std::span<const double> tokens) {
  double sum = 0;
  for (std::size_t j = 0; j < c.size(); ++j) sum += c[j] == 0 ? 0 : c[j] / std::pow(tokens[j], a[j]);
  return sum;
}

}  // namespace bursar::allocate
