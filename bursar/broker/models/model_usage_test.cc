#include "bursar/broker/models/model_usage.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace bursar::broker {
namespace {

TEST(Usage, IsReadWithItsDetails) {
  EXPECT_EQ(
      read_usage(
          R"({"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4}})"),
      (TokenUsage{.prompt = 10, .cached = 4, .completion = 5}));
  EXPECT_EQ(read_usage(R"({"prompt_tokens":10,"total_tokens":10})"), (TokenUsage{.prompt = 10}));
}

TEST(Usage, HiddenTokensOfTheTotalCount) {
  EXPECT_EQ(read_usage(R"({"prompt_tokens":10,"completion_tokens":5,"total_tokens":40})")->completion, 30U);
}

TEST(Usage, WhatCannotBeTrueIsNotReported) {
  for (const char* wrong :
       {R"({"prompt_tokens":-1,"completion_tokens":5})", R"({"prompt_tokens":"10"})", R"({})", "null", "",
        R"({"prompt_tokens":1.5})", R"({"prompt_tokens":99999999999999999999})", R"([1])"}) {
    EXPECT_EQ(read_usage(wrong), std::nullopt) << wrong;
  }
  EXPECT_EQ(
      read_usage(R"({"prompt_tokens":3,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":9}})")->cached,
      3U);
  const auto silent = usage_of_answer(
      R"({"choices":[{"message":{"content":"text"}}],"usage":{"prompt_tokens":1,"completion_tokens":0}})");
  EXPECT_EQ(silent.usage, std::nullopt);
  EXPECT_EQ(silent.counted, 4U);
}

const std::string kStream =
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
    ": a comment\n\n"
    "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}],\"usage\":null}\n\n"
    "data: {\"choices\":[{\"delta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\r\n\r\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2,\"total_tokens\":9}}\n\n"
    "data: [DONE]\n\n";

TEST(StreamMeter, PassesEventsAsTheyCameAndHidesTheUsageThatOnlyWeAskedFor) {
  StreamMeter shown, hiding({.hide_usage = true});
  std::string all, some;
  ASSERT_TRUE(shown.feed(kStream, all));
  ASSERT_TRUE(hiding.feed(kStream, some));
  EXPECT_EQ(all, kStream);
  const std::size_t at = kStream.find("data: {\"choices\":[],");
  EXPECT_EQ(some, kStream.substr(0, at) + "data: [DONE]\n\n");
  EXPECT_EQ(hiding.usage(), (TokenUsage{.prompt = 7, .completion = 2}));
  EXPECT_EQ(hiding.counted(), 5U);
  EXPECT_TRUE(hiding.done());
}

RC_GTEST_PROP(StreamMeter, SaysTheSameHoweverTheBytesAreCut, ()) {
  StreamMeter meter({.hide_usage = true});
  std::string pass, whole;
  for (std::size_t at = 0; at < kStream.size();) {
    const auto length = *rc::gen::inRange<std::size_t>(1, 40);
    RC_ASSERT(meter.feed(std::string_view(kStream).substr(at, length), pass).has_value());
    at += length;
  }
  StreamMeter one({.hide_usage = true});
  RC_ASSERT(one.feed(kStream, whole).has_value());
  RC_ASSERT(pass == whole);
  RC_ASSERT(meter.usage() == one.usage());
  RC_ASSERT(meter.counted() == one.counted());
  RC_ASSERT(meter.events() == one.events());
}

RC_GTEST_PROP(StreamMeter, AnyBytesAreHarmless, ()) {
  StreamMeter meter;
  std::string pass;
  const auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::container<std::string>(
      rc::gen::elementOf(std::string("\r\n:{}[]\",data: choices usage delta content 0123"))));
  std::size_t bytes = 0;
  for (const std::string& piece : pieces) {
    RC_ASSERT(meter.feed(piece, pass).has_value());
    bytes += piece.size();
  }
  RC_ASSERT(pass.size() <= bytes);
  RC_ASSERT(meter.counted() <= bytes);
}

TEST(StreamMeter, HoldsHalfAnEventBackAndBoundsIt) {
  StreamMeter meter({.event_bytes = 100});
  std::string pass;
  ASSERT_TRUE(meter.feed("data: {\"choices\":[{\"de", pass));
  EXPECT_EQ(pass, "");
  EXPECT_TRUE(meter.partial());
  EXPECT_FALSE(meter.feed(std::string(200, 'x'), pass));
}

TEST(StreamMeter, CountsToolCallsAndReasoning) {
  StreamMeter meter;
  std::string pass;
  ASSERT_TRUE(meter.feed(
      "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_12345678\",\"function\":"
      "{\"name\":\"ab\",\"arguments\":\"{\\\"x\\\":1}\"}}]}},{\"delta\":{\"reasoning_content\":\"hmm\"}}]}\n\n",
      pass));
  EXPECT_EQ(meter.counted(), 2U + 7U + 3U);
}

TEST(StreamMeter, TellsAnUpstreamsError) {
  StreamMeter meter;
  std::string pass;
  ASSERT_TRUE(meter.feed("data: {\"error\":{\"message\":\"overloaded\"}}\n\n", pass));
  EXPECT_TRUE(meter.failed());
  EXPECT_FALSE(meter.finished());
}

}  // namespace
}  // namespace bursar::broker
