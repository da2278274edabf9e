#include "bursar/broker/models/model_price.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/broker/models/model_route.h"

namespace bursar::broker {
namespace {

Amounts amounts(std::string_view text) { return *parse_amounts(text); }

TEST(ModelPrice, CostsWhatTheSheetOfTheBudgetTrackerSays) {
  // 100,000 input tokens (60,000 cached), 4,000 output at 1.25 / 0.31 / 10 USD per million: 0.1086 usd.
  const ModelPriceConfig price{
      .input = amounts("1.25 usd"), .cached_input = amounts("0.31 usd"), .output = amounts("10 usd")};
  const Amounts cost = cost_of(&price, {.prompt = 100'000, .cached = 60'000, .completion = 4000});
  EXPECT_EQ(cost[kUsd], 108'600);
  EXPECT_EQ(cost[kTokens], 104'000);
  EXPECT_EQ(cost[kCalls], 1);
}

TEST(ModelPrice, RoundsUpOnce) {
  const ModelPriceConfig price{.input = amounts("0.02 usd"), .output = amounts("0.02 usd")};
  EXPECT_EQ(cost_of(&price, {.prompt = 1})[kUsd], 1);
  EXPECT_EQ(cost_of(&price, {.prompt = 25, .completion = 25})[kUsd], 1);
  EXPECT_EQ(cost_of(&price, {.prompt = 26, .completion = 25})[kUsd], 2);
}

TEST(ModelPrice, CachedTokensCostTheInputsPriceUnlessTheyHaveTheirOwn) {
  const ModelPriceConfig price{.input = amounts("1 usd")};
  EXPECT_EQ(cost_of(&price, {.prompt = 1'000'000, .cached = 1'000'000})[kUsd], 1'000'000);
}

TEST(ModelPrice, ACallMayHaveItsOwnPrice) {
  const ModelPriceConfig price{.call = amounts("0.01 usd, 3 calls")};
  const Amounts cost = cost_of(&price, {.prompt = 10});
  EXPECT_EQ(cost[kUsd], 10'000);
  EXPECT_EQ(cost[kCalls], 3);
}

TEST(ModelPrice, WithoutAPriceTokensAndCallsCount) {
  EXPECT_EQ(cost_of(nullptr, {.prompt = 3, .completion = 4}), amounts("7 tokens, 1 calls"));
}

TEST(ModelPrice, AbsurdCountsAreBounded) {
  const ModelPriceConfig price{.input = amounts("1000000 usd"), .output = amounts("1000000 usd")};
  const Amounts cost = cost_of(&price, {.prompt = UINT64_MAX, .completion = UINT64_MAX});
  EXPECT_EQ(cost[kUsd], kMostUnits);
  EXPECT_EQ(cost[kTokens], kMostUnits);
}

RC_GTEST_PROP(ModelPrice, WhatAnHonestUpstreamReportsIsNeverAboveTheWorstCase, ()) {
  const auto micro = rc::gen::inRange<std::int64_t>(0, 100'000'000);
  ModelPriceConfig price;
  (void)price.input.set(kUsd, *micro);
  if (*rc::gen::arbitrary<bool>()) (void)price.cached_input.set(kUsd, *micro);
  (void)price.output.set(kUsd, *micro);
  (void)price.call.set(kUsd, *micro);
  const auto prompt_max = *rc::gen::inRange<std::uint64_t>(0, 10'000'000);
  const auto completion_max = *rc::gen::inRange<std::uint64_t>(0, 10'000'000);
  const TokenUsage usage{.prompt = *rc::gen::inRange<std::uint64_t>(0, prompt_max + 1),
                         .cached = *rc::gen::inRange<std::uint64_t>(0, prompt_max + 1),
                         .completion = *rc::gen::inRange<std::uint64_t>(0, completion_max + 1)};
  const Amounts cost = cost_of(&price, usage), worst = worst_case(&price, prompt_max, completion_max);
  for (const Amount& amount : cost.items()) RC_ASSERT(amount.units <= worst[amount.resource]);
}

TEST(PriceFile, IsReadLikeTheConfiguration) {
  const auto file = parse_price_file(R"(
date: 2026-11-01
prices:
  - {upstream: openai, model: gpt-4o*, input: 2.50 usd, cached_input: 1.25 usd, output: 10 usd}
)",
                                     "prices.yaml");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->date, "2026-11-01");
  EXPECT_EQ(file->prices.at(0).output[kUsd], 10'000'000);
  const auto wrong = parse_price_file("date: 2026-11-01\nprices: [{imput: 2 usd}]\n", "prices.yaml");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("prices[0].imput"), std::string::npos) << wrong.error().message;
  EXPECT_FALSE(parse_price_file("prices: []\n", "prices.yaml"));
}

TEST(ModelPrices, TheConfigurationsRulesComeFirst) {
  ModelsConfig config;
  config.prices = {{.upstream = "a", .model = "x*", .input = amounts("1 usd")},
                   {.upstream = "*", .model = "x1", .input = amounts("2 usd")}};
  const auto prices = ModelPrices::make(config);
  ASSERT_TRUE(prices);
  EXPECT_EQ(prices->find("a", "x1")->input[kUsd], 1'000'000);
  EXPECT_EQ(prices->find("b", "x1")->input[kUsd], 2'000'000);
  EXPECT_EQ(prices->find("b", "y"), nullptr);
  config.price_file = "/nonexistent/prices.yaml";
  EXPECT_FALSE(ModelPrices::make(config));
}

ModelsConfig two_upstreams() {
  ModelsConfig config;
  config.upstreams = {{.name = "openai"}, {.name = "local"}};
  return config;
}

TEST(ModelRoutes, WithoutRoutesAgentsNameTheUpstream) {
  const ModelRoutes routes(two_upstreams());
  EXPECT_EQ(routes.find("openai/gpt-4o")->targets.at(0), (ModelTarget{"openai", "gpt-4o"}));
  EXPECT_EQ(routes.find("local/org/model")->targets.at(0), (ModelTarget{"local", "org/model"}));
  EXPECT_FALSE(routes.find("gpt-4o"));
  EXPECT_FALSE(routes.find("openai/"));
  EXPECT_FALSE(routes.find("elsewhere/gpt-4o"));
}

TEST(ModelRoutes, TheFirstThatFitsDecides) {
  ModelsConfig config = two_upstreams();
  config.routes = {{.model = "fast", .targets = {"local/llama", "openai/gpt-4o-mini"}, .retries = 2},
                   {.model = "gpt-*", .targets = {"openai"}}};
  const ModelRoutes routes(config);
  const auto fast = routes.find("fast");
  ASSERT_TRUE(fast);
  EXPECT_EQ(fast->targets, (std::vector<ModelTarget>{{"local", "llama"}, {"openai", "gpt-4o-mini"}}));
  EXPECT_EQ(fast->retries, 2U);
  EXPECT_EQ(routes.find("gpt-4o")->targets.at(0), (ModelTarget{"openai", "gpt-4o"}));
  EXPECT_FALSE(routes.find("openai/gpt-4o"));
  EXPECT_EQ(routes.named(), std::vector<std::string>{"fast"});
  EXPECT_EQ(routes.names_of("openai", "gpt-4o"), std::vector<std::string>{"gpt-4o"});
  EXPECT_TRUE(routes.names_of("local", "gpt-4o").empty());
}

}  // namespace
}  // namespace bursar::broker
