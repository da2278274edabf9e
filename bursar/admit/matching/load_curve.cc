#include "bursar/admit/matching/load_curve.h"

#include <array>
#include <cmath>
#include <utility>

namespace bursar::admit {
namespace {

double marginal(double l) { return std::exp(-l); }
double double_exponential_left(double l) { return -std::expm1(-std::exp(-l)); }
double fraction_left(double l) { return 1 / (1 + l); }
double half_marginal_left(double l) { return .5 + .5 * std::exp(-l); }

using Curve = double (*)(double);
constexpr std::array<std::pair<std::string_view, Curve>, 4> kCurves{{{"marginal", marginal},
                                                                     {"double-exponential", double_exponential_left},
                                                                     {"fraction", fraction_left},
                                                                     {"half-marginal", half_marginal_left}}};

}  // namespace

LoadCurve LoadCurve::expected_marginal() { return {"marginal", marginal}; }
LoadCurve LoadCurve::double_exponential() { return {"double-exponential", double_exponential_left}; }
LoadCurve LoadCurve::fraction() { return {"fraction", fraction_left}; }
LoadCurve LoadCurve::half_marginal() { return {"half-marginal", half_marginal_left}; }
LoadCurve LoadCurve::custom(std::string name, std::function<double(double)> left) {
  return {std::move(name), std::move(left)};
}

Result<LoadCurve> LoadCurve::named(std::string_view name) {
  std::string known;
  for (const auto& [own, curve] : kCurves) {
    if (own == name) return LoadCurve(std::string(own), curve);
    known += (known.empty() ? "" : ", ") + std::string(own);
  }
  return invalid_argument("there is no load curve '" + std::string(name) + "'; there are " + known);
}

std::vector<std::string_view> LoadCurve::names() {
  std::vector<std::string_view> out;
  for (const auto& [own, curve] : kCurves) out.push_back(own);
  return out;
}

}  // namespace bursar::admit
