#include "bursar/allocate/format/json_problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/allocate/format/answer.h"
#include "bursar/core/json.h"

namespace bursar::allocate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string refusal(std::string_view text, const ReadLimits& limits = {}) {
  const auto r = read_problem_json(text, limits);
  return r ? "accepted" : r.error().message;
}

TEST(JsonProblem, ReadsItemsWithOptions) {
  const auto r = read_problem_json(
      R"({"budget": 8, "minimise": true, "gap": 0.01, "method": "core", "time_limit_s": 2, "explain": ["head"],
    "items": [{"name": "conv1", "options": [{"name": "2 bit", "value": 9, "cost": 2}, {"name": "4 bit", "value": 4, "cost": 4}]},
              {"name": "head", "minimum": 1, "options": [{"value": 3, "cost": 2, "forbidden": true}]}]})");
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_THAT(r->problem.first, ElementsAre(0, 2, 3));
  EXPECT_THAT(r->problem.value, ElementsAre(9, 4, 3));
  EXPECT_THAT(r->problem.forbidden, ElementsAre(0, 0, 1));
  EXPECT_THAT(r->problem.minimum, ElementsAre(0, 1));
  EXPECT_THAT(r->problem.item_names, ElementsAre("conv1", "head"));
  EXPECT_THAT(r->problem.option_names, ElementsAre("2 bit", "4 bit", "0"));
  EXPECT_TRUE(r->problem.minimise);
  EXPECT_THAT(r->budget->amounts, ElementsAre(8));
  EXPECT_EQ(r->options.method, Method::kCore);
  EXPECT_EQ(r->options.relative_gap, .01);
  EXPECT_EQ(r->time_limit_s, 2);
  EXPECT_THAT(r->explain, ElementsAre("head"));
}

TEST(JsonProblem, ReadsAKnapsackWithCopiesResourcesAndGroups) {
  const auto r = read_problem_json(R"({"budget": {"usd": 5, "h": 3}, "groups": {"n": 4, "s": null}, "items": [
    {"name": "a", "value": 5, "cost": {"usd": 2, "h": 1}, "copies": 2, "group": "n"},
    {"name": "b", "value": 7, "cost": {"h": 1, "usd": 3}, "group": "s"}]})");
  ASSERT_TRUE(r) << r.error().message;
  const Problem& p = r->problem;
  EXPECT_THAT(p.value, ElementsAre(0, 5, 10, 0, 7));
  EXPECT_THAT(p.cost, ElementsAre(0, 2, 4, 0, 3, 0, 1, 2, 0, 1));
  EXPECT_THAT(p.resource_names, ElementsAre("usd", "h"));
  EXPECT_THAT(p.group, ElementsAre(0, 1));
  EXPECT_EQ(p.groups[0].cap, 4);
  EXPECT_TRUE(std::isinf(p.groups[1].cap));
  // By hand: two copies of a fill usd 4 of 5 (10); one of each costs 5 and 2 hours (12).
  const auto a = allocate(p, *r->budget);
  ASSERT_TRUE(a) << a.error().message;
  EXPECT_EQ(a->value, 12);
}

TEST(JsonProblem, ReadsTables) {
  const auto r =
      read_problem_json(R"({"value": [[0, 5], [0, 9]], "cost": {"usd": [[0, 2], [0, 6]]}, "budget": {"usd": 6},
    "item_names": ["cache", "index"], "option_names": ["none", "full"], "group": ["g", "g"], "groups": {"g": 6},
    "minimum": [0, 1], "forbidden": [[0, 0], [1, 0]]})");
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->problem.width, 2U);
  EXPECT_THAT(r->problem.cost, ElementsAre(0, 2, 0, 6));
  EXPECT_THAT(r->problem.option_names, ElementsAre("none", "full"));
  EXPECT_THAT(r->problem.forbidden, ElementsAre(0, 0, 1, 0));
  const auto ragged = read_problem_json(R"({"value": [[0, 5], [9]], "cost": [[0, 2], [6]]})");
  ASSERT_TRUE(ragged);
  EXPECT_THAT(ragged->problem.first, ElementsAre(0, 2, 3));
  EXPECT_FALSE(ragged->budget);
  EXPECT_THAT(ragged->problem.item_names, IsEmpty());
}

TEST(JsonProblem, NamesThePlaceOfWhatItRefuses) {
  const auto option = [](std::string_view inside) {
    return R"({"items": [{"options": [)" + std::string(inside) + "]}]}";
  };
  EXPECT_THAT(refusal(option(R"({"value": 1, "cost": -2})")),
              HasSubstr("$.items[0].options[0].cost: is -2; it must be at least 0"));
  EXPECT_THAT(refusal(option(R"({"value": 1})")), HasSubstr("$.items[0].options[0]: lacks cost"));
  EXPECT_THAT(refusal(option(R"({"value": "1", "cost": 2})")), HasSubstr("options[0].value: must be a number"));
  EXPECT_THAT(refusal(option(R"({"value": 1e70, "cost": 2})")), HasSubstr("larger unit"));
  EXPECT_THAT(refusal(option(R"({"value": 1, "cost": 2, "prize": 3})")),
              HasSubstr("unknown key 'prize'; known are name, value, cost, forbidden"));
  EXPECT_THAT(refusal(option(R"({"name": "a", "value": 1, "cost": 2}, {"name": "a", "value": 1, "cost": 2})")),
              HasSubstr("$.items[0]: the option 'a' stands twice"));
  EXPECT_THAT(refusal(option("")), HasSubstr("at least one option"));
  EXPECT_THAT(refusal(R"({"items": [{"name": "a", "value": 1, "cost": 1}, {"name": "a", "value": 1, "cost": 1}]})"),
              HasSubstr("$.items[1]: an item is named 'a' already"));
  EXPECT_THAT(refusal(R"({"items": [{"value": 1, "cost": 1, "copies": 0}]})"),
              HasSubstr("$.items[0].copies: must be a whole number from 1"));
  EXPECT_THAT(refusal(R"({"items": [{"value": 1, "cost": 1, "options": []}]})"),
              HasSubstr("either options, or value and cost"));
  EXPECT_THAT(refusal(R"({"budget": {"usd": 1}, "items": [{"value": 1, "cost": {"eur": 1}}]})"),
              HasSubstr("$.items[0].cost: lacks the resource 'usd'"));
  EXPECT_THAT(refusal(R"({"budget": {"usd": 1, "h": 1}, "items": [{"value": 1, "cost": 3}]})"),
              HasSubstr("a cost for each of 2 resources"));
  EXPECT_THAT(refusal(R"({"groups": {"n": 1}, "items": [{"value": 1, "cost": 1, "group": "m"}]})"),
              HasSubstr("$.items[0].group: is 'm'"));
  EXPECT_THAT(refusal(R"({"items": [{"value": 1, "cost": 1, "group": "m"}, {"value": 1, "cost": 1}]})"),
              HasSubstr("lacks a group"));
  EXPECT_THAT(refusal(R"({"items": [{"value": 1, "cost": 1}], "budgte": 3})"), HasSubstr("$: unknown key 'budgte'"));
  EXPECT_THAT(refusal(R"({"items": [{"value": 1, "cost": 1}], "method": "magic"})"),
              HasSubstr("$.method: method is 'magic'; known are auto"));
  EXPECT_THAT(refusal(R"({"items": [{"value": 1, "cost": 1}], "gap": 2})"),
              HasSubstr("$.gap: is 2; it must be from 0 to 1"));
  EXPECT_THAT(refusal(R"({"items": [{"value": 1, "cost": 1}], "budget": -1})"), HasSubstr("$.budget: is -1"));
  EXPECT_THAT(refusal(R"({"value": [[1, 2]], "cost": [[1]]})"),
              HasSubstr("$.cost[0]: has 1 entries, and the item has 2 options"));
  EXPECT_THAT(refusal(R"({"value": [[1], [2]], "cost": [[1]]})"), HasSubstr("$.cost: has 1 rows, and value has 2"));
  EXPECT_THAT(refusal(R"({"value": [[1]], "cost": [[-1]]})"), HasSubstr("$.cost[0][0]: is -1"));
  EXPECT_THAT(refusal(R"({"value": [[1]], "cost": [[1]], "item_names": ["a", "b"]})"),
              HasSubstr("$.item_names: has 2 entries; it needs 1"));
  EXPECT_THAT(refusal("[]"), HasSubstr("$: must be an object"));
  EXPECT_THAT(refusal("{}"), HasSubstr("either items, or value and cost"));
}

TEST(JsonProblem, HasLimitsOnWhatAFewBytesCanAskFor) {
  EXPECT_THAT(refusal(R"({"items": [{"value": 1, "cost": 1, "copies": 1000}]})", {.max_options = 100}),
              HasSubstr("more than 100 options"));
  std::string many = R"({"budget": {)";
  for (int r = 0; r < 300; ++r) many += (r == 0 ? "\"r" : ",\"r") + std::to_string(r) + "\": 1";
  EXPECT_THAT(refusal(many + R"(}, "items": [{"value": 1, "cost": 0}]})"),
              HasSubstr("names 300 resources; at most 256"));
  EXPECT_THAT(refusal(std::string(64, '[')), HasSubstr("too deep"));
}

TEST(Answer, IsJsonWithNamesBoundAndReasons) {
  const auto r = read_problem_json(
      R"({"budget": 7, "items": [{"name": "a\"b", "value": 5, "cost": 2}, {"name": "c", "value": 9, "cost": 6}]})");
  ASSERT_TRUE(r);
  const auto a = allocate(r->problem, *r->budget);
  ASSERT_TRUE(a);
  const auto json = parse_json(answer_json(r->problem, *r->budget, *a, {.explain = {0}}));
  ASSERT_TRUE(json) << json.error().message;
  const JsonView root(*json);
  EXPECT_EQ(*root.double_at("value", -1e9, 1e9), 9);
  EXPECT_EQ(*root.double_at("bound", -1e9, 1e9), 9);
  EXPECT_EQ(*root.at("item")->element(0)->as_string(), "a\"b");
  EXPECT_EQ(*root.at("choice")->element(1)->as_int(), 1);
  EXPECT_EQ(*root.at("resources")->element(0)->double_at("cost", 0, 100), 6);
  const auto why = root.at("explanations")->element(0);
  EXPECT_EQ(*why->at("options")->element(1)->string_at("status"), "unaffordable");
}

TEST(StatedProblem, MatchesBudgetsToResourcesByName) {
  const auto r = read_problem_json(R"({"value": [[1]], "cost": {"usd": [[1]], "h": [[2]]}})");
  ASSERT_TRUE(r);
  EXPECT_THAT(budget_of(r->problem, {{"h", 3}, {"usd", 4}})->amounts, ElementsAre(4, 3));
  EXPECT_THAT(budget_of(r->problem, {{"", 3}}).error().message,
              HasSubstr("names no resource, and the problem has 2: usd, h"));
  EXPECT_THAT(budget_of(r->problem, {{"h", 3}}).error().message, HasSubstr("no budget for usd"));
  EXPECT_THAT(budget_of(r->problem, {{"h", 3}, {"h", 4}}).error().message, HasSubstr("given twice"));
  EXPECT_THAT(budget_of(r->problem, {{"eur", 3}}).error().message, HasSubstr("'eur'; resources are usd, h"));
  EXPECT_THAT(budget_of(r->problem, {{"h", -3}}).error().message, HasSubstr("at least 0"));
}

}  // namespace
}  // namespace bursar::allocate
