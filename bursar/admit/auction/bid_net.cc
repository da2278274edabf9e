#include "bursar/admit/auction/bid_net.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "bursar/admit/auction/bid_net_weights.h"

namespace bursar::admit {
namespace {

constexpr std::array<char, 8> kMagic{'B', 'U', 'R', 'S', 'N', 'E', 'T', '1'};

struct Header {
  std::array<char, 8> magic = kMagic;
  std::int32_t horizon = 0, budget = 0, exact_budget = 0, reserved = 0;
  double unit = 0, rmse = 0;
};
static_assert(sizeof(Header) == 40);

}  // namespace

void BidNet::marginals_below(int t, int high, std::span<double> out) const {
  if (t <= early_->horizon()) return early_->marginals_below(t, high, out);
  const int low = poor_ ? poor_->budget() : 0;  // below it stands the table
  const auto learned = static_cast<std::size_t>(std::clamp(high - low, 0, static_cast<int>(out.size())));
  if (learned < out.size()) poor_->marginals_below(t, high - static_cast<int>(learned), out.subspan(learned));
  if (learned == 0) return;
  Weights::Matrix inputs(2, static_cast<Eigen::Index>(learned));
  Weights::Pass pass;
  inputs.row(0).setConstant(2 * static_cast<float>(t) / static_cast<float>(horizon_) - 1);
  for (std::size_t i = 0; i < learned; ++i) {
    const auto b = static_cast<float>(high - 1 - static_cast<int>(i));
    inputs(1, static_cast<Eigen::Index>(i)) = 2 * b / static_cast<float>(budget_) - 1;
  }
  weights_->forward(inputs, pass);
  for (std::size_t i = 0; i < learned; ++i) {
    out[i] = std::max(0.0, static_cast<double>(pass.out(0, static_cast<Eigen::Index>(i))) * unit_ / 6);
  }
}

Result<void> BidNet::save(const std::string& path) const {
  const Header header{.horizon = horizon_,
                      .budget = budget_,
                      .exact_budget = poor_ ? poor_->budget() : 0,
                      .unit = unit_,
                      .rmse = rmse_};
  return write_beside(path, [&](std::ostream& file) {
    file.write(reinterpret_cast<const char*>(&header), sizeof header);
    early_->write(file);
    if (poor_) poor_->write(file);
    Weights weights = *weights_;
    for (const auto& [data, size] : weights.parts()) {
      file.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(sizeof(float)) * size);
    }
  });
}

Result<BidNet> BidNet::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kUnavailable, path + " cannot be opened");
  const auto corrupt = [&](const char* what) {
    return fail(ErrorCode::kCorrupt, path + ": " + what + "; fit the net again");
  };
  Header header;
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  if (!file || header.magic != kMagic) return corrupt("is not a value net");
  BidNet net;
  net.horizon_ = header.horizon;
  net.budget_ = header.budget;
  net.unit_ = header.unit;
  net.rmse_ = header.rmse;
  auto early = BidTable::read(file, path);
  if (!early) return tl::unexpected(early.error());
  if (header.exact_budget > 0) {
    auto poor = BidTable::read(file, path);
    if (!poor) return tl::unexpected(poor.error());
    net.poor_ = std::make_shared<const BidTable>(*std::move(poor));
    if (net.poor_->horizon() != net.horizon_ || net.poor_->budget() != header.exact_budget) {
      return corrupt("its tables do not fit together");
    }
  }
  if (early->budget() != net.budget_ || early->horizon() >= net.horizon_ || header.exact_budget < 0 ||
      !(header.unit > 0 && std::isfinite(header.unit))) {
    return corrupt("its header is damaged");
  }
  net.early_ = std::make_shared<const BidTable>(*std::move(early));
  auto weights = std::make_shared<Weights>();
  for (const auto& [data, size] : weights->parts()) {
    file.read(reinterpret_cast<char*>(data), static_cast<std::streamsize>(sizeof(float)) * size);
    if (!file || !Eigen::Map<const Eigen::ArrayXf>(data, size).isFinite().all())
      return corrupt("its weights are damaged");
  }
  if (file.peek() != std::ifstream::traits_type::eof()) return corrupt("something follows its weights");
  net.weights_ = std::move(weights);
  return net;
}

}  // namespace bursar::admit
