#include <gtest/gtest.h>

#include "bursar/plan/job/job_testing.h"

namespace bursar::plan {
namespace {

std::unique_ptr<Controller> plan_job(boost::json::object parameters = {}, boost::json::object beliefs = {}) {
  return make_job(**strategy_named("plan-and-budget"), {.question = "How far do both go together?",
                                                        .model = "large",
                                                        .small_model = "small",
                                                        .max_tokens = 800,
                                                        .parameters = std::move(parameters),
                                                        .beliefs = std::move(beliefs)})
      .value();
}

Observation play(const Action& action) {
  const auto& ask = std::get<ModelAsk>(action.ask);
  if (action.purpose == "decompose") return said("1. One?\nHint: look\n2. Other?\nHint: look again", 30);
  if (action.purpose == "assess")
    return said(ask.messages.back().content.contains("Other?\n</q") ? "Level: 4" : "Level: 2");
  if (action.purpose == "step") return said("Answer: " + std::to_string(action.id), 20);
  return said("together\nAnswer: 12");
}

const ModelAsk& ask_at(const TestedJob& run, std::size_t i) { return std::get<ModelAsk>(run.launched.at(i).ask); }

TEST(PlanAndBudget, PlansOnTheSmallModelAndSolvesOnTheMainOne) {
  TestedJob run(plan_job(), {}, play);
  const JobResult& result = run.run();
  EXPECT_EQ(result.answer->text, "together\nAnswer: 12");
  EXPECT_EQ(result.answer->source, 7);
  EXPECT_EQ(result.launched, 7);  // a plan, three assessments, two steps, a combination
  EXPECT_EQ(ask_at(run, 0).model, "small");
  EXPECT_EQ(ask_at(run, 1).model, "small");
  EXPECT_EQ(ask_at(run, 4).model, "large");
}

TEST(PlanAndBudget, SplitsTheLevelsTokensByCreditAndDecay) {
  TestedJob run(plan_job({{"stretch", 1}}), {}, play);
  run.run();
  // Level 2: 250 tokens, of which .3 are kept. Credits 2 and 4 with weights 4 and 1: two thirds and one.
  EXPECT_EQ(ask_at(run, 4).max_tokens, 117);
  EXPECT_EQ(ask_at(run, 5).max_tokens, 58 + 97);          // the first left 97 of its own
  EXPECT_EQ(ask_at(run, 6).max_tokens, 75 + (175 - 40));  // kept, and what both left
  EXPECT_NE(ask_at(run, 5).messages.back().content.find("1. One?\nAnswer: 5\n"), std::string::npos);
}

TEST(PlanAndBudget, TakesTheTokensThatTheLevelWasLearnedToNeed) {
  const boost::json::object curve{{"c", -1000 * std::log(.9)}, {"a", 1}};
  const boost::json::array curves{nullptr, curve, nullptr, nullptr, nullptr};
  TestedJob run(plan_job({{"combine_share", .5}}, {{"level_curves", curves}}), {}, play);
  run.run();
  EXPECT_NEAR(static_cast<double>(ask_at(run, 4).max_tokens), 1000. / 3, 2);
}

TEST(PlanAndBudget, NeedsNoModelToPlan) {
  TestedJob run(plan_job({{"plan", "heuristic"}, {"assess", "heuristic"}}), {}, play);
  EXPECT_EQ(run.run().launched, 1);  // one sentence is one step
  EXPECT_EQ(ask_at(run, 0).max_tokens, 400);
}

TEST(PlanAndBudget, AsksOnceAsPublished) {
  TestedJob run(plan_job({{"mode", "one-call"}}), {}, play);
  EXPECT_EQ(run.run().launched, 5);
  EXPECT_NE(ask_at(run, 4).messages.back().content.find("1. One? (at most "), std::string::npos);
  EXPECT_EQ(ask_at(run, 4).max_tokens, 800);
}

TEST(PlanAndBudget, GivesTheAnswersSoFarWhereThePurseEnds) {
  TestedJob run(plan_job(), {.purse = *parse_amounts("6 calls")}, play);
  const JobResult& result = run.run();
  EXPECT_EQ(result.end, JobEnd::kPurse);
  EXPECT_EQ(result.answer->text, "1. One?\nAnswer: 5\n2. Other?\nAnswer: 6\n");
  TestedJob poor(plan_job(), {.purse = *parse_amounts("150 tokens")}, play);
  EXPECT_LE(poor.run().cost[kTokens], 150);
}

}  // namespace
}  // namespace bursar::plan
