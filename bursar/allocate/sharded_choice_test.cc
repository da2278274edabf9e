#include "bursar/allocate/sharded_choice.h"

#include <barrier>
#include <cmath>
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

// Ranks as threads that meet at a barrier: what MPI does between processes.
class Meeting {
 public:
  explicit Meeting(int ranks) : ranks_(ranks), barrier_(ranks), bytes_(static_cast<std::size_t>(ranks)) {}

  Exchange rank(int r) {
    return {.rank = r,
            .ranks = ranks_,
            .sum =
                [this, r](std::span<std::int64_t> numbers) {
                  const auto all = meet(r, std::as_bytes(numbers));
                  std::vector<std::int64_t> each(all.size() / 8);
                  std::memcpy(each.data(), all.data(), all.size());
                  std::ranges::fill(numbers, 0);
                  for (std::size_t k = 0; k < each.size(); ++k) numbers[k % numbers.size()] += each[k];
                },
            .gather = [this, r](std::span<const std::byte> mine) { return meet(r, mine); }};
  }

 private:
  std::vector<std::byte> meet(int r, std::span<const std::byte> mine) {
    bytes_[static_cast<std::size_t>(r)].assign(mine.begin(), mine.end());
    barrier_.arrive_and_wait();
    std::vector<std::byte> all;
    for (const auto& b : bytes_) all.insert(all.end(), b.begin(), b.end());
    barrier_.arrive_and_wait();
    return all;
  }

  int ranks_;
  std::barrier<> barrier_;
  std::vector<std::vector<std::byte>> bytes_;
};

struct Whole {
  std::vector<double> value, cost;
  std::size_t width = 0;
  double budget = 0;
};

std::vector<Result<ShardedResult>> solve_on(const Whole& p, int ranks) {
  Meeting meeting(ranks);
  const std::size_t items = p.value.size() / p.width;
  std::vector<Result<ShardedResult>> results(static_cast<std::size_t>(ranks), ShardedResult{});
  std::vector<std::jthread> threads;
  for (int r = 0; r < ranks; ++r) {
    threads.emplace_back([&, r] {
      // Uneven shards.
      const std::size_t from =
          items * static_cast<std::size_t>(r * r) / static_cast<std::size_t>(ranks * ranks) * p.width;
      const std::size_t to =
          items * static_cast<std::size_t>((r + 1) * (r + 1)) / static_cast<std::size_t>(ranks * ranks) * p.width;
      const ChoiceTable shard{.value = std::span(p.value).subspan(from, to - from),
                              .cost = std::span(p.cost).subspan(from, to - from),
                              .width = p.width};
      results[static_cast<std::size_t>(r)] = sharded_choice(shard, p.budget, meeting.rank(r));
    });
  }
  threads.clear();
  return results;
}

Whole random_whole(RandomStream& random, std::size_t items, int kind) {
  Whole p{.width = 6};
  for (std::size_t o = 0; o < items * p.width; ++o) {
    const double c = kind == 0 ? random.uniform01() : std::floor(random.uniform(1, 100));
    p.cost.push_back(c);
    p.value.push_back(kind == 2 ? c : kind == 0 ? random.uniform01() : std::floor(random.uniform(1, 100)));
  }
  double least = 0, most = 0;
  for (std::size_t i = 0; i < items; ++i) {
    const auto [low, high] = std::ranges::minmax(std::span(p.cost).subspan(i * 6, 6));
    least += low, most += high;
  }
  p.budget = least + (most - least) * random.uniform(.1, .9);
  return p;
}

TEST(ShardedChoice, GivesTheSameAnswerBitByBitOnOneTwoAndFourRanks) {
  RandomStream random(1);
  for (int trial = 0; trial < 12; ++trial) {
    const Whole p = random_whole(random, trial < 6 ? 700 : 30'000, trial % 3);
    const auto one = solve_on(p, 1);
    ASSERT_TRUE(one[0]) << one[0].error().message;
    const auto direct = multiple_choice({.value = p.value, .cost = p.cost, .width = p.width}, p.budget,
                                        {.method = ChoiceMethod::kLagrangian});
    EXPECT_NEAR(one[0]->bound / direct->bound, 1, 1e-9);
    EXPECT_LE(one[0]->cost, p.budget * (1 + 1e-11));
    EXPECT_LE(relative_gap(one[0]->value, one[0]->bound), 5e-3);
    for (const int ranks : {2, 4}) {
      std::vector<std::uint32_t> choice;
      for (const auto& r : solve_on(p, ranks)) {
        ASSERT_TRUE(r) << r.error().message;
        EXPECT_EQ(r->value, one[0]->value);
        EXPECT_EQ(r->cost, one[0]->cost);
        EXPECT_EQ(r->bound, one[0]->bound);
        EXPECT_EQ(r->price, one[0]->price);
        EXPECT_EQ(r->first_item, choice.size());
        choice.insert(choice.end(), r->choice.begin(), r->choice.end());
      }
      EXPECT_EQ(choice, one[0]->choice) << "trial " << trial << ", ranks " << ranks;
    }
  }
}

TEST(ShardedChoice, ItsTotalsAreThoseOfItsChoice) {
  RandomStream random(2);
  const Whole p = random_whole(random, 40'000, 0);
  const auto r = solve_on(p, 1);
  ASSERT_TRUE(r[0]);
  double value = 0, cost = 0;
  for (std::size_t i = 0; i < r[0]->choice.size(); ++i)
    value += p.value[i * 6 + r[0]->choice[i]], cost += p.cost[i * 6 + r[0]->choice[i]];
  EXPECT_NEAR(value / r[0]->value, 1, 1e-12);
  EXPECT_NEAR(cost / r[0]->cost, 1, 1e-12);
  EXPECT_GE(r[0]->bound, r[0]->value);
}

TEST(ShardedChoice, AllRanksReportTheSameError) {
  RandomStream random(3);
  Whole p = random_whole(random, 100, 1);
  const double budget = p.budget;
  p.budget = 1;
  const auto low = solve_on(p, 2);
  EXPECT_EQ(low[0].error().code, ErrorCode::kInfeasible);
  EXPECT_EQ(low[0].error().message, low[1].error().message);
  EXPECT_THAT(low[0].error().message, testing::HasSubstr("short; most is needed by item"));
  p.budget = budget;
  p.value[400] = std::nan("");
  const auto bad = solve_on(p, 2);
  EXPECT_THAT(bad[0].error().message, testing::HasSubstr("value is nan"));
  EXPECT_EQ(bad[0].error().message, bad[1].error().message);
}

}  // namespace
}  // namespace bursar::allocate
