#include "bursar/sample/streaming_allocator.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <gtest/gtest.h>

#include "bursar/core/random.h"

namespace bursar::sample {
namespace {

std::vector<std::vector<std::size_t>> pools(std::size_t count, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<std::vector<std::size_t>> out(count);
  for (auto& pool : out) {
    const double top = random.uniform(.35, 1);
    for (int i = 0; i < 64; ++i) pool.push_back(random.bernoulli(top) ? 0 : 1 + random.uniform_int(std::uint64_t{3}));
  }
  return out;
}

TEST(StreamPlan, GivesMoreWhereTheFirstAnswersDisagree) {
  const auto plan = fit_stream_plan(pools(30, 1), {.mean_budget = 16});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->patterns(), (std::vector<std::vector<std::size_t>>{{4}, {3, 1}, {2, 2}, {2, 1, 1}, {1, 1, 1, 1}}));
  EXPECT_LE(plan->plan().mean, 16);
  using Answers = std::vector<std::size_t>;
  EXPECT_LT(*plan->target(Answers{2, 2, 2, 2}), *plan->target(Answers{0, 1, 0, 2}));
  EXPECT_EQ(*plan->target(Answers{0, 0, 0, 3}), plan->plan().budget[1]);
  EXPECT_EQ(*plan->target(Answers{5, 4, 4, 5}), plan->plan().budget[2]);
  EXPECT_FALSE(plan->target(Answers{0, 0, 0}));
}

// Shares of the buckets against every subset of four.
TEST(StreamPlan, CountsSubsetsExactly) {
  const std::vector<std::size_t> pool{0, 0, 0, 1, 1, 2, 3};
  const auto plan = *fit_stream_plan(std::vector<std::vector<std::size_t>>{pool}, {.mean_budget = 8});
  std::vector<double> seen(5, 0);
  double subsets = 0;
  for (std::size_t mask = 0; mask < 128; ++mask) {
    if (std::popcount(mask) != 4) continue;
    std::vector<std::size_t> counts(4, 0);
    for (std::size_t i = 0; i < 7; ++i) counts[pool[i]] += mask >> i & 1;
    std::ranges::sort(counts, std::greater{});
    const std::size_t largest = counts[0], second = counts[1];
    seen[largest == 4 ? 0 : largest == 3 ? 1 : largest == 1 ? 4 : second == 2 ? 2 : 3] += 1;
    subsets += 1;
  }
  for (std::size_t t = 0; t < 5; ++t) EXPECT_NEAR(plan.buckets()[t].share, seen[t] / subsets, 1e-12) << t;
}

TEST(StreamPlan, HasTwoBucketsForOpenAnswers) {
  const auto plan = *fit_stream_plan(pools(30, 2), {.mean_budget = 12, .kind = AnswerKind::kOpen});
  ASSERT_EQ(plan.buckets().size(), 2U);
  EXPECT_NEAR(plan.buckets()[0].share + plan.buckets()[1].share, 1, 1e-9);
  EXPECT_EQ(*plan.target(std::vector<std::size_t>{9, 9, 9, 9}), plan.plan().budget[0]);
  EXPECT_EQ(*plan.target(std::vector<std::size_t>{9, 9, 9, 8}), plan.plan().budget[1]);
}

TEST(StreamPlan, IsTheSameAfterItWasSaved) {
  const auto plan = *fit_stream_plan(pools(20, 3), {.mean_budget = 10});
  const auto again = *StreamPlan::restore(plan.save());
  EXPECT_EQ(again.plan().budget, plan.plan().budget);
  EXPECT_EQ(again.save(), plan.save());
  auto broken = plan.save();
  broken["buckets"].as_array().pop_back();
  EXPECT_EQ(StreamPlan::restore(broken).error().code, ErrorCode::kCorrupt);
}

TEST(StreamPlan, RefusesBudgetsBelowTheFirstAnswers) {
  EXPECT_FALSE(fit_stream_plan(pools(5, 1), {.mean_budget = 3.5}));
  EXPECT_FALSE(fit_stream_plan({}, {.mean_budget = 8}));
  EXPECT_NE(fit_stream_plan(std::vector<std::vector<std::size_t>>{{0, 1, 2}}, {}).error().message.find("pool 0"),
            std::string::npos);
}

}  // namespace
}  // namespace bursar::sample
