#include "bursar/broker/strategies/strategy_request.h"

#include <gtest/gtest.h>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

const StrategyConfig kConfig{.model = "up/main", .tools = {"docs__search"}};

HttpRequest request(std::string body, HttpHeaders headers = {}) {
  return {.method = "POST", .headers = std::move(headers), .body = std::move(body)};
}
std::string body(std::string_view more = "") {
  return R"({"model":"bursar/pets","messages":[{"role":"system","content":"Be brief."},)"
         R"({"role":"user","content":"What is 6 x 7?"}])" +
         std::string(more) + "}";
}
std::string error(std::string_view more, HttpHeaders headers = {}) {
  const auto read = read_strategy_request(request(body(more), std::move(headers)), kConfig);
  return read ? "" : read.error().message;
}

TEST(StrategyRequest, ReadsAnOrdinaryChatRequest) {
  const auto read = read_strategy_request(
      request(
          body(R"(,"max_tokens":64,"temperature":0.2,"seed":9,"stream":true,"stream_options":{"include_usage":true})")),
      kConfig);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->entry->name, "pets");
  EXPECT_EQ(read->setup.question, "What is 6 x 7?");
  EXPECT_EQ(read->setup.messages.size(), 2);
  EXPECT_EQ(read->setup.model, "up/main");
  EXPECT_EQ(read->setup.max_tokens, 64);
  EXPECT_DOUBLE_EQ(read->setup.temperature, .2);
  EXPECT_EQ(read->setup.seed, 9);
  EXPECT_TRUE(read->stream && read->usage_asked);
  EXPECT_EQ(read->limits.time, kConfig.time);
  EXPECT_TRUE(read->own.contains("messages"));
  for (const char* ours : {"model", "stream", "seed", "max_tokens", "bursar"}) EXPECT_FALSE(read->own.contains(ours));
}

TEST(StrategyRequest, ReadsItsOwnObject) {
  const auto read = read_strategy_request(
      request(body(R"(,"tools":[{"type":"function"}],"bursar":{"model":"up/other","tools":["a","b"],"explain":"full",)"
                   R"("parameters":{"samples":3},"budget":"5k tokens, 0.01 usd, 20 s"})")),
      kConfig);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->setup.model, "up/other");
  EXPECT_EQ(read->setup.tools, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read->explain, Explain::kFull);
  EXPECT_EQ(read->limits.purse, *parse_amounts("5k tokens, 0.01 usd"));
  EXPECT_EQ(read->limits.time, std::chrono::seconds{20});
  EXPECT_EQ(read->setup.parameters.at("samples"), 3);
  EXPECT_TRUE(read->own.contains("tools"));  // the agent's own functions go with every answer that is drawn
}

TEST(StrategyRequest, TakesTheSameFromHeaders) {
  const auto read = read_strategy_request(
      request(body(),
              {{"x-bursar-budget", "2k tokens"}, {"x-bursar-parameters", "samples=5"}, {"x-bursar-explain", "true"}}),
      kConfig);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->limits.purse, *parse_amounts("2k tokens"));
  EXPECT_EQ(read->setup.parameters.at("samples"), 5);
  EXPECT_EQ(read->explain, Explain::kShort);
}

TEST(StrategyRequest, ADeadlineIsNeverLongerThanTheConfigurationsOwn) {
  const auto read = read_strategy_request(request(body(R"(,"bursar":{"budget":"2 h"})")), kConfig);
  EXPECT_EQ(read->limits.time, kConfig.time);
}

TEST(StrategyRequest, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {R"(,"n":2)", "n: "},
      {R"(,"max_tokens":0)", "max_tokens"},
      {R"(,"temperature":9)", "temperature"},
      {R"(,"seed":"x")", "seed"},
      {R"(,"bursar":7)", "bursar"},
      {R"(,"bursar":{"budgets":"1 usd"})", "budgets"},
      {R"(,"bursar":{"budget":"-1 usd"})", "bursar.budget"},
      {R"(,"bursar":{"budget":"lots"})", "bursar.budget"},
      {R"(,"bursar":{"explain":"maybe"})", "bursar.explain"},
      {R"(,"bursar":{"parameters":[]})", "bursar.parameters"},
      {R"(,"bursar":{"tools":"search"})", "bursar.tools"},
  };
  for (const auto& [more, names] : cases) EXPECT_NE(error(more).find(names), std::string::npos) << more << error(more);
  EXPECT_NE(error("", {{"x-bursar-explain", "loud"}}).find("x-bursar-explain"), std::string::npos);
  EXPECT_NE(error("", {{"x-bursar-budget", "x"}}).find("x-bursar-budget"), std::string::npos);
  const auto silent = read_strategy_request(request(R"({"model":"bursar/pets","messages":[]})"), kConfig);
  EXPECT_NE(silent.error().message.find("messages"), std::string::npos);
  const auto unknown = read_strategy_request(request(R"({"model":"bursar/guess","messages":[]})"), kConfig);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace bursar::broker
