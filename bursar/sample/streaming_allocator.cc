#include "bursar/sample/streaming_allocator.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>
#include <functional>
#include <map>
#include <string>

#include "bursar/sample/agreement.h"

namespace bursar::sample {
namespace {

namespace json = boost::json;
using Pattern = std::vector<std::size_t>;  // counts, the largest first

constexpr std::size_t kMostOptions = 64;

// Partitions of n, the most unanimous first: (4), (3,1), (2,2), (2,1,1), (1,1,1,1).
std::vector<Pattern> partitions(std::size_t n) {
  std::vector<Pattern> out;
  Pattern now;
  const std::function<void(std::size_t, std::size_t)> extend = [&](std::size_t left, std::size_t largest) {
    if (left == 0) return out.push_back(now);
    for (std::size_t part = std::min(left, largest); part >= 1; --part) {
      now.push_back(part);
      extend(left - part, part);
      now.pop_back();
    }
  };
  extend(n, n);
  return out;
}

Pattern pattern_of(std::span<const std::size_t> answers) {
  std::map<std::size_t, std::size_t> counts;
  for (const std::size_t answer : answers) ++counts[answer];
  Pattern out;
  for (const auto& [answer, count] : counts) out.push_back(count);
  std::ranges::sort(out, std::greater{});
  return out;
}

std::size_t bucket_of(const Pattern& pattern, const StreamOptions& options) {
  if (options.kind == AnswerKind::kOpen) return pattern.size() == 1 ? 0 : 1;
  const auto all = partitions(options.warm_up);
  return static_cast<std::size_t>(std::ranges::find(all, pattern) - all.begin());
}

std::size_t bucket_count(const StreamOptions& options) {
  return options.kind == AnswerKind::kOpen ? 2 : partitions(options.warm_up).size();
}

double choose(std::size_t n, std::size_t k) {
  double out = 1;
  for (std::size_t i = 0; i < k; ++i) out *= static_cast<double>(n - i) / static_cast<double>(i + 1);
  return n < k ? 0 : out;
}

// The chance of each bucket, when `warm_up` samples are drawn from the pool without replacement: ways to draw, by
// what has been drawn so far, option by option.
std::vector<double> bucket_chances(std::span<const std::size_t> counts, std::size_t pool,
                                   const StreamOptions& options) {
  std::map<Pattern, double> ways{{{}, 1.0}};
  for (const std::size_t count : counts) {
    std::map<Pattern, double> next;
    for (const auto& [drawn, weight] : ways) {
      std::size_t used = 0;
      for (const std::size_t part : drawn) used += part;
      for (std::size_t take = 0; take <= std::min(count, options.warm_up - used); ++take) {
        Pattern more = drawn;
        if (take > 0) more.insert(std::ranges::upper_bound(more, take, std::greater{}), take);
        next[std::move(more)] += weight * choose(count, take);
      }
    }
    ways = std::move(next);
  }
  std::vector<double> chances(bucket_count(options), 0);
  for (const auto& [drawn, weight] : ways) {
    std::size_t used = 0;
    for (const std::size_t part : drawn) used += part;
    if (used == options.warm_up) chances[bucket_of(drawn, options)] += weight / choose(pool, options.warm_up);
  }
  return chances;
}

Result<void> check(const StreamOptions& o) {
  if (o.warm_up < 1 || o.warm_up > 8) return invalid_argument("warm_up must be from 1 to 8");
  if (o.most < o.warm_up || o.most > 10'000) return invalid_argument("most must be from warm_up to 10,000");
  if (!(o.mean_budget >= static_cast<double>(o.warm_up)) || !std::isfinite(o.mean_budget))
    return invalid_argument("mean_budget is " + std::to_string(o.mean_budget) + "; every question draws " +
                            std::to_string(o.warm_up) + ", so it must be at least that");
  if (o.longest < 4 || o.longest > 100) return invalid_argument("longest must be from 4 to 100");
  return {};
}

allocate::BucketOptions budget_of(const StreamOptions& o) {
  return {.mean_budget = o.mean_budget,
          .warm_up = static_cast<std::int64_t>(o.warm_up),
          .most = static_cast<std::int64_t>(o.most)};
}

Result<std::vector<std::size_t>> counts_of(std::span<const std::size_t> pool, std::size_t warm_up) {
  if (pool.size() < warm_up)
    return invalid_argument("it has " + std::to_string(pool.size()) + " samples; at least " + std::to_string(warm_up) +
                            " are needed");
  std::vector<std::size_t> counts;
  for (const std::size_t option : pool) {
    if (option >= kMostOptions) return invalid_argument("option " + std::to_string(option) + " is above 63");
    if (counts.size() <= option) counts.resize(option + 1, 0);
    ++counts[option];
  }
  return counts;
}

}  // namespace

Result<StreamPlan> fit_stream_plan(std::span<const std::vector<std::size_t>> pools, const StreamOptions& options) {
  if (auto ok = check(options); !ok) return tl::unexpected(ok.error());
  if (pools.empty()) return invalid_argument("there are no training questions");
  StreamPlan out;
  out.options_ = options;
  out.buckets_.resize(bucket_count(options));
  for (std::size_t q = 0; q < pools.size(); ++q) {
    const auto counts = counts_of(pools[q], options.warm_up);
    if (!counts) return tl::unexpected(with_context("pool " + std::to_string(q), counts.error()));
    std::vector<double> shares;
    for (const std::size_t count : *counts)
      shares.push_back(static_cast<double>(count) / static_cast<double>(pools[q].size()));
    const auto top = static_cast<std::size_t>(std::ranges::max_element(*counts) - counts->begin());
    const auto curve = agreement_curve(shares, top, options.longest);
    if (!curve) return tl::unexpected(with_context("pool " + std::to_string(q), curve.error()));
    const ProbitLine line = fit_probit(*curve);
    const std::vector<double> chances = bucket_chances(*counts, pools[q].size(), options);
    for (std::size_t t = 0; t < chances.size(); ++t) {
      out.buckets_[t].share += chances[t];
      out.buckets_[t].a += chances[t] * line.a;
      out.buckets_[t].b += chances[t] * line.b;
    }
  }
  for (allocate::VoteBucket& bucket : out.buckets_) {
    if (bucket.share > 0) bucket.a /= bucket.share, bucket.b /= bucket.share;
    bucket.share /= static_cast<double>(pools.size());
  }
  auto plan = allocate::plan_buckets(out.buckets_, budget_of(options));
  if (!plan) return tl::unexpected(plan.error());
  out.plan_ = std::move(*plan);
  return out;
}

Result<std::int64_t> StreamPlan::target(std::span<const std::size_t> first_answers) const {
  if (first_answers.size() != options_.warm_up)
    return invalid_argument("there are " + std::to_string(first_answers.size()) + " first answers; the plan needs " +
                            std::to_string(options_.warm_up));
  return plan_.budget[bucket_of(pattern_of(first_answers), options_)];
}

std::vector<std::vector<std::size_t>> StreamPlan::patterns() const {
  return options_.kind == AnswerKind::kOpen ? std::vector<Pattern>{} : partitions(options_.warm_up);
}

json::object StreamPlan::save() const {
  json::array buckets;
  for (std::size_t t = 0; t < buckets_.size(); ++t) {
    buckets.push_back(
        {{"share", buckets_[t].share}, {"a", buckets_[t].a}, {"b", buckets_[t].b}, {"budget", plan_.budget[t]}});
  }
  return {{"plan", "stream"},
          {"kind", options_.kind == AnswerKind::kOpen ? "open" : "choice"},
          {"mean_budget", options_.mean_budget},
          {"warm_up", options_.warm_up},
          {"most", options_.most},
          {"buckets", std::move(buckets)}};
}

Result<StreamPlan> StreamPlan::restore(const json::object& saved) {
  const auto corrupt = [](std::string what) { return fail(ErrorCode::kCorrupt, "saved plan: " + std::move(what)); };
  const auto number = [&](const json::object& from, std::string_view key) -> double {
    const json::value* value = from.if_contains(key);
    return value != nullptr && value->is_number() ? value->to_number<double>() : std::nan("");
  };
  const auto whole = [&](std::string_view key) -> std::size_t {
    const double value = number(saved, key);
    return value >= 0 && value <= 1e6 ? static_cast<std::size_t>(value) : 0;
  };
  const json::value* kind = saved.if_contains("kind");
  if (kind == nullptr || !kind->is_string() || (kind->get_string() != "open" && kind->get_string() != "choice"))
    return corrupt("kind must be \"choice\" or \"open\"");
  StreamPlan out;
  out.options_.kind = kind->get_string() == "open" ? AnswerKind::kOpen : AnswerKind::kChoice;
  out.options_.mean_budget = number(saved, "mean_budget");
  out.options_.warm_up = whole("warm_up");
  out.options_.most = whole("most");
  if (auto ok = check(out.options_); !ok) return corrupt(ok.error().message);
  const json::value* buckets = saved.if_contains("buckets");
  if (buckets == nullptr || !buckets->is_array() || buckets->get_array().size() != bucket_count(out.options_))
    return corrupt("buckets must have " + std::to_string(bucket_count(out.options_)) + " entries");
  for (const json::value& one : buckets->get_array()) {
    if (!one.is_object()) return corrupt("a bucket must be an object");
    const json::object& from = one.get_object();
    out.buckets_.push_back({.share = number(from, "share"), .a = number(from, "a"), .b = number(from, "b")});
  }
  auto plan = allocate::plan_buckets(out.buckets_, budget_of(out.options_));
  if (!plan) return corrupt(plan.error().message);
  out.plan_ = std::move(*plan);
  return out;
}

}  // namespace bursar::sample
