#include "bursar/sample/guidance/budget_guide.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace bursar::sample {
namespace {

constexpr double kForEver = std::numeric_limits<double>::infinity();

Result<void> check(std::span<const double> probs) {
  if (probs.empty()) return invalid_argument("there are no candidates");
  for (std::size_t v = 0; v < probs.size(); ++v) {
    if (!(probs[v] >= 0) || !std::isfinite(probs[v]))
      return invalid_argument("probability " + std::to_string(v) + " is " + std::to_string(probs[v]) +
                              "; it must be a number from 0 on");
  }
  if (std::ranges::all_of(probs, [](double p) { return p == 0; }))
    return invalid_argument("all probabilities are 0; give the candidates that the model has");
  return {};
}

Result<void> check(const GuideOptions& options) {
  for (const auto& [name, value] : {std::pair{"min_rate", options.min_rate}, std::pair{"min_shape", options.min_shape},
                                    std::pair{"min_mode_tokens", options.min_mode_tokens}}) {
    if (!(value >= 0)) return invalid_argument(std::string(name) + " must be at least 0");
  }
  return {};
}

// The one candidate that is left where no chance is: it has a probability.
std::size_t fallback_of(std::span<const FinishChance> chances, std::span<const double> probs, GuideFallback fallback) {
  const auto better = [&](std::size_t a, std::size_t b) {
    if (fallback == GuideFallback::kFastestFinish) {
      if (chances[a].at_one != chances[b].at_one) return chances[a].at_one > chances[b].at_one;
      if (chances[a].mode_tokens != chances[b].mode_tokens) return chances[a].mode_tokens < chances[b].mode_tokens;
    }
    return probs[a] > probs[b];
  };
  std::size_t best = 0;
  for (std::size_t v = 1; v < probs.size(); ++v) {
    if (probs[v] > 0 && (probs[best] == 0 || better(v, best))) best = v;
  }
  return best;
}

Guided apply(std::span<const FinishChance> chances, std::span<double> probs, GuideFallback fallback) {
  Guided out;
  double largest = 0;
  for (std::size_t v = 0; v < probs.size(); ++v) {
    out.finish.push_back(std::clamp(chances[v].at_remaining, 0.0, 1.0));
    if (probs[v] > 0) largest = std::max(largest, out.finish.back());
  }
  if (largest == 0) {
    const std::size_t only = fallback_of(chances, probs, fallback);
    std::ranges::fill(probs, 0.0);
    probs[only] = 1;
    out.fell_back = true;
    return out;
  }
  // In logarithms: a product of small numbers must not be 0.
  std::vector<double> logs(probs.size());
  for (std::size_t v = 0; v < probs.size(); ++v) logs[v] = std::log(probs[v]) + std::log(out.finish[v]);
  const double top = *std::ranges::max_element(logs);
  double sum = 0;
  for (std::size_t v = 0; v < probs.size(); ++v) sum += probs[v] = std::exp(logs[v] - top);
  for (double& p : probs) p /= sum;
  return out;
}

}  // namespace

GuideOptions published_guide() {
  return {.min_rate = 10, .min_shape = 1, .min_mode_tokens = .9, .fallback = GuideFallback::kFavourite};
}

Result<Guided> reweight_by(std::span<const FinishChance> chances, std::span<double> probs, GuideFallback fallback) {
  if (chances.size() != probs.size())
    return invalid_argument("there are " + std::to_string(chances.size()) + " chances and " +
                            std::to_string(probs.size()) + " probabilities");
  if (auto ok = check(probs); !ok) return tl::unexpected(ok.error());
  for (std::size_t v = 0; v < chances.size(); ++v) {
    if (!(chances[v].at_remaining >= 0) || !(chances[v].at_one >= 0))
      return invalid_argument("chance " + std::to_string(v) + " must be from 0 to 1");
  }
  return apply(chances, probs, fallback);
}

Result<Guided> reweight(std::span<const std::optional<LengthLaw>> laws, std::int64_t remaining, std::span<double> probs,
                        const GuideOptions& options) {
  if (laws.size() != probs.size())
    return invalid_argument("there are " + std::to_string(laws.size()) + " laws and " + std::to_string(probs.size()) +
                            " probabilities");
  if (remaining < 0) return invalid_argument("remaining is " + std::to_string(remaining) + "; it must be at least 0");
  if (auto ok = check(probs); !ok) return tl::unexpected(ok.error());
  if (auto ok = check(options); !ok) return tl::unexpected(ok.error());
  const auto tokens = static_cast<double>(std::max<std::int64_t>(remaining, 1));
  std::vector<FinishChance> chances(laws.size());
  std::size_t without_law = 0, masked = 0;
  for (std::size_t v = 0; v < laws.size(); ++v) {
    if (!laws[v]) {
      ++without_law;
      if (options.only_known) chances[v] = {.at_remaining = 0, .at_one = 0, .mode_tokens = kForEver};
      continue;
    }
    const LengthLaw& law = *laws[v];
    if (auto ok = check(law); !ok) return tl::unexpected(with_context("law " + std::to_string(v), ok.error()));
    const double mode = law.mode_tokens();
    const bool counts =
        law.rate >= options.min_rate && law.shape > options.min_shape && mode >= options.min_mode_tokens;
    masked += counts ? 0 : 1;
    chances[v] = {.at_remaining = counts ? law.cdf(tokens) : 0, .at_one = law.cdf(1), .mode_tokens = mode};
  }
  Guided out = apply(chances, probs, options.fallback);
  out.without_law = without_law;
  out.masked = masked;
  return out;
}

}  // namespace bursar::sample
