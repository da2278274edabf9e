#include "bursar/plan/pipeline_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bursar::plan {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kPipeline = R"({
  "name": "qa", "budget": 900,
  "stages": [
    {"name": "retrieve", "prompt": "Find: {{question}}", "prompt_tokens": 2048, "generation_tokens": 128,
     "models": [{"name": "m7", "parameters": 7e9}, {"name": "m72", "parameters": 72e9}], "model": "m7", "samples": 12},
    {"name": "answer", "prompt": "{{retrieve}} | {{question}}", "prompt_tokens": 256, "generation_tokens": 64,
     "models": [{"name": "m8", "parameters": 8e9}], "model": "m8", "samples": 1}]})";

TEST(PipelineFile, ReadsStagesWithTheirChoices) {
  const Pipeline qa = *parse_pipeline(kPipeline);
  EXPECT_TRUE(qa.is_configured());
  EXPECT_EQ(qa.stages[0].choice, (StageChoice{.model = 0, .samples = 12}));
  EXPECT_EQ(qa.stages[0].subtask.max_samples, 100);
  EXPECT_EQ(qa.space().budget, 900);
  const boost::json::value again(to_json_object(qa));
  EXPECT_EQ(to_json(to_json_object(*pipeline_of(JsonView(again)))), to_json(again));
}

TEST(PipelineFile, FillsPromptsAndNeverLooksIntoTexts) {
  const Pipeline qa = *parse_pipeline(kPipeline);
  EXPECT_EQ(*render(qa, 0, "who?", {}), "Find: who?");
  EXPECT_EQ(*render(qa, 1, "{{retrieve}}", std::vector<std::string>{"{{question}} x"}),
            "{{question}} x | {{retrieve}}");
  EXPECT_THAT(render(qa, 1, "q", {}).error().message, HasSubstr("needs the texts"));
  const std::string fused = render_fuse(qa.stages[0], "who?", std::vector<std::string>{"a", "b"});
  EXPECT_THAT(fused, HasSubstr("[1]\na\n\n[2]\nb"));
  EXPECT_THAT(fused, HasSubstr("who?"));
}

TEST(PipelineFile, NamesThePlaceOfWhatIsWrong) {
  const auto message = [](std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    text.replace(at, from.size(), to);
    const auto read = parse_pipeline(text);
    return read ? std::string("none") : read.error().message;
  };
  const std::string good(kPipeline);
  EXPECT_THAT(message(good, "\"qa\"", "\"Q A\""), HasSubstr("$.name"));
  EXPECT_THAT(message(good, "{{retrieve}} |", "{{later}} |"), HasSubstr("{{later}}"));
  EXPECT_THAT(message(good, "Find: {{question}}", "{{answer}}"), HasSubstr("$.stages[0]"));
  EXPECT_THAT(message(good, "\"model\": \"m7\"", "\"model\": \"m9\""), HasSubstr("none of its models"));
  EXPECT_THAT(message(good, ", \"samples\": 12", ""), HasSubstr("together"));
  EXPECT_THAT(message(good, "\"samples\": 12", "\"samples\": 101"), HasSubstr("$.stages[0].samples"));
  EXPECT_THAT(message(good, "\"answer\"", "\"retrieve\""), HasSubstr("twice"));
  EXPECT_THAT(message(good, "\"budget\": 900", "\"unit\": \"eur\""), HasSubstr("$.unit"));
  EXPECT_THAT(message(good, "\"budget\"", "\"budgets\""), HasSubstr("budgets"));
  EXPECT_THAT(message(good, "\"prompt\": \"Find", "\"fuse\": \"x\", \"prompt\": \"Find"), HasSubstr("{{samples}}"));
}

}  // namespace
}  // namespace bursar::plan
