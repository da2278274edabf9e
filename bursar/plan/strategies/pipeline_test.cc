#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/plan/job/job_testing.h"

namespace bursar::plan {
namespace {

constexpr const char* kTwoStages = R"({"name":"qa","stages":[
  {"name":"find","prompt":"Find what bears on: {{question}}","prompt_tokens":100,"generation_tokens":50,
   "models":[{"name":"small","parameters":3e9}],"model":"small","samples":3},
  {"name":"answer","prompt":"{{find}}\n\nAnswer: {{question}}","prompt_tokens":100,"generation_tokens":50,
   "models":[{"name":"small","parameters":3e9},{"name":"large","parameters":70e9}],"model":"large","samples":1}]})";

Result<std::unique_ptr<Controller>> pipeline_job(boost::json::object parameters) {
  return make_job(**strategy_named("pipeline"),
                  {.question = "Who built it?", .model = "m", .parameters = std::move(parameters)});
}

const ModelAsk& ask_at(const TestedJob& run, std::size_t i) { return std::get<ModelAsk>(run.launched.at(i).ask); }

Observation play(const Action& action) {
  if (action.purpose == "fuse") return said("fused");
  return said(action.purpose + " " + std::to_string(action.id));
}

TEST(Pipeline, RunsItsStagesAndFusesSeveralSamples) {
  TestedJob run(pipeline_job({{"pipeline", kTwoStages}}).value(), {}, play);
  const JobResult& result = run.run();
  EXPECT_EQ(result.launched, 5);
  EXPECT_EQ(result.answer->text, "stage 5");
  EXPECT_EQ(ask_at(run, 0).messages[0].content, "Find what bears on: Who built it?");
  EXPECT_EQ(ask_at(run, 3).model, "small");
  EXPECT_NE(ask_at(run, 3).messages[0].content.find("stage 2"), std::string::npos);
  EXPECT_EQ(ask_at(run, 4).model, "large");
  EXPECT_EQ(ask_at(run, 4).messages[0].content, "fused\n\nAnswer: Who built it?");
}

TEST(Pipeline, TakesAnObjectToo) {
  TestedJob run(pipeline_job({{"pipeline", *parse_json(kTwoStages)}}).value(), {}, play);
  EXPECT_EQ(run.run().answer->text, "stage 5");
}

TEST(Pipeline, DoesWithoutWhatFails) {
  TestedJob run(pipeline_job({{"pipeline", kTwoStages}}).value(), {}, [](const Action& action) {
    return action.id == 1 || action.purpose == "fuse" ? Observation{.end = ActionEnd::kFailed} : play(action);
  });
  EXPECT_EQ(run.run().answer->text, "stage 5");
  EXPECT_EQ(ask_at(run, 4).messages[0].content, "stage 2\n\nAnswer: Who built it?");
}

TEST(Pipeline, SaysWhatIsWrongWithItsFile) {
  EXPECT_NE(pipeline_job({}).error().message.find("needs pipeline"), std::string::npos);
  EXPECT_NE(pipeline_job({{"pipeline", "{"}}).error().message.find("pipeline"), std::string::npos);
  const std::string unset = R"({"name":"qa","stages":[{"name":"find","prompt":"{{question}}","prompt_tokens":100,
    "generation_tokens":50,"models":[{"name":"small","parameters":3e9}]}]})";
  EXPECT_NE(pipeline_job({{"pipeline", unset}}).error().message.find("every stage needs"), std::string::npos);
}

}  // namespace
}  // namespace bursar::plan
