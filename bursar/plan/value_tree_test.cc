#include "bursar/plan/value_tree.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "bursar/core/json.h"
#include "bursar/core/special.h"

namespace bursar::plan {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

void expect_shares(double r, double a, double b, double c, double sum) {
  for (const double scale : {1.0, .1}) {
    EXPECT_THAT(selection_shares(std::vector{.2 * scale, .4 * scale, .8 * scale}, r),
                ElementsAre(DoubleNear(a / sum, 1e-12), DoubleNear(b / sum, 1e-12), DoubleNear(c / sum, 1e-12)));
  }
}

TEST(ValueTree, DrawsByValueAtFirstAndTheBestAtTheEnd) {
  expect_shares(1, 1, 2, 4, 7);
  expect_shares(.5, 1, 4, 16, 21);
  expect_shares(.25, 1, 16, 256, 273);
  EXPECT_NEAR(selection_shares(std::vector{.2, .4, .8}, 1e-12)[2], 1, 1e-12);
}

TEST(ValueTree, DrawsAsOftenAsItSays) {
  // Steps that bring nothing leave a penalty of 1 without effect: the tree stays, and only draws go on.
  auto search =
      *ValueTreeSearch::make({.calls = 1e12, .tokens = 1e12, .options = {.hops = 1, .penalty = 1}, .seed = 5});
  ASSERT_EQ(search.next().node, 0U);
  ASSERT_TRUE(*search.report({.gain = .6}));  // a node of .8 below the root's .2
  int root = 0;
  constexpr int kDraws = 50'000;
  for (int i = 0; i < kDraws; ++i) {
    const TreeAction action = search.next();
    EXPECT_NEAR(action.probability, action.node == 0 ? .2 : .8, 1e-6);
    root += action.node == 0 ? 1 : 0;
    ASSERT_TRUE(search.report({.calls = 1, .gain = 0}));
  }
  EXPECT_NEAR(root, .2 * kDraws, 4 * std::sqrt(kDraws * .2 * .8));
}

// The least M with P(Bin(M, p) >= K) >= 1 - error.
int exact_need(double p, int k, double error) {
  for (int m = k;; ++m) {
    if (*incomplete_beta(k, m - k + 1, p) >= 1 - error) return m;
  }
}

TEST(ValueTree, BoundsStepsAboveWhatIsNeeded) {
  struct Case {
    double p;
    int k;
    double error, bound;
    int need;
  };
  for (const Case& c : {Case{.3, 3, .05, 45, 19}, {.5, 4, .01, 39, 17}, {.1, 2, .1, 97, 38}, {.8, 5, .001, 34, 12}}) {
    EXPECT_NEAR(*steps_bound(c.p, c.k, c.error), c.bound, 1);
    EXPECT_EQ(exact_need(c.p, c.k, c.error), c.need);
  }
  EXPECT_FALSE(steps_bound(0, 1, .1));
}

TEST(ValueTree, NeverSpendsAboveItsCallsAndRepeatsItself) {
  const ValueTreeSetup setup{.calls = 12, .tokens = 900, .options = {.hops = 3, .answer_tokens = 100}, .seed = 8};
  auto run = [&] {
    auto search = *ValueTreeSearch::make(setup);
    RandomStream world(4);
    while (search.next().kind == TreeAction::Kind::kExpand)
      EXPECT_TRUE(
          search.report({.calls = 1, .tokens = 60, .gain = world.uniform(-.2, .4), .finished = world.bernoulli(.1)}));
    EXPECT_LE(search.calls_spent(), 12);
    EXPECT_LE(search.tokens_spent(), 860) << "a step more than what leaves 100";
    return to_json(search.trace());
  };
  EXPECT_EQ(run(), run());
}

TEST(ValueTree, LowersWhatBringsNothingAndStopsAtAGoodAnswer) {
  auto search = *ValueTreeSearch::make({.calls = 10, .tokens = 10, .options = {.hops = 2}});
  (void)search.next();
  EXPECT_FALSE(*search.report({.calls = 1, .gain = .25}));
  EXPECT_DOUBLE_EQ(search.nodes()[0].value, .16);
  (void)search.next();
  const auto child = *search.report({.calls = 1, .gain = .7, .finished = true});
  ASSERT_TRUE(child);
  EXPECT_EQ(search.next().kind, TreeAction::Kind::kAnswer);
  EXPECT_EQ(search.next().node, *child);
}

TEST(ValueTree, ForcesAnAnswerWithoutABudgetOrAnOpenNode) {
  auto broke = *ValueTreeSearch::make({.calls = 0, .tokens = 100});
  EXPECT_EQ(broke.next().kind, TreeAction::Kind::kForce);
  auto search = *ValueTreeSearch::make({.calls = 5, .tokens = 5});
  (void)search.next();
  ASSERT_TRUE(search.report({.calls = 1, .gain = 0, .exhausted = true}));
  EXPECT_EQ(search.next().kind, TreeAction::Kind::kForce);
}

TEST(ValueTree, RefusesWhatIsWrong) {
  EXPECT_FALSE(ValueTreeSearch::make({.calls = -1, .tokens = 1}));
  EXPECT_FALSE(ValueTreeSearch::make({.calls = 1, .tokens = 1, .options = {.hops = 0}}));
  EXPECT_FALSE(ValueTreeSearch::make({.calls = 1, .tokens = 1, .options = {.least_value = 0}}));
  auto search = *ValueTreeSearch::make({.calls = 5, .tokens = 5});
  EXPECT_FALSE(search.report({.gain = 1})) << "nothing was asked for";
  (void)search.next();
  EXPECT_FALSE(search.report({.gain = std::numeric_limits<double>::quiet_NaN()}));
  EXPECT_FALSE(search.report({.calls = -1}));
  EXPECT_TRUE(search.report({.gain = .5}));
}

}  // namespace
}  // namespace bursar::plan
