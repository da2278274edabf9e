#include "bursar/allocate/riemannian.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "bursar/allocate/multiple_choice.h"
#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

constexpr double kOnBudget = 1e-10;

double dot(std::span<const double> a, std::span<const double> b) {
  return std::transform_reduce(a.begin(), a.end(), b.begin(), 0.0);
}

void softmax(std::span<const double> logits, std::span<double> p) {
  const double top = std::ranges::max(logits);
  double total = 0;
  for (std::size_t k = 0; k < p.size(); ++k) total += p[k] = std::exp(logits[k] - top);
  for (double& x : p) x /= total;
}

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments moments(std::span<const double> logits, std::span<const double> cost, std::vector<double>& p) {
  p.resize(logits.size());
  softmax(logits, p);
  Moments m;
  for (std::size_t k = 0; k < p.size(); ++k) m.mean += p[k] * cost[k];
  for (std::size_t k = 0; k < p.size(); ++k) m.variance += p[k] * (cost[k] - m.mean) * (cost[k] - m.mean);
  return m;
}

struct Adam {
  std::vector<double> first, second;
  int steps = 0;

  void step(std::span<const double> gradient, double rate, std::span<double> at) {
    constexpr double kBeta1 = .9, kBeta2 = .999;
    ++steps;
    const double c1 = 1 - std::pow(kBeta1, steps), c2 = 1 - std::pow(kBeta2, steps);
    for (std::size_t j = 0; j < at.size(); ++j) {
      first[j] = kBeta1 * first[j] + (1 - kBeta1) * gradient[j];
      second[j] = kBeta2 * second[j] + (1 - kBeta2) * gradient[j] * gradient[j];
      at[j] -= rate * (first[j] / c1) / (std::sqrt(second[j] / c2) + 1e-8);
    }
  }
};

class Riemannian {
 public:
  Riemannian(const BudgetGroups& groups, double budget, const JointObjective& objective,
             const RiemannianOptions& options)
      : g_(groups), budget_(budget), objective_(objective), options_(options), random_(options.seed) {}

  Result<RiemannianResult> run();

 private:
  struct Sample {
    std::vector<double> soft;
    std::vector<double> gradient;
    std::vector<std::uint32_t> choice;
    double loss = 0;
    bool has_gradient = false;
  };

  [[nodiscard]] std::size_t size() const { return g_.groups * g_.options; }
  Result<std::vector<std::uint32_t>> on_budget(std::span<const double> score) const;
  void draw_noise(std::vector<double>& noise);
  Result<void> evaluate(Sample& s);
  Result<std::vector<double>> step_gradient(double tau, RiemannianStep& trace);
  void estimate_gradients(std::vector<Sample>& samples) const;
  void add_through_softmax(const Sample& s, double scale, std::vector<double>& total) const;
  [[nodiscard]] double entropy() const;

  const BudgetGroups& g_;
  const double budget_;
  const JointObjective& objective_;
  const RiemannianOptions& options_;
  RandomStream random_;
  std::vector<double> logits_;
  RiemannianResult r_;
  bool any_ = false;
};

// The choice of largest total score whose cost is the largest reachable one within the budget.
Result<std::vector<std::uint32_t>> Riemannian::on_budget(std::span<const double> score) const {
  return multiple_choice({.value = score, .cost = g_.cost, .width = g_.options}, budget_,
                         {.method = ChoiceMethod::kDynamicProgram, .sense = ChoiceSense::kLargestReachable})
      .map([](ChoiceResult r) { return std::move(r.choice); });
}

void Riemannian::draw_noise(std::vector<double>& noise) {
  noise.resize(size());
  for (double& x : noise) x = -std::log(-std::log(std::max(random_.uniform01(), 0x1.0p-60)));
}

Result<void> Riemannian::evaluate(Sample& s) {
  constexpr double kUntouched = std::numeric_limits<double>::infinity();
  s.gradient.assign(size(), kUntouched);
  ++r_.evaluations;
  s.loss = objective_(s.choice, s.gradient);
  s.has_gradient = std::ranges::all_of(s.gradient, [](double x) { return std::isfinite(x); });
  if (std::isnan(s.loss)) {
    ++r_.dropped;
    return {};
  }
  if (!any_ || s.loss < r_.loss) {
    any_ = true;
    r_.loss = s.loss;
    r_.choice = s.choice;
  }
  return {};
}

// Without gradients: what a sample's options cost relative to the other samples' mean, credited to those options.
void Riemannian::estimate_gradients(std::vector<Sample>& samples) const {
  double total = 0;
  for (const Sample& s : samples) total += s.loss;
  const double n = static_cast<double>(samples.size());
  for (Sample& s : samples) {
    if (s.has_gradient) continue;
    s.gradient.assign(size(), 0.0);
    if (samples.size() < 2) continue;
    const double relative = s.loss - (total - s.loss) / (n - 1);
    for (std::size_t i = 0; i < g_.groups; ++i) s.gradient[i * g_.options + s.choice[i]] = relative;
  }
}

void Riemannian::add_through_softmax(const Sample& s, double scale, std::vector<double>& total) const {
  const std::size_t options = g_.options;
  for (std::size_t i = 0; i < g_.groups; ++i) {
    const auto gradient = [&](std::size_t k) {
      const double bend =
          options_.curvature.empty() ? 0.0 : options_.curvature[(i * options + k) * options + s.choice[i]];
      return s.gradient[i * options + k] + bend;
    };
    double mean = 0;
    for (std::size_t k = 0; k < options; ++k) mean += s.soft[i * options + k] * gradient(k);
    for (std::size_t k = 0; k < options; ++k)
      total[i * options + k] += scale * s.soft[i * options + k] * (gradient(k) - mean);
  }
}

Result<std::vector<double>> Riemannian::step_gradient(double tau, RiemannianStep& trace) {
  std::vector<Sample> samples;
  std::vector<std::vector<double>> noises;
  const int fresh = options_.antithetic ? (options_.samples + 1) / 2 : options_.samples;
  trace.loss = std::numeric_limits<double>::infinity();
  for (int q = 0; q < options_.samples; ++q) {
    std::vector<double> z(size());
    if (q < fresh) {
      noises.emplace_back();
      draw_noise(noises.back());
    }
    const std::vector<double>& noise = noises[static_cast<std::size_t>(q % fresh)];
    const double sign = q < fresh ? 1 : -1;
    for (std::size_t j = 0; j < z.size(); ++j) z[j] = (logits_[j] + sign * noise[j]) / tau;
    Sample s{.soft = std::vector<double>(size())};
    for (std::size_t i = 0; i < g_.groups; ++i) {
      softmax(std::span(z).subspan(i * g_.options, g_.options), std::span(s.soft).subspan(i * g_.options, g_.options));
    }
    auto hard = on_budget(z);
    if (!hard) return tl::unexpected(hard.error());
    s.choice = std::move(*hard);
    if (auto ok = evaluate(s); !ok) return tl::unexpected(ok.error());
    if (std::isnan(s.loss)) continue;
    trace.loss = std::min(trace.loss, s.loss);
    samples.push_back(std::move(s));
  }
  estimate_gradients(samples);
  std::vector<double> total(size(), 0.0);
  for (const Sample& s : samples) add_through_softmax(s, 1 / (tau * static_cast<double>(samples.size())), total);
  return total;
}

double Riemannian::entropy() const {
  std::vector<double> p(g_.options);
  double total = 0;
  for (std::size_t i = 0; i < g_.groups; ++i) {
    softmax(std::span(logits_).subspan(i * g_.options, g_.options), p);
    for (const double x : p) total -= x > 0 ? x * std::log(x) : 0.0;
  }
  return total / static_cast<double>(g_.groups);
}

Result<RiemannianResult> Riemannian::run() {
  logits_.assign(size(), 0.0);
  if (!options_.initial.empty()) logits_.assign(options_.initial.begin(), options_.initial.end());
  const auto manifold = BudgetManifold::make(g_, budget_);
  if (!manifold) {
    // At an end of the range one choice (up to equal costs) remains: the program finds it, or says why there is none.
    Sample only;
    auto choice = on_budget(logits_);
    if (!choice) return tl::unexpected(choice.error());
    only.choice = std::move(*choice);
    if (auto ok = evaluate(only); !ok) return tl::unexpected(ok.error());
    r_.stop = StopReason::kOptimal;
    r_.rounded = only.choice;
    r_.rounded_loss = only.loss;
  } else {
    Adam adam{std::vector<double>(size()), std::vector<double>(size())};
    manifold->retract(logits_);
    for (int s = 0; s < options_.steps; ++s) {
      if (options_.stop && options_.stop()) {
        r_.stop = StopReason::kCancelled;
        break;
      }
      const double progress = options_.steps > 1 ? static_cast<double>(s) / (options_.steps - 1) : 1.0;
      const double tau = std::max(options_.tau_min, options_.tau * std::pow(options_.tau_min / options_.tau, progress));
      RiemannianStep trace;
      auto gradient = step_gradient(tau, trace);
      if (!gradient) return tl::unexpected(gradient.error());
      manifold->project(logits_, *gradient);
      adam.step(*gradient, options_.learning_rate, logits_);
      manifold->retract(logits_);
      manifold->project(logits_, adam.first);
      trace.off_budget = std::abs(manifold->cost(logits_) - budget_);
      trace.entropy = entropy();
      r_.trace.push_back(trace);
    }
    std::vector<double> log_p(size());
    for (std::size_t i = 0; i < g_.groups; ++i) {
      const auto row = std::span(logits_).subspan(i * g_.options, g_.options);
      const auto out = std::span(log_p).subspan(i * g_.options, g_.options);
      softmax(row, out);
      for (double& x : out) x = std::log(std::max(x, 1e-300));
    }
    auto rounded = on_budget(log_p);
    if (!rounded) return tl::unexpected(rounded.error());
    Sample last{.choice = std::move(*rounded)};
    if (auto ok = evaluate(last); !ok) return tl::unexpected(ok.error());
    r_.rounded = std::move(last.choice);
    r_.rounded_loss = last.loss;
  }
  if (!any_) return fail(ErrorCode::kUnavailable, "none of " + std::to_string(r_.evaluations) + " losses was a number");
  r_.logits = logits_;
  for (std::size_t i = 0; i < g_.groups; ++i) r_.cost += g_.cost[i * g_.options + r_.choice[i]];
  return std::move(r_);
}

Result<void> check(const BudgetGroups& g, const RiemannianOptions& o) {
  if (g.groups == 0 || g.options == 0 || g.cost.size() != g.groups * g.options) {
    return invalid_argument("there are " + std::to_string(g.cost.size()) + " costs for " + std::to_string(g.groups) +
                            " groups of " + std::to_string(g.options) +
                            " options; there must be one each, and at least one");
  }
  for (std::size_t j = 0; j < g.cost.size(); ++j) {
    if (!(std::abs(g.cost[j]) < 0x1.0p53) || g.cost[j] != std::floor(g.cost[j])) {
      return invalid_argument("group " + std::to_string(j / g.options) + ", option " + std::to_string(j % g.options) +
                              ": cost is " + to_text(g.cost[j]) + "; it must be an integer: count in smaller units");
    }
  }
  if (o.steps < 1 || o.samples < 1 || !(o.learning_rate > 0) || !(o.tau_min > 0) || !(o.tau >= o.tau_min)) {
    return invalid_argument("steps " + std::to_string(o.steps) + ", samples " + std::to_string(o.samples) +
                            ", learning_rate " + to_text(o.learning_rate) + ", tau " + to_text(o.tau) + ", tau_min " +
                            to_text(o.tau_min) + ": all must be positive and tau_min at most tau");
  }
  if (!o.initial.empty() && o.initial.size() != g.cost.size()) {
    return invalid_argument("initial has " + std::to_string(o.initial.size()) + " logits, not " +
                            std::to_string(g.cost.size()));
  }
  if (!std::ranges::all_of(o.initial, [](double x) { return std::isfinite(x); }))
    return invalid_argument("initial holds a logit that is not finite");
  if (!o.curvature.empty() && o.curvature.size() != g.cost.size() * g.options) {
    return invalid_argument("curvature has " + std::to_string(o.curvature.size()) + " entries, not " +
                            std::to_string(g.cost.size() * g.options));
  }
  return {};
}

}  // namespace

Result<BudgetManifold> BudgetManifold::make(BudgetGroups groups, double budget) {
  double least = 0, most = 0;
  for (std::size_t i = 0; i < groups.groups; ++i) {
    const auto row = groups.cost.subspan(i * groups.options, groups.options);
    least += std::ranges::min(row);
    most += std::ranges::max(row);
  }
  if (!(budget > least) || !(budget < most)) {
    return fail(ErrorCode::kInfeasible, "the budget is " + to_text(budget) + "; the surface needs one between " +
                                            to_text(least) + " and " + to_text(most));
  }
  return BudgetManifold(groups, budget);
}

double BudgetManifold::cost(std::span<const double> logits) const {
  std::vector<double> p;
  double total = 0;
  for (std::size_t i = 0; i < groups_.groups; ++i) {
    total += moments(logits.subspan(i * groups_.options, groups_.options),
                     groups_.cost.subspan(i * groups_.options, groups_.options), p)
                 .mean;
  }
  return total;
}

double BudgetManifold::cost_slope(std::span<const double> logits) const {
  std::vector<double> p;
  double total = 0;
  for (std::size_t i = 0; i < groups_.groups; ++i) {
    total += moments(logits.subspan(i * groups_.options, groups_.options),
                     groups_.cost.subspan(i * groups_.options, groups_.options), p)
                 .variance;
  }
  return total;
}

void BudgetManifold::normal(std::span<const double> logits, std::span<double> normal) const {
  std::vector<double> p;
  for (std::size_t i = 0; i < groups_.groups; ++i) {
    const std::size_t at = i * groups_.options;
    const Moments m = moments(logits.subspan(at, groups_.options), groups_.cost.subspan(at, groups_.options), p);
    for (std::size_t k = 0; k < groups_.options; ++k) normal[at + k] = p[k] * (groups_.cost[at + k] - m.mean);
  }
}

bool BudgetManifold::project(std::span<const double> logits, std::span<double> vector) const {
  std::vector<double> n(logits.size());
  normal(logits, n);
  // Scaled by its largest entry first: squares of saturated probabilities would underflow.
  double size = 0;
  for (const double x : n) size = std::max(size, std::abs(x));
  if (!(size > 1e-30)) return false;
  for (double& x : n) x /= size;
  const double share = dot(vector, n) / dot(n, n);
  for (std::size_t j = 0; j < n.size(); ++j) vector[j] -= share * n[j];
  return true;
}

int BudgetManifold::retract(std::span<double> logits) const {
  std::vector<double> moved(logits.size());
  int evaluations = 0;
  const auto excess = [&](double t) {
    ++evaluations;
    for (std::size_t j = 0; j < moved.size(); ++j) moved[j] = logits[j] + t * groups_.cost[j];
    return cost(moved) - budget_;
  };
  const double tolerance = kOnBudget * std::max(1.0, std::abs(budget_)) * 0.5;
  double low = 0, high = 0;
  const double at_zero = excess(0);
  if (std::abs(at_zero) <= tolerance) return evaluations;
  double reach =
      1 / std::max(1e-30, std::abs(std::ranges::max(groups_.cost, {}, [](double c) { return std::abs(c); })));
  for (int k = 0; k < 200; ++k, reach *= 2) {
    if (at_zero < 0 ? excess(high = reach) >= 0 : excess(low = -reach) <= 0) break;
  }
  double t = (low + high) / 2;
  for (int k = 0; k < 200; ++k) {
    const double e = excess(t);
    if (std::abs(e) <= tolerance) break;
    (e < 0 ? low : high) = t;
    // Newton where it stays inside, bisection where it does not.
    const double slope = cost_slope(moved);
    const double newton = t - e / slope;
    const double next = slope > 0 && newton > low && newton < high ? newton : (low + high) / 2;
    if (next == t) break;
    t = next;
  }
  for (std::size_t j = 0; j < logits.size(); ++j) logits[j] += t * groups_.cost[j];
  return evaluations;
}

Result<RiemannianResult> riemannian_search(const BudgetGroups& groups, double budget, const JointObjective& objective,
                                           const RiemannianOptions& options) {
  if (auto ok = check(groups, options); !ok) return tl::unexpected(ok.error());
  if (!std::isfinite(budget)) return invalid_argument("budget is " + to_text(budget) + "; it must be finite");
  return Riemannian(groups, budget, objective, options).run();
}

}  // namespace bursar::allocate
