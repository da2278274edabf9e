#include "reproduce/genome_world.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bursar::reproduce {
namespace {

constexpr double kDistance = .1;  // F_ST

double draw_beta(double a, double b, RandomStream& random) {
  const double x = random.gamma(a), y = random.gamma(b);
  return x / (x + y);
}

}  // namespace

GenomeGroup::GenomeGroup(std::size_t markers, double heritability, std::size_t pool, RandomStream random)
    : markers_(markers),
      pool_(pool),
      lambda_(static_cast<double>(markers) * (1 - heritability) / heritability),
      validation_(kValidationRows),
      test_(kTestRows) {
  std::vector<double> frequency(markers), effect(markers, 0);
  double variance = 0;
  for (std::size_t j = 0; j < markers; ++j) {
    const double p = random.uniform(.05, .5), spread = (1 - kDistance) / kDistance;
    frequency[j] = std::clamp(draw_beta(p * spread, (1 - p) * spread, random), .01, .99);
    // An effect of N(0, 1) / sqrt(2 f (1 - f)) a copy is N(0, 1) on the standardised scale.
    if (j % 2 == 0) effect[j] = random.normal();
    variance += effect[j] * effect[j];
  }
  for (double& e : effect) e *= std::sqrt(heritability / variance);
  const std::size_t rows = pool + kValidationRows + kTestRows;
  x_.reserve(rows * markers);
  y_.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    double y = std::sqrt(1 - heritability) * random.normal();
    for (std::size_t j = 0; j < markers; ++j) {
      const double f = frequency[j], copies = (random.bernoulli(f) ? 1 : 0) + (random.bernoulli(f) ? 1 : 0);
      x_.push_back((copies - 2 * f) / std::sqrt(2 * f * (1 - f)));
      y += effect[j] * x_.back();
    }
    y_.push_back(y);
  }
  std::iota(validation_.begin(), validation_.end(), static_cast<std::uint32_t>(pool));
  std::iota(test_.begin(), test_.end(), static_cast<std::uint32_t>(pool + kValidationRows));
}

explore::MeasuredError GenomeGroup::train(std::size_t bought, double share, RandomStream& random, Set set) const {
  std::vector<std::uint32_t> rows(std::min(bought, pool_));
  std::iota(rows.begin(), rows.end(), 0U);
  if (share < 1) {
    random.shuffle(std::span(rows));
    rows.resize(static_cast<std::size_t>(std::llround(share * static_cast<double>(rows.size()))));
  }
  const explore::TrainingData data{x_, y_, markers_};
  const auto model = explore::fit_ridge(data, rows, lambda_);
  const auto error =
      model ? explore::measure(*model, data, set == Set::kTest ? test_ : validation_) : tl::unexpected(model.error());
  return error.value_or(explore::MeasuredError{.error = 1, .variance = 1});
}

}  // namespace bursar::reproduce
