#include "bursar/plan/workflow/workflow.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/plan/workflow/test_workflows.h"

namespace bursar::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Option option(double p, double ms = 1000) { return {.model = "m", .p = p, .latency = {.mean_ms = ms}}; }

void expect_refused(std::vector<Subtask> tasks, ErrorCode code, const std::string& why) {
  const auto made = Workflow::make(std::move(tasks));
  ASSERT_FALSE(made) << why;
  EXPECT_EQ(made.error().code, code);
  EXPECT_THAT(made.error().message, HasSubstr(why));
}

TEST(Workflow, NamesWhatIsWrong) {
  constexpr auto kWrong = ErrorCode::kInvalidArgument;
  expect_refused({}, kWrong, "needs a subtask");
  expect_refused({{.id = "a"}}, kWrong, "\"a\" has no option");
  expect_refused({{.id = "a", .parents = {1}, .options = {option(.5)}}}, kWrong, "parent 1 does not exist");
  expect_refused({{.id = "a", .options = {option(1.5)}}}, kWrong, "p is 1.5");
  expect_refused({{.id = "a", .options = {option(std::nan(""))}}}, kWrong, "it must be in [0, 1]");
  expect_refused({{.id = "a", .options = {option(.5, 0)}}}, kWrong, "latency must be above 0");
  expect_refused({{.id = "a", .options = {option(.5), option(.6)}}}, kWrong, "\"m\" stands twice");
  expect_refused({{.id = "a", .options = {option(.5)}}, {.id = "a", .options = {option(.5)}}}, kWrong, "stands twice");
  expect_refused({{.id = "root", .options = {option(.5)}},
                  {.id = "a", .parents = {2}, .options = {option(.5)}},
                  {.id = "b", .parents = {1}, .options = {option(.5)}}},
                 kWrong, "the parents of subtask \"a\" form a cycle");
  expect_refused({{.id = "hopeless", .options = {option(0)}}}, ErrorCode::kInfeasible, "\"hopeless\" is infeasible");
  std::vector<Subtask> many(65);
  for (std::size_t v = 0; v < many.size(); ++v) many[v] = {.id = std::to_string(v), .options = {option(.5)}};
  expect_refused(many, kWrong, "has 65 subtasks");
  many.pop_back();
  EXPECT_EQ(Workflow::make(many)->all(), ~NodeSet{0});
}

TEST(Workflow, StartsWhatHasNoOpenParentAndDoesNotRun) {
  const Workflow workflow = diamond(.5);
  EXPECT_EQ(workflow.dispatchable({}), 0b0001U);
  EXPECT_EQ(workflow.dispatchable({.completed = 1}), 0b0110U);
  EXPECT_EQ(workflow.dispatchable({.completed = 1, .running = {{.node = 2}}}), 0b0010U);
  EXPECT_EQ(workflow.dispatchable({.completed = 0b0111}), 0b1000U);
  EXPECT_EQ(workflow.dispatchable({.completed = 0b1111}), 0U);
}

TEST(Workflow, RefusesStatesThatAreNone) {
  const Workflow workflow = diamond(.5);
  EXPECT_TRUE(workflow.check({}));
  EXPECT_FALSE(workflow.check({.completed = 0b0010}));  // its parent is open
  EXPECT_FALSE(workflow.check({.completed = 1 << 4}));
  EXPECT_FALSE(workflow.check({.usd = std::nan("")}));
  EXPECT_FALSE(workflow.check({.running = {{.node = 1}}}));
  EXPECT_FALSE(workflow.check({.running = {{.node = 0, .option = 1}}}));
  EXPECT_FALSE(workflow.check({.running = {{.node = 0}, {.node = 0}}}));
  EXPECT_FALSE(workflow.check({.running = {{.node = 0, .pending = 0}}}));
  EXPECT_FALSE(workflow.check({.failures = {1}}));
}

TEST(Workflow, TakesTheFirstOptionWhereAModelIsNotOffered) {
  const Workflow workflow = must_make({{.id = "a",
                                        .options = {{.model = "x", .p = .5, .latency = {.mean_ms = 1}},
                                                    {.model = "y", .p = .5, .latency = {.mean_ms = 1}}}},
                                       {.id = "b", .options = {{.model = "y", .p = .5, .latency = {.mean_ms = 1}}}}});
  EXPECT_THAT(workflow.models(), ElementsAre("x", "y"));
  EXPECT_EQ(workflow.option_of(0, 1), 1U);
  EXPECT_EQ(workflow.option_of(1, 0), 0U);
  EXPECT_EQ(workflow.option_of(1, 1), 0U);
  EXPECT_EQ(workflow.option_at(1, 0), 2U);
}

TEST(Workflow, MeasuresBudgetAndDeadlineInItsOwnScales) {
  const Workflow half = diamond(.5), sure = diamond(1);
  EXPECT_NEAR(budget_scale_usd(half), 4 * 5 * .001, 1e-15);  // ln .05 / ln .5 = 4.3
  EXPECT_NEAR(budget_scale_usd(sure), 4 * .001, 1e-15);
  EXPECT_NEAR(deadline_scale_ms(half), 2 * (1000 + 3000 + 4000), 1e-9);
  const std::vector<double> weight{1, 2, 3, 4};
  EXPECT_THAT(path_lengths(half, weight), ElementsAre(8, 6, 7, 4));
}

TEST(Workflow, LearnsMeansFromWhatWasMeasured) {
  Option measured{.model = "m", .p = .1, .cost = {.usd = .01}, .measured = {{1000, true, 10}, {3000, false, 30}}};
  const Workflow workflow = must_make({{.id = "a", .options = {measured}}});
  const Option& filled = workflow[0].options[0];
  EXPECT_EQ(filled.p, .5);
  EXPECT_EQ(filled.latency.mean_ms, 2000);
  EXPECT_NEAR(filled.latency.cv, .5, 1e-12);
  EXPECT_EQ(filled.cost.tokens, 20);
}

}  // namespace
}  // namespace bursar::plan
