#include "bursar/explore/bayesian/thompson.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "bursar/core/beta_posterior.h"
#include "bursar/core/saved_numbers.h"
#include "bursar/core/special.h"
#include "bursar/explore/learner_checks.h"

namespace bursar::explore {
namespace {

constexpr double kMass = .95;

// The open arm with the highest draw.
template <class Draw>
Pick best_draw(std::size_t arms, const Question& question, Draw draw) {
  Pick out{.arm = std::nullopt, .propensity = 0, .by_chance = true};
  double top = -std::numeric_limits<double>::infinity();
  for (std::size_t a = 0; a < arms; ++a) {
    if (!question.open(a)) continue;
    const double x = draw(a);
    if (x > top) top = x, out.arm = static_cast<Arm>(a);
  }
  return out;
}

double coin(double reward, RandomStream& random) {
  if (reward <= 0 || reward >= 1) return reward;
  return random.bernoulli(reward) ? 1 : 0;
}

}  // namespace

Result<std::unique_ptr<ThompsonBeta>> ThompsonBeta::make(const ThompsonBetaOptions& options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_between("a", options.a, 1e-3, 1e9); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_between("b", options.b, 1e-3, 1e9); !ok) return tl::unexpected(ok.error());
  return std::unique_ptr<ThompsonBeta>(new ThompsonBeta(options));
}

// Beta(a, b) is x / (x + y) for gamma variates x and y, and Beta(1, 1) is uniform: most of many arms are never tried.
Result<Pick> ThompsonBeta::pick(const Question& question, RandomStream& random) {
  return best_draw(a_.size(), question, [&](std::size_t a) {
    if (a_[a] == 1 && b_[a] == 1) return random.uniform01();
    const double x = random.gamma(a_[a]), y = random.gamma(b_[a]);
    return x / (x + y);
  });
}

Result<void> ThompsonBeta::update(const Pick& pick, const Feedback& feedback, RandomStream& random) {
  const double success = coin(feedback.reward, random);
  a_[*pick.arm] += success;
  b_[*pick.arm] += 1 - success;
  return {};
}

std::vector<Belief> ThompsonBeta::beliefs() const {
  std::vector<Belief> out(a_.size());
  for (std::size_t a = 0; a < out.size(); ++a) {
    const auto posterior = BetaPosterior::create(a_[a], b_[a]);
    if (!posterior) continue;
    const auto [low, high] = posterior->interval(kMass);
    out[a] = {.mean = posterior->mean(), .low = low, .high = high, .pulls = a_[a] + b_[a] - options_.a - options_.b};
  }
  return out;
}

boost::json::object ThompsonBeta::save() const { return {{"a", saved_numbers(a_)}, {"b", saved_numbers(b_)}}; }

Result<void> ThompsonBeta::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  auto a = from.numbers("a", a_.size()), b = from.numbers("b", b_.size());
  if (auto ok = from.check(); !ok) return ok;
  const auto below = [](double least) { return [least](double x) { return x < least; }; };
  if (std::ranges::any_of(a, below(options_.a)) || std::ranges::any_of(b, below(options_.b))) {
    return fail(ErrorCode::kCorrupt, "saved state: a and b must be at least the prior's");
  }
  a_ = std::move(a);
  b_ = std::move(b);
  return {};
}

ThompsonGaussian::ThompsonGaussian(const ThompsonGaussianOptions& options)
    : options_(options),
      mean_(options.arms, options.mean),
      precision_(options.arms, 1 / (options.deviation * options.deviation)) {}

Result<std::unique_ptr<ThompsonGaussian>> ThompsonGaussian::make(const ThompsonGaussianOptions& options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_between("mean", options.mean, -1e6, 1e6); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_between("deviation", options.deviation, 1e-6, 1e6); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_between("noise", options.noise, 1e-6, 1e6); !ok) return tl::unexpected(ok.error());
  return std::unique_ptr<ThompsonGaussian>(new ThompsonGaussian(options));
}

Result<Pick> ThompsonGaussian::pick(const Question& question, RandomStream& random) {
  return best_draw(mean_.size(), question,
                   [&](std::size_t a) { return mean_[a] + random.normal() / std::sqrt(precision_[a]); });
}

Result<void> ThompsonGaussian::update(const Pick& pick, const Feedback& feedback, RandomStream& /*random*/) {
  const double weight = 1 / (options_.noise * options_.noise);
  double& precision = precision_[*pick.arm];
  precision += weight;
  mean_[*pick.arm] += weight / precision * (feedback.reward - mean_[*pick.arm]);
  return {};
}

std::vector<Belief> ThompsonGaussian::beliefs() const {
  std::vector<Belief> out(mean_.size());
  const double z = normal_quantile((1 + kMass) / 2), prior = 1 / (options_.deviation * options_.deviation);
  for (std::size_t a = 0; a < out.size(); ++a) {
    const double half = z / std::sqrt(precision_[a]);
    out[a] = {.mean = mean_[a],
              .low = mean_[a] - half,
              .high = mean_[a] + half,
              .pulls = std::round((precision_[a] - prior) * options_.noise * options_.noise)};
  }
  return out;
}

boost::json::object ThompsonGaussian::save() const {
  return {{"mean", saved_numbers(mean_)}, {"precision", saved_numbers(precision_)}};
}

Result<void> ThompsonGaussian::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  auto mean = from.numbers("mean", mean_.size()), precision = from.numbers("precision", mean_.size());
  if (auto ok = from.check(); !ok) return ok;
  if (std::ranges::any_of(precision, [](double x) { return !(x > 0); })) {
    return fail(ErrorCode::kCorrupt, "saved state: precision must be positive");
  }
  mean_ = std::move(mean);
  precision_ = std::move(precision);
  return {};
}

ThompsonFinite::ThompsonFinite(ThompsonFiniteOptions options)
    : options_(std::move(options)), log_weight_(options_.weights.size()), pulls_(options_.arms) {
  std::ranges::transform(options_.weights, log_weight_.begin(), [](double w) { return std::log(w); });
}

Result<std::unique_ptr<ThompsonFinite>> ThompsonFinite::make(ThompsonFiniteOptions options) {
  if (auto ok = check_arms(options.arms); !ok) return tl::unexpected(ok.error());
  const std::size_t count = options.problems.size() / options.arms;
  if (count == 0 || options.problems.size() != count * options.arms) {
    return invalid_argument("problems: has " + std::to_string(options.problems.size()) +
                            " numbers; give the means of all " + std::to_string(options.arms) + " arms for each");
  }
  for (const double mean : options.problems) {
    if (auto ok = check_between("problems", mean, 0, 1); !ok) return tl::unexpected(ok.error());
  }
  if (options.weights.empty()) options.weights.assign(count, 1);
  if (options.weights.size() != count) {
    return invalid_argument("weights: has " + std::to_string(options.weights.size()) + " numbers for " +
                            std::to_string(count) + " problems");
  }
  for (const double weight : options.weights) {
    if (auto ok = check_positive("weights", weight); !ok) return tl::unexpected(ok.error());
  }
  return std::unique_ptr<ThompsonFinite>(new ThompsonFinite(std::move(options)));
}

std::vector<double> ThompsonFinite::posterior() const {
  std::vector<double> out(log_weight_.size());
  const double total = logsumexp(log_weight_);
  std::ranges::transform(log_weight_, out.begin(), [&](double w) { return std::exp(w - total); });
  return out;
}

Result<Pick> ThompsonFinite::pick(const Question& question, RandomStream& random) {
  const auto weight = posterior();
  const auto best_of = [&](std::size_t problem) {
    return best_draw(options_.arms, question,
                     [&](std::size_t a) { return options_.problems[problem * options_.arms + a]; });
  };
  double left = random.uniform01();
  std::size_t drawn = 0;
  for (; drawn + 1 < weight.size() && left >= weight[drawn]; ++drawn) left -= weight[drawn];
  Pick out = best_of(drawn);
  for (std::size_t p = 0; p < weight.size(); ++p) {
    if (best_of(p).arm == out.arm) out.propensity += weight[p];
  }
  return out;
}

Result<void> ThompsonFinite::update(const Pick& pick, const Feedback& feedback, RandomStream& random) {
  // Coins of certain worlds would rule out every problem at the first surprise.
  constexpr double kLeast = 1e-12;
  const bool success = coin(feedback.reward, random) > .5;
  for (std::size_t p = 0; p < log_weight_.size(); ++p) {
    const double mean = options_.problems[p * options_.arms + *pick.arm];
    log_weight_[p] += std::log(std::max(success ? mean : 1 - mean, kLeast));
  }
  const double top = *std::ranges::max_element(log_weight_);
  for (double& w : log_weight_) w -= top;
  ++pulls_[*pick.arm];
  return {};
}

std::vector<Belief> ThompsonFinite::beliefs() const {
  constexpr double kCounts = 1e-3;
  const auto weight = posterior();
  std::vector<Belief> out(options_.arms);
  for (std::size_t a = 0; a < out.size(); ++a) {
    out[a] = {.mean = 0, .low = 1, .high = 0, .pulls = pulls_[a]};
    for (std::size_t p = 0; p < weight.size(); ++p) {
      const double mean = options_.problems[p * options_.arms + a];
      out[a].mean += weight[p] * mean;
      if (weight[p] < kCounts) continue;
      out[a].low = std::min(out[a].low, mean);
      out[a].high = std::max(out[a].high, mean);
    }
  }
  return out;
}

boost::json::object ThompsonFinite::save() const {
  return {{"log_weight", saved_numbers(log_weight_)}, {"pulls", saved_numbers(pulls_)}};
}

Result<void> ThompsonFinite::load(const boost::json::object& saved) {
  SavedNumbers from(saved);
  auto weight = from.numbers("log_weight", log_weight_.size()), pulls = from.numbers("pulls", pulls_.size());
  if (auto ok = from.check(); !ok) return ok;
  log_weight_ = std::move(weight);
  pulls_ = std::move(pulls);
  return {};
}

}  // namespace bursar::explore
