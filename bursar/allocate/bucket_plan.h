// How many samples a question of a stream may draw, by the bucket that its first few samples put it into, when only the
// mean number of samples is fixed.
//
//   std::vector<VoteBucket> buckets{{.share = .5, .a = .8, .b = .4}, {.share = .5, .a = .2, .b = .1}};
//   auto plan = plan_buckets(buckets, {.mean_budget = 16});     // plan->budget[t] samples for a question of bucket t
//
// A(k) = Phi(a sqrt(k) + b) is the chance that a majority of k samples agrees with the final answer. Starting at K0 for
// everybody, the bucket with the largest gain A(B + 1) - A(B) gets one more, as long as its share of the stream fits
// into the mean; one whose step does not fit is skipped, and the others go on. Where a > 0 and b >= 0 gains shrink.
// Gains are compared in logarithms: differences of Phi underflow. O(steps log buckets). Source: systems/pets.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bursar/core/result.h"

namespace bursar::allocate {

struct VoteBucket {
  double share = 0;     // of the stream, >= 0; shares sum to 1
  double a = 0, b = 0;  // of the curve
};

struct BucketOptions {
  double mean_budget = 16;   // >= warm_up
  std::int64_t warm_up = 4;  // K0 >= 1: samples that everybody draws
  std::int64_t most = 64;    // >= warm_up: of one question
};

struct BucketPlan {
  std::vector<std::int64_t> budget;  // [buckets]
  double mean = 0;                   // sum share budget, at most mean_budget
  double agreement = 0;              // sum share A(budget)
};

// Errors: kInvalidArgument naming the bucket; shares that do not sum to 1 within 1e-6; bounds that cross.
[[nodiscard]] Result<BucketPlan> plan_buckets(std::span<const VoteBucket> buckets, const BucketOptions& options = {});

// log(A(k + 1) - A(k)); -infinity where nothing is gained.
[[nodiscard]] double log_agreement_gain(double a, double b, std::int64_t k);

}  // namespace bursar::allocate
