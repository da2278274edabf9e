#include "bursar/broker/strategies/inner_call.h"

#include <gtest/gtest.h>

#include "bursar/broker/mcp/message.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

using plan::ActionEnd;

InnerAnswer answered(int status, std::string body) { return {.response = {.status = status}, .body = std::move(body)}; }
InnerAnswer streamed(std::string body) { return {.streamed = true, .body = std::move(body)}; }

TEST(InnerCall, AnAskWithoutMessagesIsTheRequestOnceMore) {
  const boost::json::object own{{"messages", boost::json::array{}}, {"response_format", "x"}};
  const auto body = parse_json(model_body({.model = "m", .temperature = .5}, 77, own))->get_object();
  EXPECT_EQ(body.at("response_format"), "x");
  EXPECT_EQ(body.at("seed"), 77);
  EXPECT_EQ(body.at("model"), "m");
  EXPECT_FALSE(body.contains("max_tokens"));
}

TEST(InnerCall, AnAskOfItsOwnTakesNothingFromTheRequest) {
  const boost::json::object own{{"messages", boost::json::array{}}, {"tools", boost::json::array{}}};
  const plan::ModelAsk ask{.model = "m", .messages = {{"user", "hi"}}, .stop = {"\n"}, .top_logprobs = 5};
  const auto body = parse_json(model_body(ask, 1, own))->get_object();
  EXPECT_FALSE(body.contains("tools"));
  EXPECT_EQ(to_json(body.at("messages")), R"([{"role":"user","content":"hi"}])");
  EXPECT_EQ(to_json(body.at("stop")), R"(["\n"])");
  EXPECT_EQ(body.at("top_logprobs"), 5);
}

TEST(InnerCall, ReadsTextFinishAndChances) {
  const auto seen = read_model_answer(answered(
      200,
      R"({"choices":[{"message":{"content":"4"},"finish_reason":"length","logprobs":{"content":[{"token":"4","logprob":-1,)"
      R"("top_logprobs":[{"token":"4","logprob":-1},{"token":"5","logprob":-2}]},{"token":".","logprob":-3}]}}]})"));
  EXPECT_TRUE(seen.ok());
  EXPECT_EQ(seen.text, "4");
  EXPECT_EQ(seen.finish, "length");
  EXPECT_DOUBLE_EQ(*seen.mean_logprob, -2);
  ASSERT_EQ(seen.first_token.size(), 2);
  EXPECT_EQ(seen.first_token[1].token, "5");
}

TEST(InnerCall, TellsRefusalsFromFailures) {
  EXPECT_EQ(read_model_answer(answered(402, R"({"error":{"message":"no usd left"}})")).end, ActionEnd::kRefused);
  EXPECT_EQ(read_model_answer(answered(402, R"({"error":{"message":"no usd left"}})")).why, "no usd left");
  EXPECT_EQ(read_model_answer(answered(502, "oops")).end, ActionEnd::kFailed);
  for (const char* nonsense : {"", "{}", "[]", R"({"choices":[]})", R"({"choices":[7]})", R"({"choices":[{}]})"}) {
    EXPECT_EQ(read_model_answer(answered(200, nonsense)).end, ActionEnd::kFailed) << nonsense;
  }
}

TEST(InnerCall, ReadsOneVectorForEachTextByItsIndex) {
  EXPECT_EQ(embedding_body({.model = "e", .texts = {"a", "b"}}), R"({"model":"e","input":["a","b"]})");
  const auto seen = read_embedding_answer(
      answered(200, R"({"data":[{"index":1,"embedding":[3,4]},{"index":0,"embedding":[1,2]}]})"), 2);
  ASSERT_TRUE(seen.ok()) << seen.why;
  EXPECT_EQ(seen.vectors, (std::vector<std::vector<float>>{{1, 2}, {3, 4}}));
  for (const char* nonsense :
       {"", "{}", R"({"data":7})", R"({"data":[{"embedding":[1]}]})",
        R"({"data":[{"embedding":[1]},{"embedding":[1,2]}]})", R"({"data":[{"embedding":["x"]},{"embedding":[1]}]})",
        R"({"data":[{"index":9,"embedding":[1]},{"embedding":[1]}]})"}) {
    EXPECT_EQ(read_embedding_answer(answered(200, nonsense), 2).end, ActionEnd::kFailed) << nonsense;
  }
  EXPECT_EQ(read_embedding_answer(answered(402, "{}"), 2).end, ActionEnd::kRefused);
}

TEST(InnerCall, CallsToolsAsTheCallerAndInItsTurn) {
  HttpRequest outer{.headers = {{"Authorization", "Bearer k"}, {"x-bursar-turn", "t1"}, {"Host", "here"}}};
  const HttpRequest call = tool_request({"docs__search", {{"query", "a b"}}}, outer, "7", {{{"query"}, "Query"}});
  EXPECT_EQ(call.header("authorization"), "Bearer k");
  EXPECT_EQ(call.header("mcp-name"), "docs__search");
  EXPECT_EQ(call.header("mcp-param-query"), "a b");
  const auto body = parse_json(call.body)->get_object();
  const auto& meta = body.at("params").at("_meta").as_object();
  EXPECT_EQ(to_json(meta.at("dev.bursar/turn")), R"({"id":"t1"})");
  EXPECT_EQ(to_json(body.at("params").at("arguments")), R"({"query":"a b"})");
}

TEST(InnerCall, ReadsWhatAToolSaysAndWhatItCost) {
  const std::string result =
      R"({"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"one"},{"type":"image"},)"
      R"({"type":"text","text":"two"}],"_meta":{"dev.bursar/budget":{"cost":"1 calls, 0.002 usd"}}}})";
  const auto plain = read_tool_answer(answered(200, result), "7");
  EXPECT_EQ(plain.text, "one\ntwo");
  EXPECT_EQ(plain.cost, *parse_amounts("1 calls, 0.002 usd"));
  const auto events = read_tool_answer(
      streamed("data: {\"method\":\"notifications/progress\"}\n\nevent: message\ndata: " + result + "\n\n"), "7");
  EXPECT_EQ(events.text, "one\ntwo");
}

TEST(InnerCall, AToolThatIsRefusedCostsNothing) {
  const auto refused = read_tool_answer(
      answered(
          200,
          R"({"id":7,"result":{"isError":true,"content":[],"_meta":{"dev.bursar/error":{"message":"no calls left"}}}})"),
      "7");
  EXPECT_EQ(refused.end, ActionEnd::kRefused);
  EXPECT_EQ(refused.why, "no calls left");
  EXPECT_EQ(read_tool_answer(answered(404, R"({"error":{"message":"no such tool"}})"), "7").why, "no such tool");
  EXPECT_EQ(read_tool_answer(answered(500, "<html>"), "7").end, ActionEnd::kFailed);
}

}  // namespace
}  // namespace bursar::broker
