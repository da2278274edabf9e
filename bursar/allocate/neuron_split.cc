#include "bursar/allocate/neuron_split.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "bursar/allocate/solve.h"
#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

constexpr std::int64_t kLargest = std::int64_t{1} << 30;
constexpr std::size_t kFewestPilots = 4;
constexpr int kRestarts = 200, kBootstrapRestarts = 40, kSteps = 400;

// Without a limit on their size: the caller has checked the shape.
long double per_neuron(const NeuronShape& s) {
  const auto b = static_cast<long double>(s.branches), m = static_cast<long double>(s.memory);
  const long double h = s.mlp_hidden < 0 ? 2 * m : static_cast<long double>(s.mlp_hidden);
  return b * static_cast<long double>(s.synapses) + h * (b + m + 1) + m * (h + 1) + m + 1;
}

long double of_readout(const NeuronShape& s, std::int64_t outputs) {
  const auto b = static_cast<long double>(s.branches), v = static_cast<long double>(outputs);
  return v * (b * static_cast<long double>(s.synapses) + 3 * (b + 4) + 4) + v * (v + 1);
}

NeuronShape shape_with(std::int64_t memory, const SplitOptions& o) {
  const std::int64_t branches = o.branches > 0 ? o.branches : 4 * memory;
  return {.neurons = 0, .memory = memory, .branches = branches, .synapses = o.synapses > 0 ? o.synapses : branches};
}

std::int64_t neurons_within(std::int64_t parameters, const NeuronShape& s, std::int64_t outputs) {
  const long double left = static_cast<long double>(parameters) - of_readout(s, outputs);
  return left <= 0 ? 0 : static_cast<std::int64_t>(std::min(left / per_neuron(s), static_cast<long double>(kLargest)));
}

double log_information(const SplitFit& f, double neurons, double memory) {
  return std::log(neurons / (1 + neurons / f.redundancy) * .5 * std::log1p(f.signal * std::pow(memory, f.power)));
}

// c0 and c1 by least squares for the given D, s0 and g; the sum of squares that is left.
double settle(std::span<const PilotRun> pilots, SplitFit& f) {
  const auto n = static_cast<double>(pilots.size());
  double sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
  for (const PilotRun& run : pilots) {
    const double x = log_information(f, static_cast<double>(run.neurons), static_cast<double>(run.memory));
    if (!std::isfinite(x)) return std::numeric_limits<double>::infinity();
    sx += x, sy += run.score, sxx += x * x, sxy += x * run.score, syy += run.score * run.score;
  }
  const double spread = sxx - sx * sx / n;
  // More information never lowers the score.
  f.slope = spread > 1e-300 ? std::max(0.0, (sxy - sx * sy / n) / spread) : 0;
  f.offset = (sy - f.slope * sx) / n;
  double squares = 0;
  for (const PilotRun& run : pilots) {
    const double off = run.score - f.offset -
                       f.slope * log_information(f, static_cast<double>(run.neurons), static_cast<double>(run.memory));
    squares += off * off;
  }
  const double total = std::max(1e-300, syy - sy * sy / n);
  f.r2 = 1 - squares / total;
  f.rmse = std::sqrt(squares / n);
  return squares;
}

SplitFit fit_to(std::span<const PilotRun> pilots, int restarts, RandomStream random) {
  // Logarithms of D, s0 and g, and how far a start may lie.
  constexpr std::array<std::pair<double, double>, 3> kRange{{{0, 14}, {-9, 7}, {-2.5, 1.5}}};
  const auto fit_at = [](const std::array<double, 3>& at) {
    return SplitFit{.redundancy = std::exp(at[0]), .signal = std::exp(at[1]), .power = std::exp(at[2])};
  };
  SplitFit best;
  double least = std::numeric_limits<double>::infinity();
  for (int r = 0; r < restarts; ++r) {
    std::array<double, 3> at{};
    for (std::size_t k = 0; k < 3; ++k) at[k] = random.uniform(kRange[k].first, kRange[k].second);
    SplitFit here = fit_at(at);
    double squares = settle(pilots, here), step = 1;
    for (int s = 0; s < kSteps && step > 1e-6; ++s) {
      std::array<double, 3> moved = at;
      for (std::size_t k = 0; k < 3; ++k)
        moved[k] = std::clamp(at[k] + step * random.normal(), kRange[k].first - 3, kRange[k].second + 3);
      SplitFit there = fit_at(moved);
      const double now = settle(pilots, there);
      step *= now < squares ? 1.5 : .9;
      if (now < squares) at = moved, squares = now, here = there;
    }
    if (squares < least) least = squares, best = here;
  }
  return best;
}

std::optional<std::size_t> best_of(std::span<const NeuronShape> frontier, const SplitFit& f) {
  std::optional<std::size_t> best;
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < frontier.size(); ++i) {
    const double x =
        log_information(f, static_cast<double>(frontier[i].neurons), static_cast<double>(frontier[i].memory));
    if (x > most) most = x, best = i;
  }
  return best;
}

Result<void> check(std::span<const PilotRun> pilots, const SplitOptions& o) {
  if (o.outputs < 1 || o.outputs > kLargest || o.branches < 0 || o.branches > kLargest || o.synapses < 0 ||
      o.synapses > kLargest || o.max_memory < 1 || o.max_memory > 1 << 16 || o.bootstraps < 0 ||
      o.bootstraps > 10'000) {
    return invalid_argument("outputs, branches, synapses, max_memory or bootstraps is out of range");
  }
  for (std::size_t i = 0; i < pilots.size(); ++i) {
    if (pilots[i].neurons < 1 || pilots[i].neurons > kLargest || pilots[i].memory < 1 || pilots[i].memory > kLargest)
      return invalid_argument("pilot " + std::to_string(i) + ": neurons is " + std::to_string(pilots[i].neurons) +
                              " and memory " + std::to_string(pilots[i].memory) + "; they must be at least 1");
    if (!(std::abs(pilots[i].score) <= 1e12))
      return invalid_argument("pilot " + std::to_string(i) + ": score is " + to_text(pilots[i].score) +
                              "; it must be finite");
  }
  return {};
}

bool can_be_fitted(std::span<const PilotRun> pilots) {
  std::set<std::int64_t> memories;
  for (const PilotRun& run : pilots) memories.insert(run.memory);
  return pilots.size() >= kFewestPilots && memories.size() > 1;
}

}  // namespace

Result<std::int64_t> count_parameters(const NeuronShape& s, std::int64_t outputs) {
  for (const auto& [name, is, least] : {std::tuple{"neurons", s.neurons, std::int64_t{1}},
                                        {"memory", s.memory, std::int64_t{1}},
                                        {"branches", s.branches, std::int64_t{1}},
                                        {"synapses", s.synapses, std::int64_t{1}},
                                        {"mlp_hidden", s.mlp_hidden, std::int64_t{-1}},
                                        {"outputs", outputs, std::int64_t{1}}}) {
    if (is < least || is > kLargest)
      return invalid_argument(std::string(name) + " is " + std::to_string(is) + "; it must be from " +
                              std::to_string(least) + " to 2^30");
  }
  const long double total = static_cast<long double>(s.neurons) * per_neuron(s) + of_readout(s, outputs);
  if (total > 0x1p62L) return invalid_argument("the shape has more than 2^62 parameters");
  return static_cast<std::int64_t>(total);
}

Result<SplitPlan> plan_split(std::int64_t parameters, std::span<const PilotRun> pilots, const SplitOptions& options) {
  if (auto ok = check(pilots, options); !ok) return tl::unexpected(ok.error());
  SplitPlan plan;
  for (std::int64_t memory = 1; memory <= options.max_memory; ++memory) {
    NeuronShape shape = shape_with(memory, options);
    shape.neurons = neurons_within(parameters, shape, options.outputs);
    if (shape.neurons >= 1) plan.frontier.push_back(shape);
  }
  if (plan.frontier.empty()) {
    const NeuronShape least = shape_with(1, options);
    return fail(ErrorCode::kInfeasible,
                "parameters is " + std::to_string(parameters) + "; one neuron and the readout need " +
                    to_text(static_cast<double>(per_neuron(least) + of_readout(least, options.outputs))));
  }
  plan.fitted = can_be_fitted(pilots);
  if (!plan.fitted) return plan;
  const RandomStream root(options.seed);
  plan.fit = fit_to(pilots, kRestarts, root.split("fit"));
  const auto best = best_of(plan.frontier, plan.fit);
  if (!best) return fail(ErrorCode::kInternal, "the fitted score is not a number anywhere on the frontier");
  plan.shape = plan.frontier[*best];
  plan.score = plan.fit.offset + plan.fit.slope * log_information(plan.fit, static_cast<double>(plan.shape.neurons),
                                                                  static_cast<double>(plan.shape.memory));
  auto count = count_parameters(plan.shape, options.outputs);
  if (!count) return tl::unexpected(count.error());
  plan.parameters = *count;
  std::vector<std::int64_t> memories;
  for (int b = 0; b < options.bootstraps; ++b) {
    RandomStream random = root.split("bootstrap").split(static_cast<std::uint64_t>(b));
    std::vector<PilotRun> drawn;
    drawn.reserve(pilots.size());
    for (std::size_t k = 0; k < pilots.size(); ++k)
      drawn.push_back(pilots[random.uniform_int(static_cast<std::uint64_t>(pilots.size()))]);
    if (!can_be_fitted(drawn)) continue;
    if (const auto at = best_of(plan.frontier, fit_to(drawn, kBootstrapRestarts, random)))
      memories.push_back(plan.frontier[*at].memory);
  }
  std::ranges::sort(memories);
  plan.memory_low = memories.empty() ? plan.shape.memory : memories[memories.size() * 5 / 100];
  plan.memory_high = memories.empty() ? plan.shape.memory : memories[(memories.size() - 1) * 95 / 100];
  return plan;
}

Result<std::vector<NeuronShape>> enumerate_splits(std::int64_t parameters, std::int64_t outputs,
                                                  const SplitGrid& grid) {
  constexpr std::size_t kMostShapes = 1 << 20;
  const long double tried = static_cast<long double>(grid.memory.size()) *
                            static_cast<long double>(grid.branches.size()) *
                            static_cast<long double>(grid.synapses.size());
  if (tried > kMostShapes) return invalid_argument("the grid has more than 2^20 shapes");
  std::vector<NeuronShape> found;
  for (const std::int64_t memory : grid.memory) {
    for (const std::int64_t branches : grid.branches) {
      for (const std::int64_t synapses : grid.synapses) {
        NeuronShape shape{.neurons = 1, .memory = memory, .branches = branches, .synapses = synapses};
        auto one = count_parameters(shape, outputs);
        if (!one) return tl::unexpected(one.error());
        shape.neurons = std::max<std::int64_t>(1, neurons_within(parameters, shape, outputs));
        // One neuron more may lie nearer, from above.
        const auto off = [&](std::int64_t n) {
          return std::abs(static_cast<long double>(n) * per_neuron(shape) + of_readout(shape, outputs) -
                          static_cast<long double>(parameters));
        };
        if (off(shape.neurons + 1) < off(shape.neurons)) ++shape.neurons;
        if (off(shape.neurons) <= .01L * static_cast<long double>(parameters)) found.push_back(shape);
      }
    }
  }
  return found;
}

}  // namespace bursar::allocate
