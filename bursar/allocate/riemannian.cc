#include "bursar/allocate/riemannian.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "bursar/allocate/multiple_choice.h"
#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

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

// A part of the groups with its budget, as positions in the arrays of all.
struct Part {
  std::size_t first, size;  // of logits and costs
  double budget;
  std::optional<BudgetManifold> manifold;  // none where the budget is at an end of the range: one choice remains
};

std::vector<Part> parts_of(const BudgetGroups& g, std::span<const BudgetBlock> blocks) {
  std::vector<Part> parts;
  std::size_t first = 0;
  for (const BudgetBlock& block : blocks) {
    const std::size_t size = block.groups * g.options;
    auto manifold = BudgetManifold::make({block.groups, g.options, g.cost.subspan(first, size)}, block.budget);
    parts.push_back({first, size, block.budget, manifold ? std::optional(*manifold) : std::nullopt});
    first += size;
  }
  return parts;
}

class Riemannian {
 public:
  Riemannian(const BudgetGroups& groups, std::span<const BudgetBlock> blocks, const JointObjective& objective,
             const RiemannianOptions& options)
      : g_(groups), parts_(parts_of(groups, blocks)), objective_(objective), options_(options), random_(options.seed) {}

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
  void retract();
  void project(std::vector<double>& vector) const;
  [[nodiscard]] double off_budget() const;
  Result<void> take_the_only_choice();
  Result<void> search();
  Result<void> round();

  const BudgetGroups& g_;
  const std::vector<Part> parts_;
  const JointObjective& objective_;
  const RiemannianOptions& options_;
  RandomStream random_;
  std::vector<double> logits_;
  RiemannianResult r_;
  bool any_ = false;
};

// The choice of largest total score whose cost is, in every part, the largest reachable one within its budget.
Result<std::vector<std::uint32_t>> Riemannian::on_budget(std::span<const double> score) const {
  std::vector<std::uint32_t> choice;
  for (std::size_t b = 0; b < parts_.size(); ++b) {
    const Part& part = parts_[b];
    const auto best = multiple_choice(
        {.value = score.subspan(part.first, part.size),
         .cost = g_.cost.subspan(part.first, part.size),
         .width = g_.options},
        part.budget, {.method = ChoiceMethod::kDynamicProgram, .sense = ChoiceSense::kLargestReachable});
    if (!best && parts_.size() > 1) return tl::unexpected(with_context("block " + std::to_string(b), best.error()));
    if (!best) return tl::unexpected(best.error());
    choice.insert(choice.end(), best->choice.begin(), best->choice.end());
  }
  return choice;
}

void Riemannian::retract() {
  for (const Part& part : parts_) {
    if (part.manifold) part.manifold->retract(std::span(logits_).subspan(part.first, part.size));
  }
}

// A part that has only one choice does not move.
void Riemannian::project(std::vector<double>& vector) const {
  for (const Part& part : parts_) {
    const auto own = std::span(vector).subspan(part.first, part.size);
    if (part.manifold) {
      part.manifold->project(std::span(logits_).subspan(part.first, part.size), own);
    } else {
      std::ranges::fill(own, 0.0);
    }
  }
}

double Riemannian::off_budget() const {
  double most = 0;
  for (const Part& part : parts_) {
    if (!part.manifold) continue;
    const double cost = part.manifold->cost(std::span(logits_).subspan(part.first, part.size));
    most = std::max(most, std::abs(cost - part.budget));
  }
  return most;
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

// At an end of the range one choice (up to equal costs) remains: the program finds it, or says why there is none.
Result<void> Riemannian::take_the_only_choice() {
  Sample only;
  auto choice = on_budget(logits_);
  if (!choice) return tl::unexpected(choice.error());
  only.choice = std::move(*choice);
  if (auto ok = evaluate(only); !ok) return ok;
  r_.stop = StopReason::kOptimal;
  r_.rounded = only.choice;
  r_.rounded_loss = only.loss;
  return {};
}

Result<void> Riemannian::search() {
  Adam adam{std::vector<double>(size()), std::vector<double>(size())};
  retract();
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
    project(*gradient);
    adam.step(*gradient, options_.learning_rate, logits_);
    retract();
    project(adam.first);
    trace.off_budget = off_budget();
    trace.entropy = entropy();
    r_.trace.push_back(trace);
  }
  return {};
}

Result<void> Riemannian::round() {
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
  if (auto ok = evaluate(last); !ok) return ok;
  r_.rounded = std::move(last.choice);
  r_.rounded_loss = last.loss;
  return {};
}

Result<RiemannianResult> Riemannian::run() {
  logits_.assign(size(), 0.0);
  if (!options_.initial.empty()) logits_.assign(options_.initial.begin(), options_.initial.end());
  if (std::ranges::none_of(parts_, [](const Part& part) { return part.manifold.has_value(); })) {
    if (auto ok = take_the_only_choice(); !ok) return tl::unexpected(ok.error());
  } else {
    if (auto ok = search(); !ok) return tl::unexpected(ok.error());
    if (auto ok = round(); !ok) return tl::unexpected(ok.error());
  }
  if (!any_) return fail(ErrorCode::kUnavailable, "none of " + std::to_string(r_.evaluations) + " losses was a number");
  r_.logits = logits_;
  for (std::size_t i = 0; i < g_.groups; ++i) r_.cost += g_.cost[i * g_.options + r_.choice[i]];
  return std::move(r_);
}

Result<void> check_blocks(const BudgetGroups& g, std::span<const BudgetBlock> blocks) {
  std::size_t groups = 0;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    if (blocks[b].groups == 0 || blocks[b].groups > g.groups - groups) {
      return invalid_argument("block " + std::to_string(b) + " has " + std::to_string(blocks[b].groups) +
                              " groups; the blocks must share out the " + std::to_string(g.groups) +
                              " groups in their order, at least one each");
    }
    if (!std::isfinite(blocks[b].budget)) {
      return invalid_argument((blocks.size() > 1 ? "block " + std::to_string(b) + ": " : "") + "budget is " +
                              to_text(blocks[b].budget) + "; it must be finite");
    }
    groups += blocks[b].groups;
  }
  if (groups != g.groups) {
    return invalid_argument("the blocks have " + std::to_string(groups) + " groups of " + std::to_string(g.groups));
  }
  return {};
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

Result<RiemannianResult> riemannian_search(const BudgetGroups& groups, std::span<const BudgetBlock> blocks,
                                           const JointObjective& objective, const RiemannianOptions& options) {
  if (auto ok = check(groups, options); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_blocks(groups, blocks); !ok) return tl::unexpected(ok.error());
  return Riemannian(groups, blocks, objective, options).run();
}

Result<RiemannianResult> riemannian_search(const BudgetGroups& groups, double budget, const JointObjective& objective,
                                           const RiemannianOptions& options) {
  const BudgetBlock all{groups.groups, budget};
  return riemannian_search(groups, std::span(&all, 1), objective, options);
}

}  // namespace bursar::allocate
