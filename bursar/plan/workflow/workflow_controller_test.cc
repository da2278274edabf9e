#include "bursar/plan/workflow/workflow_controller.h"

#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/plan/job/job_testing.h"

namespace bursar::plan {
namespace {

constexpr const char* kTwoSteps = R"({"subtasks": [
  {"id": "outline", "prompt": "Outline it.", "options": [
    {"model": "small", "p": 0.6, "latency_ms": {"mean": 20, "cv": 0.2}, "tokens": 40, "usd": 0.0001},
    {"model": "large", "p": 0.9, "latency_ms": {"mean": 60, "cv": 0.2}, "tokens": 60, "usd": 0.001}]},
  {"id": "draft", "parents": ["outline"], "prompt": "Write out: {{outline}}", "check": {"min_chars": 3}, "options": [
    {"model": "small", "p": 0.7, "latency_ms": {"mean": 30, "cv": 0.2}, "tokens": 80, "usd": 0.0002}]}]})";

std::unique_ptr<WorkflowController> controller(WorkflowSetup setup = {}) {
  return WorkflowController::make(read_workflow(kTwoSteps).value(), std::move(setup)).value();
}
WorkflowSetup within(const char* purse) {
  return {.limits = {.budget = parse_amounts(purse).value(), .deadline_ms = 2000}};
}
JobLimits job(const char* purse) {
  return {.purse = parse_amounts(purse).value(), .time = std::chrono::seconds{2}, .parallel = 64};
}

TEST(WorkflowController, PutsTheAnswersOfParentsIntoPrompts) {
  TestedJob run(controller(within("10k tokens")), job("10k tokens"),
                [](const Action& action) { return said(action.purpose == "outline" ? "a, b, c" : "the draft", 20); });
  const JobResult& result = run.run();
  EXPECT_EQ(result.end, JobEnd::kAnswered);
  EXPECT_EQ(result.answer->text, R"({"outline":"a, b, c","draft":"the draft"})");
  EXPECT_EQ(std::get<ModelAsk>(run.launched.back().ask).messages.front().content, "Write out: a, b, c");
  EXPECT_DOUBLE_EQ(result.answer->certainty, 1);
}

TEST(WorkflowController, TriesAgainWhereAnAnswerDoesNotPass) {
  int drafts = 0;
  TestedJob run(controller(within("10k tokens")), job("10k tokens"), [&](const Action& action) {
    if (action.purpose == "outline") return said("fine", 20);
    return ++drafts < 20 ? said(" x ", 20) : said("long enough", 20);
  });
  EXPECT_NE(run.run().answer->text.find("long enough"), std::string::npos);
  EXPECT_GE(drafts, 20);
}

TEST(WorkflowController, EndsWithWhatItHasWhenThePurseIsEmpty) {
  TestedJob run(controller(within("300 tokens")), job("300 tokens"),
                [](const Action& action) { return action.purpose == "outline" ? said("fine", 20) : said("", 60); });
  const JobResult& result = run.run();
  EXPECT_TRUE(run.executor().finished());
  EXPECT_LE(result.cost[kTokens], 300);
  EXPECT_EQ(result.answer->text, R"({"outline":"fine"})");
}

// Several starts that fit by their means and not by their caps: a reference into the step's notes did not outlive them.
TEST(WorkflowController, SaysWhatItCouldNotStart) {
  std::string many = R"({"subtasks": [)";
  for (int i = 0; i < 8; ++i) {
    many +=
        (i > 0 ? "," : "") + (R"({"id": "s)" + std::to_string(i)) +
        R"(", "prompt": "Do it.", "options": [{"model": "m", "p": 0.6, "latency_ms": {"mean": 20}, "tokens": 40}]})";
  }
  auto made = WorkflowController::make(read_workflow(many + "]}").value(), within("1 tokens"));
  TestedJob run(std::move(made.value()), job("1 tokens"), [](const Action&) { return said("", 1); });
  EXPECT_FALSE(run.run().answer);
  EXPECT_TRUE(run.executor().finished());
  EXPECT_TRUE(run.launched.empty());
  EXPECT_NE(to_json(run.executor().journal()).find("not_started"), std::string::npos);
}

TEST(WorkflowController, EndsAtItsDeadline) {
  TestedJob run(controller(within("100k tokens")), job("100k tokens"), [](const Action&) { return said("", 1); });
  run.latency = std::chrono::milliseconds{300};
  EXPECT_TRUE(run.run().end == JobEnd::kDeadline || run.executor().result().end == JobEnd::kAnswered);
  EXPECT_FALSE(run.executor().result().answer);
}

TEST(WorkflowController, GoesOnFromAnyPrefixOfItsJournal) {
  const auto model = [](const Action& action) { return said(action.id % 3 == 0 ? "an answer" : "", 20); };
  TestedJob whole(controller(within("10k tokens")), job("10k tokens"), model);
  const JobResult expected = whole.run();
  const boost::json::array& journal = whole.executor().journal();
  for (std::size_t length = 0; length <= journal.size(); ++length) {
    boost::json::array prefix;
    for (std::size_t i = 0; i < length; ++i) prefix.push_back(journal[i]);
    TestedJob later(controller(within("10k tokens")), job("10k tokens"), model);
    ASSERT_TRUE(later.executor().resume(prefix, later.now)) << length;
    while (later.step()) {
    }
    EXPECT_TRUE(later.executor().finished()) << length;
    EXPECT_TRUE(later.executor().result().answer) << length;
  }
}

TEST(WorkflowController, RefusesWhatCannotBeRun) {
  auto silent = read_workflow(R"({"subtasks": [{"id": "a", "options": [
      {"model": "m", "p": 0.5, "latency_ms": {"mean": 1, "cv": 0}, "tokens": 1}]}]})");
  ASSERT_TRUE(silent) << silent.error().message;
  EXPECT_NE(WorkflowController::make(*silent, {}).error().message.find("no prompt"), std::string::npos);
  auto checked = read_workflow(kTwoSteps).value();
  checked.texts[1].check.regex = "x";
  EXPECT_NE(WorkflowController::make(checked, {}).error().message.find("regex"), std::string::npos);
}

}  // namespace
}  // namespace bursar::plan
