#include <gtest/gtest.h>

#include "bursar/plan/job/job_testing.h"

namespace bursar::plan {
namespace {

std::unique_ptr<Controller> voi_job(boost::json::object parameters = {}, boost::json::object beliefs = {},
                                    std::string question = "In which year was the tower built?") {
  return make_job(**strategy_named("voi-search"), {.question = std::move(question),
                                                   .model = "m",
                                                   .tools = {"search"},
                                                   .max_tokens = 100,
                                                   .parameters = std::move(parameters),
                                                   .beliefs = std::move(beliefs)})
      .value();
}

// Each search brings a fact, and each fact is worth this much; a year is in the second.
struct World {
  double each = .5;
  std::string base = "1889", refined = "1889";
  int searches = 0, acts = 0;
  std::vector<std::string> purposes;

  Observation operator()(const Action& action) {
    purposes.push_back(action.purpose);
    if (action.purpose == "search") return said("fact " + std::to_string(++searches) + ": 1889 and 1901", 0);
    Observation out = said("Answer: " + base, 20);
    out.prompt_tokens = 60;
    if (action.purpose == "act") out.text = "Search: q" + std::to_string(++acts);
    if (action.purpose == "sufficiency") {
      const double share = std::min(1.0, searches * each);
      out.text = "Sufficiency: " + std::to_string(share);
      EXPECT_EQ(std::get<ModelAsk>(action.ask).messages.back().content.find("<tried>"), std::string::npos);
    }
    if (action.purpose == "decompose") out.text = "1. first\n2. second";
    if (action.purpose == "repair") out.text = "Answer: " + refined;
    return out;
  }
};

TEST(VoiSearch, SearchesUntilTheEvidenceIsEnough) {
  World world;
  TestedJob run(voi_job(), {}, std::ref(world));
  const JobResult& result = run.run();
  EXPECT_EQ(world.searches, 2);
  EXPECT_EQ(result.answer->text, "Answer: 1889");
  EXPECT_DOUBLE_EQ(result.answer->certainty, 1);
}

TEST(VoiSearch, NotesWhatLedToEachDecision) {
  World world;
  TestedJob run(voi_job(), {}, std::ref(world));
  run.run();
  const auto& why = run.executor().journal().front().as_object().at("step").as_object().at("why").as_object();
  EXPECT_EQ(why.at("next"), "search");
  for (const char* key : {"score", "progress", "penalty", "share", "overrun", "sufficiency", "tokens_left"})
    EXPECT_TRUE(why.contains(key)) << key;
}

TEST(VoiSearch, ASafeChangeThatTheEvidenceSupportsReplacesTheAnswer) {
  World safe{.refined = "1901"}, unsupported{.refined = "1777"}, unlike{.refined = "the big tower"};
  const auto answer = [](World& world, boost::json::object beliefs = {}) {
    TestedJob run(voi_job({}, std::move(beliefs)), {}, std::ref(world));
    return run.run().answer->text;
  };
  EXPECT_EQ(answer(safe), "Answer: 1901");
  EXPECT_EQ(answer(unsupported), "Answer: 1889");
  EXPECT_EQ(answer(unlike), "Answer: 1889");
  // What feedback taught of changes of a slot speaks against it.
  World learned{.refined = "1901"};
  EXPECT_EQ(answer(learned, {{"final_rates", {{"slot", {{"gain", .1}, {"harm", .2}}}}}}), "Answer: 1889");
}

TEST(VoiSearch, DecomposesACompositionalQuestionOnce) {
  World world{.each = .34};
  TestedJob run(voi_job({}, {}, "What is the age of the author of the book that won the prize?"), {}, std::ref(world));
  run.run();
  EXPECT_EQ(std::ranges::count(world.purposes, "decompose"), 1);
  EXPECT_EQ(world.purposes.front(), "decompose");
}

TEST(VoiSearch, KeepsTheTokensOfItsAnswer) {
  World world{.each = .1};
  TestedJob run(voi_job({{"step_tokens", 40}}), {.purse = *parse_amounts("400 tokens")}, std::ref(world));
  const JobResult& result = run.run();
  ASSERT_TRUE(result.answer);
  EXPECT_EQ(result.refused, 0);
  EXPECT_LE(result.cost[kTokens], 400);
}

TEST(VoiSearch, WithoutCallsItAnswersAtOnce) {
  World world;
  TestedJob run(voi_job({{"calls", 0}}), {}, std::ref(world));
  EXPECT_EQ(run.run().answer->text, "Answer: 1889");
  EXPECT_EQ(world.purposes, std::vector<std::string>{"finalise"});
}

TEST(VoiSearch, EndsWhereTheModelDoesNotSearchOrTheToolFails) {
  TestedJob talker(voi_job(), {}, [](const Action&) { return said("Answer: 7"); });
  EXPECT_EQ(talker.run().answer->text, "Answer: 7");
  EXPECT_LE(talker.executor().result().launched, 4);
  int n = 0;
  TestedJob broken(voi_job(), {}, [&](const Action& action) {
    if (action.purpose == "search") return Observation{.end = ActionEnd::kFailed, .why = "reset"};
    return said(action.purpose == "act" ? "Search: q" + std::to_string(++n) : "Answer: 7");
  });
  EXPECT_EQ(broken.run().answer->text, "Answer: 7");
}

}  // namespace
}  // namespace bursar::plan
