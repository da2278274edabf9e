#include "bursar/broker/upstream/sse_parser.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <vector>

namespace bursar::broker {
namespace {

std::vector<std::string> events(SseParser& parser, std::string_view text) {
  std::vector<std::string> out;
  EXPECT_TRUE(parser.feed(text, [&](const SseEvent& e) { out.push_back(e.type + "|" + e.data + "|" + e.id); }));
  return out;
}

std::vector<std::string> events(std::string_view text) {
  SseParser parser;
  return events(parser, text);
}

using Strings = std::vector<std::string>;

TEST(SseParser, ReadsFieldsAndDeliversAtAnEmptyLine) {
  EXPECT_EQ(events("data: a\n\n"), Strings{"message|a|"});
  EXPECT_EQ(events("event: ping\nid: 7\ndata: a\ndata:b\ndata\n\n"), Strings{"ping|a\nb\n|7"});
  EXPECT_EQ(events("data:  two\n\ndata: x"), Strings{"message| two|"});
  EXPECT_EQ(events("\xEF\xBB\xBF"
                   "data: a\n\n"),
            Strings{"message|a|"});
  EXPECT_EQ(events(": hello\nunknown: x\ndata: {\"a\":1}\n\n"), Strings{"message|{\"a\":1}|"});
}

TEST(SseParser, TakesEveryLineEnd) {
  EXPECT_EQ(events("data: a\r\n\r\ndata: b\r\rdata: c\n\n"), (Strings{"message|a|", "message|b|", "message|c|"}));
  EXPECT_EQ(events("data: a\r\n\ndata: b\n\r\n"), (Strings{"message|a|", "message|b|"}));
}

TEST(SseParser, KeepsIdAndRetryOfAnEventWithoutData) {
  SseParser parser;
  EXPECT_TRUE(events(parser, "id: p-1\nretry: 250\n\n").empty());
  EXPECT_EQ(parser.last_event_id(), "p-1");
  EXPECT_EQ(parser.retry(), std::chrono::milliseconds{250});
  EXPECT_EQ(events(parser, "data: x\n\n"), Strings{"message|x|p-1"});
  EXPECT_TRUE(events(parser, "retry: -4\nretry: soon\nretry: 99999999999999999999\n\n").empty());
  EXPECT_EQ(parser.retry(), std::chrono::milliseconds{250});
}

TEST(SseParser, ForgetsTheTypeOfAnEventThatHadNoData) {
  EXPECT_EQ(events("event: ping\n\ndata: a\n\n"), Strings{"message|a|"});
}

TEST(SseParser, RefusesWhatIsTooLong) {
  SseParser line({.event_bytes = 16});
  EXPECT_FALSE(line.feed(std::string(17, 'x'), [](const SseEvent&) {}));
  SseParser slow({.event_bytes = 16});
  bool good = true;
  for (int i = 0; i < 17; ++i) good = slow.feed("x", [](const SseEvent&) {}).has_value();
  EXPECT_FALSE(good);
  SseParser many({.event_bytes = 16});
  EXPECT_FALSE(many.feed("data: 12345678\ndata: 12345678\n", [](const SseEvent&) {}));
  EXPECT_FALSE(many.feed("\n", [](const SseEvent&) { FAIL(); }));
}

RC_GTEST_PROP(SseParser, DoesNotMindHowItsBytesArrive, ()) {
  const auto pieces = *rc::gen::container<Strings>(rc::gen::element<std::string>(
      "data: a", "data", "\n", "\r", "\r\n", "\n\n", "id: 1", "id", "event: e", "retry: 5", ":c", "é", "\xEF\xBB\xBF"));
  std::string text;
  for (const auto& piece : pieces) text += piece;
  SseParser whole, split;
  Strings expected = events(whole, text), seen;
  for (std::string_view rest = text; !rest.empty();) {
    const auto size = *rc::gen::inRange<std::size_t>(1, rest.size() + 1);
    for (auto& e : events(split, rest.substr(0, size))) seen.push_back(e);
    rest.remove_prefix(size);
  }
  RC_ASSERT(seen == expected);
  RC_ASSERT(split.last_event_id() == whole.last_event_id());
}

}  // namespace
}  // namespace bursar::broker
