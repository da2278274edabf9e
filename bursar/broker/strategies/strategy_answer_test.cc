#include "bursar/broker/strategies/strategy_answer.h"

#include <gtest/gtest.h>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

plan::JobResult result() {
  plan::JobResult out;
  out.answer =
      plan::Answer{.text = "zwölf ist die Antwort, und sie ist etwas länger als ein Stück von ihr", .source = 3};
  out.cost = *parse_amounts("57 tokens");
  out.prompt_tokens = 9;
  out.completion_tokens = 48;
  out.launched = 4;
  return out;
}
StrategyAnswer answer(const plan::JobResult& of, std::string message = "") {
  return {.id = "j1", .strategy = "pets", .result = &of, .message = std::move(message)};
}

TEST(StrategyAnswer, IsAChatCompletionWithTheSumOfAllCalls) {
  const plan::JobResult of = result();
  const auto body = bursar::parse_json(whole_answer(answer(of)))->get_object();
  EXPECT_EQ(body.at("object"), "chat.completion");
  EXPECT_EQ(body.at("model"), "bursar/pets");
  EXPECT_EQ(body.at("usage").at("total_tokens"), 57);
  EXPECT_EQ(body.at("choices").at(0).at("message").at("content").as_string(), of.answer->text.c_str());
  EXPECT_EQ(body.at("choices").at(0).at("finish_reason"), "stop");
  EXPECT_EQ(body.at("bursar").at("cost"), "57 tokens");
  EXPECT_FALSE(body.at("bursar").as_object().contains("trace"));
}

TEST(StrategyAnswer, SaysThatItWasCutShort) {
  plan::JobResult of = result();
  of.end = plan::JobEnd::kPurse;
  const auto body = bursar::parse_json(whole_answer(answer(of)))->get_object();
  EXPECT_EQ(body.at("choices").at(0).at("finish_reason"), "length");
  EXPECT_EQ(body.at("bursar").at("ended"), "purse");
}

TEST(StrategyAnswer, PassesAWholeMessageOn) {
  const plan::JobResult of = result();
  const std::string message = R"({"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function"}]})";
  const auto body = bursar::parse_json(whole_answer(answer(of, message)))->get_object();
  EXPECT_EQ(body.at("choices").at(0).at("finish_reason"), "tool_calls");
  EXPECT_EQ(body.at("choices").at(0).at("message").at("tool_calls").as_array().size(), 1);
  const auto events = streamed_answer(answer(of, message), false);
  EXPECT_NE(events[1].find(R"("tool_calls":[{"id":"c","type":"function","index":0}])"), std::string::npos) << events[1];
}

TEST(StrategyAnswer, StreamsWholeCharactersThatMakeUpTheText) {
  const plan::JobResult of = result();
  const auto events = streamed_answer(answer(of), true);
  ASSERT_EQ(events.back(), "data: [DONE]\n\n");
  std::string text;
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    const auto chunk = bursar::parse_json(std::string_view(events[i]).substr(6))->get_object();
    if (chunk.at("choices").as_array().empty()) {
      EXPECT_EQ(chunk.at("usage").at("completion_tokens"), 48);
      continue;
    }
    const auto& delta = chunk.at("choices").at(0).at("delta").as_object();
    if (delta.contains("content")) text += std::string(delta.at("content").as_string());
  }
  EXPECT_EQ(text, of.answer->text);
}

}  // namespace
}  // namespace bursar::broker
