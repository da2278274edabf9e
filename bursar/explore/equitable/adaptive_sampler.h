// Buys samples for groups, batch after batch, while the learning curves are still being learned.
//
//   auto sampler = AdaptiveSampler::make(groups, {.objective = {.q = 2}, .budget = 4000});
//   while (const auto want = sampler->next()) {                      // none: spent, or nothing more is worth it
//     buy(want->group, want->count);                                 // at most want->price
//     sampler->bought(want->count);
//     for (const std::int64_t n : sampler->record_sizes(want->group)) {
//       const auto e = train_and_validate(want->group, n);           // on a random subset of the group's n samples
//       sampler->observe(want->group, n, e.error, e.variance);
//     }
//   }
//
// First n_0 samples of every group; then each batch of k = batch / c_g samples goes to the group with the largest
//   V_g = sum_gamma weight w_g [loss(a + b n^-gamma) - loss(a + b (n + k)^-gamma)] / (k c_g)
// under the posterior of its curve (curve_posterior.h), or under one draw of it (Thompson). Curves of real models are
// S-shaped at their start, where a power law says nothing: what was measured there counts until the group outgrew it.
// It stops where the largest V_g times what is left would gain less than `tolerance`, and leaves the rest unspent.
// Where groups share a model, `transfer` T has curves run on effective samples n_g + sum_{h != g} T_gh n_h, and V_h
// counts what all groups gain. Where gains shrink and groups do not share, buying the largest gain per cost is optimal
// for known curves. Measured curves need not fall. sum c n <= budget always. next() O(groups x grid), with transfer
// O(groups^2 x grid). Deterministic: draws come from the seed and the number of batches. Source:
// systems/equitable-sampling, B and C.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/explore/equitable/curve_posterior.h"
#include "bursar/explore/equitable/static_plan.h"

namespace bursar::explore {

struct AdaptiveSamplerOptions {
  EquityObjective objective;  // without functions of one's own where the state is to be saved
  double budget = 0;
  double batch = 0;             // of budget a batch; 0: a fortieth
  std::int64_t seed_count = 0;  // n_0; 0: max(50, 2% of what the group alone could have), cut at its max_n
  double tolerance = 0;         // of L
  bool thompson = false;
  double fit_share = .4;  // 0 … 1: measurements at fewer samples than this share of the group's are left out
  CurvePrior prior;
  std::vector<double> transfer = {};  // [groups x groups] in [0, 1], 1 on the diagonal; empty: nothing is shared
  int stale_after = 5;                // batches after which a group of a shared model should be measured anew
  std::uint64_t seed = 0;
};

struct SampleRequest {
  std::size_t group = 0;
  std::int64_t count = 0;
  double price = 0;  // count x cost
  double value = 0;  // expected decrease of L per unit of budget; 0 while seeding
  bool operator==(const SampleRequest&) const = default;
};

struct GroupReport {
  std::int64_t count = 0;
  double spent = 0;
  CurveEstimate now;       // the error at its samples, as the curve has it
  LearningCurve curve;     // likeliest
  double marginal = 0;     // decrease of L per unit of budget by the next batch
  double next_dollar = 0;  // fall of the group's error per unit of budget
};

struct SamplerReport {
  std::vector<GroupReport> groups;
  double spent = 0, left = 0;
  double loss = 0;             // L as the curves have it
  double price_of_equity = 0;  // of the plan on the likeliest curves against q = 1, in average error
};

class AdaptiveSampler {
 public:
  static constexpr std::size_t kMostObservations = 100'000;  // of one group

  // Errors: kInvalidArgument naming the field; kInfeasible where the budget cannot pay n_0 of every group.
  [[nodiscard]] static Result<AdaptiveSampler> make(std::vector<GroupSpec> groups, AdaptiveSamplerOptions options);

  // The same until bought(), observe() or forget() is called. Errors: kUnavailable where a group that was bought has
  // not been observed since.
  [[nodiscard]] Result<std::optional<SampleRequest>> request();
  // The same, and none where request() is none or an error.
  [[nodiscard]] std::optional<SampleRequest> next() { return request().value_or(std::nullopt); }

  // `count` samples of the open request's group came, fewer than asked for or as many; 0 closes the group for good
  // (nobody sells any more). Errors: kInvalidArgument.
  [[nodiscard]] Result<void> bought(std::int64_t count);

  // The sizes at which to measure a group that grew: 40%, 70% and all of its samples, without repeats.
  [[nodiscard]] std::vector<std::int64_t> record_sizes(std::size_t group) const;
  // The error of a model that was trained on n of the group's samples (others in full where they share) and its
  // variance. Errors: kInvalidArgument; kExhausted past kMostObservations.
  [[nodiscard]] Result<void> observe(std::size_t group, std::int64_t n, double error, double variance);
  // Groups of a shared model whose measurements are older than `stale_after` batches; forget() drops them, before the
  // group is measured anew.
  [[nodiscard]] std::vector<std::size_t> stale() const;
  [[nodiscard]] Result<void> forget(std::size_t group);

  [[nodiscard]] std::span<const std::int64_t> counts() const { return counts_; }
  [[nodiscard]] double spent() const { return cost_of(groups_, counts_); }
  [[nodiscard]] const std::vector<GroupSpec>& groups() const { return groups_; }
  [[nodiscard]] Result<CurvePosterior> curve(std::size_t group) const;
  [[nodiscard]] Result<SamplerReport> report() const;

  // restore(save()) goes on as this one would. Errors: kCorrupt; kInvalidArgument of save for a loss of one's own.
  [[nodiscard]] Result<boost::json::object> save() const;
  [[nodiscard]] static Result<AdaptiveSampler> restore(const boost::json::object& saved);

 private:
  AdaptiveSampler(std::vector<GroupSpec> groups, AdaptiveSamplerOptions options);
  [[nodiscard]] double effective(std::size_t group, double own) const;
  [[nodiscard]] std::int64_t affordable(std::size_t group, double of) const;
  [[nodiscard]] std::int64_t seed_count(std::size_t group) const;
  [[nodiscard]] double batch_value(std::size_t group, std::int64_t count,
                                   std::span<const std::optional<CurvePosterior>> curves,
                                   std::span<const LearningCurve> drawn) const;
  [[nodiscard]] Result<std::optional<SampleRequest>> choose() const;

  std::vector<GroupSpec> groups_;
  AdaptiveSamplerOptions options_;
  std::vector<std::int64_t> counts_;
  std::vector<std::vector<CurveObservation>> seen_;
  std::vector<std::uint64_t> measured_at_;  // batches when last observed
  std::vector<std::uint8_t> unmeasured_, closed_;
  std::uint64_t batches_ = 0;
  std::optional<SampleRequest> open_;
};

// T_gh from an ablation: the model of group g, trained on own n_g samples and n_h of group h, had this error; which
// share of h's samples would have done the same as the group's own? In [0, 1]. kInvalidArgument for counts < 1.
[[nodiscard]] Result<double> transfer_from_ablation(const LearningCurve& alone, double own, double other, double error);

// Samples that a validation set needs for an error rate e to be measured with this standard error: e (1 - e) / se^2.
[[nodiscard]] double validation_size(double error, double standard_error);

}  // namespace bursar::explore
