// A tree of partial solutions of one agent, grown where value is likely and, as the budget runs out, where it is
// largest.
//
//   auto search = ValueTreeSearch::make({.calls = 5, .tokens = 2000, .options = {.hops = 3}, .seed = 1});
//   while (true) {
//     const TreeAction action = search->next();
//     if (action.kind == TreeAction::Kind::kAnswer) break;              // of action.node, a finished one
//     if (action.kind == TreeAction::Kind::kForce) { … make the model answer from action.node …; break; }
//     StepReport step = … one reasoning move and at most one tool call from action.node, another than were tried there
//     …; auto child = search->report(step);                                // the new node; absent: it brought nothing
//   }
//
// An open node is drawn with probability  V^(1/r) / sum V^(1/r),  r the remaining share of the scarcer resource: by
// value at first, the best one at the end. A step's value is residual: how far it advanced its parent, judged by a
// critic, in [-1, 1]. One that brings nothing adds no node and lowers its parent. Tokens for a forced answer are kept
// back. What the generator was shown to have tried at a node is the caller's; that it must differ is what matters most
// (the sheet's ablation). Critic calls cost too: report them with the step.
// O(nodes) a step. Source: systems/bavt (rule [abstract]; defaults [choice]).
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/core/result.h"

namespace bursar::plan {

using NodeId = std::size_t;

// V^(1/r) shares, by logarithms; 1/r is capped at 200. Values > 0, r in (0, 1].
[[nodiscard]] std::vector<double> selection_shares(std::span<const double> values, double remaining);

// Steps that are enough to see `progress` of them succeed with probability 1 - error, each with chance >= p. An upper
// bound (Chernoff), loose by a factor of 2 or 3. Errors: kInvalidArgument for numbers out of range.
[[nodiscard]] Result<double> steps_bound(double p, int progress, double error);

struct ValueTreeOptions {
  enum class Exponent : std::uint8_t { kRemaining, kOne, kGreedy };  // the latter two: baselines
  double hops = 3;                                                   // expected length of a solution, >= 1
  double root_value = .2;                                            // in (0, 1]
  double least_value = .02;                                          // in (0, root_value]: no node is frozen for ever
  double stop_value = .85;                                           // a finished node of this value ends the search
  double penalty = .8;           // of the parent of a step that brought nothing, in (0, 1]
  double least_gain = .5;        // of a step, divided by hops: at or below it, it brought nothing
  double answer_tokens = 0;      // kept back for a forced answer
  bool absolute_critic = false;  // baseline: report().gain is the new node's value itself; at 0 it brought nothing
  Exponent exponent = Exponent::kRemaining;
};

struct ValueTreeSetup {
  double calls = 0, tokens = 0;  // the budget, finite, >= 0; a resource that is 0 forces an answer at once
  ValueTreeOptions options;
  std::uint64_t seed = 1;
};

struct TreeAction {
  enum class Kind : std::uint8_t { kExpand, kAnswer, kForce };
  Kind kind = Kind::kForce;
  NodeId node = 0;
  double probability = 1;  // with which it was drawn
  double remaining = 0;    // r
};

struct StepReport {
  double calls = 0, tokens = 0;  // what it really cost, the critic too; >= 0
  double gain = 0;               // of the critic, in [-1, 1]
  bool finished = false;         // it proposes an answer
  bool exhausted = false;        // nothing else can be tried from this node
};

class ValueTreeSearch {
 public:
  struct Node {
    NodeId parent = 0;
    double value = 0;
    std::size_t depth = 0;
    bool finished = false, closed = false;  // closed: not drawn again
  };
  // Errors: kInvalidArgument naming the option.
  [[nodiscard]] static Result<ValueTreeSearch> make(const ValueTreeSetup& setup);

  // What to do now; the same until a report.
  [[nodiscard]] TreeAction next();
  // Of the last kExpand. Errors, state unchanged: kInvalidArgument for a gain that is not finite or costs below 0, and
  // where no step was asked for.
  [[nodiscard]] Result<std::optional<NodeId>> report(const StepReport& step);

  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }  // 0: the root
  [[nodiscard]] double remaining() const;                                  // r in [0, 1]
  [[nodiscard]] double calls_spent() const { return calls_; }
  [[nodiscard]] double tokens_spent() const { return tokens_; }
  [[nodiscard]] boost::json::object trace() const;  // nodes, values, and every draw with its probability

 private:
  explicit ValueTreeSearch(const ValueTreeSetup& setup);
  [[nodiscard]] std::optional<NodeId> best(bool finished) const;
  [[nodiscard]] TreeAction draw();

  struct Drawn {
    NodeId node;
    double probability, remaining, gain, calls, tokens;
  };
  ValueTreeSetup setup_;
  RandomStream random_;
  std::vector<Node> nodes_;
  std::vector<Drawn> drawn_;
  std::optional<TreeAction> open_;
  double calls_ = 0, tokens_ = 0;
};

}  // namespace bursar::plan
