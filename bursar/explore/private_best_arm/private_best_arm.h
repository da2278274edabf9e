// Finds the best of some arms within T samples, so that no single reward can be told from the answer.
//
//   auto best = PrivateBestArm::make({.arms = 30, .dimension = 3, .values = features},   // [30 x 3], row-major
//                                    {.samples = 10'000, .noise = {.epsilon = .5}, .seed = secret});
//   while (!best->done()) {
//     for (const Pull& pull : best->next_batch()) {                    // the pulls may run in parallel
//       const double sum = sample(pull.arm, pull.count);               // rewards in [0, 1]
//       if (auto ok = best->report({{pull.arm, pull.count, sum}}); !ok) return ok;
//     }
//   }
//   use(best->answer()->arm);
//
// Arms compete for samples in phases (elimination_plan.h); after each a fixed number survive. In a phase with active
// features of rank r < sqrt(s), the r arms of a Max-Det collection (max_det.h) are pulled n = ceil(T'/(M r)) times each
// and the others follow from them, mt_i = sum_j alpha_ij mt_j; otherwise every active arm is, n = ceil(T'/(M s)) times.
// mt_j = mean_j + noise (private_noise.h); the s_{p+1} largest survive, ties at random.
// Privacy: a reward enters one mean of one phase, whose release is epsilon-DP; everything else is made from releases or
// from other rewards, so the whole sequence of pulls and the answer are epsilon-DP for one reward, or for one person
// with `user_weight`. Samples used <= T. Error <= exp(-T'/(65 M H)) with the paper's schedule and Laplace noise.
// Sums of rewards never leave but through save(), which is as secret as the rewards; so is the seed.
// Without features (`values` empty) each arm stands for itself and d = K. Without noise and features, kHalving is plain
// sequential halving. O(K d^2) a phase, O(log K) a report. Not thread-safe. Source: systems/dp-bai.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/explore/private_best_arm/elimination_plan.h"
#include "bursar/explore/private_best_arm/max_det.h"
#include "bursar/explore/private_best_arm/privacy_accountant.h"
#include "bursar/explore/private_best_arm/private_noise.h"

namespace bursar::explore {

struct ArmFeatures {
  std::size_t arms = 0;        // K, 1 … 10^6
  std::size_t dimension = 0;   // d, 1 … 1000; not read where `values` is empty
  std::vector<double> values;  // [arms x dimension], row-major, finite; empty: no features
};

struct PrivateBestArmOptions {
  std::uint64_t samples = 0;  // T
  EliminationSchedule schedule = EliminationSchedule::kHalving;
  NoiseOptions noise;
  bool clip = false;  // single rewards outside [0, 1] count as 0 or 1 instead of being refused
  std::uint64_t seed = 0;
};

struct Pull {
  std::size_t arm = 0;
  std::uint64_t count = 0;
  bool operator==(const Pull&) const = default;
};

struct ArmSum {
  std::size_t arm = 0;
  std::uint64_t count = 0;
  double sum = 0;  // of `count` rewards
};

// What one phase let out.
struct PrivatePhase {
  std::uint64_t pulls = 0;          // of each arm that was pulled
  std::vector<std::size_t> arms;    // active, ascending
  std::vector<double> means;        // [arms] private
  std::vector<std::size_t> pulled;  // of them, ascending: all, or the collection
};

struct PrivateAnswer {
  std::size_t arm = 0;
  std::uint64_t samples_used = 0;
  PrivacyLoss spent;
};

class PrivateBestArm {
 public:
  static constexpr std::size_t kMostArms = 1'000'000, kMostDimension = 1000, kMostValues = std::size_t{1} << 27;

  // A single arm is the answer at once, without samples and privacy. Errors: kInvalidArgument naming the field;
  // kInfeasible where T is too small, naming the fewest samples that work.
  [[nodiscard]] static Result<PrivateBestArm> make(ArmFeatures features, PrivateBestArmOptions options);

  // What is still to be pulled in this phase, by arm; empty when done. O(pulls).
  [[nodiscard]] std::vector<Pull> next_batch() const;
  // Errors, state unchanged: kInvalidArgument for an arm that is not being pulled, for more rewards than asked for,
  // and for sums outside [0, count] (with `clip` a single reward is cut instead; of sums, cut each reward before).
  [[nodiscard]] Result<void> report(std::span<const ArmSum> sums);
  [[nodiscard]] Result<void> report(std::initializer_list<ArmSum> sums) {
    return report(std::span<const ArmSum>(sums.begin(), sums.size()));
  }

  [[nodiscard]] bool done() const { return phase_ == plan_.phases(); }
  [[nodiscard]] Result<PrivateAnswer> answer() const;  // kUnavailable until done
  [[nodiscard]] const std::vector<PrivatePhase>& phases() const { return released_; }
  [[nodiscard]] std::span<const std::size_t> active() const { return active_; }
  [[nodiscard]] const EliminationPlan& plan() const { return plan_; }
  [[nodiscard]] std::uint64_t samples_used() const { return used_; }

  // What to reserve before the first pull, once for the whole run, and what has been spent: nothing before the first
  // release, then all of it.
  [[nodiscard]] PrivacyLoss cost() const;
  [[nodiscard]] PrivacyLoss spent() const { return released_.empty() ? PrivacyLoss{} : cost(); }

  // Secret: holds the sums of the phase under way. restore(save()) goes on as this one would. Errors: kCorrupt.
  [[nodiscard]] boost::json::object save() const;
  [[nodiscard]] static Result<PrivateBestArm> restore(const boost::json::object& saved);

 private:
  PrivateBestArm(ArmFeatures features, PrivateBestArmOptions options, EliminationPlan plan);
  [[nodiscard]] std::vector<double> active_rows() const;
  [[nodiscard]] Result<void> begin_phase();
  [[nodiscard]] Result<void> end_phase();
  void keep_best(const std::vector<double>& means);

  ArmFeatures features_;
  PrivateBestArmOptions options_;
  EliminationPlan plan_;
  std::size_t phase_ = 0;
  std::vector<std::size_t> active_;  // ascending
  std::uint64_t used_ = 0;

  // The phase under way.
  std::uint64_t pulls_ = 0;          // of each
  std::vector<std::size_t> pulled_;  // arms, ascending
  std::vector<double> alpha_;        // [active x pulled] where a collection is pulled; else empty
  std::vector<std::uint64_t> counts_;
  std::vector<double> sums_;
  std::size_t open_ = 0;  // arms that miss rewards

  std::vector<PrivatePhase> released_;
};

}  // namespace bursar::explore
