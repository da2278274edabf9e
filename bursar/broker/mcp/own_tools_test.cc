#include "bursar/broker/mcp/own_tools.h"

#include <gtest/gtest.h>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

TEST(Regime, ChangesAtItsThresholds) {
  EXPECT_EQ(regime_of(.7), "HIGH");
  EXPECT_EQ(regime_of(.699), "MEDIUM");
  EXPECT_EQ(regime_of(.3), "MEDIUM");
  EXPECT_EQ(regime_of(.299), "LOW");
  EXPECT_EQ(regime_of(.1), "LOW");
  EXPECT_EQ(regime_of(.099), "CRITICAL");
}

TEST(BudgetResult, NamesEveryLimitAndShowsTheTightestOfEachResource) {
  BudgetReport report{.account = "acme/ada", .turn = "t", .turn_left = 42s, .caps = {{kCalls, 3}}};
  report.lines.push_back({.account = "acme/ada",
                          .limit = {.resource = kUsd, .amount = 5'000'000},
                          .spent = 1'000'000,
                          .held = 500'000,
                          .left = 3'500'000});
  report.lines.push_back({.account = "acme",
                          .limit = {.resource = kUsd, .amount = 10'000'000},
                          .spent = 9'000'000,
                          .left = 1'000'000,
                          .refills_at = wall_from_unix_us(0)});
  const std::string result = budget_result(report, wall_from_unix_us(0));
  ASSERT_TRUE(parse_json(result)) << result;
  const std::string_view structured = raw_member(result, "structuredContent");
  EXPECT_EQ(raw_member(structured, "account"), R"("acme/ada")");
  EXPECT_EQ(raw_member(structured, "regime"), R"("LOW")");
  EXPECT_EQ(raw_member(raw_member(structured, "turn"), "ms_left"), "42000");
  EXPECT_EQ(raw_member(raw_member(structured, "turn"), "calls_left"), "3");
  EXPECT_TRUE(contains(structured, R"("limit":5,"spent":1,"held":0.5,"left":3.5,"share_left":0.700,"regime":"HIGH")"));
  EXPECT_TRUE(contains(structured, R"("refills_at":"1970-01-01T00:00:00Z")"));
  const std::string text = raw_string(raw_member(raw_member(result, "content").substr(1), "text"));
  EXPECT_TRUE(contains(text, "usd: 9.00 usd used, 1.00 usd left (LOW)")) << text;
  EXPECT_FALSE(contains(text, "3.50 usd left")) << text;
}

TEST(OwnLists, OfferTheBudgetUnderOurName) {
  const auto catalogue = Catalogue::build({own_lists()});
  const auto target = catalogue->resolve("", "tools/call", "bursar.budget");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->upstream, kOwnUpstream);
  EXPECT_EQ(target->name, "budget");
}

}  // namespace
}  // namespace bursar::broker
