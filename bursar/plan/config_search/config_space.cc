#include "bursar/plan/config_search/config_space.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "bursar/allocate/multiple_choice.h"
#include "bursar/core/json.h"

namespace bursar::plan {
namespace {

constexpr int kMostFirstSamples = 60, kMostDraws = 10'000;
constexpr std::size_t kCountless = std::size_t{1} << 62;
constexpr double kNone = -std::numeric_limits<double>::infinity();

Result<void> check_options(const SpaceOptions& options) {
  if (!(options.budget >= 0) || !std::isfinite(options.budget))
    return invalid_argument("budget must be a number above 0, or 0 for the default");
  if (options.grid.empty() || options.grid.front() != 1 ||
      std::ranges::adjacent_find(options.grid, std::greater_equal<>()) != options.grid.end())
    return invalid_argument("grid: numbers of samples must rise from 1");
  return {};
}

// Depth first over the choices of each stage; the best sum is kept, and what cannot exceed it is left out.
struct Enumeration {
  const std::vector<std::vector<double>>* worths;
  const std::vector<std::vector<double>>* costs;
  const std::vector<std::vector<StageChoice>>* choices;
  const std::vector<double>* least_after;
  const ConfigSpace::Skip* skip;
  double limit = 0;
  std::vector<double> most_after;  // [stages + 1]: largest sum of worths from there on
  Configuration current, best;
  double best_worth = kNone;

  void visit(std::size_t stage, double cost, double worth) {
    if (stage == current.size()) {
      if (*skip && (*skip)(current)) return;
      best_worth = worth;
      best = current;
      return;
    }
    for (std::size_t k = 0; k < (*choices)[stage].size(); ++k) {
      const double w = worth + (*worths)[stage][k], c = cost + (*costs)[stage][k];
      if (!(w + most_after[stage + 1] > best_worth) || c + (*least_after)[stage + 1] > limit) continue;
      current[stage] = (*choices)[stage][k];
      visit(stage + 1, c, w);
    }
  }
};

}  // namespace

Result<ConfigSpace> ConfigSpace::make(std::vector<ChainStage> stages, SpaceOptions options) {
  if (stages.empty()) return invalid_argument("the pipeline has no stages");
  if (stages.size() > kMostStages)
    return invalid_argument("the pipeline has more than " + std::to_string(kMostStages) + " stages");
  std::set<std::string> names;
  for (const ChainStage& stage : stages) {
    if (auto ok = plan::check(stage); !ok) return tl::unexpected(ok.error());
    if (!names.insert(stage.name).second) return invalid_argument("subtask " + stage.name + " is there twice");
  }
  if (auto ok = check_options(options); !ok) return tl::unexpected(ok.error());
  ConfigSpace out;
  out.stages_ = std::move(stages);
  out.options_ = std::move(options);
  for (std::size_t i = 0; i < out.stages_.size(); ++i) {
    std::vector<std::size_t> order(out.stages_[i].models.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t m) { return out.stages_[i].models[m].parameters; });
    out.by_size_.push_back(std::move(order));
    out.budget_ += out.cost(i, {out.largest(i), 1});
  }
  if (out.options_.budget > 0) out.budget_ = out.options_.budget;
  out.lay_out();
  if (out.fits(out.least_cost_)) return out;
  return tl::unexpected(Error{.code = ErrorCode::kInfeasible,
                              .message = "budget is " + std::to_string(out.budget_) + " " +
                                         std::string(name_of(out.options_.unit)) +
                                         "; the cheapest configuration costs " + std::to_string(out.least_cost_),
                              .payload = to_json(boost::json::object{{"minimum", out.least_cost_}})});
}

void ConfigSpace::lay_out() {
  std::vector<double> cheapest;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t m = 0; m < stages_[i].models.size(); ++m) least = std::min(least, cost(i, {m, 1}));
    cheapest.push_back(least);
  }
  least_cost_ = std::accumulate(cheapest.begin(), cheapest.end(), 0.0);
  least_after_.assign(stages_.size() + 1, 0);
  for (std::size_t i = stages_.size(); i-- > 0;) least_after_[i] = least_after_[i + 1] + cheapest[i];
  enumerated_ = 1;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    choices_.emplace_back();
    costs_.emplace_back();
    for (std::size_t m = 0; m < stages_[i].models.size(); ++m) {
      for (const int samples : options_.grid) {
        const StageChoice choice{m, samples};
        if (samples > stages_[i].max_samples || !fits(least_cost_ - cheapest[i] + cost(i, choice))) continue;
        choices_[i].push_back(choice);
        costs_[i].push_back(cost(i, choice));
      }
    }
    const std::size_t n = std::max<std::size_t>(1, choices_[i].size());
    enumerated_ = enumerated_ > kCountless / n ? kCountless : enumerated_ * n;
  }
}

double ConfigSpace::cost(std::size_t stage, const StageChoice& choice) const {
  return stage_cost(options_.unit, stages_[stage].models[choice.model], stages_[stage], choice.samples,
                    options_.count_fusion);
}

double ConfigSpace::cost(const Configuration& configuration) const {
  double sum = 0;
  for (std::size_t i = 0; i < configuration.size(); ++i) sum += cost(i, configuration[i]);
  return sum;
}

Result<void> ConfigSpace::check(const Configuration& configuration) const {
  if (configuration.size() != stages_.size())
    return invalid_argument("the configuration has " + std::to_string(configuration.size()) + " stages, the pipeline " +
                            std::to_string(stages_.size()));
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    const StageChoice& choice = configuration[i];
    if (choice.model >= stages_[i].models.size())
      return invalid_argument("stage " + stages_[i].name + ": there is no model " + std::to_string(choice.model));
    if (choice.samples < 1 || choice.samples > stages_[i].max_samples)
      return invalid_argument("stage " + stages_[i].name + ": samples is " + std::to_string(choice.samples) +
                              "; it must be from 1 to " + std::to_string(stages_[i].max_samples));
  }
  if (const double total = cost(configuration); !fits(total))
    return invalid_argument(to_text(*this, configuration) + " costs " + std::to_string(total) + " " +
                            std::string(name_of(options_.unit)) + "; the budget is " + std::to_string(budget_));
  return {};
}

int ConfigSpace::samples_within(double budget, std::size_t stage, std::size_t model) const {
  const double first = cost(stage, {model, 1}), more = cost(stage, {model, 2}) - first;
  if (!(first <= budget * (1 + 1e-12))) return 0;
  const double samples = more > 0 ? 1 + std::floor((budget - first) / more * (1 + 1e-12) + 1e-9) : kMostFirstSamples;
  return static_cast<int>(std::clamp(samples, 1.0, static_cast<double>(stages_[stage].max_samples)));
}

std::vector<Configuration> ConfigSpace::first_trials() const {
  std::vector<Configuration> out;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    double others = 0;
    for (std::size_t j = 0; j < stages_.size(); ++j) others += j == i ? 0 : cost(j, {smallest(j), 1});
    const double own = std::min(cost(i, {largest(i), 1}), budget_ - others);
    double large = 0;
    for (std::size_t j = 0; j < stages_.size(); ++j) large += j == i ? 0 : cost(j, {largest(j), 1});
    const bool room = fits(own + large);
    for (const std::size_t m : by_size_[i]) {
      const int samples = std::min(kMostFirstSamples, samples_within(own, i, m));
      if (samples < 1) continue;
      Configuration trial;
      for (std::size_t j = 0; j < stages_.size(); ++j) trial.push_back({room ? largest(j) : smallest(j), 1});
      trial[i] = {m, samples};
      if (check(trial) && std::ranges::find(out, trial) == out.end()) out.push_back(std::move(trial));
    }
  }
  return out;
}

Configuration ConfigSpace::draw(RandomStream& random) const {
  Configuration out(stages_.size());
  double total = 0;
  for (int tries = 0; tries < kMostDraws; ++tries) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = {random.uniform_int(stages_[i].models.size()), 1};
    total = cost(out);
    if (fits(total)) break;
  }
  if (!fits(total)) {  // hardly any models fit together: the cheapest do
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = choices_[i][static_cast<std::size_t>(std::ranges::min_element(costs_[i]) - costs_[i].begin())];
    total = cost(out);
  }
  std::vector<std::size_t> order(out.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  random.shuffle(std::span(order));
  for (const std::size_t i : order) {
    const double others = total - cost(i, out[i]);
    std::size_t allowed = 0;
    for (const int samples : options_.grid) {
      if (samples > stages_[i].max_samples || !fits(others + cost(i, {out[i].model, samples}))) break;
      ++allowed;
    }
    out[i].samples = options_.grid[random.uniform_int(std::max<std::size_t>(1, allowed))];
    total = others + cost(i, out[i]);
  }
  return out;
}

std::optional<Configuration> ConfigSpace::enumerate(const std::vector<std::vector<double>>& worths,
                                                    const Skip& skip) const {
  Enumeration all{.worths = &worths,
                  .costs = &costs_,
                  .choices = &choices_,
                  .least_after = &least_after_,
                  .skip = &skip,
                  .limit = budget_ * (1 + 1e-12)};
  all.most_after.assign(stages_.size() + 1, 0);
  for (std::size_t i = stages_.size(); i-- > 0;)
    all.most_after[i] = all.most_after[i + 1] + *std::ranges::max_element(worths[i]);
  all.current.resize(stages_.size());
  all.visit(0, 0, 0);
  return all.best.empty() ? std::nullopt : std::optional(std::move(all.best));
}

std::optional<Configuration> ConfigSpace::knapsack(const std::vector<std::vector<double>>& worths,
                                                   const Skip& skip) const {
  std::vector<double> value, price;
  std::vector<std::uint64_t> first{0};
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    value.insert(value.end(), worths[i].begin(), worths[i].end());
    price.insert(price.end(), costs_[i].begin(), costs_[i].end());
    first.push_back(value.size());
  }
  const auto solved = allocate::multiple_choice({.value = value, .cost = price, .first = first}, budget_);
  if (!solved) return std::nullopt;
  Configuration out;
  for (std::size_t i = 0; i < stages_.size(); ++i) out.push_back(choices_[i][solved->choice[i]]);
  return skip && skip(out) ? std::nullopt : std::optional(std::move(out));
}

std::optional<Configuration> ConfigSpace::best(const Worth& worth, const Skip& skip) const {
  std::vector<std::vector<double>> worths;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    worths.emplace_back();
    for (const StageChoice& choice : choices_[i]) worths.back().push_back(worth(i, choice));
  }
  return enumerated_ <= kMostEnumerated ? enumerate(worths, skip) : knapsack(worths, skip);
}

std::string to_text(const ConfigSpace& space, const Configuration& configuration) {
  std::string out;
  for (std::size_t i = 0; i < std::min(configuration.size(), space.stages().size()); ++i) {
    const ChainStage& stage = space.stages()[i];
    out += (i == 0 ? "" : ", ") + stage.name + ": " + stage.models[configuration[i].model].name + " x " +
           std::to_string(configuration[i].samples);
  }
  return out;
}

}  // namespace bursar::plan
