#include "bursar/plan/strategies/auto.h"

#include <gtest/gtest.h>

#include "bursar/plan/job/job_testing.h"
#include "bursar/plan/job_record.h"

namespace bursar::plan {
namespace {

using namespace std::chrono_literals;

Purse purse_of(const char* limit) {
  Purse purse;
  if (*limit != '\0') purse.limit = *parse_amounts(limit);
  return purse;
}

std::string chosen(std::string question, const char* limit = "", double spend = 12,
                   std::vector<std::string> tools = {}) {
  const JobSetup setup{.question = std::move(question), .tools = std::move(tools), .max_tokens = 400};
  return std::string(choose_strategy(setup, purse_of(limit), spend).strategy);
}

constexpr const char* kValue = "How many ways are there?";
constexpr const char* kParts = "How far is it from A to B? How far from B to C? What is the sum of both, then doubled?";

TEST(Auto, KnowsWhatCanBeVotedOn) {
  EXPECT_EQ(form_of("Which is red?\nA) blood\nB) grass"), QuestionForm::kOptions);
  EXPECT_EQ(form_of("What is 6 x 7?"), QuestionForm::kValue);
  EXPECT_EQ(form_of("6 x 7?"), QuestionForm::kValue);
  EXPECT_EQ(form_of("Write 3 lines about the sea?"), QuestionForm::kText);
  EXPECT_EQ(form_of("Hello there"), QuestionForm::kText);
  EXPECT_EQ(form_of(""), QuestionForm::kText);
}

TEST(Auto, FollowsItsRuleLineByLine) {
  EXPECT_EQ(chosen("Who built it, and when was he born?", "", 12, {"search"}), "bats");
  EXPECT_EQ(chosen("Who built it, and when was he born?"), "bom");
  EXPECT_EQ(chosen(kValue, "600 tokens"), "sevra");  // less than two answers of 200 with 106 of prompt
  EXPECT_EQ(chosen("Tell me a story"), "sevra");
  EXPECT_EQ(chosen(kValue, "", 40), "dora");
  EXPECT_EQ(chosen(kParts), "scale");
  EXPECT_EQ(chosen(kParts, "2k tokens"), "plan-and-budget");
  EXPECT_EQ(chosen(kValue), "bom");
  EXPECT_EQ(chosen("Which is red?\nA) blood\nB) grass", "2k tokens"), "pets");
  EXPECT_EQ(chosen(kValue, "2k tokens"), "sevra");
  EXPECT_EQ(chosen(kValue, "4 calls"), "sevra");
}

TEST(Auto, TakesFewRoundsWhereTimeIsShort) {
  Purse purse;
  purse.time = purse.time_left = 5s;
  EXPECT_EQ(choose_strategy({.question = kParts, .max_tokens = 400}, purse, 12).strategy, "bom");
}

TEST(Auto, LearnsHowLongAnswersAre) {
  JobSetup setup{.question = kValue, .max_tokens = 400};
  const Purse purse = purse_of("2k tokens");
  const double before = choose_strategy(setup, purse, 100).answers;
  setup.beliefs = {{"lengths", {{"log_mean", std::log(20.0)}, {"log_sd", 0}, {"count", 50}}}};
  EXPECT_NEAR(choose_strategy(setup, purse, 100).answers, 2000.0 / (20 + 100 + 6), .01);
  EXPECT_LT(before, 10);
}

TEST(Auto, DoesWhatTheChosenStrategyDoesAndSaysWhich) {
  const JobSetup setup{.question = kValue, .model = "m", .max_tokens = 400};
  const auto model = [](const Action& action) { return said(action.id % 3 == 0 ? "Answer: 41" : "Answer: 42"); };
  TestedJob run(make_job(**strategy_named("auto"), setup).value(), {}, model);
  TestedJob own(make_job(**strategy_named("bom"), setup).value(), {}, model);
  EXPECT_EQ(run.run().answer, own.run().answer);
  EXPECT_EQ(run.launched.size(), own.launched.size());
  const auto& why = run.executor().journal().at(0).at("step").at("why").as_object();
  EXPECT_EQ(why.at("auto").as_string(), "bom");
  EXPECT_FALSE(why.at("because").as_string().empty());
  EXPECT_EQ(record_of("1", setup, run.executor().journal(), run.executor().result().answer)->strategy, "bom");
}

TEST(Auto, EveryStrategyThatItNamesIsThere) {
  for (const char* name : {"bats", "sevra", "bom", "dora", "scale", "plan-and-budget", "pets"})
    EXPECT_TRUE(strategy_named(name)) << name;
}

}  // namespace
}  // namespace bursar::plan
