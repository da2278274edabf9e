#include "bursar/sample/guidance/budget_guide.h"

#include <array>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>
#include <rapidcheck/gtest.h>

#include "bursar/core/random.h"

namespace bursar::sample {
namespace {

using ::testing::HasSubstr;
using Laws = std::vector<std::optional<LengthLaw>>;

// Two states; a token goes to one of them or ends. Chances of ending within R tokens, by the recursion.
struct Chain {
  std::array<std::array<double, 3>, 2> p{{{.5, .3, .2}, {.15, .8, .05}}};  // to 0, to 1, end
  [[nodiscard]] double within(std::size_t state, int tokens) const {
    if (tokens <= 0) return 0;
    const auto& row = p.at(state);
    return row[2] + row[0] * within(0, tokens - 1) + row[1] * within(1, tokens - 1);
  }
  // Every path of at most `left` tokens: the difference of its guided chance and p(path) / P(L <= B).
  double worst(std::size_t state, int left, double plain, double guided, double all) const {
    std::array<double, 3> probs = p.at(state);
    const std::array<FinishChance, 3> chances{
        FinishChance{.at_remaining = within(0, left - 1)}, {.at_remaining = within(1, left - 1)}, {.at_remaining = 1}};
    EXPECT_TRUE(reweight_by(chances, probs).has_value());
    double off = std::abs(guided * probs[2] - plain * p.at(state)[2] / all);
    for (std::size_t to = 0; to < 2; ++to) {
      if (left == 1) {
        EXPECT_EQ(probs.at(to), 0);  // longer paths have no chance
        continue;
      }
      off = std::max(off, worst(to, left - 1, plain * p.at(state).at(to), guided * probs.at(to), all));
    }
    return off;
  }
};

TEST(BudgetGuide, ConditionsTheModelExactlyWhenItIsAppliedAtEveryToken) {
  const Chain chain;
  EXPECT_LT(chain.worst(0, 6, 1, 1, chain.within(0, 6)), 1e-16);
}

TEST(BudgetGuide, LeavesTheModelAloneWhereAllFinishAlikeOrTimeIsPlenty) {
  const LengthLaw law{.shape = 30, .rate = 5};
  std::vector<double> p{.5, .3, .2};
  const auto same = *reweight(Laws{law, law, law}, 50, p);
  EXPECT_FALSE(same.fell_back);
  EXPECT_THAT(p, ::testing::Pointwise(::testing::DoubleNear(1e-15), std::vector{.5, .3, .2}));
  (void)*reweight(Laws{law, LengthLaw{.shape = 4, .rate = 1}, LengthLaw{.shape = 60, .rate = 20}}, INT64_MAX, p);
  EXPECT_THAT(p, ::testing::Pointwise(::testing::DoubleNear(1e-12), std::vector{.5, .3, .2}));
}

TEST(BudgetGuide, MovesTowardsWhatFinishesInTime) {
  const Laws laws{LengthLaw{.shape = 60, .rate = 10}, LengthLaw{.shape = 30, .rate = 10}};  // about e^6 and e^3
  double before = 0;
  for (const std::int64_t remaining : {2000, 500, 200, 80, 30}) {
    std::vector<double> p{.9, .1};
    const auto guided = *reweight(laws, remaining, p);
    EXPECT_NEAR(p[0] + p[1], 1, 1e-15);
    EXPECT_NEAR(p[1] / p[0], .1 / .9 * guided.finish[1] / guided.finish[0], 1e-9 * p[1] / p[0]);
    EXPECT_GT(p[1], before);
    before = p[1];
  }
}

TEST(BudgetGuide, KeepsWhatIsUnknownNeutralAndCountsIt) {
  std::vector<double> p{.2, .2};  // a part of a vocabulary
  const auto guided = *reweight(Laws{std::nullopt, LengthLaw{.shape = 1, .rate = std::log(2)}}, 1, p);
  EXPECT_EQ(guided.without_law, 1U);
  EXPECT_EQ(guided.finish[0], 1);
  EXPECT_NEAR(p[0], 1 / (2 - std::exp(-std::log(2) * std::log(2))), 1e-12);
}

TEST(BudgetGuide, LeavesOutWhatIsUnknownWhereItIsToldTo) {
  const Laws laws{std::nullopt, LengthLaw{.shape = 60, .rate = 10}};
  std::vector<double> p{.9, .1};
  EXPECT_FALSE(reweight(laws, 50, p, {.only_known = true})->fell_back);
  EXPECT_EQ(p, (std::vector{0.0, 1.0}));
  p = {.9, .1};
  EXPECT_TRUE(
      reweight(Laws{std::nullopt, LengthLaw{.shape = 1e6, .rate = 1e5}}, 1, p, {.only_known = true})->fell_back);
  EXPECT_EQ(p, (std::vector{0.0, 1.0}));
}

TEST(BudgetGuide, HoldsWhatIsLeftAtOneToken) {
  const Laws laws{LengthLaw{.shape = 3, .rate = 2}, LengthLaw{.shape = 2, .rate = 3}};
  std::vector<double> none{.6, .4}, one{.6, .4};
  EXPECT_EQ(reweight(laws, 0, none)->finish, reweight(laws, 1, one)->finish);
  EXPECT_EQ(none, one);
}

TEST(BudgetGuide, MasksAsPublishedAndThenTakesTheFavourite) {
  const LengthLaw wide{.shape = 20, .rate = 4}, tight{.shape = 60, .rate = 12};
  std::vector<double> p{.7, .3};
  const auto guided = *reweight(Laws{wide, tight}, 400, p, published_guide());
  EXPECT_EQ(guided.masked, 1U);
  EXPECT_EQ(p, (std::vector{0.0, 1.0}));
  p = {.7, .3};
  const auto all = *reweight(Laws{wide, wide}, 400, p, published_guide());
  EXPECT_TRUE(all.fell_back);
  EXPECT_EQ(p, (std::vector{1.0, 0.0}));
}

TEST(BudgetGuide, FallsBackToWhatFinishesFirst) {
  // None can end in one token, as far as doubles tell; the favourite is the slowest.
  const Laws laws{LengthLaw{.shape = 1e6, .rate = 1e5}, LengthLaw{.shape = 1e6, .rate = 4e5}, std::nullopt};
  std::vector<double> p{.9, .1, 0};
  const auto guided = *reweight(laws, 1, p);
  EXPECT_TRUE(guided.fell_back);
  EXPECT_EQ(p, (std::vector{0.0, 1.0, 0.0}));
}

TEST(BudgetGuide, LosesNothingToUnderflow) {
  const std::array<FinishChance, 2> chances{FinishChance{.at_remaining = 1e-300}, {.at_remaining = 3e-300}};
  std::vector<double> p{1e-200, 1e-200};
  EXPECT_FALSE(reweight_by(chances, p)->fell_back);
  EXPECT_NEAR(p[1], .75, 1e-12);
}

RC_GTEST_PROP(BudgetGuide, GivesNoMassToTheImpossibleAndSumsToOne, (std::uint64_t seed)) {
  RandomStream random(seed);
  const std::size_t n = 1 + random.uniform_int(std::uint64_t{8});
  Laws laws(n);
  std::vector<double> p(n);
  for (std::size_t v = 0; v < n; ++v) {
    if (random.bernoulli(.8)) laws[v] = LengthLaw{.shape = random.uniform(.1, 80), .rate = random.uniform(.1, 20)};
    p[v] = random.bernoulli(.3) ? 0 : random.uniform01();
  }
  if (std::ranges::all_of(p, [](double x) { return x == 0; })) p[0] = 1;
  const std::vector<double> before = p;
  const std::int64_t remaining = random.uniform_int(0, 3000);
  const auto guided = *reweight(laws, remaining, p);
  RC_ASSERT(std::abs(std::accumulate(p.begin(), p.end(), 0.0) - 1) < 1e-12);
  std::vector<double> later = before;
  const auto more = *reweight(laws, remaining + random.uniform_int(0, 3000), later);
  for (std::size_t v = 0; v < n; ++v) {
    RC_ASSERT(before[v] > 0 || p[v] == 0);
    RC_ASSERT(more.finish[v] >= guided.finish[v]);  // a_v does not fall with R
  }
}

TEST(BudgetGuide, NamesWhatIsWrongAndChangesNothing) {
  const Laws laws{LengthLaw{.shape = 3, .rate = 2}, std::nullopt};
  const auto refused = [&](std::vector<double> p, const Laws& with, std::int64_t remaining = 5) {
    const std::vector<double> before = p;
    const auto result = reweight(with, remaining, p);
    for (std::size_t v = 0; v < p.size(); ++v) EXPECT_TRUE(p[v] == before[v] || std::isnan(before[v]));
    return result ? std::string() : result.error().message;
  };
  EXPECT_THAT(refused({.5, -.1}, laws), HasSubstr("probability 1"));
  EXPECT_THAT(refused({std::nan(""), .1}, laws), HasSubstr("probability 0"));
  EXPECT_THAT(refused({0, 0}, laws), HasSubstr("all probabilities are 0"));
  EXPECT_THAT(refused({}, {}), HasSubstr("no candidates"));
  EXPECT_THAT(refused({.5}, laws), HasSubstr("2 laws and 1"));
  EXPECT_THAT(refused({.5, .5}, laws, -1), HasSubstr("remaining is -1"));
  EXPECT_THAT(refused({.5, .5}, {std::nullopt, LengthLaw{.shape = 0, .rate = 1}}), HasSubstr("law 1: shape"));
}

}  // namespace
}  // namespace bursar::sample
