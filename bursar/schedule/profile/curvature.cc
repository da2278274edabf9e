#include "bursar/schedule/profile/curvature.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/schedule/profile/text.h"

namespace bursar::schedule {
namespace {

constexpr std::size_t kMostNumbers = std::size_t{1} << 29;  // of a basis: 4 GiB
constexpr double kZero = 1e-9;                              // of the largest: a curvature that is none

struct Weighted {
  double value = 0, weight = 0;
};

struct Lanczos {
  std::vector<double> diagonal, off;  // off[i] between i and i + 1
};

Result<Lanczos> run_lanczos(Eigen::Index n, const HessianProduct& product, std::size_t steps, RandomStream random) {
  Lanczos out;
  Eigen::MatrixXd basis(n, static_cast<Eigen::Index>(steps));
  Eigen::VectorXd v(n), w(n);
  for (double& x : v) x = random.normal();
  v.normalize();
  double scale = 0;
  for (Eigen::Index k = 0; k < static_cast<Eigen::Index>(steps); ++k) {
    basis.col(k) = v;
    w.setZero();
    product({v.data(), static_cast<std::size_t>(n)}, {w.data(), static_cast<std::size_t>(n)});
    if (!w.allFinite()) return invalid_argument("product: gave a number that is not finite");
    scale = std::max(scale, w.norm());
    out.diagonal.push_back(v.dot(w));
    const auto known = basis.leftCols(k + 1);
    for (int pass = 0; pass < 2; ++pass) w -= known * (known.transpose() * w).eval();
    const double rest = w.norm();
    // An invariant subspace: its eigenvalues are exact, and a start in general position has a part in every eigenspace.
    if (k + 1 == static_cast<Eigen::Index>(steps) || rest <= 1e-12 * scale) break;
    out.off.push_back(rest);
    v = w / rest;
  }
  return out;
}

// Eigenvalues of the tridiagonal matrix with the squares of their vectors' first components.
Result<void> add_ritz(const Lanczos& run, double share, std::vector<Weighted>& out) {
  const auto m = static_cast<Eigen::Index>(run.diagonal.size());
  Eigen::VectorXd diagonal = Eigen::Map<const Eigen::VectorXd>(run.diagonal.data(), m);
  Eigen::VectorXd off = Eigen::VectorXd::Zero(std::max<Eigen::Index>(m - 1, 0));
  for (Eigen::Index i = 0; i + 1 < m; ++i) off[i] = run.off[static_cast<std::size_t>(i)];
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
  solver.computeFromTridiagonal(diagonal, off);
  if (solver.info() != Eigen::Success) return fail(ErrorCode::kInternal, "eigenvalues did not converge");
  for (Eigen::Index i = 0; i < m; ++i) {
    const double first = solver.eigenvectors()(0, i);
    out.push_back({.value = solver.eigenvalues()[i], .weight = share * first * first});
  }
  return {};
}

Result<void> check(std::size_t n, const HessianProduct& product, const KappaOptions& o) {
  if (n < 1) return invalid_argument("n: must be at least 1, is 0");
  if (!product) return invalid_argument("product: is empty");
  if (o.steps < 2 || o.steps > 1024) {
    return invalid_argument("steps: must be from 2 to 1024, is " + std::to_string(o.steps));
  }
  if (o.probes < 1 || o.probes > 64) {
    return invalid_argument("probes: must be from 1 to 64, is " + std::to_string(o.probes));
  }
  if (n > kMostNumbers / o.steps) {
    return fail(ErrorCode::kExhausted, "n x steps: " + std::to_string(n) + " x " + std::to_string(o.steps) +
                                           " numbers are kept, at most 2^29; give fewer steps");
  }
  if (!(o.low_quantile >= 0 && o.low_quantile < 1)) {
    return invalid_argument("low_quantile: must lie in [0, 1), is " + to_text(o.low_quantile));
  }
  return {};
}

}  // namespace

Result<KappaEstimate> estimate_kappa(std::size_t n, const HessianProduct& product, const KappaOptions& options) {
  if (auto ok = check(n, product, options); !ok) return tl::unexpected(ok.error());
  KappaEstimate out;
  std::vector<Weighted> ritz;
  for (std::size_t p = 0; p < options.probes; ++p) {
    const auto run = run_lanczos(static_cast<Eigen::Index>(n), product, std::min(options.steps, n),
                                 RandomStream(options.seed).split("kappa").split(p));
    if (!run) return tl::unexpected(run.error());
    out.products += run->diagonal.size();
    if (auto ok = add_ritz(*run, 1 / static_cast<double>(options.probes), ritz); !ok) return tl::unexpected(ok.error());
  }
  std::ranges::sort(ritz, {}, &Weighted::value);
  out.largest = ritz.back().value;
  if (!(out.largest > 0)) {
    return fail(ErrorCode::kInfeasible, "no positive curvature was found (largest eigenvalue " + to_text(out.largest) +
                                            "); a condition number has no meaning here");
  }
  double positive = 0;
  for (const Weighted& r : ritz) {
    if (r.value < -kZero * out.largest) out.negative_share += r.weight;
    if (r.value > kZero * out.largest) positive += r.weight;
  }
  double seen = 0;
  for (const Weighted& r : ritz) {
    if (r.value <= kZero * out.largest) continue;
    out.smallest = r.value;
    seen += r.weight;
    if (seen >= options.low_quantile * positive) break;
  }
  out.kappa = out.largest / out.smallest;
  return out;
}

}  // namespace bursar::schedule
