#include <algorithm>
#include <gtest/gtest.h>

#include "bursar/plan/job/job_testing.h"
#include "bursar/plan/strategies/prompts.h"

namespace bursar::plan {
namespace {

std::unique_ptr<Controller> bom_job(boost::json::object parameters = {}) {
  return make_job(**strategy_named("bom"),
                  {.question = "6 x 7?", .model = "m", .max_tokens = 50, .parameters = std::move(parameters)})
      .value();
}

// Five say 41, three 42; each third judge of the former is generous.
Observation play(const Action& action) {
  const auto& ask = std::get<ModelAsk>(action.ask);
  if (action.purpose == "sample") return said(action.id % 8 < 5 ? "Answer: 41" : "so\nAnswer: 42");
  return said(ask.messages.back().content.contains("Answer: 42") ? "Score: 0.8" : "Score: 0.3");
}

std::size_t judged(const TestedJob& run) {
  return static_cast<std::size_t>(std::ranges::count(run.launched, "judge", &Action::purpose));
}

TEST(Bom, TakesTheBestJudgedOfTheFrequentAnswers) {
  TestedJob run(bom_job(), {}, play);
  const JobResult& result = run.run();
  EXPECT_EQ(result.answer->text, "so\nAnswer: 42");
  EXPECT_DOUBLE_EQ(result.answer->certainty, .8);
  EXPECT_EQ(judged(run), 2);
  EXPECT_EQ(std::get<ModelAsk>(run.launched.back().ask).model, "m");
}

TEST(Bom, JudgesNobodyWhereOneAnswerAloneIsFrequent) {
  TestedJob run(bom_job({{"threshold", .5}}), {}, play);
  EXPECT_EQ(run.run().answer->text, "Answer: 41");
  EXPECT_EQ(judged(run), 0);
}

TEST(Bom, RulesAreThoseOfTheSheet) {
  const auto text = [](const char* rule) {
    TestedJob run(bom_job({{"rule", rule}}), {}, [](const Action& action) {
      if (action.id == 1) return said("Answer: rare");
      if (action.purpose == "sample") return play(action);
      return std::get<ModelAsk>(action.ask).messages.back().content.contains("rare") ? said("Score: 1") : play(action);
    });
    return run.run().answer->text;
  };
  EXPECT_EQ(text("majority"), "Answer: 41");
  EXPECT_EQ(text("best-of-n"), "Answer: rare");  // it trusts the judge on everything
  EXPECT_EQ(text("bom"), "so\nAnswer: 42");
}

TEST(Bom, FallsBackToTheMajorityWithoutAJudge) {
  TestedJob run(bom_job(), {}, [](const Action& action) {
    return action.purpose == "judge" ? Observation{.end = ActionEnd::kFailed, .why = "reset"} : play(action);
  });
  EXPECT_EQ(run.run().answer->text, "Answer: 41");
}

TEST(Bom, LeavesOfAShortPurseEnoughToJudge) {
  TestedJob run(bom_job({{"samples", 64}}), {.purse = *parse_amounts("300 tokens")}, play);
  const JobResult& result = run.run();
  EXPECT_EQ(result.answer->text, "so\nAnswer: 42");
  EXPECT_GE(judged(run), 1);
  EXPECT_LE(result.cost[kTokens], 300);
}

TEST(Bom, DecidesTheSameHoweverItsCallsOverlap) {
  TestedJob one(bom_job(), {}, play), other(bom_job(), {}, play);
  other.backwards = true;
  EXPECT_EQ(one.run().answer, other.run().answer);
}

}  // namespace
}  // namespace bursar::plan
