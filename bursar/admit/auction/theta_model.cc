#include "bursar/admit/auction/theta_model.h"

#include <algorithm>
#include <string>

namespace bursar::admit {
namespace {

bool is_theta(double theta) { return theta >= 0 && theta <= 1; }

}  // namespace

Result<ThetaModel> ThetaModel::average(double theta_avg) {
  if (!is_theta(theta_avg)) {
    return invalid_argument("theta_avg is " + std::to_string(theta_avg) + "; it must be a chance from 0 to 1");
  }
  ThetaModel model;
  model.mean_ = model.largest_ = theta_avg;
  return model;
}

Result<ThetaModel> ThetaModel::distribution(std::span<const double> thetas, std::span<const double> weights) {
  if (thetas.empty()) return invalid_argument("thetas are empty; give at least one prediction");
  if (!weights.empty() && weights.size() != thetas.size()) {
    return invalid_argument("there are " + std::to_string(weights.size()) + " weights for " +
                            std::to_string(thetas.size()) + " thetas");
  }
  struct Atom {
    double theta, weight;
  };
  std::vector<Atom> atoms;
  double total = 0;
  for (std::size_t i = 0; i < thetas.size(); ++i) {
    const double weight = weights.empty() ? 1 : weights[i];
    if (!is_theta(thetas[i])) {
      return invalid_argument("theta " + std::to_string(i) + " is " + std::to_string(thetas[i]) +
                              "; it must be a chance from 0 to 1");
    }
    if (!(weight >= 0 && weight <= 1e300)) {
      return invalid_argument("weight " + std::to_string(i) + " is " + std::to_string(weight) +
                              "; it must be a number of at least 0");
    }
    atoms.push_back({thetas[i], weight});
    total += weight;
  }
  if (total <= 0) return invalid_argument("all weights of thetas are 0");
  std::ranges::sort(atoms, {}, &Atom::theta);

  ThetaModel model;
  model.largest_ = atoms.back().theta;
  model.scale_ = model.largest_ > 0 ? static_cast<double>(kCells) / model.largest_ : 0;
  model.excess_.assign(kCells + 2, 0.0);
  // Downwards over the points: above each lie `weight` of the atoms, whose thetas sum to `sum`.
  double weight = 0, sum = 0;
  std::size_t next = atoms.size();
  for (std::size_t cell = kCells + 1; cell-- > 0;) {
    const double c = model.largest_ * static_cast<double>(cell) / static_cast<double>(kCells);
    while (next > 0 && atoms[next - 1].theta > c) {
      --next;
      weight += atoms[next].weight;
      sum += atoms[next].weight * atoms[next].theta;
    }
    model.excess_[cell] = std::max(0.0, (sum - weight * c) / total);
  }
  model.mean_ = model.excess_.front();
  return model;
}

}  // namespace bursar::admit
