#include "bursar/admit/matching/goal_matcher.h"

#include <array>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::admit {
namespace {

using Edges = std::vector<MatchEdge>;

GoalId take(GoalMatcher& matcher, const Edges& edges, bool success = false) {
  const auto attempt = matcher.offer(edges).value().value();
  EXPECT_TRUE(matcher.report(attempt.id, success));
  return attempt.goal;
}

TEST(GoalMatcher, WithEqualProbabilitiesGoesToTheLeastLoadedWhateverTheCurve) {
  for (const auto name : LoadCurve::names()) {
    GoalMatcher matcher = *stochastic_balance(std::vector{1.0, 1.0, 1.0}, *LoadCurve::named(name));
    std::vector<GoalId> got;
    for (int k = 0; k < 6; ++k) got.push_back(take(matcher, {{0, .1}, {1, .1}, {2, .1}}));
    EXPECT_EQ(got, (std::vector<GoalId>{0, 1, 2, 0, 1, 2})) << name;
    EXPECT_NEAR(*matcher.load(1), .2, 1e-15);
  }
}

TEST(GoalMatcher, WeighsWorthAndProbabilityAgainstLoad) {
  GoalMatcher matcher = *stochastic_balance(std::vector{1.0, 2.0});
  EXPECT_EQ(take(matcher, {{0, .5}, {1, .4}}), 1U);  // .5 against .8
  EXPECT_EQ(take(matcher, {{0, .5}, {1, .4}}), 1U);  // .5 against .8 exp(-.4) = .536
  EXPECT_EQ(take(matcher, {{0, .5}, {1, .4}}), 0U);  // .5 against .8 exp(-.8) = .359
}

TEST(GoalMatcher, LeavesASucceededGoalAndTriesAnyOtherThatIsOpen) {
  GoalMatcher matcher = *stochastic_balance(std::vector{1.0, 1.0});
  EXPECT_EQ(take(matcher, {{0, .9}}, true), 0U);
  EXPECT_EQ(take(matcher, {{0, .9}, {1, .1}}), 1U);
  EXPECT_FALSE(matcher.offer(Edges{{0, .9}}).value());
  EXPECT_FALSE(matcher.offer(Edges{{1, 0}}).value()) << "a slot that cannot work is not spent";
  EXPECT_EQ(matcher.succeeded_weight(), 1);
  EXPECT_EQ(matcher.open_goals(), 1U);
  EXPECT_EQ(matcher.status(0)->state, GoalState::kSucceeded);
}

TEST(GoalMatcher, RulesTakeWhatTheySay) {
  const std::vector<double> weights{1, 1, 3};
  const Edges edges{{2, .2}, {1, .5}, {0, .5}};
  GoalMatcher greedy = *goal_matcher(GoalRule::kGreedy, weights), first = *goal_matcher(GoalRule::kFirst, weights);
  for (int k = 0; k < 3; ++k) {
    EXPECT_EQ(take(greedy, edges), 2U);  // .6 against .5, however often it failed
    EXPECT_EQ(take(first, edges), 0U);
  }
  GoalMatcher high = *GoalMatcher::create(weights, {.rule = GoalRule::kGreedy, .ties_high = true});
  EXPECT_EQ(take(high, {{0, .5}, {1, .5}}), 1U);
  std::map<GoalId, int> drawn;
  GoalMatcher random = *goal_matcher(GoalRule::kRandom, weights, 5);
  for (int k = 0; k < 6000; ++k) ++drawn[take(random, edges)];
  for (const auto& [goal, count] : drawn) EXPECT_NEAR(count, 2000, 150) << goal;
  EXPECT_EQ(drawn.size(), 3U);
}

TEST(GoalMatcher, RankingKeepsOneOrderAndDrawsItBySeed) {
  const std::vector<double> weights(4, 1.0);
  const Edges edges{{0, .5}, {1, .5}, {2, .5}, {3, .5}};
  std::map<GoalId, int> first;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    GoalMatcher matcher = *goal_matcher(GoalRule::kRanking, weights, seed);
    const GoalId at_first = take(matcher, edges);
    EXPECT_EQ(take(matcher, edges), at_first) << "a failed try does not change a rank";
    ++first[at_first];
  }
  for (GoalId goal = 0; goal < 4; ++goal) EXPECT_NEAR(first[goal], 100, 35);
}

TEST(GoalMatcher, HoldsAGoalWhileItsTryIsUnderWay) {
  GoalMatcher matcher = *stochastic_balance(std::vector{1.0, 1.0});
  const auto a = matcher.offer(Edges{{0, .5}}).value().value();
  EXPECT_FALSE(matcher.offer(Edges{{0, .5}}).value());
  EXPECT_EQ(matcher.offer(Edges{{0, .5}, {1, .1}}).value()->goal, 1U);
  EXPECT_TRUE(matcher.retract(a.id));
  EXPECT_EQ(*matcher.load(0), 0);
  EXPECT_EQ(matcher.offer(Edges{{0, .5}}).value()->goal, 0U);

  GoalMatcher wide = *GoalMatcher::create(std::vector{1.0}, {.max_pending = 2});
  const auto b = wide.offer(Edges{{0, .5}}).value().value(), c = wide.offer(Edges{{0, .5}}).value().value();
  EXPECT_FALSE(wide.offer(Edges{{0, .5}}).value());
  EXPECT_TRUE(wide.report(b.id, true));
  EXPECT_TRUE(wide.report(c.id, true)) << "a second success is taken, and counts nothing";
  EXPECT_EQ(wide.succeeded_weight(), 1);
}

TEST(GoalMatcher, AddsAndRemovesGoalsWithoutMixingUpTheirNames) {
  GoalMatcher matcher = *stochastic_balance(std::vector{1.0, 1.0});
  const auto attempt = matcher.offer(Edges{{1, .5}}).value().value();
  EXPECT_TRUE(matcher.remove_goal(1));
  const GoalId late = *matcher.add_goal(5);
  EXPECT_NE(late, 1U);
  EXPECT_TRUE(matcher.report(attempt.id, true)) << "its goal is gone; the report is no error";
  EXPECT_EQ(matcher.succeeded_weight(), 0);
  EXPECT_EQ(matcher.status(late)->tries, 0U);
  EXPECT_EQ(take(matcher, {{0, .5}, {late, .5}}), late);
  EXPECT_EQ(matcher.offer(Edges{{1, .5}}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(matcher.goals(), 2U);
}

TEST(GoalMatcher, RefusesWhatIsWrongAndChangesNothing) {
  GoalMatcher matcher = *stochastic_balance(std::vector{1.0, 1.0});
  const std::string before = to_json(matcher.save());
  for (const double bad : {-.1, 1.5, std::nan("")}) {
    EXPECT_EQ(matcher.offer(Edges{{0, .5}, {1, bad}}).error().code, ErrorCode::kInvalidArgument);
    if (bad != 1.5) {
      EXPECT_EQ(matcher.add_goal(bad).error().code, ErrorCode::kInvalidArgument);
    }
  }
  EXPECT_EQ(matcher.offer(Edges{{0, .5}, {0, .5}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(matcher.offer(Edges{{7, .5}}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(matcher.report(0, true).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(matcher.load(9).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(to_json(matcher.save()), before);
  EXPECT_EQ(take(matcher, {{0, .5}}), 0U);
  EXPECT_FALSE(GoalMatcher::create(std::vector{1.0}, {.max_pending = 0}));
  EXPECT_EQ(GoalMatcher::create(std::vector{1.0, 1.0}, {.max_goals = 1}).error().code, ErrorCode::kExhausted);
}

Edges some_edges(const std::vector<GoalId>& goals, RandomStream& random) {
  Edges edges;
  for (const GoalId goal : goals) {
    if (random.bernoulli(.5)) edges.push_back({goal, random.uniform01()});
  }
  return edges;
}

// A stream of everything that can happen; `swap` gives the matcher back, perhaps after saving and loading it.
std::vector<std::uint64_t> live(GoalMatcher matcher, const std::function<GoalMatcher(GoalMatcher)>& swap) {
  RandomStream random(21);
  std::vector<GoalId> goals{0, 1, 2, 3};
  std::vector<std::uint64_t> log, open;
  for (int step = 0; step < 400; ++step) {
    matcher = swap(std::move(matcher));
    const auto kind = random.uniform_int(10);
    if (kind == 0) goals.push_back(*matcher.add_goal(random.uniform(0, 2))), log.push_back(goals.back());
    if (kind == 1 && goals.size() > 2) {
      const std::size_t at = random.uniform_int(goals.size());
      EXPECT_TRUE(matcher.remove_goal(goals[at]));
      goals.erase(goals.begin() + static_cast<std::ptrdiff_t>(at));
    }
    if (kind >= 2 && kind < 7) {
      const auto attempt = matcher.offer(some_edges(goals, random)).value();
      log.push_back(attempt ? attempt->goal : 12345);
      if (attempt) open.push_back(attempt->id);
    }
    if (kind >= 7 && !open.empty()) {
      const std::size_t at = random.uniform_int(open.size());
      if (kind == 9)
        EXPECT_TRUE(matcher.retract(open[at]));
      else
        EXPECT_TRUE(matcher.report(open[at], random.bernoulli(.3)));
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  log.push_back(static_cast<std::uint64_t>(1e9 * matcher.succeeded_weight()));
  return log;
}

TEST(GoalMatcher, GoesOnExactlyAfterSavingAtAnyPoint) {
  for (const GoalRule rule :
       {GoalRule::kBalance, GoalRule::kGreedy, GoalRule::kRanking, GoalRule::kRandom, GoalRule::kFirst}) {
    const auto start = [&] {
      return GoalMatcher::create(std::vector{1.0, .3, 1.7, 1.0}, {.rule = rule, .max_pending = 2}).value();
    };
    const auto kept = live(start(), [](GoalMatcher m) { return m; });
    const auto through_text = live(
        start(), [](const GoalMatcher& m) { return GoalMatcher::load(parse_json(to_json(m.save())).value()).value(); });
    const auto through_value = live(start(), [](const GoalMatcher& m) { return GoalMatcher::load(m.save()).value(); });
    EXPECT_EQ(kept, through_text) << name_of(rule);
    EXPECT_EQ(kept, through_value) << name_of(rule);
  }
}

TEST(GoalMatcher, LoadsNothingThatContradictsItself) {
  GoalMatcher matcher = *stochastic_balance(std::vector{1.0, 1.0});
  (void)matcher.offer(Edges{{0, .5}}).value();
  const std::string good = to_json(matcher.save());
  EXPECT_TRUE(GoalMatcher::load(*parse_json(good)));
  const std::array<std::pair<std::string_view, std::string_view>, 6> changes{
      {{"bursar-goals/1", "bursar-goals/9"},
       {"\"balance\"", "\"best\""},
       {"\"marginal\"", "\"mine\""},
       {"\"pending\":[[0,0,5E-1]]", "\"pending\":[]"},
       {"\"free\":[]", "\"free\":[0]"},
       {"\"max_pending\":1", "\"max_pending\":0"}}};
  for (const auto& [from, to] : changes) {
    std::string bad = good;
    const std::size_t at = bad.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << good;
    bad.replace(at, from.size(), to);
    EXPECT_FALSE(GoalMatcher::load(*parse_json(bad))) << bad;
  }
}

TEST(LoadCurve, RisesStrictlyAndIsNeverFull) {
  for (const auto name : LoadCurve::names()) {
    const LoadCurve curve = *LoadCurve::named(name);
    double last = curve.left(0);
    EXPECT_LE(last, 1);
    for (double l = .25; l <= 30; l += .25) {
      EXPECT_LT(curve.left(l), last) << name << " at " << l;
      last = curve.left(l);
      EXPECT_GT(last, 0);
    }
  }
  EXPECT_FALSE(LoadCurve::named("flat"));
}

}  // namespace
}  // namespace bursar::admit
