#include "bursar/agree/phantom.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string>

#include "bursar/agree/number_text.h"

namespace bursar::agree {
namespace {

constexpr std::size_t kMostParties = std::size_t{1} << 24;
constexpr double kLargestWeight = 1e12;

// The point of [low, high] at a share of it; its ends are met exactly.
double at(const Interval& interval, double share) {
  return share == 1 ? interval.high : interval.low + interval.length() * share;
}

struct Said {
  double report, weight;
};

std::vector<Said> largest_first(const Profile& p) {
  std::vector<Said> said(p.reports.size());
  for (std::size_t i = 0; i < said.size(); ++i) said[i] = {p.reports[i], p.weights.empty() ? 1.0 : p.weights[i]};
  // By weight too, so that the order of the parties does not reach the rounding of sums.
  std::ranges::sort(said, [](const Said& a, const Said& b) {
    return a.report != b.report ? a.report > b.report : a.weight > b.weight;
  });
  return said;
}

Result<void> refuse_weights(const Profile& p, std::string_view rule) {
  if (p.weights.empty()) return {};
  return invalid_argument("weights are for uniform-phantom and average; " + std::string(rule) + " counts heads");
}

double average(const Profile& p) {
  double sum = 0, weight = 0;
  for (const Said& s : largest_first(p)) {
    sum += s.weight * s.report;
    weight += s.weight;
  }
  return std::clamp(sum / weight, p.interval.low, p.interval.high);
}

std::vector<double> two_heaps(std::size_t parties, double lower, double upper) {
  const std::size_t inner = parties == 0 ? 0 : parties - 1, below = (inner + 1) / 2;
  std::vector<double> phantoms(inner, upper);
  std::fill_n(phantoms.begin(), below, lower);
  return phantoms;
}

Result<double> with_phantoms(const Profile& p, std::vector<double> shares) {
  for (double& a : shares) a = at(p.interval, a);
  return phantom_median(p, shares);
}

}  // namespace

Result<void> check(const Profile& p) {
  const auto [low, high] = p.interval;
  if (!std::isfinite(low) || !std::isfinite(high) || !(low < high) || !std::isfinite(high - low)) {
    return invalid_argument("the interval [" + to_text(low) + ", " + to_text(high) +
                            "] is empty or not finite; low must be below high");
  }
  if (p.reports.empty()) return invalid_argument("there is no report; at least one party must say what it wants");
  if (p.reports.size() > kMostParties) {
    return invalid_argument("there are " + std::to_string(p.reports.size()) + " reports; at most 2^24 are taken");
  }
  if (!p.weights.empty() && p.weights.size() != p.reports.size()) {
    return invalid_argument("there are " + std::to_string(p.reports.size()) + " reports and " +
                            std::to_string(p.weights.size()) + " weights; give one of each per party");
  }
  for (std::size_t i = 0; i < p.reports.size(); ++i) {
    if (!(p.reports[i] >= low && p.reports[i] <= high)) {
      return invalid_argument("party " + std::to_string(i) + ": the report " + to_text(p.reports[i]) +
                              " is outside of [" + to_text(low) + ", " + to_text(high) + "]");
    }
    if (!p.weights.empty() && !(p.weights[i] > 0 && p.weights[i] <= kLargestWeight)) {
      return invalid_argument("party " + std::to_string(i) + ": the weight " + to_text(p.weights[i]) +
                              " must be above 0 and at most 1e12");
    }
  }
  return {};
}

Result<double> uniform_phantom(const Profile& p) {
  if (auto ok = check(p); !ok) return tl::unexpected(ok.error());
  const std::vector<Said> said = largest_first(p);
  double total = 0;
  for (const Said& s : said) total += s.weight;
  double best = p.interval.low, above = 0;
  for (const Said& s : said) {
    above += s.weight;
    best = std::max(best, std::min(s.report, at(p.interval, above / total)));
  }
  return best;
}

Result<double> phantom_median(const Profile& p, std::span<const double> phantoms) {
  if (auto ok = check(p); !ok) return tl::unexpected(ok.error());
  if (auto ok = refuse_weights(p, "a median of phantoms"); !ok) return tl::unexpected(ok.error());
  const std::size_t n = p.reports.size();
  if (phantoms.size() != n - 1 && phantoms.size() != n + 1) {
    return invalid_argument(std::to_string(n) + " parties need " + std::to_string(n - 1) + " inner phantoms or all " +
                            std::to_string(n + 1) + ", and there are " + std::to_string(phantoms.size()));
  }
  std::vector<double> a(phantoms.begin(), phantoms.end()), r(p.reports.begin(), p.reports.end());
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (!(a[k] >= p.interval.low && a[k] <= p.interval.high)) {
      return invalid_argument("phantom " + std::to_string(k) + " is " + to_text(a[k]) + ", outside of [" +
                              to_text(p.interval.low) + ", " + to_text(p.interval.high) + "]");
    }
  }
  if (a.size() == n - 1) a.insert(a.end(), {p.interval.low, p.interval.high});
  std::ranges::sort(a);
  std::ranges::sort(r, std::greater<>{});
  double best = a[0];
  for (std::size_t k = 1; k <= n; ++k) best = std::max(best, std::min(r[k - 1], a[k]));
  return best;
}

std::string_view name_of(SplitRule rule) {
  switch (rule) {
    case SplitRule::kUniformPhantom: return "uniform-phantom";
    case SplitRule::kMedian: return "median";
    case SplitRule::kAverage: return "average";
    case SplitRule::kIfs: return "ifs";
    case SplitRule::kMidrange: return "midrange";
  }
  return "uniform-phantom";
}

Result<SplitRule> rule_named(std::string_view name) {
  std::string known;
  for (const SplitRule rule : kSplitRules) {
    if (name_of(rule) == name) return rule;
    known += (known.empty() ? "" : ", ") + std::string(name_of(rule));
  }
  return invalid_argument("there is no mechanism '" + std::string(name.substr(0, 80)) + "'; known are " + known);
}

bool is_strategyproof(SplitRule rule) { return rule != SplitRule::kAverage && rule != SplitRule::kMidrange; }

Result<double> decide(SplitRule rule, const Profile& p) {
  if (auto ok = check(p); !ok) return tl::unexpected(ok.error());
  const std::size_t n = p.reports.size();
  switch (rule) {
    case SplitRule::kUniformPhantom: return uniform_phantom(p);
    case SplitRule::kAverage: return average(p);
    case SplitRule::kMedian: return with_phantoms(p, median_phantoms(n));
    case SplitRule::kIfs: return with_phantoms(p, ifs_phantoms(n));
    case SplitRule::kMidrange: {
      if (auto ok = refuse_weights(p, "midrange"); !ok) return tl::unexpected(ok.error());
      const auto [least, most] = std::ranges::minmax(p.reports);
      return least + (most - least) / 2;
    }
  }
  return fail(ErrorCode::kInternal, "a mechanism without a rule");
}

std::vector<double> median_phantoms(std::size_t parties) { return two_heaps(parties, 0, 1); }

std::vector<double> ifs_phantoms(std::size_t parties) {
  const double share = 1 / static_cast<double>(std::max<std::size_t>(parties, 1));
  return two_heaps(parties, share, 1 - share);
}

}  // namespace bursar::agree
