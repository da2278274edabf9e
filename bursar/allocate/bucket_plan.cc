#include "bursar/allocate/bucket_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "bursar/allocate/solve.h"
#include "bursar/core/special.h"

namespace bursar::allocate {
namespace {

constexpr double kNothing = -std::numeric_limits<double>::infinity();

// log of the upper tail 1 - Phi(x), x >= 0: erfc as long as it does not underflow, and then its continued fraction.
double log_upper_tail(double x) {
  constexpr double kUnderflow = 30;
  if (x < kUnderflow) return std::log(std::erfc(x / std::numbers::sqrt2) / 2);
  double fraction = x;
  for (int k = 20; k >= 1; --k) fraction = x + k / fraction;
  return -x * x / 2 - std::log(fraction) - std::log(2 * std::numbers::pi) / 2;
}

// log(Phi(high) - Phi(low)), low < high.
double log_between(double low, double high) {
  if (low < 0 && high > 0) return std::log(normal_cdf(high) - normal_cdf(low));
  if (low < 0) return log_between(-high, -low);
  const double near = log_upper_tail(low), far = log_upper_tail(high);
  return near + log1mexp(far - near);
}

Result<void> check(std::span<const VoteBucket> buckets, const BucketOptions& o) {
  constexpr std::int64_t kMost = 1 << 20;
  if (o.warm_up < 1 || o.most < o.warm_up || o.most > kMost)
    return invalid_argument("warm_up is " + std::to_string(o.warm_up) + " and most " + std::to_string(o.most) +
                            "; they must satisfy 1 <= warm_up <= most <= 2^20");
  if (!(o.mean_budget >= static_cast<double>(o.warm_up)) || o.mean_budget > kLargestNumber)
    return invalid_argument("mean_budget is " + to_text(o.mean_budget) + "; it must be at least the warm-up, " +
                            std::to_string(o.warm_up));
  double sum = 0;
  for (std::size_t t = 0; t < buckets.size(); ++t) {
    const VoteBucket& bucket = buckets[t];
    if (!(bucket.share >= 0 && bucket.share <= 1) || !(std::abs(bucket.a) <= 1e6) || !(std::abs(bucket.b) <= 1e6))
      return invalid_argument("bucket " + std::to_string(t) + ": share " + to_text(bucket.share) + ", a " +
                              to_text(bucket.a) + " and b " + to_text(bucket.b) +
                              " must be from 0 to 1, and at most 1e6 in magnitude");
    sum += bucket.share;
  }
  if (!buckets.empty() && std::abs(sum - 1) > 1e-6)
    return invalid_argument("shares sum to " + to_text(sum) + ", not to 1");
  return {};
}

}  // namespace

double log_agreement_gain(double a, double b, std::int64_t k) {
  const double at = a * std::sqrt(static_cast<double>(k)) + b, next = a * std::sqrt(static_cast<double>(k + 1)) + b;
  return next > at ? log_between(at, next) : kNothing;
}

Result<BucketPlan> plan_buckets(std::span<const VoteBucket> buckets, const BucketOptions& options) {
  if (auto ok = check(buckets, options); !ok) return tl::unexpected(ok.error());
  BucketPlan plan{.budget = std::vector<std::int64_t>(buckets.size(), options.warm_up)};
  plan.mean = buckets.empty() ? 0 : static_cast<double>(options.warm_up);
  const double most = with_tolerance(options.mean_budget);
  std::vector<std::pair<double, std::size_t>> heap;
  heap.reserve(buckets.size());
  const auto gain = [&](std::size_t t) { return log_agreement_gain(buckets[t].a, buckets[t].b, plan.budget[t]); };
  for (std::size_t t = 0; t < buckets.size(); ++t) heap.emplace_back(gain(t), t);
  // Among equal gains the first bucket goes first.
  const auto less = [](const auto& x, const auto& y) {
    return x.first != y.first ? x.first < y.first : x.second > y.second;
  };
  std::ranges::make_heap(heap, less);
  while (!heap.empty()) {
    std::ranges::pop_heap(heap, less);
    auto& [gained, t] = heap.back();
    const bool fits = gained > kNothing && plan.budget[t] < options.most && plan.mean + buckets[t].share <= most;
    if (!fits) {
      heap.pop_back();  // the room only shrinks: it will not fit later
      continue;
    }
    ++plan.budget[t];
    plan.mean += buckets[t].share;
    gained = gain(t);
    std::ranges::push_heap(heap, less);
  }
  plan.mean = 0;
  for (std::size_t t = 0; t < buckets.size(); ++t) {
    const auto k = static_cast<double>(plan.budget[t]);
    plan.mean += buckets[t].share * k;
    plan.agreement += buckets[t].share * normal_cdf(buckets[t].a * std::sqrt(k) + buckets[t].b);
  }
  return plan;
}

}  // namespace bursar::allocate
