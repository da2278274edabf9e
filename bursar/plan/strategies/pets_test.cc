#include <gtest/gtest.h>

#include "bursar/plan/job/job_testing.h"

namespace bursar::plan {
namespace {

std::unique_ptr<Controller> pets_job(boost::json::object parameters = {}) {
  return make_job(**strategy_named("pets"),
                  {.question = "6 x 7?", .model = "m", .max_tokens = 50, .parameters = std::move(parameters)})
      .value();
}

TEST(Pets, StopsAfterTheFirstFewWhereTheyAgree) {
  TestedJob run(pets_job(), {}, [](const Action&) { return said("I think\nAnswer: 42"); });
  const JobResult& result = run.run();
  EXPECT_EQ(result.launched, 4);
  EXPECT_EQ(result.answer->text, "I think\nAnswer: 42");
  EXPECT_DOUBLE_EQ(result.answer->certainty, 1);
}

TEST(Pets, DrawsMoreWhereTheyDisagree) {
  TestedJob run(pets_job(), {},
                [](const Action& action) { return said(action.id % 3 == 0 ? "Answer: 41" : "Answer: 42.0"); });
  const JobResult& result = run.run();
  EXPECT_GT(result.launched, 4);
  EXPECT_LE(result.launched, 32);
  EXPECT_EQ(result.answer->text, "Answer: 42.0");
}

TEST(Pets, VotesWithWhatCameBack) {
  TestedJob run(pets_job(), {}, [](const Action& action) {
    return action.id == 1 ? Observation{.end = ActionEnd::kFailed, .why = "reset"} : said("Answer: 42");
  });
  EXPECT_EQ(run.run().answer->text, "Answer: 42");
}

TEST(Pets, NamesWhatIsWrongWithItsSetup) {
  const auto make = [](JobSetup setup) { return make_job(**strategy_named("pets"), std::move(setup)); };
  EXPECT_NE(make({}).error().message.find("messages"), std::string::npos);
  EXPECT_NE(make({.question = "q", .parameters = {{"sample", 3}}}).error().message.find("\"sample\""),
            std::string::npos);
  EXPECT_NE(make({.question = "q", .parameters = {{"samples", 0}}}).error().message.find("samples"), std::string::npos);
  EXPECT_EQ(strategy_named("nope").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace bursar::plan
