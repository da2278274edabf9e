#include <algorithm>
#include <gtest/gtest.h>

#include "bursar/plan/job/job_testing.h"

namespace bursar::plan {
namespace {

std::unique_ptr<Controller> team_job(boost::json::object parameters, boost::json::object beliefs = {}) {
  return make_job(**strategy_named("mas-phase"), {.question = "6 x 7?",
                                                  .model = "m",
                                                  .max_tokens = 400,
                                                  .parameters = std::move(parameters),
                                                  .beliefs = std::move(beliefs)})
      .value();
}

Observation play(const Action& action) { return said(action.id % 3 == 0 ? "Answer: 41" : "Answer: 42"); }

TEST(MasPhase, IsOneAgentWhereMistakesAreShared) {
  TestedJob run(team_job({{"tokens", 8000}, {"correlation", .85}, {"beta", .5}}), {}, play);
  const JobResult& result = run.run();
  EXPECT_EQ(result.launched, 1);
  EXPECT_EQ(result.answer->source, 1);
}

TEST(MasPhase, IsATeamThatSharesTheTokensWhereTheyAreNot) {
  TestedJob run(team_job({{"tokens", 4000}, {"correlation", 0}}), {}, play);
  const JobResult& result = run.run();
  EXPECT_GE(result.launched, 9);
  EXPECT_EQ(result.answer->text, "Answer: 42");
  const auto& leaf = std::get<ModelAsk>(run.launched[0].ask);
  EXPECT_LE(static_cast<std::int64_t>(result.launched) * leaf.max_tokens, 4000);
  EXPECT_NE(leaf.messages.back().content.find("at most"), std::string::npos);
}

TEST(MasPhase, NeverHasMoreLeavesThanAllowed) {
  for (const int most : {1, 2, 5, 9, 27}) {
    TestedJob run(team_job({{"tokens", 200000}, {"correlation", 0}, {"most_agents", most}}), {}, play);
    EXPECT_LE(run.run().launched, most);
  }
}

TEST(MasPhase, LearnedLawsComeBeforeParameters) {
  const boost::json::object shared{{"agent_law", {{"kappa", .05}, {"beta", .5}}}, {"correlation", .9}};
  TestedJob run(team_job({{"tokens", 4000}, {"correlation", 0}}, shared), {}, play);
  EXPECT_EQ(run.run().launched, 1);
}

TEST(MasPhase, SelectsByAModelWhereAskedAndVotesWhereThatFails) {
  const auto with = [](const char* choice) {
    TestedJob run(team_job({{"tokens", 4000}, {"correlation", 0}, {"aggregate", "select"}}), {},
                  [choice](const Action& action) { return action.purpose == "select" ? said(choice) : play(action); });
    const std::string text = run.run().answer->text;
    EXPECT_GE(std::ranges::count(run.launched, "select", &Action::purpose), 1);
    return text;
  };
  EXPECT_EQ(with("Choice: 3"), "Answer: 41");
  EXPECT_EQ(with("Choice: 300"), "Answer: 42");
}

TEST(MasPhase, PlansForWhatThePurseHolds) {
  TestedJob run(team_job({{"correlation", 0}}), {.purse = *parse_amounts("900 tokens")}, play);
  const JobResult& result = run.run();
  EXPECT_EQ(result.end, JobEnd::kAnswered);
  EXPECT_LE(result.cost[kTokens], 900);
  EXPECT_EQ(result.answer->text, "Answer: 42");
}

}  // namespace
}  // namespace bursar::plan
