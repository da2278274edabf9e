#include "bursar/plan/workflow/workflow_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bursar::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kFile = R"({"name": "essay", "subtasks": [
  {"id": "outline", "prompt": "Outline it.", "check": {"min_chars": 20},
   "options": [{"model": "small", "p": 0.6, "latency_ms": {"mean": 2000, "cv": 0.4}, "tokens": 500, "usd": 0.0004},
               {"model": "large", "p": 0.9, "latency_ms": 5000, "usd": 0.004, "cost": "fixed"}]},
  {"id": "draft", "parents": ["outline"], "prompt": "Write it out:\n{{outline}}!", "check": {"regex": "(?i)conclusion"},
   "options": [{"model": "small", "usd": 0.001,
                "measured": [{"ms": 900, "success": true, "tokens": 100}, {"ms": 1100, "success": false}]}]}]})";

TEST(WorkflowFile, ReadsWhatIsPlannedAndWhatIsRun) {
  const auto file = read_workflow(kFile);
  ASSERT_TRUE(file) << file.error().message;
  const Workflow& workflow = file->workflow;
  ASSERT_EQ(workflow.size(), 2U);
  EXPECT_THAT(workflow.models(), ElementsAre("small", "large"));
  EXPECT_EQ(workflow[0].options[0].latency.cv, .4);
  EXPECT_TRUE(workflow[0].options[0].cost.follows_latency);
  EXPECT_EQ(workflow[0].options[1].latency.mean_ms, 5000);
  EXPECT_FALSE(workflow[0].options[1].cost.follows_latency);
  EXPECT_THAT(workflow[1].parents, ElementsAre(0));
  EXPECT_EQ(workflow[1].options[0].p, .5);
  EXPECT_EQ(workflow[1].options[0].cost.tokens, 50);
  EXPECT_EQ(file->texts[0].check.min_chars, 20U);
  EXPECT_EQ(file->texts[1].check.regex, "(?i)conclusion");
  EXPECT_TRUE(file->executable());
  EXPECT_EQ(*prompt_for(*file, 1, std::vector<std::string>{"1. {{x}}", ""}), "Write it out:\n1. {{x}}!");
  EXPECT_FALSE(prompt_for(*file, 1, {}));
}

TEST(WorkflowFile, SaysWhereItIsWrong) {
  const auto refused = [](std::string from, const std::string& what, const std::string& by) {
    const std::size_t at = from.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    from.replace(at, what.size(), by);
    const auto read = read_workflow(from);
    return read ? std::string("fine") : read.error().message;
  };
  EXPECT_THAT(refused(kFile, "\"p\": 0.6", "\"p\": 1.6"), HasSubstr("$.subtasks[0].options[0].p"));
  EXPECT_THAT(refused(kFile, "\"mean\": 2000", "\"mean\": 0"), HasSubstr("$.subtasks[0].options[0].latency_ms.mean"));
  EXPECT_THAT(refused(kFile, "\"tokens\"", "\"token\""), HasSubstr("token"));
  EXPECT_THAT(refused(kFile, "[\"outline\"]", "[\"outlin\"]"), HasSubstr("no subtask has that id"));
  EXPECT_THAT(refused(kFile, "{{outline}}", "{{draft}}"), HasSubstr("$.subtasks[1].prompt"));
  EXPECT_THAT(refused(kFile, "{{outline}}", "{{outline"), HasSubstr("without"));
  EXPECT_THAT(refused(kFile, "\"draft\"", "\"outline\""), HasSubstr("stands twice"));
  EXPECT_THAT(refused(kFile, "\"fixed\"", "\"free\""), HasSubstr("must be \"latency\""));
  EXPECT_THAT(refused(kFile, "\"usd\": 0.001,", "\"p\": 0.5,"), HasSubstr("p and measured both"));
  EXPECT_THAT(refused(kFile, "\"parents\": [\"outline\"]", "\"parents\": [\"draft\"]"),
              HasSubstr("$.subtasks[1].prompt"));
  EXPECT_THAT(read_workflow("[]").error().message, HasSubstr("$"));
  EXPECT_THAT(read_workflow(R"({"subtasks": []})").error().message, HasSubstr("needs a subtask"));
  EXPECT_THAT(read_workflow(R"({"subtasks": [{"id": "a", "options": []}]})").error().message,
              HasSubstr("has no option"));
}

}  // namespace
}  // namespace bursar::plan
