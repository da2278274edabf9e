// Dual mirror descent: prices that rise when spending runs ahead of the allowance per request, and fall when it lags.
//
//   auto source = DualMirrorDescent::make({.budget = {1e6, 40}, .horizon = 20'000}, {.mirror = Mirror::kEntropy});
//   auto policy = PricedPolicy({.name = "dual-mirror-descent"}, std::move(*source));
//
// With rho = budget / requests, b~ what the best option at prices mu uses (whether or not the budget reached), and
// g = rho - b~, each request moves the prices to  argmin_{u >= 0} g.u + V_h(u, mu) / eta:
//   euclidean  h = |u|^2 / 2           mu_j <- max(0, mu_j - eta g_j)
//   entropy    h = sum u_j log u_j     mu_j <- mu_j exp(-eta g_j)
//   weighted   h = sum u_j^2 / (2 s_j) mu_j <- max(0, mu_j - eta s_j g_j)
// all in scaled units (rewards / reward_scale, costs_j / cost_scale_j), eta = step / sqrt(requests). Entropy is the one
// to take unless prices must reach 0 exactly; weighted with its default weights, cost_scale_j / rho_j, is Euclidean
// descent for allowances far below the largest cost. Regret O(sqrt T) on i.i.d. input, and a share rho_j / cost_scale_j
// of the hindsight optimum whatever the input.
// O(resources) a request, and memory. Source: systems/dual-mirror-descent; default steps are the sheet's, tuned on its
// simulator; the floor of entropy prices (1e-9 scaled) and the limits of learned scales are ours.
#pragma once

#include <memory>
#include <vector>

#include "bursar/admit/price_source.h"

namespace bursar::admit {

enum class Mirror : std::uint8_t { kEuclidean, kEntropy, kWeighted };

enum class Pace : std::uint8_t {
  kFixed,     // rho = budget / horizon: the guarantee is for this one
  kReceding,  // rho = what remains / requests that remain, by the horizon or by the clock
  kDoubling,  // epochs of 1, 2, 4, … times first_epoch, each with its own step; without a horizon each epoch may use
              // half of what remains
};

struct MirrorConfig {
  Mirror mirror = Mirror::kEntropy;
  Pace pace = Pace::kFixed;
  double step = 0;                     // >= 0; 0: 1 for the quadratic mirrors, 3 for entropy
  std::vector<double> initial_prices;  // [resources], reward per unit; empty: 0, or for entropy 0.3 scaled
  double reward_scale = 0;             // largest reward; 0: the largest taken so far
  std::vector<double> cost_scale;    // [resources], largest cost; empty: learned_cost_scale of the largest taken so far
  std::vector<double> weights;       // [resources], s of the weighted mirror; empty: cost_scale / rho
  std::uint64_t first_epoch = 1000;  // requests
  double period_s = 0;               // > 0 with kReceding: the budget lasts so long from the first request on
  bool clip = true;                  // hold prices below f_max/rho_j + f_max/b_max_j, where optimal ones are
};

// The largest cost, held within 1 and 5 allowances: above, rare large costs would make all steps small; below, a first
// small one would make them huge. O(1).
[[nodiscard]] double learned_cost_scale(double largest, double allowance);

// One step of the three closed forms, in place. prices, gradient [m]; weights [m] for kWeighted alone.
void mirror_step(Mirror mirror, std::span<double> prices, std::span<const double> gradient, double eta,
                 std::span<const double> weights = {});

class DualMirrorDescent final : public PriceSource {
 public:
  struct Plan {
    std::vector<double> budget;  // [resources], > 0
    std::uint64_t horizon = 0;   // requests; 0 needs kDoubling, or kReceding with a period
  };
  // kInvalidArgument: budget or horizon missing, arrays of another length, scales that are not positive, a zero initial
  // price with entropy.
  [[nodiscard]] static Result<std::unique_ptr<DualMirrorDescent>> make(Plan plan, MirrorConfig config);

  [[nodiscard]] std::span<const double> prices(const PriceQuestion& question) override;
  [[nodiscard]] std::span<const double> current() const override { return mu_; }
  void learn(const PriceLesson& lesson) override;
  void correct(std::span<const double> difference) override;
  [[nodiscard]] bool past_end() const override { return past_end_; }
  [[nodiscard]] boost::json::object save() const override;
  [[nodiscard]] Result<void> load(const boost::json::object& saved) override;

  // Lessons whose reward or cost was above a stated scale: the steps were then larger than planned for.
  [[nodiscard]] std::uint64_t above_scale() const { return above_scale_; }

 private:
  DualMirrorDescent(Plan plan, MirrorConfig config);
  void pace(const PriceQuestion& question);
  void see_scale(const PriceLesson& lesson);
  void set_factors();
  void move(std::size_t j, double gradient);

  Plan plan_;
  MirrorConfig config_;
  std::vector<double> mu_;         // [resources], reward per unit
  std::vector<double> allowance_;  // [resources], rho in units a request
  double reward_scale_ = 0;        // 0: nothing seen yet
  std::vector<double> cost_scale_;
  double eta_ = 0;
  std::uint64_t lessons_ = 0, above_scale_ = 0;
  std::uint64_t epoch_ = 0, epoch_end_ = 0;  // kDoubling: the epochs begun so far
  double first_time_s_ = 0;
  bool past_end_ = false;
  // Follow from the above: factor of a step, its least and its largest price.
  std::vector<double> factor_, floor_, cap_;
};

}  // namespace bursar::admit
