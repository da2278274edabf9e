#include "bursar/core/policy.h"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/json.h"

namespace bursar {
namespace {

using testing::HasSubstr;

constexpr std::array<std::string_view, 2> kColours{"red", "green"};
constexpr std::array<PolicyParameter, 4> kParameters{{
    {.name = "step", .about = "size of a step", .preset = "0.5", .low = 0, .high = 1},
    {.name = "count", .about = "how many", .kind = ParameterKind::kInteger, .preset = "3", .low = 1},
    {.name = "colour", .about = "which", .kind = ParameterKind::kText, .preset = "\"red\"", .choices = kColours},
    {.name = "start", .about = "where to begin", .kind = ParameterKind::kNumbers, .preset = "[]", .low = 0},
}};
const PolicyEntry kEntry{
    .name = "toy",
    .slug = "toy",
    .room = "core",
    .about = "a toy",
    .parameters = kParameters,
    .make = [](const PolicySetup&) -> Result<std::unique_ptr<Policy>> { return std::unique_ptr<Policy>{}; }};

std::string complaint(boost::json::object given) {
  auto out = complete_parameters(kEntry, given);
  return out ? "" : out.error().message;
}

TEST(PolicyParameters, TakeTheirDefaults) {
  auto out = complete_parameters(kEntry, {{"step", 1}});
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(to_json(*out), R"({"step":1,"count":3,"colour":"red","start":[]})");
}

TEST(PolicyParameters, AreNamedWhenWrong) {
  EXPECT_THAT(complaint({{"stepp", 1}}), HasSubstr("has no parameter \"stepp\"; it has step, count, colour, start"));
  EXPECT_THAT(complaint({{"step", 2}}), HasSubstr("step must be a number from 0 to 1, is 2"));
  EXPECT_THAT(complaint({{"count", 1.5}}), HasSubstr("count must be an integer of at least 1, is 1.5"));
  EXPECT_THAT(complaint({{"colour", "blue"}}), HasSubstr("colour must be red or green, is \"blue\""));
  EXPECT_THAT(complaint({{"start", boost::json::array{1, -1}}}), HasSubstr("start must be a list of numbers of at"));
}

TEST(PolicySetup, NeedsAPositiveBudget) {
  EXPECT_THAT(make_policy(kEntry, {.budget = {}}).error().message, HasSubstr("has 0 resources"));
  EXPECT_THAT(make_policy(kEntry, {.budget = {1, 0}, .resource_names = {"usd", "ms"}}).error().message,
              HasSubstr("budget of ms: must be a positive number, is 0"));
  EXPECT_TRUE(make_policy(kEntry, {.budget = {1}}));
}

TEST(PolicyWords, AreNameAndParameters) {
  auto words = parse_policy_words("toy:step=0.25,count=4,colour=red,start=[1;2.5],on=true");
  ASSERT_TRUE(words) << words.error().message;
  EXPECT_EQ(words->name, "toy");
  EXPECT_EQ(to_json(words->parameters), R"({"step":2.5E-1,"count":4,"colour":"red","start":[1,2.5E0],"on":true})");
  EXPECT_EQ(parse_policy_words("toy")->parameters.size(), 0U);
}

TEST(PolicyWords, SayWhatIsWrong) {
  EXPECT_THAT(parse_policy_words("").error().message, HasSubstr("has no name"));
  EXPECT_THAT(parse_policy_words("toy:step").error().message, HasSubstr("'step' is not parameter=value"));
  EXPECT_THAT(parse_policy_words("toy:a=1,a=2").error().message, HasSubstr("gives a twice"));
}

TEST(PolicyTable, NamesWhatThereIs) {
  const std::array table{kEntry};
  EXPECT_EQ(find_policy(table, "toy"), &table[0]);
  EXPECT_THAT(policy_named(table, "toi").error().message, HasSubstr("there are toy"));
  EXPECT_THAT(restore_policy(table, boost::json::object{}).error().message, HasSubstr("policy"));
}

}  // namespace
}  // namespace bursar
