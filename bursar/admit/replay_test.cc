#include "bursar/admit/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/admit/demo_log.h"
#include "bursar/admit/policies.h"
#include "bursar/admit/policy_file.h"
#include "bursar/core/json.h"

namespace bursar::admit {
namespace {

using testing::ElementsAre;

struct Logged {
  std::vector<double> rewards, costs, actual;
};

std::vector<Logged> drawn(std::size_t requests, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<Logged> out(requests);
  for (Logged& r : out) {
    for (int k = 0; k < 2; ++k) {
      r.rewards.push_back(random.uniform01());
      r.costs.push_back(random.uniform01());
      r.actual.push_back(r.costs.back() * random.uniform(.5, 1));
    }
  }
  return out;
}

LoggedRequest logged(const Logged& r) { return {.rewards = r.rewards, .costs = r.costs, .actual_costs = r.actual}; }

ReplayResult replayed(const std::vector<Logged>& log, const std::string& policy, ReplayOptions options) {
  auto run = ReplayRun::make(policy, *parse_policy_words(policy), policies(), std::move(options));
  EXPECT_TRUE(run) << run.error().message;
  for (const Logged& r : log) EXPECT_TRUE(run->step(logged(r)));
  auto result = run->finish();
  EXPECT_TRUE(result);
  return *result;
}

TEST(ReplayRun, CountsWhatTheLogSaysItReallyCost) {
  const std::vector<Logged> log{{{1}, {2}, {1.5}}, {{1}, {2}, {2}}, {{1}, {2}, {2}}};
  const ReplayResult result = replayed(log, "greedy", {.budget = {4}});
  EXPECT_THAT(result.spent, ElementsAre(3.5));
  EXPECT_EQ(result.taken, 2U);
  EXPECT_EQ(result.first_short, 2U);
  EXPECT_EQ(result.points.back().requests, 3U);
}

TEST(ReplayRun, TellsOutcomesLate) {
  const std::vector<Logged> log{{{1}, {2}, {1}}, {{1}, {2}, {1}}, {{1}, {2}, {1}}};
  // The first outcome frees a unit before the third request at once, and after it with a delay of two.
  EXPECT_EQ(replayed(log, "greedy", {.budget = {4}}).taken, 3U);
  EXPECT_EQ(replayed(log, "greedy", {.budget = {3.5}, .delay = 3}).taken, 1U);
  EXPECT_THAT(replayed(log, "greedy", {.budget = {4}, .delay = 3}).spent, ElementsAre(2));
}

TEST(ReplayRun, KeepsABoundedCurveOfAnyLength) {
  const ReplayResult result =
      replayed(drawn(5000, 1), "dual-mirror-descent", {.budget = {500}, .horizon = 5000, .points = 20});
  EXPECT_GE(result.points.size(), 20U);
  EXPECT_LE(result.points.size(), 41U);
  EXPECT_EQ(result.points.back().requests, 5000U);
  for (std::size_t i = 1; i < result.points.size(); ++i) {
    EXPECT_GT(result.points[i].requests, result.points[i - 1].requests);
    EXPECT_GE(result.points[i].reward, result.points[i - 1].reward);
  }
}

// No policy passes the bound, whether its prices come from the whole log or from a small sample of it.
TEST(Hindsight, BoundsEveryPolicy) {
  const std::vector<Logged> log = drawn(4000, 2);
  const std::vector<double> budget{400};
  double previous = 0;
  for (const std::size_t most : {4000, 300}) {
    ReservoirSample sample(1, AuctionGoal::kUtility, most);
    for (const Logged& r : log) sample.add(logged(r));
    EXPECT_EQ(sample.complete(), most == 4000);
    auto dual = sample.prices(budget);
    ASSERT_TRUE(dual);
    Hindsight hindsight(dual->prices, AuctionGoal::kUtility);
    for (const Logged& r : log) hindsight.add(logged(r));
    const double bound = hindsight.bound(budget);
    for (const char* policy : {"greedy", "dual-mirror-descent", "lp-prices"}) {
      EXPECT_LE(replayed(log, policy, {.budget = budget, .horizon = 4000}).reward, bound) << policy;
    }
    if (most == 4000) {
      previous = bound;
      EXPECT_NEAR(dual->bound, bound, 1e-9 * bound);
    } else {
      EXPECT_GE(bound, previous * (1 - 1e-9));
      EXPECT_LE(bound, previous * 1.01);
    }
  }
}

TEST(PolicyFile, ComesBackAsItWas) {
  const PolicyFile file{.words = {"dual-mirror-descent", {{"initial_prices", boost::json::array{.1, 1e-17}}}},
                        .horizon = 20,
                        .resources = {"usd", "ms"},
                        .about = "by hand"};
  const std::string text = policy_file_text(file);
  auto back = parse_policy_file(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(policy_file_text(*back), text);
  EXPECT_THAT(parse_policy_file(R"({"policy":"greedy","x":1})").error().message, testing::HasSubstr("x"));
}

TEST(DemoLog, IsALogWithHoldsThatSuffice) {
  std::string text;
  write_demo_log({.requests = 200}, [&](std::string_view piece) { text += piece; });
  auto reader = open_log(allocate::from_text(text), {});
  ASSERT_TRUE(reader) << reader.error().message;
  LoggedRequest r;
  std::size_t requests = 0;
  for (auto more = (*reader)->next(r); more && *more; more = (*reader)->next(r), ++requests) {
    ASSERT_EQ(r.rewards.size(), 3U);
    for (std::size_t i = 0; i < r.costs.size(); ++i) ASSERT_LE(r.actual_costs[i], r.holds[i]);
  }
  EXPECT_EQ(requests, 200U);
}

}  // namespace
}  // namespace bursar::admit
