#include "bursar/broker/mcp/event_stream.h"

#include <gtest/gtest.h>

#include "bursar/broker/mcp/reply.h"

namespace bursar::broker {
namespace {

class FakeExchange final : public Exchange {
 public:
  Reactor& reactor() override { return reactor_; }
  void always(HttpHeaders) override {}
  void answer(HttpResponse response) override {
    answered = response;
    finished = true;
  }
  void stream(HttpResponse, std::string) override { streaming = true; }
  void write(std::string piece) override { written += piece; }
  void finish() override { finished = true; }
  void on_closed(std::function<void()>) override {}

  std::string written;
  std::optional<HttpResponse> answered;
  bool streaming = false, finished = false;

 private:
  Reactor reactor_;
};

TEST(EventId, IsReadBackOrRefused) {
  const auto position = parse_event_id("12-7");
  ASSERT_TRUE(position);
  EXPECT_EQ(position->stream, "12");
  EXPECT_EQ(position->sequence, 7U);
  for (const char* wrong : {"", "7", "-7", "a-", "a-x", "a-1x", "a-99999999999999999999999"}) {
    EXPECT_FALSE(parse_event_id(wrong)) << wrong;
  }
}

TEST(EventStream, ReplaysWhatCameAfterTheLastEventId) {
  EventStream stream("s", {});
  auto first = std::make_shared<FakeExchange>();
  stream.attach(first, {}, 0, true);
  stream.send("{1}");
  EXPECT_EQ(first->written, "id: s-0\ndata: \n\nid: s-1\nevent: message\ndata: {1}\n\n");
  stream.detach();
  stream.send("{2}");
  stream.send("{3}");
  auto second = std::make_shared<FakeExchange>();
  stream.attach(second, {}, 1, false);
  EXPECT_EQ(second->written, "id: s-2\nevent: message\ndata: {2}\n\nid: s-3\nevent: message\ndata: {3}\n\n");
  stream.finish();
  EXPECT_TRUE(second->finished);
  auto third = std::make_shared<FakeExchange>();
  stream.attach(third, {}, 2, false);
  EXPECT_EQ(third->written, "id: s-3\nevent: message\ndata: {3}\n\n");
  EXPECT_TRUE(third->finished);
}

TEST(EventStream, ForgetsTheOldestPastItsLimits) {
  EventStream stream("s", {.events = 3});
  for (int i = 1; i <= 10; ++i) stream.send(std::to_string(i));
  auto exchange = std::make_shared<FakeExchange>();
  stream.attach(exchange, {}, 0, false);
  EXPECT_EQ(exchange->written.find("data: 7\n"), std::string::npos);
  EXPECT_NE(exchange->written.find("data: 8\n"), std::string::npos);
  EventStream small("t", {.bytes = 1000});
  for (int i = 0; i < 100; ++i) small.send(std::string(100, 'x'));
  EXPECT_LE(small.bytes(), 1000U);
}

TEST(EventStream, SplitsAMessageOfSeveralLinesIntoDataLines) {
  EventStream stream("s", {});
  auto exchange = std::make_shared<FakeExchange>();
  stream.attach(exchange, {}, 0, false);
  stream.send("{\n\"id: x\":1}");
  EXPECT_EQ(exchange->written, "id: s-1\nevent: message\ndata: {\ndata: \"id: x\":1}\n\n");
}

TEST(EventStream, TellsWhenAReaderComesAndGoes) {
  int readers = 0;
  EventStream stream("s", {}, [&](bool attached) { readers += attached ? 1 : -1; });
  auto first = std::make_shared<FakeExchange>(), second = std::make_shared<FakeExchange>();
  stream.attach(first, {}, 0, false);
  stream.attach(second, {}, 0, false);  // takes over
  EXPECT_TRUE(first->finished);
  EXPECT_EQ(readers, 1);
  stream.detach();
  stream.detach();
  EXPECT_EQ(readers, 0);
}

Reply reply_on(const std::shared_ptr<FakeExchange>& exchange, std::shared_ptr<EventStream> stream) {
  return {exchange, {}, [stream] { return stream; }};
}

TEST(Reply, IsPlainJsonWhereNothingCameBeforeTheAnswer) {
  auto exchange = std::make_shared<FakeExchange>();
  Reply reply = reply_on(exchange, nullptr);
  reply.answer("{}");
  reply.answer("{2}");
  ASSERT_TRUE(exchange->answered);
  EXPECT_EQ(exchange->answered->body, "{}");
}

TEST(Reply, BecomesAStreamWhenSomethingIsSaidBeforeTheAnswer) {
  auto exchange = std::make_shared<FakeExchange>();
  auto stream = std::make_shared<EventStream>("1", EventStream::Limits{});
  Reply reply = reply_on(exchange, stream);
  reply.related("{progress}");
  reply.answer("{answer}");
  EXPECT_TRUE(exchange->streaming);
  EXPECT_FALSE(exchange->answered);
  EXPECT_NE(exchange->written.find("data: {progress}\n\nid: 1-2\nevent: message\ndata: {answer}"), std::string::npos);
  EXPECT_TRUE(exchange->finished);
}

TEST(Reply, KeepsTheAnswerForAClientThatComesBack) {
  auto exchange = std::make_shared<FakeExchange>();
  auto stream = std::make_shared<EventStream>("1", EventStream::Limits{});
  Reply reply = reply_on(exchange, stream);
  reply.related("{progress}");
  reply.client_gone();
  reply.answer("{answer}");
  EXPECT_EQ(exchange->written.find("{answer}"), std::string::npos);
  auto again = std::make_shared<FakeExchange>();
  stream->attach(again, {}, 1, false);
  EXPECT_NE(again->written.find("{answer}"), std::string::npos);
  EXPECT_TRUE(again->finished);
}

TEST(Reply, EndsWithoutAnAnswerWhenTheRequestWasCancelled) {
  auto exchange = std::make_shared<FakeExchange>();
  Reply reply = reply_on(exchange, std::make_shared<EventStream>("1", EventStream::Limits{}));
  reply.abandon();
  EXPECT_TRUE(exchange->streaming);
  EXPECT_TRUE(exchange->finished);
  EXPECT_TRUE(exchange->written.empty());
}

}  // namespace
}  // namespace bursar::broker
