// A policy of about 22,000 parameters that learns in seconds: one GRU layer over a table of token vectors, and an
// output layer over the tokens that may be generated.
//
//   TinyPolicy policy({.vocabulary = 40, .generable = 25}, RandomStream(1));
//   std::vector<float> gradient(policy.parameters().size());
//   policy.accumulate(sequences, gradient);      // of -sum_s weight_s sum_t log p(token_t)
//   adam.descend(policy.parameters(), gradient, .01);
//
// Every objective used here is a weighted log-likelihood: cross-entropy has weight 1, DPO +-beta sigmoid(-margin).
// Float arithmetic; sequences are sorted by length and run in lanes of up to 64. O(tokens x parameters).
// Source: systems/tiny-rlvr.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/random.h"

namespace bursar::reproduce::tiny {

using Token = std::uint8_t;

struct Sequence {
  std::vector<Token> tokens;  // prompt, then what was generated
  std::size_t prompt = 0;     // tokens of the prompt, >= 1
  float weight = 1;           // of every generated token
};

struct PolicyShape {
  std::size_t vocabulary = 0;  // tokens below `generable` may be generated
  std::size_t generable = 0;
  std::size_t hidden = 64;  // a multiple of 32
};

class TinyPolicy {
 public:
  TinyPolicy(PolicyShape shape, RandomStream random);

  [[nodiscard]] std::vector<float>& parameters() { return parameters_; }
  // Sum over the generated tokens, of each sequence.
  [[nodiscard]] std::vector<double> log_probabilities(std::span<const Sequence> sequences) const;
  // Adds to `gradient` [parameters]; returns the generated tokens it is a sum over.
  std::size_t accumulate(std::span<const Sequence> sequences, std::vector<float>& gradient) const;
  // Samples at temperature 1 until `end` or `most` generated tokens.
  void generate(std::vector<Sequence>& prompts, Token end, std::size_t most, RandomStream& random) const;

 private:
  struct Layout {
    std::size_t input, recurrent, bias, output, output_bias, total;
  };
  class Batch;
  PolicyShape shape_;
  std::size_t rows_;  // generable, rounded up to a multiple of 4
  Layout at_;
  std::vector<float> parameters_;
};

// Adam (.9, .99) on a gradient whose norm is clipped to 1.
class Adam {
 public:
  explicit Adam(std::size_t parameters) : m_(parameters), v_(parameters) {}
  // Takes scale x gradient and clears it.
  void descend(std::vector<float>& parameters, std::vector<float>& gradient, double scale, double rate);

 private:
  std::vector<float> m_, v_;
  int step_ = 0;
};

}  // namespace bursar::reproduce::tiny
