#include "bursar/plan/token_plan.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include "bursar/core/random.h"

namespace bursar::plan {
namespace {

using ::testing::ElementsAre;

TEST(TokenPlan, ReadsStepsAndHints) {
  const auto steps =
      parse_steps("Plan:\n1. Find x.\nHint: isolate it\n 2) Find y.\nsome words\n10. Add.\nHint: both\nHint: twice\n");
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].text, "Find x.");
  EXPECT_EQ(steps[0].hint, "isolate it");
  EXPECT_EQ(steps[1].hint, "");
  EXPECT_EQ(steps[2].hint, "both");
  EXPECT_EQ(parse_steps("no numbers here")[0].text, "solve directly");
  EXPECT_EQ(parse_steps("")[0].text, "solve directly");
  EXPECT_EQ(parse_steps("1.\n2.  \n")[0].text, "solve directly");
}

TEST(TokenPlan, CutsQuestionsWithoutAModel) {
  const auto steps = heuristic_steps("What is 3 + 4? Double it, then take the root.");
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].text, "What is 3 + 4?");
  EXPECT_LE(heuristic_steps("a? b? c? d? e? f? g?").size(), 5U);
  EXPECT_EQ(heuristic_steps("")[0].text, "solve directly");
}

TEST(TokenPlan, SplitsTheLevelsTokens) {
  const auto plan = *plan_tokens({{"a", "", 50}, {"b", "", 30}, {"c", "", 20}}, {.level = 3});
  EXPECT_EQ(plan.total, 350);
  EXPECT_THAT(plan.tokens, ElementsAre(267, 72, 11));
  EXPECT_FALSE(plan_tokens({{"a"}}, {.level = 6}));
  EXPECT_FALSE(plan_tokens({}, {}));
  EXPECT_FALSE(plan_tokens({{"a", "", -1}}, {}));
}

TEST(StepRunner, CarriesOverWhatEarlyStepsLeave) {
  StepRunner run(
      *plan_tokens({{"a", "", 1}, {"b", "", 1}, {"c", "", 1}}, {.total = 300, .decay = allocate::Decay::kConstant}));
  EXPECT_EQ(run.next()->tokens, 100);
  ASSERT_TRUE(run.report(40, "A"));
  EXPECT_EQ(run.next()->tokens, 130);
  EXPECT_EQ(run.next()->prompt, "a\nA\n\nb");
  ASSERT_TRUE(run.report(130, "B"));
  EXPECT_EQ(run.next()->tokens, 130);
  ASSERT_TRUE(run.report(100, "C"));
  EXPECT_EQ(run.next()->index, 3U);
  EXPECT_EQ(run.next()->tokens, 30);
  EXPECT_FALSE(run.report(-1, ""));
  ASSERT_TRUE(run.report(30, "ABC"));
  EXPECT_FALSE(run.next());
  EXPECT_FALSE(run.report(1, ""));
  EXPECT_EQ(run.spent(), 300);
}

TEST(StepRunner, NeverPlansMoreThanTheTotal) {
  RandomStream random(2);
  for (int round = 0; round < 200; ++round) {
    std::vector<SubQuestion> steps(1 + random.uniform_int(std::uint64_t{5}));
    for (SubQuestion& step : steps) step.credit = random.exponential();
    const std::int64_t total = random.uniform_int(std::int64_t{0}, std::int64_t{500});
    StepRunner run(*plan_tokens(steps, {.total = total, .decay = static_cast<allocate::Decay>(round % 5)}),
                   round % 2 == 0);
    while (const auto step = run.next()) {
      ASSERT_GE(step->tokens, 0);
      ASSERT_TRUE(run.report(random.uniform_int(std::int64_t{0}, step->tokens), "x"));
    }
    EXPECT_LE(run.spent(), total);
  }
}

TEST(TokenPlan, MeasuresEfficiencyInPerCent) { EXPECT_DOUBLE_EQ(e3(50, 1000), 2.5); }

TEST(TokenPlan, LearnsTheCurvesThatMadeTheRecords) {
  RandomStream random(9);
  std::vector<SolveRecord> records;
  for (int i = 0; i < 20'000; ++i) {
    const auto tokens = static_cast<std::int64_t>(std::exp(random.uniform(std::log(50), std::log(1000))));
    records.push_back({3, tokens, random.bernoulli(std::exp(-40 / static_cast<double>(tokens)))});
  }
  records.push_back({1, 100, true});
  const auto curves = learn_level_curves(records);
  ASSERT_TRUE(curves[2]);
  EXPECT_NEAR(curves[2]->a, 1, .1);
  EXPECT_NEAR(std::log(curves[2]->c), std::log(40), .5);
  EXPECT_FALSE(curves[0]) << "one record teaches nothing";
}

TEST(TokenPlan, NamesBudgetsInOnePrompt) {
  const auto plan = *plan_tokens({{"a"}, {"b"}}, {.total = 10, .decay = allocate::Decay::kConstant});
  EXPECT_NE(one_call_prompt("Q", plan).find("2. b (at most 5 words)"), std::string::npos);
}

}  // namespace
}  // namespace bursar::plan
