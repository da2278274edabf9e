// The network of bid_net.h and how it learns; stays inside this folder, with Eigen.
#pragma once

#include <Eigen/Core>

#include "bursar/admit/auction/bid_net.h"
#include "bursar/core/random.h"

namespace bursar::admit {

struct BidNet::Weights {
  static constexpr int kInputs = 2, kFirst = 30, kSecond = 15;
  using Matrix = Eigen::MatrixXf;

  Matrix w1{kFirst, kInputs}, w2{kSecond, kFirst}, w3{1, kSecond};
  Eigen::VectorXf b1 = Eigen::VectorXf::Zero(kFirst), b2 = Eigen::VectorXf::Zero(kSecond),
                  b3 = Eigen::VectorXf::Zero(1);

  // Of one column a state, the outputs of each layer.
  struct Pass {
    Matrix first, second, out;
  };
  void forward(const Matrix& inputs, Pass& pass) const {
    pass.first = ((w1 * inputs).colwise() + b1).array().tanh();
    pass.second = ((w2 * pass.first).colwise() + b2).array().tanh();
    pass.out = (w3 * pass.second).colwise() + b3;
  }
  [[nodiscard]] std::array<std::pair<float*, Eigen::Index>, 6> parts() {
    return {{{w1.data(), w1.size()},
             {b1.data(), b1.size()},
             {w2.data(), w2.size()},
             {b2.data(), b2.size()},
             {w3.data(), w3.size()},
             {b3.data(), b3.size()}}};
  }
};

// Adam over weights of one shape.
class Adam {
 public:
  Adam();
  void learn(BidNet::Weights& weights, BidNet::Weights& gradient, double rate);

 private:
  BidNet::Weights mean_, square_;
  double mean_left_ = 1, square_left_ = 1;  // beta^steps
};

[[nodiscard]] BidNet::Weights draw_weights(RandomStream random);
// Gradient of the mean over columns of (out - targets)^2 / 2.
void backward(const BidNet::Weights& weights, const BidNet::Weights::Matrix& inputs, const BidNet::Weights::Pass& pass,
              const BidNet::Weights::Matrix& targets, BidNet::Weights& gradient);

}  // namespace bursar::admit
