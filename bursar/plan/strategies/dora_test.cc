#include <algorithm>
#include <gtest/gtest.h>
#include <set>

#include "bursar/plan/job/job_testing.h"

namespace bursar::plan {
namespace {

std::unique_ptr<Controller> dora_job(boost::json::object parameters = {}) {
  return make_job(**strategy_named("dora"),
                  {.question = "6 x 7?", .model = "m", .judge_model = "judge", .parameters = std::move(parameters)})
      .value();
}

const std::string& words_of(const Action& action) { return std::get<ModelAsk>(action.ask).messages.back().content; }

// Every eighth first step sees 42, and whoever saw it keeps it; the others waver. The judge knows.
Observation play(const Action& action) {
  if (action.purpose == "judge") return said(words_of(action).contains("Answer: 42") ? "Score: 0.9" : "Score: 0.2");
  if (words_of(action).contains("Answer: 42")) return said("as before\nAnswer: 42");
  return said(action.id % 8 == 1 ? "Answer: 42" : "Answer: " + std::to_string(action.id));
}

TEST(Dora, FollowsTheFewThatTheJudgeBelieves) {
  TestedJob run(dora_job(), {}, play);
  const JobResult& result = run.run();
  EXPECT_EQ(result.answer->text, "Answer: 42\nas before\nAnswer: 42");
  EXPECT_EQ(result.answer->source, 0);
  EXPECT_GT(result.answer->certainty, .5);
  EXPECT_LE(result.launched, 64);
  EXPECT_EQ(std::get<ModelAsk>(run.launched[8].ask).model, "judge");
}

TEST(Dora, EveryPolicyEndsWithinItsCalls) {
  for (const char* policy : {"uniform", "beam", "dvts", "rebase", "dora", "direction-bayes"}) {
    TestedJob run(dora_job({{"policy", policy}, {"rollouts", 6}, {"steps", 3}, {"width", 3}}), {}, play);
    const JobResult& result = run.run();
    EXPECT_EQ(result.end, JobEnd::kAnswered) << policy;
    EXPECT_LE(result.launched, 36) << policy;
    EXPECT_TRUE(result.answer.has_value()) << policy;
  }
}

TEST(Dora, AsksTheEmbedderWhereThereIsOne) {
  for (const bool answers : {true, false}) {  // where it does not answer, hashed n-grams stand in
    JobSetup setup{.question = "6 x 7?", .model = "m", .embedding_model = "e"};
    std::size_t embedded = 0;
    TestedJob run(make_job(**strategy_named("dora"), setup).value(), {}, [&](const Action& action) {
      const auto* embed = std::get_if<EmbedAsk>(&action.ask);
      if (embed == nullptr) return play(action);
      EXPECT_EQ(embed->model, "e");
      embedded += embed->texts.size();
      Observation seen = said("", 1);
      if (answers) seen.vectors.assign(embed->texts.size(), {1, 0});
      return seen;
    });
    EXPECT_EQ(run.run().answer->text, "Answer: 42\nas before\nAnswer: 42") << answers;
    EXPECT_GE(embedded, 8) << answers;
  }
}

TEST(Dora, ASolutionEndsWhereItRepeatsItsAnswer) {
  TestedJob run(dora_job({{"steps", 16}}), {}, [](const Action& action) {
    return action.purpose == "judge" ? said("Score: 0.5") : said("Answer: 42.0");
  });
  EXPECT_EQ(run.run().launched, 32);  // two steps of eight, and as many judges
}

TEST(Dora, GoesOnWithoutThoseThatFailed) {
  TestedJob run(dora_job(), {}, [](const Action& action) {
    if (action.id % 2 == 0) return Observation{.end = ActionEnd::kFailed, .why = "reset"};
    return play(action);
  });
  EXPECT_TRUE(run.run().answer->text.ends_with("Answer: 42"));
}

TEST(Dora, AnswersWithTheBestUnderWayWhereThePurseEnds) {
  TestedJob run(dora_job(), {.purse = *parse_amounts("17 calls")}, play);
  const JobResult& result = run.run();
  EXPECT_EQ(result.end, JobEnd::kPurse);
  EXPECT_TRUE(result.answer->text.starts_with("Answer: 42"));
  TestedJob poor(dora_job(), {.purse = *parse_amounts("3 calls")}, play);
  EXPECT_EQ(poor.run().answer->text, "Answer: 42");
}

}  // namespace
}  // namespace bursar::plan
