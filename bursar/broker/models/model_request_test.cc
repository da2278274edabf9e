#include "bursar/broker/models/model_request.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/broker/pipeline/raw_json.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

Result<ModelRequest> chat(std::string_view body) { return read_model_request(ModelApi::kChat, body, {}); }

std::string message_of(const Result<ModelRequest>& read) { return read ? "" : read.error().message; }

TEST(ModelRequest, ReadsWhatBudgetsNeed) {
  const auto read = chat(R"({"model":"gpt","messages":[{"role":"user","content":"hello"}],"max_tokens":100,"n":3,
                             "stream":true,"stream_options":{"include_usage":true}})");
  ASSERT_TRUE(read) << message_of(read);
  EXPECT_EQ(read->model, "gpt");
  EXPECT_EQ(read->max_output, 100U);
  EXPECT_EQ(read->answers, 3U);
  EXPECT_TRUE(read->stream);
  EXPECT_TRUE(read->usage_asked);
  EXPECT_EQ(read->unbounded, "");
}

TEST(ModelRequest, TheLargerOfTwoLimitsCountsAndNullIsNone) {
  EXPECT_EQ(chat(R"({"model":"m","messages":[],"max_tokens":5,"max_completion_tokens":9})")->max_output, 9U);
  EXPECT_EQ(chat(R"({"model":"m","messages":[],"max_tokens":null})")->max_output, std::nullopt);
}

TEST(ModelRequest, NamesWhatIsWrong) {
  EXPECT_EQ(message_of(chat(R"({"messages":[]})")), "model: is missing");
  EXPECT_EQ(message_of(chat(R"({"model":"m"})")), "messages: is missing");
  EXPECT_EQ(message_of(chat(R"({"model":"m","messages":{}})")), "messages: must be an array");
  EXPECT_EQ(message_of(chat(R"({"model":"m","messages":[],"max_tokens":0})")),
            "max_tokens: must be a whole number from 1 to 10000000");
  EXPECT_EQ(message_of(chat(R"({"model":"m","messages":[],"max_tokens":1e3})")),
            "max_tokens: must be a whole number from 1 to 10000000");
  EXPECT_EQ(message_of(chat(R"({"model":"m","messages":[],"n":-1})")), "n: must be a whole number from 1 to 4096");
  EXPECT_EQ(message_of(chat(R"({"model":"m","messages":[],"stream":"yes"})")), "stream: must be true or false");
  EXPECT_EQ(message_of(chat(R"([])")), "the request must be a JSON object");
  EXPECT_FALSE(chat(R"({"model":"m","messages":[]} {})"));
  EXPECT_FALSE(chat("{\"model\":\"m\",\"messages\":[\"\xff\"]}"));
  EXPECT_FALSE(read_model_request(ModelApi::kChat, R"({"model":"m","messages":[[[[]]]]})", {.depth = 3}));
}

TEST(ModelRequest, RefusesAMemberThatStandsTwice) {
  EXPECT_FALSE(chat(R"({"model":"m","messages":[],"max_tokens":5,"max_tokens":500000})"));
  EXPECT_FALSE(chat(R"({"model":"m","messages":[],"max_tokens":5,"max_\u0074okens":500000})"));
  EXPECT_FALSE(chat(R"({"model":"m","messages":[],"stream_options":{"include_usage":true,"include_usage":false}})"));
}

TEST(ModelRequest, RefusesMoreMembersThanAnybodyNeeds) {
  std::string body = R"({"model":"m","messages":[])";
  for (int i = 0; i < 300; ++i) body += ",\"x" + std::to_string(i) + "\":1";
  EXPECT_FALSE(chat(body + "}"));
}

TEST(ModelRequest, CountsPromptsTimesCopies) {
  const auto answers = [](std::string_view body) {
    return read_model_request(ModelApi::kCompletions, body, {})->answers;
  };
  EXPECT_EQ(answers(R"({"model":"m","prompt":"a"})"), 1U);
  EXPECT_EQ(answers(R"({"model":"m","prompt":["a","b"],"n":3})"), 6U);
  EXPECT_EQ(answers(R"({"model":"m","prompt":[1,2,3],"n":2,"best_of":5})"), 5U);
  EXPECT_EQ(answers(R"({"model":"m","prompt":[[1,2],[3]]})"), 2U);
}

TEST(ModelRequest, EmbeddingsHaveNoOutput) {
  const auto read = read_model_request(ModelApi::kEmbeddings, R"({"model":"m","input":["ab","cd"],"n":7})", {});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->answers, 0U);
  EXPECT_GE(read->prompt_tokens_max, 4U);
}

TEST(ModelRequest, FindsWhatHasNoBoundInBytes) {
  EXPECT_EQ(chat(R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"x"},
                     {"type":"image_url","image_url":{"url":"http://x"}}]}]})")
                ->unbounded,
            "messages[0]: image_url");
  EXPECT_EQ(chat(R"({"model":"m","messages":[],"modalities":["text","audio"]})")->unbounded, "modalities");
  EXPECT_EQ(chat(R"({"model":"m","messages":[],"service_tier":"priority"})")->unbounded, "service_tier");
  EXPECT_EQ(chat(R"({"model":"m","messages":[],"service_tier":"auto"})")->unbounded, "");
}

TEST(ModelRequest, BytesThatAreEscapedCountAsWhatTheyStandFor) {
  EXPECT_EQ(text_bytes(R"(abc)"), 3U);
  EXPECT_EQ(text_bytes(R"(a\nb\\)"), 4U);
  EXPECT_EQ(text_bytes(R"(\u20ac)"), 3U);
}

// The oracle: the worst tokenizer there can be makes a token of every byte, and a few of each message.
RC_GTEST_PROP(ModelRequest, ThePromptsBoundIsNeverBelowItsBytes, ()) {
  const auto texts = *rc::gen::container<std::vector<std::string>>(rc::gen::string<std::string>());
  std::string body = R"({"model":"m","messages":[)";
  std::uint64_t least = 0;
  for (const std::string& text : texts) {
    const std::string json = json_string(text);  // replaces what is no UTF-8
    const auto plain = parse_json(json);
    RC_ASSERT(plain.has_value());
    least += plain->get_string().size() + 8;
    body += (body.back() == '[' ? "" : ",") + (R"({"role":"user","content":)" + json + "}");
  }
  const auto read = chat(body + "]}");
  RC_ASSERT(read.has_value());
  RC_ASSERT(read->prompt_tokens_max >= least + 16);
}

TEST(OutgoingBody, ChangesOnlyWhatItMust) {
  const std::string body = R"({"model":"gpt", "messages":[ ],"temperature":0.70,"max_tokens":7})";
  const auto read = chat(body);
  EXPECT_EQ(outgoing_body(ModelApi::kChat, body, *read, {.model = "gpt", .max_output = 4096}), body);
  EXPECT_EQ(outgoing_body(ModelApi::kChat, body, *read, {.model = "big \"one\"", .max_output = 4096}),
            R"({"model":"big \"one\"", "messages":[ ],"temperature":0.70,"max_tokens":7})");
}

TEST(OutgoingBody, AsksForTheLimitThatIsReserved) {
  const std::string body = R"({"model":"m","messages":[]})";
  const auto read = chat(body);
  EXPECT_EQ(raw_member(outgoing_body(ModelApi::kChat, body, *read, {.model = "m", .max_output = 64}), "max_tokens"),
            "64");
  const std::string modern =
      outgoing_body(ModelApi::kChat, body, *read, {.model = "m", .max_output = 64, .max_completion_tokens = true});
  EXPECT_EQ(raw_member(modern, "max_completion_tokens"), "64");
  EXPECT_EQ(raw_member(modern, "max_tokens"), "");
}

TEST(OutgoingBody, AsksStreamsForTheirUsage) {
  const std::string body = R"({"model":"m","messages":[],"max_tokens":1,"stream":true,"stream_options":{"x":1}})";
  const std::string out = outgoing_body(ModelApi::kChat, body, *chat(body), {.model = "m"});
  EXPECT_EQ(raw_member(raw_member(out, "stream_options"), "include_usage"), "true");
  EXPECT_EQ(raw_member(raw_member(out, "stream_options"), "x"), "1");
  const std::string none = R"({"model":"m","messages":[],"max_tokens":1,"stream":true,"stream_options":null})";
  EXPECT_EQ(raw_member(outgoing_body(ModelApi::kChat, none, *chat(none), {.model = "m"}), "stream_options"),
            R"({"include_usage":true})");
}

}  // namespace
}  // namespace bursar::broker
