#include "bursar/explore/knapsack/knapsack_bandit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "bursar/allocate/linear_program.h"
#include "bursar/core/saved_numbers.h"
#include "bursar/explore/knapsack/knapsack_mix.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double radius(double mean, double pulls, double scaled_log) {
  return std::sqrt(scaled_log * mean / pulls) + scaled_log / pulls;
}

// sqrt(K / B), as in the theorem without its logarithm.
double own_shrink(std::size_t arms, double scale) { return std::min(.5, std::sqrt(static_cast<double>(arms) / scale)); }

}  // namespace

KnapsackBandit::KnapsackBandit(const KnapsackOptions& options)
    : options_(options),
      resources_(options.budget.size()),
      table_(options.arms),
      cost_(options.arms * resources_),
      allowance_(resources_),
      log_rounds_(std::log(static_cast<double>(options.horizon))),
      log_price_(resources_ + 1),
      prices_(resources_),
      reward_up_(options.arms),
      reward_down_(options.arms),
      cost_up_(cost_.size()),
      cost_down_(cost_.size()) {
  scale_ = kInfinity;
  for (std::size_t j = 0; j < resources_; ++j) {
    const double choices = options_.budget[j] / options_.most[j];
    scale_ = std::min(scale_, choices);
    allowance_[j] = choices / static_cast<double>(options_.horizon);
  }
  scale_ = std::min(scale_, static_cast<double>(options_.horizon));
  if (options_.conf <= 0) options_.conf = .25;
  if (options_.shrink < 0) options_.shrink = own_shrink(options_.arms, scale_);
}

Result<std::unique_ptr<KnapsackBandit>> KnapsackBandit::make(const KnapsackOptions& options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_horizon(options.horizon); !ok) return tl::unexpected(ok.error());
  if (options.budget.empty() || options.most.size() != options.budget.size()) {
    return invalid_argument("most: has " + std::to_string(options.most.size()) + " numbers for " +
                            std::to_string(options.budget.size()) +
                            " resources; give the most that one decision can use of each");
  }
  for (std::size_t j = 0; j < options.budget.size(); ++j) {
    if (auto ok = check_positive("budget", options.budget[j]); !ok) return tl::unexpected(ok.error());
    if (auto ok = check_positive("most", options.most[j]); !ok) return tl::unexpected(ok.error());
  }
  if (auto ok = check_between("conf", options.conf, 0, 1e6); !ok) return tl::unexpected(ok.error());
  if (options.shrink >= 1) return invalid_argument("shrink: must be below 1, is " + std::to_string(options.shrink));
  return std::unique_ptr<KnapsackBandit>(new KnapsackBandit(options));
}

void KnapsackBandit::bounds() {
  const double scaled = options_.conf * log_rounds_;
  for (std::size_t a = 0; a < table_.arms(); ++a) {
    const double n = std::max(table_.pulls(a), 1.0);
    const bool known = table_.pulls(a) > 0;
    const double r = known ? radius(table_.mean(a), n, scaled) : 1;
    reward_up_[a] = std::min(1.0, table_.mean(a) + r);
    reward_down_[a] = std::max(0.0, table_.mean(a) - r);
    for (std::size_t j = 0; j < resources_; ++j) {
      const std::size_t at = a * resources_ + j;
      const double c = known ? radius(cost_[at], n, scaled) : 1;
      cost_up_[at] = std::min(1.0, cost_[at] + c);
      cost_down_[at] = std::max(0.0, cost_[at] - c);
    }
  }
}

Result<Pick> KnapsackBandit::pick(const Question& question, RandomStream& random) {
  Result<Pick> out = Pick{.arm = table_.least(question)};
  if (!out->arm) return out;
  if (table_.picks(*out->arm) > 0) {
    bounds();
    switch (options_.rule) {
      case KnapsackRule::kUcb: out = ucb(question, random); break;
      case KnapsackRule::kPrimalDual: out = primal_dual(question); break;
      case KnapsackRule::kElimination: out = elimination(question, random); break;
    }
  }
  if (out && out->arm) table_.pick(*out->arm);
  return out;
}

// One arm by the mix's probabilities; none for the rest, and for an arm that is closed.
Pick KnapsackBandit::drawn(const std::vector<double>& mix, const Question& question, RandomStream& random) {
  double left = random.uniform01();
  Pick out{.arm = std::nullopt, .propensity = 1, .by_chance = true};
  for (std::size_t a = 0; a < mix.size(); ++a) {
    if (left < mix[a]) {
      if (!question.open(a)) return out;
      out.arm = static_cast<Arm>(a);
      out.propensity = std::min(1.0, mix[a]);
      return out;
    }
    left -= mix[a];
  }
  return out;
}

Result<Pick> KnapsackBandit::ucb(const Question& question, RandomStream& random) {
  std::vector<double> allowance = allowance_;
  for (double& rho : allowance) rho *= 1 - options_.shrink;
  const auto mix = best_mix({.reward = reward_up_, .cost = cost_down_, .allowance = allowance});
  if (!mix) return tl::unexpected(mix.error());
  for (std::size_t j = 0; j < resources_; ++j) prices_[j] = mix->price[j] / options_.most[j];
  return drawn(mix->x, question, random);
}

Result<Pick> KnapsackBandit::primal_dual(const Question& question) {
  const double top = *std::ranges::max_element(log_price_);
  std::vector<double> y(log_price_.size());
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] = std::exp(log_price_[i] - top);
  for (double& weight : y) weight /= sum;
  const double rounds = static_cast<double>(options_.horizon);
  Pick out;
  double best = -1;
  for (std::size_t a = 0; a < table_.arms(); ++a) {
    if (!question.open(a)) continue;
    double cost = y.back() * scale_ / rounds;
    for (std::size_t j = 0; j < resources_; ++j) {
      cost += y[j] * cost_down_[a * resources_ + j] * scale_ / (allowance_[j] * rounds);
    }
    const double ratio = reward_up_[a] / std::max(cost, 1e-300);
    if (ratio > best) best = ratio, out.arm = static_cast<Arm>(a);
  }
  for (std::size_t j = 0; j < resources_; ++j) prices_[j] = best * y[j] * scale_ / options_.budget[j];
  return out;
}

// The largest x_a over mixes that a world within the bounds could have as its best: affordable at the lower costs, and
// worth at the upper rewards what the best mix is worth at least.
Result<Pick> KnapsackBandit::elimination(const Question& question, RandomStream& random) {
  const auto sure = best_mix({.reward = reward_down_, .cost = cost_up_, .allowance = allowance_});
  if (!sure) return tl::unexpected(sure.error());
  const std::size_t arms = table_.arms(), d = resources_;
  const auto target = static_cast<std::size_t>(random.uniform_int(std::uint64_t{arms}));
  allocate::LinearProgram lp{.objective = std::vector<double>(arms),
                             .upper = std::vector<double>(arms, kInfinity),
                             .start = {0},
                             .row = {},
                             .element = {},
                             .row_lower = std::vector<double>(d + 2, -kInfinity),
                             .row_upper = allowance_};
  lp.objective[target] = 1;
  lp.row_upper.push_back(1);
  lp.row_upper.push_back(kInfinity);
  lp.row_lower[d + 1] = sure->value - 1e-9;
  for (std::size_t a = 0; a < arms; ++a) {
    for (std::size_t j = 0; j < d + 2; ++j) {
      lp.row.push_back(static_cast<int>(j));
      lp.element.push_back(j < d ? cost_down_[a * d + j] : j == d ? 1 : reward_up_[a]);
    }
    lp.start.push_back(static_cast<int>(lp.row.size()));
  }
  const auto solved = allocate::maximise(lp);
  if (!solved) return tl::unexpected(solved.error());
  return drawn(solved->x, question, random);
}

Result<void> KnapsackBandit::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  if (!feedback.spent.empty() && feedback.spent.size() != resources_) {
    return invalid_argument("spent: has " + std::to_string(feedback.spent.size()) + " numbers for " +
                            std::to_string(resources_) + " resources");
  }
  table_.learn(*pick.arm, feedback.reward);
  const double n = table_.pulls(*pick.arm);
  const double eps = std::min(.5, std::sqrt(std::log(static_cast<double>(resources_) + 1) / scale_));
  const double rounds = static_cast<double>(options_.horizon), step = std::log1p(eps);
  for (std::size_t j = 0; j < resources_; ++j) {
    const double used = feedback.spent.empty() ? 0 : std::min(1.0, feedback.spent[j] / options_.most[j]);
    double& mean = cost_[*pick.arm * resources_ + j];
    mean += (used - mean) / n;
    log_price_[j] += step * used * scale_ / (allowance_[j] * rounds);
  }
  log_price_.back() += step * scale_ / rounds;
  return {};
}

std::vector<Belief> KnapsackBandit::beliefs() const {
  std::vector<Belief> out = table_.beliefs(0);
  for (std::size_t a = 0; a < out.size(); ++a) {
    const double r = out[a].pulls > 0 ? radius(out[a].mean, out[a].pulls, options_.conf * log_rounds_) : 1;
    out[a].low = std::max(0.0, out[a].mean - r);
    out[a].high = std::min(1.0, out[a].mean + r);
  }
  return out;
}

std::vector<double> KnapsackBandit::mean_costs() const {
  std::vector<double> out = cost_;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] *= options_.most[i % resources_];
  return out;
}

boost::json::object KnapsackBandit::save() const {
  boost::json::object out = table_.save();
  out["cost"] = saved_numbers(cost_);
  out["log_price"] = saved_numbers(log_price_);
  out["prices"] = saved_numbers(prices_);
  return out;
}

Result<void> KnapsackBandit::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  auto cost = from.numbers("cost", cost_.size()), log_price = from.numbers("log_price", log_price_.size()),
       prices = from.numbers("prices", prices_.size());
  if (auto ok = from.check(); !ok) return ok;
  if (std::ranges::any_of(cost, [](double c) { return c < 0 || c > 1; })) {
    return fail(ErrorCode::kCorrupt, "saved state: cost must be shares from 0 to 1");
  }
  if (auto ok = table_.load(saved); !ok) return ok;
  cost_ = std::move(cost);
  log_price_ = std::move(log_price);
  prices_ = std::move(prices);
  return {};
}

}  // namespace bursar::explore
