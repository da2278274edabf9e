#include "bursar/explore/incentives/recommendation.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "bursar/core/special.h"

namespace bursar::explore {
namespace {

constexpr std::uint64_t kMostRounds = 20'000;

Result<void> check(const TwoArms& arms) {
  for (const auto& [name, prior] : {std::pair{"first", arms.first}, std::pair{"second", arms.second}}) {
    if (std::isfinite(prior.a) && std::isfinite(prior.b) && prior.a > 0 && prior.b > 0) continue;
    return invalid_argument(std::string(name) + ": the prior must have two positive numbers, has " +
                            std::to_string(prior.a) + " and " + std::to_string(prior.b));
  }
  if (arms.first.mean() >= arms.second.mean()) return {};
  return invalid_argument("first: its prior mean " + std::to_string(arms.first.mean()) + " is below the second's " +
                          std::to_string(arms.second.mean()) + "; name the arm that looks better first");
}

// ln P(k successes of n) of the beta-binomial, from k - 1: the ratio of neighbours is rational, so no cancellation.
double step_up(const BetaPrior& p, double n, double k) {
  return std::log((n - k + 1) / k * (p.a + k - 1) / (p.b + n - k));
}

double log_none(const BetaPrior& p, double n) {  // ln P(0 of n) = ln B(a, b + n) - ln B(a, b)
  const auto ln = [](double x) { return log_gamma(x).value(); };
  return ln(p.b + n) - ln(p.a + p.b + n) - ln(p.b) + ln(p.a + p.b);
}

}  // namespace

Result<GainOfSignal> gain_of_samples(const TwoArms& arms, std::uint64_t samples) {
  if (auto ok = check(arms); !ok) return tl::unexpected(ok.error());
  if (samples > kMostSamples) {
    return invalid_argument("samples: must be at most " + std::to_string(kMostSamples) + ", is " +
                            std::to_string(samples));
  }
  GainOfSignal out;
  const auto n = static_cast<double>(samples);
  double log_p = log_none(arms.first, n);
  for (std::uint64_t s = 0; s <= samples; ++s) {
    const auto k = static_cast<double>(s);
    if (s > 0) log_p += step_up(arms.first, n, k);
    const double p = std::exp(log_p);
    const double g = arms.second.mean() - (arms.first.a + k) / (arms.first.a + arms.first.b + n);
    if (g > 0) out.plus += p * g, out.chance += p;
    if (g < 0) out.minus -= p * g;
  }
  return out;
}

double tight_exploration(const GainOfSignal& gain) {
  return gain.minus > 0 ? std::min(1.0, gain.plus / gain.minus) : 1;
}
double book_exploration(const GainOfSignal& gain) { return gain.plus / 3; }
double safe_exploration(const GainOfSignal& gain) { return gain.minus > 0 ? gain.plus / (gain.plus + gain.minus) : 1; }

Result<std::uint64_t> samples_needed(const TwoArms& arms) {
  if (auto ok = check(arms); !ok) return tl::unexpected(ok.error());
  // All failures are the worst: a1 / (a1 + b1 + n) < m2.
  const double n = std::floor(arms.first.a / arms.second.mean() - arms.first.a - arms.first.b) + 1;
  const auto needed = static_cast<std::uint64_t>(std::max(n, 0.0));
  if (needed <= kMostSamples) return needed;
  return fail(ErrorCode::kInfeasible, "the first arm's prior is too strong: even " + std::to_string(kMostSamples) +
                                          " failures leave it the better one");
}

Result<double> never_tries_second(const TwoArms& arms, std::uint64_t rounds) {
  if (auto ok = check(arms); !ok) return tl::unexpected(ok.error());
  if (rounds > kMostRounds) {
    return invalid_argument("rounds: must be at most " + std::to_string(kMostRounds) + ", is " +
                            std::to_string(rounds));
  }
  const BetaPrior& first = arms.first;
  const double other = arms.second.mean();
  // reach[s]: P(s successes so far, and the first arm still looks at least as good). The last pull needs no look after.
  std::vector<double> reach{1};
  for (std::uint64_t t = 1; t < rounds; ++t) {
    std::vector<double> next(reach.size() + 1, 0.0);
    const double all = first.a + first.b + static_cast<double>(t) - 1;
    for (std::size_t s = 0; s < reach.size(); ++s) {
      const double success = (first.a + static_cast<double>(s)) / all;
      next[s] += reach[s] * (1 - success);
      next[s + 1] += reach[s] * success;
    }
    for (std::size_t s = 0; s < next.size(); ++s) {
      if ((first.a + static_cast<double>(s)) / (all + 1) < other) next[s] = 0;
    }
    reach.swap(next);
  }
  double sum = 0;
  for (const double p : reach) sum += p;
  return sum;
}

}  // namespace bursar::explore
