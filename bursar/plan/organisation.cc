#include "bursar/plan/organisation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "bursar/core/special.h"

namespace bursar::plan {
namespace {

constexpr std::array<std::string_view, 5> kVerdicts{"collapse", "no_synergy", "below_threshold", "growth", "saturated"};
constexpr int kMostFanIn = 1001;
constexpr double kSaturated = .95;

Result<void> check(const Layer& layer) {
  if (layer.fan_in < 3 || layer.fan_in > kMostFanIn || layer.fan_in % 2 == 0)
    return invalid_argument("fan_in is " + std::to_string(layer.fan_in) + "; it must be odd, from 3 to 1001");
  if (!(layer.correlation >= 0 && layer.correlation < 1))
    return invalid_argument("correlation is " + std::to_string(layer.correlation) + "; it must be in [0, 1)");
  if (!(layer.fidelity > 0 && layer.fidelity <= 1))
    return invalid_argument("fidelity is " + std::to_string(layer.fidelity) + "; it must be in (0, 1]");
  return {};
}

// P(Bin(b, p) >= (b + 1) / 2) is a regularised incomplete beta function.
double majority(int b, double z) {
  const double half = (b + 1) / 2.0;
  return 2 * *incomplete_beta(half, half, std::clamp((1 + z) / 2, 0.0, 1.0)) - 1;
}

double slope(int b) {
  const int half = (b - 1) / 2;
  double out = b;  // b C(b-1, half) / 2^(b-1), factor by factor so that nothing overflows
  for (int i = 1; i <= half; ++i) out *= static_cast<double>(half + i) / (4.0 * i);
  return out;
}

double step(const Layer& layer, double bias) {
  const double z = layer.fidelity * bias;
  return layer.correlation * z + (1 - layer.correlation) * majority(layer.fan_in, z);
}

double gain(const Layer& layer) {
  return layer.fidelity * (layer.correlation + (1 - layer.correlation) * slope(layer.fan_in));
}

// f is concave on [0, 1], so that the iteration from 1 falls to the largest fixed point.
double limit(const Layer& layer) {
  if (gain(layer) <= 1) return 0;
  double low = 1e-12, high = 1;
  if (step(layer, 1) >= 1) return 1;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (step(layer, middle) > middle ? low : high) = middle;
  }
  return (low + high) / 2;
}

double agent_bias(const OrgInputs& in, double tokens) { return std::min(1.0, in.kappa * std::pow(tokens, in.beta)); }

Result<void> check(const OrgInputs& in) {
  if (!(in.kappa > 0) || !(in.beta > 0)) return invalid_argument("kappa and beta must be above 0");
  if (!(in.correlation >= 0 && in.correlation < 1)) return invalid_argument("correlation must be in [0, 1)");
  if (!(in.budget > 0) || !std::isfinite(in.budget)) return invalid_argument("budget must be finite and above 0");
  if (!(in.least_leaf > 0)) return invalid_argument("least_leaf must be above 0");
  if (in.window < 1) return invalid_argument("window must be at least 1");
  if (!in.fidelity) return invalid_argument("fidelity is missing; give the share of bias that a message keeps");
  return {};
}

void explain(const OrgInputs& in, const Layer& layer, OrgPlan& plan) {
  const double most = limit(layer);
  const auto text = [](double x) {
    std::string out = std::to_string(x);
    return out.substr(0, out.find('.') + 4);
  };
  if (plan.gain <= 1) {
    plan.verdict = OrgVerdict::kCollapse;
    plan.why = "A layer gains " + text(plan.gain) +
               " at best: what leaves know dies on the way up. Less correlation or longer messages would help.";
  } else if (plan.exponent <= in.beta) {
    plan.verdict = OrgVerdict::kNoSynergy;
    plan.why = "A tree grows as N^" + text(plan.exponent) + ", one agent as x^" + text(in.beta) +
               ": tokens are better spent in one place.";
  } else if (plan.depth == 0) {
    plan.verdict = OrgVerdict::kBelowThreshold;
    plan.why = "Trees win from about " + text(plan.threshold ? plan.threshold->budget : 0) +
               " tokens on; this budget is too small for one.";
  } else if (most > 0 && plan.bias >= kSaturated * most) {
    plan.verdict = OrgVerdict::kSaturated;
    plan.why = "At " + text(plan.bias / most) +
               " of what any depth can reach: only less correlation or longer messages would help.";
  } else {
    plan.verdict = OrgVerdict::kGrowth;
    plan.why = "A layer gains " + text(plan.gain) + ", and more budget buys more layers.";
  }
}

}  // namespace

std::string_view name_of(OrgVerdict verdict) { return kVerdicts.at(static_cast<std::size_t>(verdict)); }

Result<double> majority_bias(int b, double z) {
  if (auto ok = check(Layer{.fan_in = b}); !ok) return tl::unexpected(ok.error());
  if (!(z >= -1 && z <= 1)) return invalid_argument("z must be from -1 to 1");
  return majority(b, z);
}

Result<double> majority_slope(int b) {
  if (auto ok = check(Layer{.fan_in = b}); !ok) return tl::unexpected(ok.error());
  return slope(b);
}

Result<double> layer_gain(const Layer& layer) {
  if (auto ok = check(layer); !ok) return tl::unexpected(ok.error());
  return gain(layer);
}

Result<double> organisation_exponent(const Layer& layer) {
  if (auto ok = check(layer); !ok) return tl::unexpected(ok.error());
  return std::log(gain(layer)) / std::log(layer.fan_in);
}

Result<std::vector<double>> tree_biases(const Layer& layer, double leaf_bias, int depth) {
  if (auto ok = check(layer); !ok) return tl::unexpected(ok.error());
  if (!(leaf_bias >= -1 && leaf_bias <= 1)) return invalid_argument("leaf_bias must be from -1 to 1");
  std::vector<double> out{leaf_bias};
  for (int t = 0; t < depth; ++t) out.push_back(step(layer, out.back()));
  return out;
}

Result<double> fixed_point(const Layer& layer) {
  if (auto ok = check(layer); !ok) return tl::unexpected(ok.error());
  return limit(layer);
}

Result<BiasBounds> bias_bounds(const Layer& layer, double leaf_bias, int depth) {
  if (auto ok = check(layer); !ok) return tl::unexpected(ok.error());
  if (!(leaf_bias >= 0 && leaf_bias <= 1)) return invalid_argument("leaf_bias must be from 0 to 1");
  const double most = limit(layer), alpha = gain(layer);
  BiasBounds out{.low = 0, .high = leaf_bias * std::pow(alpha, depth)};
  if (most == 0 || leaf_bias >= most) {
    out.high = std::min(out.high, leaf_bias);
    out.low = most;  // it falls towards the fixed point from above, or to 0
    return out;
  }
  out.high = std::min(out.high, most);
  for (int percent = 2; percent < 100; percent += 2) {
    const double c = percent / 100.0;
    const double factor = step(layer, c * most) / (c * most);
    out.low = std::max(out.low, std::min(leaf_bias * std::pow(factor, depth), c * most));
  }
  return out;
}

std::optional<Synergy> synergy(double beta, double s, double message_tokens) {
  if (!(s > beta) || !(beta > 0) || !(message_tokens > 0)) return std::nullopt;
  const double d = s - beta;
  return Synergy{.leaf_tokens = beta * message_tokens / d,
                 .budget = message_tokens * std::pow(s, s / d) * std::pow(beta, -beta / d) / d};
}

double tree_tokens(int fan_in, int depth, std::int64_t message, double leaf_tokens) {
  if (depth == 0) return leaf_tokens;
  const double leaves = std::pow(fan_in, depth);
  return leaves * leaf_tokens + 2.0 * static_cast<double>(message) * fan_in * (leaves - 1) / (fan_in - 1);
}

Result<OrgPlan> plan_organisation(const OrgInputs& in, const OrgGrid& grid) {
  if (auto ok = check(in); !ok) return tl::unexpected(ok.error());
  OrgPlan best{.leaf_tokens = in.budget, .bias = agent_bias(in, in.budget)};
  best.single_bias = best.bias;
  Layer strongest;
  std::int64_t strongest_message = 0;
  for (const std::int64_t m : grid.messages) {
    const double fidelity = m >= 1 ? in.fidelity(static_cast<double>(m)) : 0;
    if (!(fidelity > 0 && fidelity <= 1))
      return invalid_argument("fidelity of a message of " + std::to_string(m) + " tokens is " +
                              std::to_string(fidelity) + "; it must be in (0, 1]");
    for (int b = 3; b <= std::min(grid.most_fan_in, kMostFanIn) && b * m <= in.window; b += 2) {
      const Layer layer{.fan_in = b, .correlation = in.correlation, .fidelity = fidelity};
      const double alpha = gain(layer), s = std::log(alpha) / std::log(b);
      if (strongest_message == 0 || s > best.exponent) {
        best.gain = alpha, best.exponent = s;
        strongest = layer, strongest_message = m;
      }
      for (int depth = 1; depth <= grid.most_depth; ++depth) {
        const double leaves = std::pow(b, depth);
        const double x = (in.budget - tree_tokens(b, depth, m, 0)) / leaves;
        if (x < in.least_leaf) break;
        double bias = agent_bias(in, x);
        for (int t = 0; t < depth; ++t) bias = step(layer, bias);
        if (bias <= best.bias) continue;
        best.fan_in = b, best.depth = depth, best.message = m;
        best.agents = leaves, best.leaf_tokens = x, best.bias = bias;
      }
    }
  }
  best.success = (1 + best.bias) / 2;
  if (strongest_message == 0) {
    best.verdict = OrgVerdict::kNoSynergy;
    best.why = "The window holds no three messages: only a single agent is possible.";
    return best;
  }
  best.threshold = synergy(in.beta, best.exponent,
                           2.0 * static_cast<double>(strongest_message) * strongest.fan_in / (strongest.fan_in - 1));
  const Layer used =
      best.depth > 0 ? Layer{best.fan_in, in.correlation, in.fidelity(static_cast<double>(best.message))} : strongest;
  const double most = limit(used);
  double bias = agent_bias(in, best.leaf_tokens);
  for (int t = 0; most > 0 && bias < kSaturated * most && t < 10'000; ++t) {
    bias = step(used, bias);
    best.mixing_depth = t + 1;
  }
  explain(in, used, best);
  return best;
}

Result<AgentLaw> fit_agent_law(std::span<const AgentRun> runs) {
  std::map<double, std::pair<double, double>> counts;  // by tokens: runs, right
  for (const AgentRun& run : runs) {
    if (!(run.tokens > 0) || !std::isfinite(run.tokens)) return invalid_argument("tokens of a run must be above 0");
    counts[run.tokens].first += 1;
    counts[run.tokens].second += run.correct ? 1 : 0;
  }
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (const auto& [tokens, count] : counts) {
    const double p = count.second / count.first;
    if (count.first < 30 || p <= .5) continue;
    const double x = std::log(tokens), y = std::log(2 * p - 1);
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  const double spread = n * sxx - sx * sx;
  if (n < 2 || spread <= 0)
    return fail(ErrorCode::kInfeasible,
                "the law needs two token counts with 30 runs each that are right more often than not; there are " +
                    std::to_string(static_cast<int>(n)));
  const double beta = (n * sxy - sx * sy) / spread;
  return AgentLaw{.kappa = std::exp((sy - beta * sx) / n), .beta = beta};
}

namespace {

// Mean Pearson correlation of all pairs of agents, over the tasks but `without`.
double mean_correlation(const std::vector<std::vector<bool>>& correct, std::size_t without) {
  const std::size_t agents = correct.front().size();
  double sum = 0, pairs = 0;
  for (std::size_t a = 0; a < agents; ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      double n = 0, x = 0, y = 0, xy = 0;
      for (std::size_t t = 0; t < correct.size(); ++t) {
        if (t == without) continue;
        n += 1, x += correct[t][a] ? 1 : 0, y += correct[t][b] ? 1 : 0, xy += correct[t][a] && correct[t][b] ? 1 : 0;
      }
      const double spread = (x - x * x / n) * (y - y * y / n);
      if (spread <= 0) continue;  // one of them is always right, or never
      sum += (xy - x * y / n) / std::sqrt(spread);
      pairs += 1;
    }
  }
  return pairs > 0 ? sum / pairs : 0;
}

}  // namespace

Result<Correlation> estimate_correlation(const std::vector<std::vector<bool>>& correct) {
  if (correct.size() < 3 || correct.front().size() < 2)
    return invalid_argument("at least three tasks and two agents are needed");
  for (std::size_t t = 0; t < correct.size(); ++t) {
    if (correct[t].size() != correct.front().size())
      return invalid_argument("task " + std::to_string(t) + " has " + std::to_string(correct[t].size()) +
                              " agents, the first one " + std::to_string(correct.front().size()));
  }
  const double whole = mean_correlation(correct, correct.size());
  double square = 0;
  const auto n = static_cast<double>(correct.size());
  for (std::size_t t = 0; t < correct.size(); ++t) square += std::pow(mean_correlation(correct, t) - whole, 2);
  return Correlation{.rho = std::clamp(whole, 0.0, .999), .error = std::sqrt((n - 1) / n * square)};
}

double averaged_error(double v0, int b, double rho, double noise, int depth) {
  double v = v0;
  for (int t = 0; t < depth; ++t) v = (rho + (1 - rho) / b) * v + noise / b;
  return v;
}

double error_floor(int b, double rho, double noise) { return noise / ((b - 1) * (1 - rho)); }

}  // namespace bursar::plan
