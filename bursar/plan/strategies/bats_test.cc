#include <gtest/gtest.h>

#include "bursar/plan/job/job_testing.h"

namespace bursar::plan {
namespace {

std::unique_ptr<Controller> bats_job(boost::json::object parameters = {}) {
  return make_job(**strategy_named("bats"), {.question = "Where does the trail from Kalomi end?",
                                             .model = "m",
                                             .tools = {"search"},
                                             .max_tokens = 100,
                                             .parameters = std::move(parameters)})
      .value();
}

// A trail of facts; the model follows it with one search a step and answers at its end.
struct Trail {
  std::string end = "Teruvo", wrong_first;
  int acts = 0, checks = 0, searches = 0;
  std::vector<std::string> prompts;

  Observation operator()(const Action& action) {
    if (action.purpose == "search") {
      ++searches;
      return said("fact " + std::to_string(searches), 0);
    }
    const std::string& user = std::get<ModelAsk>(action.ask).messages.back().content;
    prompts.push_back(user);
    if (action.purpose == "decompose") return said("1. It begins at Kalomi\nHint: look\n2. It ends there");
    const bool whole = user.find("fact 2") != std::string::npos;
    if (action.purpose == "check") {
      ++checks;
      const bool right = user.find("<answer>\n" + end) != std::string::npos;
      return said(right ? "Clue 1: satisfied\nClue 2: satisfied" : "Clue 1: satisfied\nClue 2: contradicted");
    }
    ++acts;
    if (!wrong_first.empty() && user.find("<rejected>") == std::string::npos) return said("Answer: " + wrong_first);
    if (whole || action.purpose == "finalise") return said("I know.\nAnswer: " + end);
    return said("Search: step " + std::to_string(acts));
  }
};

TEST(Bats, SearchesUntilItKnowsAndChecksWhatItProposes) {
  Trail trail;
  TestedJob run(bats_job(), {}, std::ref(trail));
  const JobResult& result = run.run();
  EXPECT_EQ(result.answer->text, "I know.\nAnswer: Teruvo");
  EXPECT_NE(result.answer->source, 0);
  EXPECT_DOUBLE_EQ(result.answer->certainty, 1);
  EXPECT_EQ(trail.searches, 2);
  EXPECT_EQ(trail.checks, 1);
  EXPECT_EQ(result.end, JobEnd::kAnswered);
}

TEST(Bats, TellsTheModelWhatIsLeftAtTheEndOfThePrompt) {
  Trail trail;
  TestedJob run(bats_job(), {}, std::ref(trail));
  run.run();
  const std::string& second = trail.prompts.at(2);  // the plan, the first act, this one
  EXPECT_NE(second.find("[budget] search 1 used, 7 left"), std::string::npos) << second;
  EXPECT_GT(second.find("[budget]"), second.rfind("</evidence>"));
}

TEST(Bats, PivotsAwayFromAnAnswerThatAClueContradicts) {
  Trail trail{.wrong_first = "Sanipo"};
  TestedJob run(bats_job(), {}, std::ref(trail));
  EXPECT_EQ(run.run().answer->text, "I know.\nAnswer: Teruvo");
  EXPECT_EQ(trail.checks, 2);
}

TEST(Bats, StopsWhereAnAnswerIsRepeatedWithoutAnythingNew) {
  TestedJob run(bats_job(), {}, [](const Action& action) {
    if (action.purpose == "check") return said("Clue 1: unknown");
    return said("Answer: always");
  });
  const JobResult& result = run.run();
  EXPECT_EQ(result.answer->text, "Answer: always");
  EXPECT_LE(result.launched, 5);
}

TEST(Bats, WithFewCallsItOnlyTracksAndNeverExceedsThem) {
  for (const int calls : {0, 1, 3}) {
    int searches = 0, queries = 0;
    TestedJob run(bats_job({{"calls", calls}}), {}, [&](const Action& action) {
      EXPECT_NE(action.purpose, "check");
      if (action.purpose == "search") return said("fact " + std::to_string(++searches), 0);
      if (action.purpose == "finalise") return said("Answer: forced");
      return said("Search: q" + std::to_string(++queries));
    });
    EXPECT_EQ(run.run().answer->text, "Answer: forced");
    EXPECT_EQ(searches, calls);
  }
}

TEST(Bats, RunsSeveralQueriesOfOneStepSideBySideWhileThereIsMuch) {
  std::size_t step = 0;
  TestedJob run(bats_job({{"calls", 10}}), {}, [&](const Action& action) {
    if (action.purpose == "search") return said("found " + std::to_string(action.id), 0);
    if (action.purpose == "decompose") return said("1. a\n2. b");
    if (action.purpose == "check") return said("Clue 1: satisfied\nClue 2: satisfied");
    if (step++ == 0) return said("Search: a\nSearch: b\nSearch: c\nSearch: a");
    return said("Answer: 1");
  });
  run.run();
  EXPECT_EQ(run.most_at_once, 3);
}

TEST(Bats, AnswersFromWhatItHasWhereCallsOfToolAndModelFail) {
  TestedJob run(bats_job(), {}, [](const Action& action) {
    if (action.purpose == "finalise") return said("Answer: a guess");
    return Observation{.end = ActionEnd::kFailed, .why = "reset"};
  });
  EXPECT_EQ(run.run().answer->text, "Answer: a guess");
}

TEST(Bats, ThePurseEndsItWithTheBestSoFar) {
  Trail trail{.wrong_first = "Sanipo"};
  TestedJob run(bats_job({{"step_tokens", 50}}), {.purse = *parse_amounts("150 tokens")}, std::ref(trail));
  const JobResult& result = run.run();
  ASSERT_TRUE(result.answer);
  EXPECT_LE(result.cost[kTokens], 150);
}

TEST(Bats, SameSeedSameSteps) {
  const auto journal = [](bool backwards) {
    Trail trail;
    TestedJob run(bats_job(), {}, std::ref(trail));
    run.backwards = backwards;
    run.run();
    return run.executor().journal();
  };
  EXPECT_EQ(journal(false), journal(true));
}

TEST(Bats, NeedsATool) {
  EXPECT_NE(make_job(**strategy_named("bats"), {.question = "q"}).error().message.find("tool"), std::string::npos);
}

}  // namespace
}  // namespace bursar::plan
