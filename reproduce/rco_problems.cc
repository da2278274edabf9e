#include "reproduce/rco_problems.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bursar::reproduce {
namespace {

using Choice = std::vector<std::uint32_t>;

// Between the cheapest and the dearest choice.
double budget_at(const BudgetProblem& problem, double share) {
  double least = 0, most = 0;
  for (std::size_t i = 0; i < problem.groups; ++i) {
    const auto row = std::span(problem.cost).subspan(i * problem.options, problem.options);
    least += std::ranges::min(row);
    most += std::ranges::max(row);
  }
  return std::floor(least + share * (most - least));
}

}  // namespace

std::vector<double> softmax_rows(const std::vector<double>& logits, std::size_t options) {
  std::vector<double> p(logits.size());
  for (std::size_t i = 0; i < p.size(); i += options) {
    const double top = std::ranges::max(std::span(logits).subspan(i, options));
    double sum = 0;
    for (std::size_t k = i; k < i + options; ++k) sum += p[k] = std::exp(logits[k] - top);
    for (std::size_t k = i; k < i + options; ++k) p[k] /= sum;
  }
  return p;
}

double BudgetProblem::cost_of(std::span<const std::uint32_t> x) const {
  double sum = 0;
  for (std::size_t i = 0; i < groups; ++i) sum += cost[i * options + x[i]];
  return sum;
}

Result<Choice> BudgetProblem::best_by(const std::vector<double>& score, allocate::ChoiceSense sense) const {
  return allocate::multiple_choice({.value = score, .cost = cost, .width = options}, budget,
                                   {.method = allocate::ChoiceMethod::kDynamicProgram, .sense = sense})
      .map([](const allocate::ChoiceResult& r) { return r.choice; });
}

double SeparableProblem::value_of(std::span<const std::uint32_t> x) const {
  double sum = 0;
  for (std::size_t i = 0; i < groups; ++i) sum += value[i * options + x[i]];
  return sum;
}

Choice SeparableProblem::argmax(const std::vector<double>& p) const {
  Choice x(groups);
  for (std::size_t i = 0; i < groups; ++i) {
    const auto row = std::span(p).subspan(i * options, options);
    x[i] = static_cast<std::uint32_t>(std::ranges::max_element(row) - row.begin());
  }
  return x;
}

void SeparableProblem::repair(Choice& x) const {
  // One move of one group to another option; down: to a cheaper one, up: to a dearer one that still fits.
  const auto move = [&](bool down) {
    const double left = budget - cost_of(x);
    double best = down ? -std::numeric_limits<double>::infinity() : 0;
    std::size_t group = groups;
    std::uint32_t option = 0;
    for (std::size_t i = 0; i < groups; ++i) {
      for (std::uint32_t k = 0; k < options; ++k) {
        const double more = cost[i * options + k] - cost[i * options + x[i]];
        const double gain = value[i * options + k] - value[i * options + x[i]];
        if (down ? more >= 0 : (more < 0 || more > left || gain <= 0)) continue;
        const double rate = more == 0 ? std::numeric_limits<double>::max() : gain / std::abs(more);
        if (rate > best) best = rate, group = i, option = k;
      }
    }
    if (group == groups) return false;
    x[group] = option;
    return true;
  };
  while (cost_of(x) > budget && move(true)) {
  }
  while (move(false)) {
  }
}

SeparableProblem separable_problem(std::size_t groups, std::size_t options, RandomStream random) {
  SeparableProblem out;
  out.groups = groups, out.options = options;
  std::vector<double> base;  // distinct, so that there are as many kinds of options as it says
  while (base.size() < options) {
    const auto c = static_cast<double>(random.uniform_int(1, 4 * static_cast<std::int64_t>(options)));
    if (std::ranges::find(base, c) == base.end()) base.push_back(c);
  }
  std::ranges::sort(base);
  for (std::size_t i = 0; i < groups; ++i) {
    const auto weight = static_cast<double>(random.uniform_int(1, 5));
    const double scale = random.uniform(.2, 2);
    std::vector<double> values(options);
    for (double& v : values) v = random.uniform01();
    std::ranges::sort(values);
    for (std::size_t k = 0; k < options; ++k) {
      out.cost.push_back(weight * base[k]);
      out.value.push_back(values[k] * scale);
    }
  }
  out.budget = budget_at(out, .40);
  return out;
}

JointProblem joint_problem(std::size_t groups, std::size_t options, RandomStream random) {
  JointProblem out;
  out.groups = groups, out.options = options;
  out.dimensions = std::max<std::size_t>(4, groups / 2);
  for (std::size_t i = 0; i < groups; ++i) {
    const auto weight = static_cast<double>(random.uniform_int(1, 4));
    const double s = std::exp(.7 * random.normal());
    for (std::size_t k = 0; k < options; ++k) {
      out.cost.push_back(weight * (2 + static_cast<double>(k)));
      out.size.push_back(std::sqrt(s * std::pow(4.0, -static_cast<double>(k))));
    }
    double norm = 0;
    for (std::size_t d = 0; d < out.dimensions; ++d) {
      out.direction.push_back(random.normal());
      norm += out.direction.back() * out.direction.back();
    }
    for (std::size_t d = 0; d < out.dimensions; ++d) out.direction[i * out.dimensions + d] /= std::sqrt(norm);
  }
  out.budget = budget_at(out, .45);
  return out;
}

namespace {

std::vector<double> residual(const JointProblem& problem, std::span<const std::uint32_t> x) {
  std::vector<double> sum(problem.dimensions, 0.0);
  for (std::size_t i = 0; i < problem.groups; ++i) {
    const double a = problem.size[i * problem.options + x[i]];
    for (std::size_t d = 0; d < sum.size(); ++d) sum[d] += a * problem.direction[i * sum.size() + d];
  }
  return sum;
}

double square(std::span<const double> v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return sum;
}

// Steps single groups up, in random order, while the budget allows.
void fill(const JointProblem& problem, Choice& x, RandomStream& random) {
  std::vector<std::size_t> order(problem.groups);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  random.shuffle(std::span(order));
  double cost = problem.cost_of(x);
  for (bool moved = true; moved;) {
    moved = false;
    for (const std::size_t i : order) {
      if (x[i] + 1 == problem.options) continue;
      const double step = problem.cost[i * problem.options + x[i] + 1] - problem.cost[i * problem.options + x[i]];
      if (cost + step > problem.budget) continue;
      ++x[i], cost += step, moved = true;
    }
  }
}

// Steps random groups down until the budget holds.
void cut(const JointProblem& problem, Choice& x, RandomStream& random) {
  while (problem.cost_of(x) > problem.budget) {
    const std::size_t i = random.uniform_int(std::uint64_t{problem.groups});
    if (x[i] > 0) --x[i];
  }
}

}  // namespace

double JointProblem::loss(std::span<const std::uint32_t> x) const { return square(residual(*this, x)); }

double JointProblem::log_loss(std::span<const std::uint32_t> x, std::span<double> gradient) const {
  const auto r = residual(*this, x);
  const double value = square(r) + 1e-6;
  for (std::size_t i = 0; i < groups; ++i) {
    double along = 0;
    for (std::size_t d = 0; d < dimensions; ++d) along += direction[i * dimensions + d] * r[d];
    for (std::size_t k = 0; k < options; ++k) gradient[i * options + k] = 2 * size[i * options + k] * along / value;
  }
  return std::log(value);
}

double JointProblem::least_loss() const {
  Choice x(groups, 0);
  double best = std::numeric_limits<double>::infinity();
  for (;;) {
    if (cost_of(x) <= budget) best = std::min(best, loss(x));
    std::size_t i = 0;
    while (i < groups && ++x[i] == options) x[i++] = 0;
    if (i == groups) return best;
  }
}

Result<Choice> JointProblem::separable_choice() const {
  std::vector<double> score;
  score.reserve(size.size());
  for (const double a : size) score.push_back(-a * a);
  return best_by(score, allocate::ChoiceSense::kAtMost);
}

Choice random_search(const JointProblem& problem, int evaluations, RandomStream random) {
  Choice best;
  double least = std::numeric_limits<double>::infinity();
  for (int e = 0; e < evaluations; ++e) {
    Choice x(problem.groups);
    for (std::uint32_t& k : x) k = static_cast<std::uint32_t>(random.uniform_int(std::uint64_t{problem.options}));
    cut(problem, x, random);
    fill(problem, x, random);
    const double loss = problem.loss(x);
    if (loss < least) least = loss, best = x;
  }
  return best;
}

Choice evolve(const JointProblem& problem, Choice parent, int evaluations, RandomStream random) {
  double least = problem.loss(parent);
  for (int e = 1; e < evaluations; ++e) {
    Choice child = parent;
    const std::uint64_t switches =
        1 + std::min(random.uniform_int(std::uint64_t{3}), random.uniform_int(std::uint64_t{3}));
    for (std::uint64_t s = 0; s < switches; ++s) {
      const std::size_t i = random.uniform_int(std::uint64_t{problem.groups});
      if (child[i] + 1 < problem.options) ++child[i];
    }
    cut(problem, child, random);
    fill(problem, child, random);
    const double loss = problem.loss(child);
    if (loss <= least) least = loss, parent = std::move(child);
  }
  return parent;
}

}  // namespace bursar::reproduce
