// How many samples each question of a stream may draw, after a first few of it: more where they disagree.
//
//   auto plan = fit_stream_plan(pools, {.mean_budget = 16});      // 30 questions with 64 samples each will do
//   plan->target(std::vector<std::size_t>{0, 0, 2, 0});           // this question may draw so many in all
//
// A question falls into a bucket by the sorted counts of its first K0 answers: (4), (3,1), (2,2), (2,1,1), (1,1,1,1);
// open answers have two, unanimous or not. Each training question gives its curve A(k) and how likely a random K0 of
// its samples falls into each bucket (exact, by counting subsets; the published code draws 2,000). A bucket's curve is
// their weighted mean, and allocate/bucket_plan.h spends the mean budget over the buckets. Source: systems/pets.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bursar/allocate/bucket_plan.h"
#include "bursar/core/result.h"

namespace bursar::sample {

enum class AnswerKind : std::uint8_t { kChoice, kOpen };

struct StreamOptions {
  double mean_budget = 16;  // >= warm_up: samples a question, on average over the stream
  std::size_t warm_up = 4;  // K0, 1 … 8
  std::size_t most = 64;    // of one question, >= warm_up
  AnswerKind kind = AnswerKind::kChoice;
  std::size_t longest = 40;  // A(k) is computed up to here, and the line fitted
};

class StreamPlan {
 public:
  // The samples that a question with these first answers draws in all. Errors: kInvalidArgument unless there are
  // exactly warm_up of them.
  [[nodiscard]] Result<std::int64_t> target(std::span<const std::size_t> first_answers) const;

  [[nodiscard]] const std::vector<allocate::VoteBucket>& buckets() const { return buckets_; }
  [[nodiscard]] const allocate::BucketPlan& plan() const { return plan_; }
  [[nodiscard]] const StreamOptions& options() const { return options_; }
  [[nodiscard]] std::vector<std::vector<std::size_t>> patterns() const;  // of each bucket; open answers: none

  [[nodiscard]] boost::json::object save() const;
  [[nodiscard]] static Result<StreamPlan> restore(const boost::json::object& saved);

 private:
  friend Result<StreamPlan> fit_stream_plan(std::span<const std::vector<std::size_t>> pools,
                                            const StreamOptions& options);
  StreamOptions options_;
  std::vector<allocate::VoteBucket> buckets_;
  allocate::BucketPlan plan_;
};

// pools[q]: the options that the samples of training question q chose, numbered from 0, below 64. Errors:
// kInvalidArgument naming the pool that is shorter than warm_up, and options out of range.
[[nodiscard]] Result<StreamPlan> fit_stream_plan(std::span<const std::vector<std::size_t>> pools,
                                                 const StreamOptions& options);

}  // namespace bursar::sample
