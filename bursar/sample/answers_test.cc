#include "bursar/sample/answers.h"

#include <gtest/gtest.h>
#include <limits>

#include "bursar/sample/vote.h"

namespace bursar::sample {
namespace {

TEST(CanonicalAnswer, WritesOneNumberInOneWay) {
  for (const char* half : {"1/2", "0.5", ".50", " 2/4 ", "\\boxed{\\frac{1}{2}}", "so it is \\boxed{0.5}.",
                           "$\\dfrac{3}{6}$", "\\text{0.50}", "1 / 2"}) {
    EXPECT_EQ(canonical_answer(half), "1/2") << half;
  }
  EXPECT_EQ(canonical_answer("1,234,567"), "1234567");
  EXPECT_EQ(canonical_answer("-0"), "0");
  EXPECT_EQ(canonical_answer("-\\frac{3}{9}"), "-1/3");
  EXPECT_EQ(canonical_answer("12 cm"), "12");
  EXPECT_EQ(canonical_answer("90^\\circ"), "90");
  EXPECT_EQ(canonical_answer("12."), "12");
  EXPECT_EQ(canonical_answer("\\$12.50"), "25/2");
}

TEST(CanonicalAnswer, KeepsApartWhatIsNotTheSame) {
  EXPECT_NE(canonical_answer("50%"), canonical_answer("50"));
  EXPECT_EQ(canonical_answer("50.0\\%"), "50%");
  EXPECT_EQ(canonical_answer("1,2"), "1,2");  // a pair, not 12
  EXPECT_EQ(canonical_answer("12,34"), "12,34");
  EXPECT_EQ(canonical_answer("(1, 2)"), "(1, 2)");
  EXPECT_EQ(canonical_answer("1/0"), "1/0");
  EXPECT_EQ(canonical_answer("x^2 + 1"), "x^2 + 1");
  EXPECT_EQ(canonical_answer("1234567890123456789"), "1234567890123456789");  // beyond what fits: as it stands
  EXPECT_EQ(canonical_answer("A"), canonical_answer(" a. "));
}

TEST(CanonicalAnswer, SurvivesWhatIsBroken) {
  for (const char* text :
       {"",  "{", "}", "\\boxed{", "\\boxed{}", "\\frac{1}", "\\frac{1}{", "\\text{", "/",     "-",
        "+", ".", ",", "$$",       "%",         "\\%",       "\\left",     "--1",     "1/2/3", "\\frac{}{}"}) {
    EXPECT_EQ(canonical_answer(canonical_answer(text)), canonical_answer(text)) << text;
  }
  EXPECT_EQ(canonical_answer("  0.50 ", AnswerForm::kExact), "  0.50 ");
}

TEST(GroupAnswers, CountsEmptyOnesAndNeverGroupsThem) {
  const auto ballot = group_answers(std::vector<Trace>{{"12"}, {""}, {"12.0"}, {"7"}, {" "}});
  ASSERT_TRUE(ballot);
  EXPECT_EQ(ballot->samples, 5);
  ASSERT_EQ(ballot->groups.size(), 2U);
  EXPECT_EQ(ballot->groups[0].key, "12");
  EXPECT_EQ(ballot->groups[0].traces, (std::vector<std::size_t>{0, 2}));
  EXPECT_DOUBLE_EQ(ballot->frequency(0), .4);
}

TEST(GroupAnswers, JoinsRewardsAsItIsTold) {
  const std::vector<Trace> traces{{"a", .2, 1}, {"b", .9, 1}, {"a", .6, 3}};
  const auto reward = [&](GroupReward how) { return *group_answers(traces, {.reward = how})->groups[0].reward; };
  EXPECT_DOUBLE_EQ(reward(GroupReward::kMean), .4);
  EXPECT_DOUBLE_EQ(reward(GroupReward::kMax), .6);
  EXPECT_DOUBLE_EQ(reward(GroupReward::kHeaviest), .6);
}

TEST(GroupAnswers, NamesTheTraceThatIsWrong) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(group_answers(std::vector<Trace>{{"a", .1}, {"b", nan}}).error().message.find("trace 1"),
            std::string::npos);
  EXPECT_FALSE(group_answers(std::vector<Trace>{{"a", .1}, {"b"}}));
  EXPECT_FALSE(group_answers(std::vector<Trace>{{"a", {}, -1}}));
  EXPECT_EQ(group_answers({})->samples, 0);
}

TEST(OptionTable, NumbersDistinctAnswersUpToItsLimit) {
  OptionTable options(2);
  EXPECT_EQ(options.of("1/2"), 0U);
  EXPECT_EQ(options.of("3"), 1U);
  EXPECT_EQ(options.of("0.5"), 0U);
  EXPECT_FALSE(options.of("4"));
  EXPECT_FALSE(options.of(" "));
}

TEST(Majority, TakesTheFirstOfEqualsOrTheSmallest) {
  const auto ballot = *group_answers(std::vector<Trace>{{"b"}, {"a"}, {"b"}, {"a"}, {"c", {}, 9}});
  const auto first = majority(ballot), smallest = majority(ballot, {.ties = TieRule::kSmallestKey});
  EXPECT_EQ(ballot.groups[first->group].key, "b");
  EXPECT_EQ(ballot.groups[smallest->group].key, "a");
  EXPECT_TRUE(first->tied);
  EXPECT_DOUBLE_EQ(first->share, .4);
  const auto heavy = majority(ballot, {.weighted = true});
  EXPECT_EQ(ballot.groups[heavy->group].key, "c");
  EXPECT_FALSE(heavy->tied);
  EXPECT_FALSE(majority(Ballot{}));
}

}  // namespace
}  // namespace bursar::sample
