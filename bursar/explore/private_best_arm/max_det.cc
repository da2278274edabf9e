#include "bursar/explore/private_best_arm/max_det.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <string>

#include "bursar/allocate/solve.h"

namespace bursar::explore {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::size_t kMostSwaps = 100'000;  // never seen: a few are usual

Result<void> check_rows(std::span<const double> rows, std::size_t dimension) {
  if (dimension == 0 || rows.empty() || rows.size() % dimension != 0) {
    return invalid_argument("features: " + std::to_string(rows.size()) + " numbers are no rows of " +
                            std::to_string(dimension));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (std::isfinite(rows[i]) && std::abs(rows[i]) <= allocate::kLargestNumber) continue;
    return invalid_argument("features: number " + std::to_string(i % dimension) + " of row " +
                            std::to_string(i / dimension) + " is " + allocate::to_text(rows[i]) +
                            "; it must be finite and at most 1e60 in size");
  }
  return {};
}

// Coordinates of the rows in an orthonormal basis of the space they span, [rows x rank]; no columns where all are zero.
Matrix coordinates_of(std::span<const double> rows, std::size_t dimension) {
  const auto n = static_cast<Eigen::Index>(rows.size() / dimension), d = static_cast<Eigen::Index>(dimension);
  Matrix x = Eigen::Map<const Matrix>(rows.data(), n, d);
  const double scale = x.cwiseAbs().maxCoeff();
  if (scale == 0) return {n, 0};
  x /= scale;
  // The triangle of a QR has the singular values and the right vectors of the whole, and is small.
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(x);
  const Eigen::Index rows_of_r = std::min(n, d);
  const Eigen::MatrixXd r = qr.matrixQR().topRows(rows_of_r).triangularView<Eigen::Upper>();
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(r, Eigen::ComputeThinV);
  const auto& values = svd.singularValues();
  Eigen::Index rank = 0;
  while (rank < values.size() && values[rank] > kRankTolerance * values[0]) ++rank;
  return x * svd.matrixV().leftCols(rank);
}

}  // namespace

Result<std::size_t> rank_of(std::span<const double> rows, std::size_t dimension) {
  if (auto ok = check_rows(rows, dimension); !ok) return tl::unexpected(ok.error());
  return static_cast<std::size_t>(coordinates_of(rows, dimension).cols());
}

Result<MaxDetCollection> max_det_collection(std::span<const double> rows, std::size_t dimension) {
  if (auto ok = check_rows(rows, dimension); !ok) return tl::unexpected(ok.error());
  const Matrix x = coordinates_of(rows, dimension);
  const Eigen::Index n = x.rows(), r = x.cols();
  if (r == 0) return invalid_argument("features: every row is zero; no reward could tell the arms apart");

  const Eigen::ColPivHouseholderQR<Eigen::MatrixXd> pivoted(x.transpose());
  std::vector<Eigen::Index> member(static_cast<std::size_t>(r));
  for (Eigen::Index j = 0; j < r; ++j) member[static_cast<std::size_t>(j)] = pivoted.colsPermutation().indices()[j];
  const auto express = [&] {
    std::ranges::sort(member);
    Eigen::MatrixXd basis(r, r);
    for (Eigen::Index j = 0; j < r; ++j) basis.row(j) = x.row(member[static_cast<std::size_t>(j)]);
    return Matrix(basis.transpose().partialPivLu().solve(x.transpose()).transpose());
  };

  MaxDetCollection out;
  Matrix alpha = express();
  for (;;) {
    Eigen::Index i = 0, j = 0;
    out.largest = alpha.cwiseAbs().maxCoeff(&i, &j);
    if (out.largest <= 1 + kCoefficientTolerance || out.swaps == kMostSwaps) break;
    member[static_cast<std::size_t>(j)] = i;
    ++out.swaps;
    alpha = express();
  }
  for (Eigen::Index j = 0; j < r; ++j) {
    alpha.row(member[static_cast<std::size_t>(j)]).setZero();
    alpha(member[static_cast<std::size_t>(j)], j) = 1;
    out.members.push_back(static_cast<std::size_t>(member[static_cast<std::size_t>(j)]));
  }
  out.coefficients.assign(alpha.data(), alpha.data() + n * r);
  return out;
}

}  // namespace bursar::explore
