#include "reproduce/bandits/parts.h"

#include <cmath>
#include <limits>

#include "bursar/explore/policies.h"

namespace bursar::reproduce::bandits {

Result<explore::Run> run_bandit(const std::string& words, const explore::World& world, std::uint64_t rounds,
                                std::uint64_t seed, const std::vector<double>& budget) {
  auto parsed = parse_policy_words(words);
  if (!parsed) return tl::unexpected(parsed.error());
  const auto entry = policy_named(explore::policies(), parsed->name);
  if (!entry) return tl::unexpected(entry.error());
  parsed->parameters["arms"] = world.arms;
  parsed->parameters["seed"] = seed;
  const std::vector<double> endless{std::numeric_limits<double>::max()};
  auto policy = make_policy(
      **entry, {.budget = budget.empty() ? endless : budget, .horizon = rounds, .parameters = parsed->parameters});
  if (!policy) return tl::unexpected(policy.error());
  auto run = explore::simulate(**policy, world, rounds, RandomStream(seed));
  for (std::size_t j = 0; run && j < budget.size(); ++j) {
    if (run->spent[j] > budget[j]) return fail(ErrorCode::kInternal, words + ": exceeded its budget");
  }
  return run;
}

bool is_known(const std::string& words) {
  return find_policy(explore::policies(), words.substr(0, words.find(':'))) != nullptr;
}

double log_slope(const std::vector<double>& x, const std::vector<double>& y) {
  double mx = 0, my = 0, xx = 0, xy = 0;
  const auto n = static_cast<double>(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) mx += std::log(x[i]) / n, my += std::log(y[i]) / n;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (std::log(x[i]) - mx) * (std::log(x[i]) - mx);
    xy += (std::log(x[i]) - mx) * (std::log(y[i]) - my);
  }
  return xy / xx;
}

double apart(const std::vector<double>& lower, const std::vector<double>& higher) {
  constexpr double kHalfWidth = 2.5758;  // standard errors of a 99% interval
  const auto mean_and_error = [](const std::vector<double>& samples) {
    const auto n = static_cast<double>(samples.size());
    double mean = 0, squares = 0;
    for (const double x : samples) mean += x / n;
    for (const double x : samples) squares += (x - mean) * (x - mean);
    return std::pair{mean, std::sqrt(squares / std::max(n - 1, 1.0) / n)};
  };
  const auto [a, ea] = mean_and_error(lower);
  const auto [b, eb] = mean_and_error(higher);
  return (b - a) / (kHalfWidth * (ea + eb) + 1e-12);
}

}  // namespace bursar::reproduce::bandits
