// Iterated permutations with a scratchpad: the world in which the tiny policy is taught.
//
//   TinyTask task({.values = 13, .functions = 4, .most_steps = 12}, RandomStream(1));
//   Prompt prompt{.function = 2, .steps = 5, .start = 7};               // what is f_2 applied five times to 7?
//   Sequence s = task.chain(prompt, {}, random);                        // [r'][value] … ANS value EOS
//   bool right = task.is_right(prompt, s);
//
// Tokens: values | counters 0 … most_steps | HMM ANS EOS || functions | THINK | B0 B1 …. A prompt is [F][counter K]
// [x0][THINK][B]. A step of size j writes the remaining count and f^j of the value; sizes are 1, 2 and 4. A chain of
// single steps without filler has 2K + 3 tokens. Source: systems/tiny-rlvr.
#pragma once

#include <optional>

#include "reproduce/tiny/policy.h"

namespace bursar::reproduce::tiny {

struct TaskShape {
  std::size_t values = 13, functions = 4, most_steps = 12;
  std::size_t budgets = 6;  // tokens that state a thinking budget, >= 1; B0 states none
};

struct Prompt {
  std::size_t function = 0, steps = 1, start = 0;
  std::size_t budget = 0;  // < budgets
};

struct ChainStyle {
  double size_1 = 1, size_2 = 0, size_4 = 0;  // chances of a step's size
  double filler = 0;                          // of one more HMM before a step
  double error = 0;                           // of a wrong value, from which the chain carries on
};

class TinyTask {
 public:
  TinyTask(TaskShape shape, RandomStream random);

  [[nodiscard]] const TaskShape& shape() const { return shape_; }
  [[nodiscard]] PolicyShape policy_shape() const;
  [[nodiscard]] Token end() const { return static_cast<Token>(first_mark() + 2); }
  [[nodiscard]] Prompt draw(std::size_t least_steps, std::size_t most_steps, RandomStream& random) const;
  [[nodiscard]] std::size_t apply(std::size_t function, std::size_t times, std::size_t value) const;

  [[nodiscard]] Sequence ask(const Prompt& prompt) const;
  [[nodiscard]] Sequence chain(const Prompt& prompt, const ChainStyle& style, RandomStream& random) const;
  [[nodiscard]] Sequence direct(const Prompt& prompt, double right, RandomStream& random) const;  // ANS value EOS
  // Single steps with exactly one wrong value, and everything after it computed from the error.
  [[nodiscard]] Sequence corrupted(const Prompt& prompt, RandomStream& random) const;

  // The value after the first ANS that was generated.
  [[nodiscard]] std::optional<std::size_t> answer(const Sequence& s) const;
  [[nodiscard]] bool is_right(const Prompt& prompt, const Sequence& s) const;

 private:
  [[nodiscard]] std::size_t first_mark() const { return shape_.values + shape_.most_steps + 1; }
  [[nodiscard]] std::size_t wrong_value(std::size_t right, RandomStream& random) const;
  void finish(Sequence& s, std::size_t value) const;

  TaskShape shape_;
  std::vector<std::vector<std::size_t>> power_;  // [function x (most_steps + 1)]: f^k as a table
};

}  // namespace bursar::reproduce::tiny
