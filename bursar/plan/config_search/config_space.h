// Configurations of a chain: a model and a number of samples for each stage, under one total.
//
//   ConfigSpace space = *ConfigSpace::make(stages, {});        // total: every stage with its largest model, once
//   space.cost({{.model = 0, .samples = 24}, {.model = 2, .samples = 1}});
//   space.check(configuration);                                // known models, samples in range, cost within the total
//   space.best([&](std::size_t i, const StageChoice& c) { return worth(i, c); }, skip);
//
// best() maximises a sum of worths over the grid of samples exactly: by enumeration where there are at most 1e6
// configurations, else as a multiple-choice knapsack (allocate/multiple_choice.h). Source: systems/agenttts.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bursar/core/random.h"
#include "bursar/plan/config_search/compute_cost.h"

namespace bursar::plan {

struct StageChoice {
  std::size_t model = 0;  // position in the subtask's models
  int samples = 1;        // >= 1
  auto operator<=>(const StageChoice&) const = default;
};
using Configuration = std::vector<StageChoice>;  // [stages]

struct SpaceOptions {
  double budget = 0;  // > 0; 0: every stage with its largest model once
  CostUnit unit = CostUnit::kFlops;
  bool count_fusion = false;
  std::vector<int> grid{1, 2, 3, 4, 5, 7, 10, 14, 18, 24, 30, 40, 50, 60, 75, 90};  // rising, from 1
};

class ConfigSpace {
 public:
  static constexpr std::size_t kMostStages = 64, kMostEnumerated = 1'000'000;

  // Errors: kInvalidArgument for no stages, names that are not unique, what check(ChainStage) says, a grid that does
  // not rise from 1, a budget below 0; kInfeasible, with {"minimum": …} as payload, where the cheapest configuration
  // costs more than the budget.
  [[nodiscard]] static Result<ConfigSpace> make(std::vector<ChainStage> stages, SpaceOptions options);

  [[nodiscard]] const std::vector<ChainStage>& stages() const { return stages_; }
  [[nodiscard]] const SpaceOptions& options() const { return options_; }
  [[nodiscard]] double budget() const { return budget_; }
  [[nodiscard]] double least_cost() const { return least_cost_; }

  [[nodiscard]] double cost(std::size_t stage, const StageChoice& choice) const;
  [[nodiscard]] double cost(const Configuration& configuration) const;
  [[nodiscard]] bool fits(double cost) const { return cost <= budget_ * (1 + 1e-12); }
  // kInvalidArgument naming the stage and what to change.
  [[nodiscard]] Result<void> check(const Configuration& configuration) const;

  // The models of a stage from the smallest to the largest, by parameters; of equals by position.
  [[nodiscard]] const std::vector<std::size_t>& by_size(std::size_t stage) const { return by_size_[stage]; }
  [[nodiscard]] std::size_t largest(std::size_t stage) const { return by_size_[stage].back(); }
  [[nodiscard]] std::size_t smallest(std::size_t stage) const { return by_size_[stage].front(); }
  // The most samples of a model that cost at most `budget`, and no more than its stage allows; 0 for none.
  [[nodiscard]] int samples_within(double budget, std::size_t stage, std::size_t model) const;

  // Every choice of a stage on the grid that alone leaves room for the cheapest others.
  [[nodiscard]] const std::vector<StageChoice>& choices(std::size_t stage) const { return choices_[stage]; }
  [[nodiscard]] std::size_t enumerated() const { return enumerated_; }  // product of their numbers; held at 2^62

  // The first trials: for every stage, all its models with as many samples (60 at most) as its largest would cost once,
  // where the others run their largest model once if the total has room, and their smallest once if not.
  [[nodiscard]] std::vector<Configuration> first_trials() const;

  // Models drawn evenly among those that fit together, then samples stage by stage, in any order, among those of the
  // grid that the rest of the total allows.
  [[nodiscard]] Configuration draw(RandomStream& random) const;

  // The feasible configuration of the grid with the largest sum of worths that `skip` does not refuse; absent where
  // there is none. Beyond 1e6 configurations `skip` is asked of the best one only.
  using Worth = std::function<double(std::size_t stage, const StageChoice& choice)>;
  using Skip = std::function<bool(const Configuration&)>;
  [[nodiscard]] std::optional<Configuration> best(const Worth& worth, const Skip& skip) const;

 private:
  std::vector<ChainStage> stages_;
  SpaceOptions options_;
  double budget_ = 0, least_cost_ = 0;
  std::vector<std::vector<std::size_t>> by_size_;
  std::vector<std::vector<StageChoice>> choices_;  // [stages]
  std::vector<std::vector<double>> costs_;         // [stages][choices]
  std::vector<double> least_after_;                // [stages + 1]: cheapest total of the stages from there on
  std::size_t enumerated_ = 0;
  void lay_out();
  [[nodiscard]] std::optional<Configuration> enumerate(const std::vector<std::vector<double>>& worths,
                                                       const Skip& skip) const;
  [[nodiscard]] std::optional<Configuration> knapsack(const std::vector<std::vector<double>>& worths,
                                                      const Skip& skip) const;
};

// "retrieve: m7 x 12, answer: m70 x 1".
[[nodiscard]] std::string to_text(const ConfigSpace& space, const Configuration& configuration);

}  // namespace bursar::plan
