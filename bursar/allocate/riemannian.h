// Riemannian search on the budget surface: options for many groups when the objective does not add up over them.
//
//   // 60 layers, 6 widths each; the loss of the whole model depends on all choices together.
//   BudgetGroups groups{.groups = 60, .options = 6, .cost = integer_costs};            // cost[i * 6 + k]
//   auto r = riemannian_search(groups, budget, [&](std::span<const std::uint32_t> x, std::span<double> gradient) {
//     return model_loss(x, gradient);        // gradient[i * 6 + k] = dLoss / d onehot_ik at x; leave it if unknown
//   });
//   use(r->choice);                          // r->loss; cost exactly the largest reachable total <= budget
//
// Choose it when the value of an option depends on what the others take (model loss under joint compression); where
// values add up, multiple_choice.h gives the optimum with a bound, which no search over a black box can (there is none
// here).
//
// Logits a in R^{N x K}, p_i = softmax(a_i), C(a) = sum_ik p_ik c_ik. Normal of {C = B}: n_ik = p_ik (c_ik - E_i[c]).
//   project:   g <- g - (<g,n> / <n,n>) n
//   retract:   a <- a + t c with C(a + t c) = B; t is unique, because dC/dt = sum_i Var_{p_i}(c_i) > 0
//   transport: after the retraction Adam's first moment is projected at the new point
// A step draws Gumbel noise G, takes z = (a + G) / tau, its softmax and the best hard choice on the budget (the exact
// program of multiple choice on z), sends the gradient at the hard choice through the softmax (straight-through),
// averages the samples, projects, steps (Adam), retracts and transports, while tau falls geometrically. The answer is
// the better, by true loss, of the best sample and the program's rounding of log p. Deterministic for a seed. Time per
// sample: one call of the objective and O(N K B). Source: systems/rco.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "bursar/allocate/budget_manifold.h"
#include "bursar/allocate/solve.h"

namespace bursar::allocate {

// Loss of a discrete choice; writes dLoss/d onehot into gradient, or leaves it alone and it is estimated from the
// losses of the samples of one step (leave-one-out; needs samples >= 2). A loss that is not a number drops the sample.
using JointObjective = std::function<double(std::span<const std::uint32_t> choice, std::span<double> gradient)>;

struct RiemannianOptions {
  int steps = 200;
  double learning_rate = 0.1;
  double tau = 1.0;                        // first temperature
  double tau_min = 0.01;                   // last
  int samples = 4;                         // per step
  bool antithetic = true;                  // the second half of the samples uses the first half's noise negated
  std::span<const double> initial = {};    // logits to start from, e.g. minus a proxy's losses; empty: all 0
  std::span<const double> curvature = {};  // [groups x options x options] A_ikl, added to the gradient at x_i = l
  std::uint64_t seed = 0;
  StopCallback stop = nullptr;
};

struct RiemannianStep {
  double loss = 0;        // least of the step's samples
  double off_budget = 0;  // |C - B| after the retraction; the largest of the blocks'
  double entropy = 0;     // mean over groups, nats
};

struct RiemannianResult {
  std::vector<std::uint32_t> choice;  // [groups]
  double loss = 0;
  double cost = 0;
  std::vector<std::uint32_t> rounded;  // the program's rounding of log p
  double rounded_loss = 0;
  std::vector<double> logits;
  std::vector<RiemannianStep> trace;
  int evaluations = 0;                   // of the objective
  int dropped = 0;                       // of them, losses that were not numbers
  StopReason stop = StopReason::kLimit;  // kLimit: steps used up; kOptimal: only one choice meets the budget
};

// Errors: kInvalidArgument for costs that are not integers (naming group and option) and options out of range;
// kInfeasible where the budget is below the cheapest choice; kUnavailable where no sample had a loss.
[[nodiscard]] Result<RiemannianResult> riemannian_search(const BudgetGroups& groups, double budget,
                                                         const JointObjective& objective,
                                                         const RiemannianOptions& options = {});

// A budget for each block of consecutive groups (a layer's experts, say): one normal, one shift and one program a
// block. Errors name the block; blocks that do not share out all groups are refused.
struct BudgetBlock {
  std::size_t groups = 0;  // >= 1
  double budget = 0;
};
[[nodiscard]] Result<RiemannianResult> riemannian_search(const BudgetGroups& groups,
                                                         std::span<const BudgetBlock> blocks,
                                                         const JointObjective& objective,
                                                         const RiemannianOptions& options = {});

}  // namespace bursar::allocate
