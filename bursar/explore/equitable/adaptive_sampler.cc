#include "bursar/explore/equitable/adaptive_sampler.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

#include "bursar/allocate/solve.h"

namespace bursar::explore {
namespace {

using allocate::to_text;

constexpr double kBatches = 40, kSeedShare = .02;
constexpr std::int64_t kFewestSeeds = 50;

Result<void> check_options(std::size_t groups, const AdaptiveSamplerOptions& o) {
  const auto positive = [](const char* name, double x, bool zero) -> Result<void> {
    if ((zero ? x >= 0 : x > 0) && x <= 1e15) return {};
    return invalid_argument(std::string(name) + ": is " + to_text(x) + "; it must be " +
                            (zero ? "at least 0" : "above 0") + " and at most 10^15");
  };
  if (auto ok = check_objective(o.objective); !ok) return ok;
  if (auto ok = positive("budget", o.budget, false); !ok) return ok;
  if (auto ok = positive("batch", o.batch, true); !ok) return ok;
  if (auto ok = positive("tolerance", o.tolerance, true); !ok) return ok;
  if (!(o.fit_share >= 0 && o.fit_share <= 1)) {
    return invalid_argument("fit_share: is " + to_text(o.fit_share) + "; it must be from 0 to 1");
  }
  if (o.seed_count < 0) return invalid_argument("seed_count: must not be negative, is " + std::to_string(o.seed_count));
  if (o.stale_after < 1)
    return invalid_argument("stale_after: must be at least 1, is " + std::to_string(o.stale_after));
  if (!o.transfer.empty() && o.transfer.size() != groups * groups) {
    return invalid_argument("transfer: has " + std::to_string(o.transfer.size()) + " numbers for " +
                            std::to_string(groups) + " x " + std::to_string(groups));
  }
  for (std::size_t i = 0; i < o.transfer.size(); ++i) {
    const bool own = i / groups == i % groups;
    if ((own && o.transfer[i] != 1) || !(o.transfer[i] >= 0 && o.transfer[i] <= 1)) {
      return invalid_argument("transfer: number " + std::to_string(i) + " is " + to_text(o.transfer[i]) +
                              "; it must be from 0 to 1, and 1 of a group to itself");
    }
  }
  return CurvePosterior::fit(o.prior, {}).map([](const auto&) {});
}

}  // namespace

Result<AdaptiveSampler> AdaptiveSampler::make(std::vector<GroupSpec> groups, AdaptiveSamplerOptions options) {
  if (auto ok = check_groups(groups); !ok) return tl::unexpected(ok.error());
  if (auto ok = check_options(groups.size(), options); !ok) return tl::unexpected(ok.error());
  if (options.batch == 0) options.batch = options.budget / kBatches;
  AdaptiveSampler out(std::move(groups), std::move(options));
  double seeds = 0;
  for (std::size_t g = 0; g < out.groups_.size(); ++g)
    seeds += out.groups_[g].cost * static_cast<double>(out.seed_count(g));
  if (seeds > out.options_.budget) {
    return fail(ErrorCode::kInfeasible, "budget: is " + to_text(out.options_.budget) +
                                            " and the first samples of every group cost " + to_text(seeds) +
                                            "; raise it, or lower seed_count");
  }
  return out;
}

AdaptiveSampler::AdaptiveSampler(std::vector<GroupSpec> groups, AdaptiveSamplerOptions options)
    : groups_(std::move(groups)),
      options_(std::move(options)),
      counts_(groups_.size(), 0),
      seen_(groups_.size()),
      measured_at_(groups_.size(), 0),
      unmeasured_(groups_.size(), 1),
      closed_(groups_.size(), 0) {}

double AdaptiveSampler::effective(std::size_t group, double own) const {
  double n = own;
  for (std::size_t h = 0; h < groups_.size() && !options_.transfer.empty(); ++h) {
    if (h != group) n += options_.transfer[group * groups_.size() + h] * static_cast<double>(counts_[h]);
  }
  return n;
}

// Samples of the group that `of` the budget pays, and that its most and the whole budget allow.
std::int64_t AdaptiveSampler::affordable(std::size_t group, double of) const {
  const double left = std::min(of, options_.budget - spent());
  auto n = static_cast<std::int64_t>(std::floor(std::max(0.0, left) / groups_[group].cost));
  n = std::min(n, groups_[group].max_n - counts_[group]);
  // The division may have rounded up; the sum, as it will be computed, decides.
  std::vector<std::int64_t> after = counts_;
  for (after[group] += n; n > 0 && cost_of(groups_, after) > options_.budget; --n) --after[group];
  return n;
}

std::int64_t AdaptiveSampler::seed_count(std::size_t group) const {
  const GroupSpec& g = groups_[group];
  const auto share = static_cast<std::int64_t>(std::ceil(kSeedShare * options_.budget / g.cost));
  const std::int64_t wanted = options_.seed_count > 0 ? options_.seed_count : std::max(kFewestSeeds, share);
  return std::clamp(wanted, g.min_n, g.max_n);
}

double AdaptiveSampler::batch_value(std::size_t group, std::int64_t count,
                                    std::span<const std::optional<CurvePosterior>> curves,
                                    std::span<const LearningCurve> drawn) const {
  const auto k = static_cast<double>(count);
  double gain = 0;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const double share = g == group ? 1 : options_.transfer.empty() ? 0 : options_.transfer[g * groups_.size() + group];
    if (share == 0 || groups_[g].weight == 0) continue;
    const double n = std::max(1.0, effective(g, static_cast<double>(counts_[g])));
    const auto fall = [&](const LearningCurve& c) {
      return options_.objective.loss(c.error(n)) - options_.objective.loss(c.error(n + share * k));
    };
    double expected = 0;
    if (!drawn.empty()) {
      expected = fall(drawn[g]);
    } else {
      for (const auto& p : curves[g]->parts()) expected += p.weight * fall({p.mean[0], p.mean[1], p.gamma});
    }
    gain += groups_[g].weight * expected;
  }
  return gain / (k * groups_[group].cost);
}

Result<std::optional<SampleRequest>> AdaptiveSampler::choose() const {
  const auto request = [&](std::size_t g, std::int64_t n, double value) {
    return SampleRequest{g, n, static_cast<double>(n) * groups_[g].cost, value};
  };
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const std::int64_t missing = seed_count(g) - counts_[g];
    if (missing <= 0 || closed_[g] != 0) continue;
    if (const std::int64_t n = std::min(missing, affordable(g, options_.budget)); n > 0) return request(g, n, 0);
  }
  RandomStream random = RandomStream(options_.seed).split("adaptive-sampler").split(batches_);
  std::vector<std::optional<CurvePosterior>> curves;
  std::vector<LearningCurve> drawn;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    if (unmeasured_[g] != 0 && closed_[g] == 0) {
      return fail(ErrorCode::kUnavailable,
                  "group '" + groups_[g].name + "' has grown and was not measured since; observe it first");
    }
    auto posterior = curve(g);
    if (!posterior) return tl::unexpected(posterior.error());
    if (options_.thompson) drawn.push_back(posterior->draw(random));
    curves.emplace_back(*std::move(posterior));
  }
  std::optional<SampleRequest> best;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    if (closed_[g] != 0) continue;
    const std::int64_t n = affordable(g, std::max(options_.batch, groups_[g].cost));
    if (n == 0) continue;
    const double value = batch_value(g, n, curves, drawn);
    if (!best || value > best->value) best = request(g, n, value);
  }
  if (best && best->value * (options_.budget - spent()) < options_.tolerance) best.reset();
  return best;
}

Result<std::optional<SampleRequest>> AdaptiveSampler::request() {
  if (open_) return open_;
  auto chosen = choose();
  if (chosen) open_ = *chosen;
  return chosen;
}

Result<void> AdaptiveSampler::bought(std::int64_t count) {
  if (!open_) return invalid_argument("bought: no request is open; ask for one first");
  if (count < 0 || count > open_->count) {
    return invalid_argument("bought: " + std::to_string(count) + " samples came and " + std::to_string(open_->count) +
                            " were asked for");
  }
  if (count == 0) {
    closed_[open_->group] = 1;
  } else {
    counts_[open_->group] += count;
    unmeasured_[open_->group] = 1;
  }
  ++batches_;
  open_.reset();
  return {};
}

std::vector<std::int64_t> AdaptiveSampler::record_sizes(std::size_t group) const {
  std::vector<std::int64_t> sizes;
  for (const double share : {.4, .7, 1.0}) {
    const auto n = static_cast<std::int64_t>(std::llround(share * static_cast<double>(counts_[group])));
    if (n > 0 && (sizes.empty() || sizes.back() != n)) sizes.push_back(n);
  }
  return sizes;
}

Result<void> AdaptiveSampler::observe(std::size_t group, std::int64_t n, double error, double variance) {
  if (group >= groups_.size()) return invalid_argument("group: " + std::to_string(group) + " does not exist");
  if (n < 1 || n > counts_[group]) {
    return invalid_argument("group '" + groups_[group].name + "': n is " + std::to_string(n) + "; it has " +
                            std::to_string(counts_[group]) + " samples");
  }
  if (seen_[group].size() >= kMostObservations) {
    return fail(ErrorCode::kExhausted, "group '" + groups_[group].name + "' has been measured " +
                                           std::to_string(kMostObservations) + " times; forget() old ones");
  }
  const CurveObservation seen{effective(group, static_cast<double>(n)), error, variance};
  if (auto ok = CurvePosterior::fit(options_.prior, {&seen, 1}); !ok) {
    return tl::unexpected(with_context("group '" + groups_[group].name + "'", ok.error()));
  }
  seen_[group].push_back(seen);
  if (n == counts_[group]) unmeasured_[group] = 0;
  measured_at_[group] = batches_;
  open_.reset();
  return {};
}

std::vector<std::size_t> AdaptiveSampler::stale() const {
  std::vector<std::size_t> out;
  for (std::size_t g = 0; g < groups_.size() && !options_.transfer.empty(); ++g) {
    if (counts_[g] > 0 && batches_ - measured_at_[g] >= static_cast<std::uint64_t>(options_.stale_after))
      out.push_back(g);
  }
  return out;
}

Result<void> AdaptiveSampler::forget(std::size_t group) {
  if (group >= groups_.size()) return invalid_argument("group: " + std::to_string(group) + " does not exist");
  seen_[group].clear();
  unmeasured_[group] = 1;
  open_.reset();
  return {};
}

Result<CurvePosterior> AdaptiveSampler::curve(std::size_t group) const {
  if (group >= groups_.size()) return invalid_argument("group: " + std::to_string(group) + " does not exist");
  const double least = options_.fit_share * effective(group, static_cast<double>(counts_[group]));
  std::vector<CurveObservation> counting;
  // Sizes are rounded to whole samples.
  std::ranges::copy_if(seen_[group], std::back_inserter(counting),
                       [&](const CurveObservation& o) { return o.n >= least - 1; });
  return CurvePosterior::fit(options_.prior, counting);
}

Result<SamplerReport> AdaptiveSampler::report() const {
  SamplerReport out{.spent = spent(), .left = options_.budget - spent()};
  std::vector<std::optional<CurvePosterior>> curves;
  std::vector<LearningCurve> likeliest;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    auto posterior = curve(g);
    if (!posterior) return tl::unexpected(posterior.error());
    likeliest.push_back(posterior->likeliest());
    curves.emplace_back(*std::move(posterior));
  }
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const double n = effective(g, static_cast<double>(std::max<std::int64_t>(counts_[g], 1)));
    GroupReport row{.count = counts_[g], .spent = static_cast<double>(counts_[g]) * groups_[g].cost};
    row.now = curves[g]->at(n);
    row.curve = likeliest[g];
    if (counts_[g] > 0) {
      const auto k = static_cast<std::int64_t>(std::max(1.0, std::floor(options_.batch / groups_[g].cost)));
      row.marginal = batch_value(g, k, curves, {});
    }
    row.next_dollar = -likeliest[g].slope(n) / groups_[g].cost;
    out.loss += groups_[g].weight * options_.objective.loss(row.now.error);
    out.groups.push_back(row);
  }
  const auto plan = plan_static(groups_, likeliest, options_.objective, options_.budget);
  if (!plan) return tl::unexpected(plan.error());
  const auto why = explain_plan(groups_, likeliest, options_.objective, options_.budget, *plan);
  if (!why) return tl::unexpected(why.error());
  out.price_of_equity = why->price_of_equity;
  return out;
}

Result<double> transfer_from_ablation(const LearningCurve& alone, double own, double other, double error) {
  if (!(own >= 1 && other >= 1)) return invalid_argument("ablation: both groups need at least one sample");
  if (!(error >= 0 && error < 1e9)) return invalid_argument("ablation: error is " + to_text(error));
  if (!(alone.b > 0 && alone.gamma > 0)) return invalid_argument("ablation: the curve of the group alone is flat");
  if (error <= alone.a) return 1.0;
  const double same = std::pow((error - alone.a) / alone.b, -1 / alone.gamma);
  return std::clamp((same - own) / other, 0.0, 1.0);
}

double validation_size(double error, double standard_error) {
  // What only binary notation put above a whole number is no further sample.
  return std::ceil(error * (1 - error) / (standard_error * standard_error) - 1e-9);
}

}  // namespace bursar::explore
