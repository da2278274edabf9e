#include "bursar/explore/worlds.h"

#include <algorithm>
#include <cmath>

#include "bursar/explore/knapsack/knapsack_mix.h"

namespace bursar::explore {
namespace {

double best_mean(const World& world, std::span<const double> context) {
  if (world.best) return *world.best;
  double best = world.mean(0, context);
  for (Arm a = 1; a < world.arms; ++a) best = std::max(best, world.mean(a, context));
  return best;
}

// What the best policy earns in a round; absent where that depends on the context.
Result<double> value_of_round(const World& world) {
  if (world.allowance.empty()) return best_mean(world, {});
  std::vector<double> means(world.arms);
  for (Arm a = 0; a < world.arms; ++a) means[a] = world.mean(a, {});
  return best_mix({.reward = means, .cost = world.mean_costs, .allowance = world.allowance}).map([](const Mix& mix) {
    return mix.value;
  });
}

World means_world(std::vector<double> means) {
  World out{.arms = means.size(), .context = {}, .pull = {}, .mean = {}};
  out.mean = [means = std::move(means)](Arm arm, std::span<const double>) { return means[arm]; };
  return out;
}

}  // namespace

Result<Run> simulate(Policy& policy, const World& world, std::uint64_t rounds, const RandomStream& random) {
  Run out{.picks = std::vector<std::uint64_t>(world.arms)};
  out.spent.resize(world.allowance.size());
  double fixed = 0;
  if (!world.context) {
    const auto value = value_of_round(world);
    if (!value) return tl::unexpected(value.error());
    fixed = *value;
  }
  const bool budgets = !world.allowance.empty();
  const RandomStream contexts = random.split("context"), pulls = random.split("pull");
  std::vector<double> context;
  for (std::uint64_t t = 0; t < rounds; ++t) {
    double best = fixed;
    if (world.context) {
      RandomStream here = contexts.split(t);
      world.context(here, context);
      best = best_mean(world, context);
    }
    const auto decision = policy.decide({.context = context});
    if (!decision) return tl::unexpected(decision.error());
    double value = 0;
    if (decision->option) {
      const Arm arm = static_cast<Arm>(*decision->option);
      RandomStream here = pulls.split(t).split(arm);
      const Pull pull = world.pull(arm, context, here);
      out.earned += pull.reward;
      ++out.picks[arm];
      for (std::size_t j = 0; j < pull.spent.size(); ++j) out.spent[j] += pull.spent[j];
      value = budgets ? pull.reward : world.mean(arm, context);
      if (auto ok = policy.observe(decision->id, {.costs = pull.spent, .reward = pull.reward}); !ok) {
        return tl::unexpected(ok.error());
      }
    } else {
      ++out.idle;
    }
    out.regret += best - value;
    if ((t + 1) * kCurvePoints / rounds > t * kCurvePoints / rounds) out.curve.push_back(out.regret);
  }
  return out;
}

World bernoulli_world(std::vector<double> means) {
  World out = means_world(std::move(means));
  out.pull = [mean = out.mean](Arm arm, std::span<const double> context, RandomStream& random) {
    return Pull{.reward = random.bernoulli(mean(arm, context)) ? 1.0 : 0.0};
  };
  return out;
}

World normal_world(std::vector<double> means, double noise) {
  World out = means_world(std::move(means));
  out.pull = [mean = out.mean, noise](Arm arm, std::span<const double> context, RandomStream& random) {
    return Pull{.reward = std::clamp(mean(arm, context) + noise * random.normal(), 0.0, 1.0)};
  };
  return out;
}

World pricing_world(std::vector<double> prices, double units_a_round) {
  World out{.arms = prices.size(), .context = {}, .pull = {}, .mean = {}};
  for (const double price : prices) out.mean_costs.push_back(std::clamp(1 - price, 0.0, 1.0));
  out.allowance = {units_a_round};
  out.mean = [prices](Arm arm, std::span<const double>) { return prices[arm] * std::clamp(1 - prices[arm], 0.0, 1.0); };
  out.pull = [prices](Arm arm, std::span<const double>, RandomStream& random) {
    const bool sold = random.bernoulli(1 - prices[arm]);
    return Pull{.reward = sold ? prices[arm] : 0, .spent = {sold ? 1.0 : 0.0}};
  };
  return out;
}

World linear_world(std::size_t arms, std::size_t dimension, const RandomStream& random) {
  const auto direction = [dimension](RandomStream& stream) {
    std::vector<double> x(dimension);
    double squares = 0;
    for (double& v : x) v = stream.normal(), squares += v * v;
    for (double& v : x) v /= std::sqrt(squares);
    return x;
  };
  RandomStream weights = random.split("weights");
  World out{.arms = arms, .context = {}, .pull = {}, .mean = {}};
  out.context = [arms, direction](RandomStream& stream, std::vector<double>& context) {
    context.clear();
    for (std::size_t a = 0; a < arms; ++a) {
      const auto x = direction(stream);
      context.insert(context.end(), x.begin(), x.end());
    }
  };
  out.mean = [dimension, theta = direction(weights)](Arm arm, std::span<const double> context) {
    double product = 0;
    for (std::size_t i = 0; i < dimension; ++i) product += theta[i] * context[arm * dimension + i];
    return (1 + product) / 2;
  };
  out.pull = [mean = out.mean](Arm arm, std::span<const double> context, RandomStream& stream) {
    return Pull{.reward = stream.bernoulli(mean(arm, context)) ? 1.0 : 0.0};
  };
  return out;
}

World peak_world(std::vector<double> places, Peak peak) {
  std::vector<double> means;
  for (const double x : places) means.push_back(peak.top - peak.slope * std::min(.5, std::abs(x - peak.at)));
  return bernoulli_world(std::move(means));
}

}  // namespace bursar::explore
