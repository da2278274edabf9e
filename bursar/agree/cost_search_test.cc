#include "bursar/agree/cost_search.h"

#include <algorithm>
#include <boost/json/value.hpp>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/random.h"

namespace bursar::agree {
namespace {

using testing::HasSubstr;

// pay[rule x efforts + effort] under which each effort is strictly best at its own rule.
struct Agent {
  std::vector<double> costs, pay;
  [[nodiscard]] std::size_t choice(const CostSearch::Query& q) const {
    const std::size_t n = costs.size();
    const auto gain = [&](std::size_t e) {
      return q.weight * pay[q.to * n + e] + (1 - q.weight) * pay[q.from * n + e] - costs[e];
    };
    std::size_t best = 0;
    for (std::size_t e = 0; e < n; ++e) best = gain(e) > gain(best) ? e : best;
    return best;
  }
};

Agent strict_agent(std::size_t efforts, RandomStream& random) {
  Agent a;
  for (std::size_t e = 0; e < efforts; ++e) a.costs.push_back(random.uniform(0, .2));
  a.costs[random.uniform_int(efforts)] = 0;
  for (std::size_t rule = 0; rule < efforts; ++rule) {
    for (std::size_t e = 0; e < efforts; ++e)
      a.pay.push_back(a.costs[e] + (e == rule ? .3 : 0) + random.uniform(0, .25));
  }
  return a;
}

TEST(CostSearch, FindsTheCostsOfAnyNumberOfEfforts) {
  RandomStream random(1);
  for (int trial = 0; trial < 300; ++trial) {
    const std::size_t efforts = 1 + random.uniform_int(std::uint64_t{5});
    const Agent agent = strict_agent(efforts, random);
    CostSearch search(efforts, 40);
    std::size_t queries = 0;
    for (; !search.done(); ++queries) ASSERT_TRUE(search.answer(agent.choice(search.query())));
    ASSERT_LE(queries, (efforts - 1) * (efforts - 1) * 40);
    const auto costs = costs_of(search.switches(), efforts, agent.pay);
    ASSERT_TRUE(costs) << costs.error().message;
    for (std::size_t e = 0; e < efforts; ++e) ASSERT_NEAR((*costs)[e], agent.costs[e], 1e-9);
  }
}

TEST(CostSearch, SavedInTheMiddleGoesOnAsItWould) {
  RandomStream random(2);
  const Agent agent = strict_agent(4, random);
  CostSearch search(4, 12);
  while (!search.done()) {
    const auto text = to_json(search.save());
    const auto document = parse_json(text);
    auto again = CostSearch::load(JsonView(*document), 4, 12);
    ASSERT_TRUE(again) << again.error().message;
    ASSERT_EQ(to_json(again->save()), text);
    ASSERT_EQ(again->query().weight, search.query().weight);
    ASSERT_TRUE(search.answer(agent.choice(search.query())));
  }
}

TEST(CostSearch, IsUnidentifiableWhereNothingChangesOrTooMuchDoes) {
  CostSearch never(2, 8);
  Result<void> ok;
  while (ok && !never.done()) ok = never.answer(0);
  ASSERT_FALSE(ok);
  EXPECT_EQ(ok.error().code, ErrorCode::kInfeasible);
  EXPECT_THAT(ok.error().message, HasSubstr("unidentifiable: between the rules of efforts 0 and 1 effort 0 is seen"));
  CostSearch wild(3, 8);
  ok = wild.answer(2);  // 0 … 2 … 1
  ASSERT_TRUE(ok);
  ok = wild.answer(1);  // 0 … 1 … 2 … 1: three changes among three efforts
  ASSERT_FALSE(ok);
  EXPECT_THAT(ok.error().message, HasSubstr("changes more often"));
}

TEST(CostSearch, LoadRefusesForeignNumbers) {
  const auto load = [](std::string_view text) {
    const auto document = parse_json(text);
    return CostSearch::load(JsonView(*document), 2, 8).error().message;
  };
  EXPECT_THAT(load("{}"), HasSubstr("to"));
  EXPECT_THAT(load(R"({"to":5,"before":0,"open":[],"switches":[]})"),
              HasSubstr("$.to: must be an integer from 0 to 1"));
  EXPECT_THAT(load(R"({"to":1,"before":0,"open":[[1,0,0,1,0]],"switches":[]})"), HasSubstr("is no interval"));
  EXPECT_THAT(load(R"({"to":1,"before":0,"open":[[0,1,0]],"switches":[]})"), HasSubstr("five numbers"));
}

}  // namespace
}  // namespace bursar::agree
