#include <gtest/gtest.h>

#include "bursar/plan/job/job_testing.h"

namespace bursar::plan {
namespace {

std::unique_ptr<Controller> tree_job(boost::json::object parameters = {}, std::uint64_t seed = 1) {
  return make_job(**strategy_named("bavt"), {.question = "Where does the trail end?",
                                             .model = "m",
                                             .tools = {"search"},
                                             .max_tokens = 100,
                                             .seed = seed,
                                             .parameters = std::move(parameters)})
      .value();
}

Observation spoken(std::string text) {
  Observation out = said(std::move(text), 20);
  out.prompt_tokens = 60;
  return out;
}

// A trail of two facts. The first thing that is tried anywhere leads nowhere; told of it, the model tries another.
struct Maze {
  bool blind = false;  // it does not read what was tried
  int searches = 0;
  std::vector<std::string> acts;

  Observation operator()(const Action& action) {
    if (action.purpose == "search") {
      ++searches;
      const std::string query(std::get<ToolAsk>(action.ask).arguments.at("query").as_string());
      return said(query.starts_with("good") ? "fact " + query.substr(5) : "noise", 0);
    }
    const std::string& user = std::get<ModelAsk>(action.ask).messages.back().content;
    const bool first = user.find("fact 1") != std::string::npos, second = user.find("fact 2") != std::string::npos;
    if (action.purpose == "critic") return spoken(user.find("noise") != std::string::npos ? "Gain: 0" : "Gain: 0.4");
    if (action.purpose == "judge") return spoken(second ? "Score: 0.95" : "Score: 0.3");
    if (action.purpose == "finalise") return spoken("Answer: forced");
    acts.push_back(user);
    if (second) return spoken("Answer: Teruvo");
    if (blind || user.find("<tried>") == std::string::npos) return spoken("Search: bad");
    return spoken(first ? "Search: good 2" : "Search: good 1");
  }
};

TEST(Bavt, FollowsTheBranchThatGains) {
  Maze maze;
  TestedJob run(tree_job(), {}, std::ref(maze));
  const JobResult& result = run.run();
  EXPECT_EQ(result.answer->text, "Answer: Teruvo");
  EXPECT_NE(result.answer->source, 0);
  EXPECT_GE(result.answer->certainty, .85);
  EXPECT_EQ(result.end, JobEnd::kAnswered);
}

TEST(Bavt, WhatAnotherBranchHasFoundCostsNoCall) {
  Maze maze;
  TestedJob run(tree_job(), {}, std::ref(maze));
  run.run();
  EXPECT_LE(maze.searches, 3);  // "bad", "good 1", "good 2", each once
}

TEST(Bavt, NeverExceedsItsCallsAndForcesAnAnswer) {
  for (const int calls : {0, 1, 2}) {
    Maze maze;
    TestedJob run(tree_job({{"calls", calls}}), {}, std::ref(maze));
    EXPECT_EQ(run.run().answer->text, "Answer: forced");
    EXPECT_LE(maze.searches, calls);
  }
}

TEST(Bavt, ANodeWhereNothingElseIsThoughtOfIsClosed) {
  Maze maze{.blind = true};
  TestedJob run(tree_job(), {}, std::ref(maze));
  EXPECT_EQ(run.run().answer->text, "Answer: forced");
  EXPECT_EQ(maze.searches, 1);
  EXPECT_LE(maze.acts.size(), 4);
}

TEST(Bavt, TokensOfTheAnswerAreHeldBack) {
  Maze maze;
  TestedJob run(tree_job({{"step_tokens", 40}}), {.purse = *parse_amounts("250 tokens")}, std::ref(maze));
  const JobResult& result = run.run();
  EXPECT_EQ(result.answer->text, "Answer: forced");
  EXPECT_EQ(result.refused, 0);
}

TEST(Bavt, LivesWithoutCriticAndWithoutTool) {
  int n = 0;
  TestedJob mute(tree_job(), {}, [&](const Action& action) {
    if (action.purpose == "search") return said("found " + std::to_string(action.id), 0);
    if (action.purpose == "act") return spoken(++n < 3 ? "Search: q" + std::to_string(n) : "Answer: 7");
    return spoken("hm");
  });
  ASSERT_TRUE(mute.run().answer);
  TestedJob broken(tree_job(), {}, [&](const Action& action) {
    if (action.purpose == "search") return Observation{.end = ActionEnd::kFailed, .why = "reset"};
    return spoken(action.purpose == "act" ? "Search: q" + std::to_string(++n) : "Answer: forced");
  });
  EXPECT_EQ(broken.run().answer->text, "Answer: forced");
  TestedJob dead(tree_job(), {}, [](const Action&) { return Observation{.end = ActionEnd::kFailed, .why = "reset"}; });
  EXPECT_FALSE(dead.run().answer);
  EXPECT_TRUE(dead.executor().finished());
}

TEST(Bavt, SameSeedSameTree) {
  const auto journal = [](std::uint64_t seed) {
    Maze maze;
    TestedJob run(tree_job({}, seed), {}, std::ref(maze));
    run.run();
    return run.executor().journal();
  };
  EXPECT_EQ(journal(3), journal(3));
}

}  // namespace
}  // namespace bursar::plan
