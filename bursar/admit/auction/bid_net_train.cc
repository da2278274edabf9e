#include <array>
#include <cmath>
#include <numbers>

#include "bursar/admit/auction/bid_net_weights.h"

namespace bursar::admit {
namespace {

using Weights = BidNet::Weights;
using Matrix = Weights::Matrix;

constexpr float kTargetScale = 6;

Result<void> check_config(const BidTable& table, const TrainConfig& config) {
  if (config.batches < 1 || config.batch_size < 1) {
    return invalid_argument("batches are " + std::to_string(config.batches) + " of " +
                            std::to_string(config.batch_size) + "; there must be at least one of one");
  }
  if (!(config.rate > 0 && config.rate <= 1)) {
    return invalid_argument("rate is " + std::to_string(config.rate) + "; it must be above 0 and at most 1");
  }
  if (config.exact_auctions < 0 || config.exact_auctions >= table.horizon() || config.exact_budget < 0 ||
      config.exact_budget >= table.budget()) {
    return invalid_argument("a table of " + std::to_string(table.horizon()) + " auctions and a budget of " +
                            std::to_string(table.budget()) + " has nothing to learn beyond its " +
                            std::to_string(config.exact_auctions) + " auctions and " +
                            std::to_string(config.exact_budget) + " of budget that stay tabulated");
  }
  return {};
}

// States beyond the tabulated ones, uniformly, with what they should give.
class States {
 public:
  States(const BidTable& table, const TrainConfig& config, double unit, RandomStream random)
      : table_(table), config_(config), unit_(unit), random_(random) {}

  void draw(Matrix& inputs, Matrix& targets) {
    for (Eigen::Index i = 0; i < inputs.cols(); ++i) {
      const auto t = static_cast<int>(random_.uniform_int(config_.exact_auctions + 1, table_.horizon()));
      const auto b = static_cast<int>(random_.uniform_int(config_.exact_budget, table_.budget() - 1));
      inputs(0, i) = 2 * static_cast<float>(t) / static_cast<float>(table_.horizon()) - 1;
      inputs(1, i) = 2 * static_cast<float>(b) / static_cast<float>(table_.budget()) - 1;
      targets(0, i) = kTargetScale * static_cast<float>(table_.marginal(t, b) / unit_);
    }
  }

 private:
  const BidTable& table_;
  const TrainConfig& config_;
  double unit_;
  RandomStream random_;
};

double measure(const Weights& weights, States states, int size) {
  constexpr int kRounds = 40;
  Matrix inputs(2, size), targets(1, size);
  Weights::Pass pass;
  double squares = 0;
  for (int round = 0; round < kRounds; ++round) {
    states.draw(inputs, targets);
    weights.forward(inputs, pass);
    squares += static_cast<double>((pass.out.cwiseMax(0) - targets).squaredNorm());
  }
  return std::sqrt(squares / kRounds / size) / kTargetScale;
}

}  // namespace

Weights draw_weights(RandomStream random) {
  Weights weights;
  for (Matrix* matrix : {&weights.w1, &weights.w2, &weights.w3}) {
    const double spread = 1 / std::sqrt(static_cast<double>(matrix->cols()));
    for (float& weight : matrix->reshaped()) weight = static_cast<float>(spread * random.normal());
  }
  return weights;
}

void backward(const Weights& weights, const Matrix& inputs, const Weights::Pass& pass, const Matrix& targets,
              Weights& gradient) {
  const Matrix out = (pass.out - targets) / static_cast<float>(targets.cols());
  gradient.w3.noalias() = out * pass.second.transpose();
  gradient.b3 = out.rowwise().sum();
  const Matrix second = (weights.w3.transpose() * out).array() * (1 - pass.second.array().square());
  gradient.w2.noalias() = second * pass.first.transpose();
  gradient.b2 = second.rowwise().sum();
  const Matrix first = (weights.w2.transpose() * second).array() * (1 - pass.first.array().square());
  gradient.w1.noalias() = first * inputs.transpose();
  gradient.b1 = first.rowwise().sum();
}

Adam::Adam() {
  for (Weights* weights : {&mean_, &square_}) {
    for (const auto& [data, size] : weights->parts()) Eigen::Map<Eigen::ArrayXf>(data, size).setZero();
  }
}

void Adam::learn(Weights& weights, Weights& gradient, double rate) {
  constexpr float kMean = .9F, kSquare = .999F;
  mean_left_ *= static_cast<double>(kMean);
  square_left_ *= static_cast<double>(kSquare);
  const auto step = static_cast<float>(rate / (1 - mean_left_));
  const auto fix = static_cast<float>(1 / (1 - square_left_));
  const auto to = weights.parts(), by = gradient.parts(), mean = mean_.parts(), square = square_.parts();
  for (std::size_t part = 0; part < to.size(); ++part) {
    const auto size = to[part].second;
    Eigen::Map<Eigen::ArrayXf> w(to[part].first, size), m(mean[part].first, size), v(square[part].first, size);
    const Eigen::Map<const Eigen::ArrayXf> g(by[part].first, size);
    m += (1 - kMean) * (g - m);
    v += (1 - kSquare) * (g.square() - v);
    w -= step * m / ((fix * v).sqrt() + 1e-8F);
  }
}

Result<BidNet> BidNet::fit(const BidTable& table, const TrainConfig& config) {
  if (auto ok = check_config(table, config); !ok) return tl::unexpected(ok.error());
  BidNet net;
  net.unit_ = table.value(1, table.budget());
  if (!(net.unit_ > 0)) return invalid_argument("an auction of this table is worth nothing; there is nothing to learn");
  net.horizon_ = table.horizon();
  net.budget_ = table.budget();
  net.early_ = std::make_shared<const BidTable>(table.corner(std::max(1, config.exact_auctions), table.budget()));
  if (config.exact_budget > 0) {
    net.poor_ = std::make_shared<const BidTable>(table.corner(table.horizon(), config.exact_budget));
  }

  const RandomStream random(config.seed);
  Weights weights = draw_weights(random.split("weights")), gradient;
  States states(table, config, net.unit_, random.split("states"));
  Matrix inputs(2, config.batch_size), targets(1, config.batch_size);
  Weights::Pass pass;
  Adam adam;
  for (int batch = 0; batch < config.batches; ++batch) {
    const double done = static_cast<double>(batch) / config.batches;
    if (batch % 256 == 0 && config.progress && !config.progress(done)) {
      return fail(ErrorCode::kCancelled, "the fit of the value net was stopped");
    }
    states.draw(inputs, targets);
    weights.forward(inputs, pass);
    backward(weights, inputs, pass, targets, gradient);
    adam.learn(weights, gradient, config.rate * .5 * (1 + std::cos(std::numbers::pi * done)));
  }
  net.rmse_ = measure(weights, States(table, config, net.unit_, random.split("measure")), config.batch_size);
  net.weights_ = std::make_shared<const Weights>(std::move(weights));
  return net;
}

}  // namespace bursar::admit
