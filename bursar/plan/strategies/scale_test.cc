#include <algorithm>
#include <gtest/gtest.h>

#include "bursar/plan/job/job_testing.h"

namespace bursar::plan {
namespace {

std::unique_ptr<Controller> scale_job(boost::json::object parameters = {}) {
  return make_job(**strategy_named("scale"), {.question = "How far do both go together?",
                                              .model = "large",
                                              .small_model = "small",
                                              .max_tokens = 800,
                                              .parameters = std::move(parameters)})
      .value();
}

Observation play(const Action& action) {
  const std::string& words = std::get<ModelAsk>(action.ask).messages.back().content;
  if (action.purpose == "decompose") return said("1. One?\n2. Other?\n3. Both?", 30);
  if (action.purpose == "assess") return said(words.contains("Other?\n</q") ? "Level: 4" : "Level: 2");
  if (action.purpose == "select") return said("Choice: 2");
  return said("Answer: " + std::to_string(action.id), 20);
}

std::string modes(const TestedJob& run) {
  std::string out;
  for (const Action& action : run.launched) {
    if (action.purpose == "fast" || action.purpose == "deliberate") out += action.purpose.front();
  }
  return out;
}

TEST(Scale, ThinksOverWhatIsHardAndTheQuestionItself) {
  TestedJob run(scale_job({{"tau", .5}}), {}, play);
  const JobResult& result = run.run();
  EXPECT_EQ(modes(run), "fdd");
  EXPECT_EQ(result.answer->source, run.launched.back().id);
  const auto& first = std::get<ModelAsk>(run.launched[3].ask);
  EXPECT_EQ(first.model, "small");
  EXPECT_EQ(first.max_tokens, 192);
  const auto& last = std::get<ModelAsk>(run.launched.back().ask);
  EXPECT_EQ(last.model, "large");
  EXPECT_NE(last.messages.back().content.find("<step>\nHow far do both go together?"), std::string::npos);
  EXPECT_NE(last.messages.back().content.find("2. Other?\nAnswer: 5"), std::string::npos);
}

TEST(Scale, FewerStepsAreDeliberateTheHigherTau) {
  const auto with = [](double tau) {
    TestedJob run(scale_job({{"tau", tau}}), {}, play);
    run.run();
    return modes(run);
  };
  EXPECT_EQ(with(.1), "ddd");
  EXPECT_EQ(with(.9), "ffd");
  EXPECT_EQ(with(1), "fff");
}

TEST(Scale, BuysDeliberationWhereItPaysBest) {
  // Three steps of 448 or 1056 tokens, after 50 for the plan; too little for plan and steps: the question alone.
  const auto with = [](const char* purse) {
    TestedJob run(scale_job({{"rule", "budget"}, {"tau", 0}}), {.purse = *parse_amounts(purse)}, play);
    run.run();
    return modes(run);
  };
  EXPECT_EQ(with("3300 tokens"), "ddd");
  EXPECT_EQ(with("3020 tokens"), "fdd");
  EXPECT_EQ(with("1300 tokens"), "f");
}

TEST(Scale, VotesAndPicksACutWhereAsked) {
  TestedJob run(scale_job({{"tau", .5}, {"votes", 3}, {"candidates", 3}}), {}, play);
  run.run();
  EXPECT_EQ(modes(run), "fdddddd");
  EXPECT_EQ(std::ranges::count(run.launched, "select", &Action::purpose), 1);
}

TEST(Scale, AnswersFastWhereThePurseCannotPayMore) {
  TestedJob run(scale_job(), {.purse = *parse_amounts("900 tokens")}, play);
  const JobResult& result = run.run();
  EXPECT_EQ(modes(run), "f");
  EXPECT_TRUE(result.answer.has_value());
}

TEST(Scale, AsksTheQuestionAloneWhereThereIsNoPlan) {
  TestedJob run(scale_job(), {}, [](const Action& action) {
    return action.purpose == "decompose" ? Observation{.end = ActionEnd::kFailed} : play(action);
  });
  run.run();
  EXPECT_EQ(modes(run), "d");
}

}  // namespace
}  // namespace bursar::plan
