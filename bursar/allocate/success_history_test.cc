#include "bursar/allocate/success_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

using testing::HasSubstr;

std::vector<double> rewards(int ones, int zeros) {
  std::vector<double> out(static_cast<std::size_t>(ones), 1.0);
  out.resize(out.size() + static_cast<std::size_t>(zeros), 0.0);
  return out;
}

TEST(SuccessHistory, TrustsALongLatestVisitAlone) {
  SuccessHistory history;
  ASSERT_TRUE(history.record("a", rewards(16, 0)));
  ASSERT_TRUE(history.record("a", rewards(5, 15)));
  EXPECT_NEAR(*history.estimate("a"), .25, 1e-12);
  EXPECT_EQ(history.seen("a"), 36);
}

TEST(SuccessHistory, FillsAShortVisitUpWithTheMostRecentOnes) {
  SuccessHistory history;
  ASSERT_TRUE(history.record("a", rewards(4, 0)));  // of these none is among the last 16
  ASSERT_TRUE(history.record("a", rewards(2, 10)));
  EXPECT_NEAR(*history.estimate("a"), 6 / 16.0, 1e-12);
  ASSERT_TRUE(history.record("a", rewards(4, 4)));  // 8 of the visit, 8 failures before it
  EXPECT_NEAR(*history.estimate("a"), 4 / 16.0, 1e-12);
}

TEST(SuccessHistory, KnowsNothingOfAnUnseenPrompt) {
  SuccessHistory history;
  EXPECT_FALSE(history.estimate("nobody"));
  EXPECT_FALSE(history.item("nobody").p_hat);
  ASSERT_TRUE(history.record("empty", {}));
  EXPECT_EQ(history.prompts(), 0U);
}

TEST(SuccessHistory, ForgetsAndBelievesWhereAsked) {
  SuccessHistory forgetting({.window = 4, .estimate = SuccessEstimate::kForgetting});
  ASSERT_TRUE(forgetting.record("a", std::vector{0.0, 1.0}));
  EXPECT_NEAR(*forgetting.estimate("a"), 1 / 1.75, 1e-12);
  SuccessHistory belief({.window = 4, .estimate = SuccessEstimate::kBeta});
  ASSERT_TRUE(belief.record("a", std::vector{0.0, 1.0}));
  EXPECT_NEAR(*belief.estimate("a"), 2 / 3.75, 1e-12);
}

TEST(SuccessHistory, ComesBackFromItsLinesAsItWas) {
  RandomStream random(4);
  SuccessHistory history;
  for (int visit = 0; visit < 60; ++visit) {
    std::vector<double> r(1 + random.uniform_int(std::uint64_t{20}));
    for (double& x : r) x = random.bernoulli(.3) ? 1 : 0;
    ASSERT_TRUE(history.record("p" + std::to_string(random.uniform_int(std::uint64_t{9})), r));
  }
  ASSERT_TRUE(history.record("quote \" and line\n", rewards(1, 2)));
  const std::string lines = save_history(history);
  const auto back = load_history(lines, {});
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(save_history(*back), lines);
  EXPECT_EQ(back->prompts(), history.prompts());
  EXPECT_EQ(back->estimate("p3"), history.estimate("p3"));
}

TEST(SuccessHistory, RefusesRewardsAndLinesThatCannotBe) {
  SuccessHistory history({.max_prompts = 1});
  EXPECT_EQ(history.record("a", std::vector{1.0, 1.5}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(history.prompts(), 0U);
  ASSERT_TRUE(history.record("a", rewards(1, 0)));
  EXPECT_EQ(history.record("b", rewards(1, 0)).error().code, ErrorCode::kExhausted);
  const std::string good = save_history(history);
  EXPECT_THAT(load_history(good + good, {}).error().message, HasSubstr("line 2: prompt \"a\" stands there twice"));
  EXPECT_THAT(load_history("\n{\"id\":1}", {}).error().message, HasSubstr("line 2"));
  EXPECT_FALSE(
      load_history(R"({"id":"a","seen":2,"visit_count":3,"visit_sum":1,"weight":1,"sum":1,"recent":[1]})", {}));
  EXPECT_FALSE(load_history(R"({"id":"a","seen":2,"visit_count":1,"visit_sum":1,"weight":1,"sum":1,"recent":[]})", {}));
  EXPECT_FALSE(
      load_history(R"({"id":"a","seen":2,"visit_count":1,"visit_sum":1,"weight":1,"sum":1,"recent":[2]})", {}));
  EXPECT_FALSE(load_history(good, {.window = 0}));
}

}  // namespace
}  // namespace bursar::allocate
