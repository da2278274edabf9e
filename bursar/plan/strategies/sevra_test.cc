#include <gtest/gtest.h>

#include "bursar/plan/job/job_testing.h"
#include "bursar/plan/recovery_gate.h"

namespace bursar::plan {
namespace {

std::unique_ptr<Controller> sevra_job(boost::json::object parameters = {}, boost::json::object beliefs = {}) {
  return make_job(**strategy_named("sevra"), {.question = "6 x 7?",
                                              .model = "m",
                                              .max_tokens = 500,
                                              .parameters = std::move(parameters),
                                              .beliefs = std::move(beliefs)})
      .value();
}

Observation mends(const Action& action) {
  return action.purpose == "sample" ? said("Answer: 41") : said("6 x 7 is 42\nVerdict: wrong\nAnswer: 42");
}

TEST(Sevra, LeavesAShortEasyAnswerAlone) {
  TestedJob run(sevra_job(), {}, mends);
  const JobResult& result = run.run();
  EXPECT_EQ(result.launched, 1);
  EXPECT_EQ(result.answer->source, 1);
}

TEST(Sevra, ChecksAnAnswerThatWasCutOff) {
  TestedJob run(sevra_job(), {}, [](const Action& action) {
    if (action.purpose != "sample") return mends(action);
    Observation seen = said("and then we see that", 500);
    seen.finish = "length";
    return seen;
  });
  EXPECT_EQ(run.run().answer->text, "6 x 7 is 42\nAnswer: 42");
  EXPECT_EQ(run.launched.size(), 2);
}

TEST(Sevra, TakesTheCheckOnlyWhereItSaysWrongAndGivesAnAnswer) {
  const auto answer = [](const char* check) {
    TestedJob run(sevra_job({{"threshold", 0}}), {},
                  [check](const Action& action) { return said(action.purpose == "sample" ? "Answer: 41" : check); });
    return run.run().answer->text;
  };
  EXPECT_EQ(answer("Verdict: wrong\nAnswer: 42"), "Answer: 42");
  EXPECT_EQ(answer("Verdict: right\nAnswer: 41"), "Answer: 41");
  EXPECT_EQ(answer("Verdict: wrong"), "Answer: 41");
  EXPECT_EQ(answer("Answer: 40"), "Answer: 41");
  EXPECT_EQ(answer(""), "Answer: 41");
}

TEST(Sevra, UsesTheGateThatWasLearnedAndNamesIt) {
  const LinearGate always({0, 0, 0, 0, 0, 0, 0, 0}, 3);
  TestedJob run(sevra_job({}, {{"gate", {{"gate", always.save()}, {"threshold", .5}}}}), {}, mends);
  EXPECT_EQ(run.run().answer->text, "6 x 7 is 42\nAnswer: 42");
  const std::string expected = SelectiveVerifier(always, .5).decide({}).value().gate;
  const boost::json::object& why = run.executor().journal().at(2).at("step").at("why").as_object();
  EXPECT_EQ(why.at("gate").as_string(), expected);
  EXPECT_TRUE(why.at("learned").as_bool());
  EXPECT_NEAR(why.at("score").as_double(), .9526, 1e-4);
}

TEST(Sevra, KeepsTheFirstAnswerWhenThePurseIsSpent) {
  TestedJob run(sevra_job({{"threshold", 0}}), {.purse = *parse_amounts("505 tokens"), .time = {}}, mends);
  EXPECT_EQ(run.run().answer->text, "6 x 7 is 42\nAnswer: 42");  // 495 are left: the check is cut, and still made
  TestedJob poor(sevra_job({{"threshold", 0}}), {.purse = *parse_amounts("1 calls")}, mends);
  EXPECT_EQ(poor.run().answer->text, "Answer: 41");
}

}  // namespace
}  // namespace bursar::plan
