#include "bursar/broker/upstream/session_hub.h"

#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;

struct HubTest : ::testing::Test {
  SessionHub hub{{}};
  SessionHub::TimePoint now{};
  std::vector<std::string> asked;
  std::optional<UpstreamReply> reply;

  void start(Ticket ticket, Duration deadline) {
    hub.join(1, nullptr);
    hub.start(ticket,
              {.member = 1,
               .request = {.method = "tools/call", .deadline = deadline},
               .sink = [this](const Message& m) { asked.emplace_back(m.id()); },
               .done = [this](UpstreamReply r) { reply = std::move(r); }},
              now);
  }
  std::optional<std::string> question(const std::string& id) {
    return hub.receive(*Message::parse(make_request(id, "roots/list", {})), 7, now);
  }
  bool answer(const std::string& id) { return hub.answer(1, make_result(id, "{}"), now).has_value(); }
};

TEST_F(HubTest, StopsTheClockWhileTheAgentThinks) {
  start(7, 10s);
  now += 4s;
  EXPECT_EQ(question("1"), std::nullopt);
  now += 1s;
  EXPECT_EQ(question("2"), std::nullopt);
  now += 9min;
  EXPECT_TRUE(hub.due(now).empty());
  EXPECT_TRUE(answer("1"));
  EXPECT_TRUE(hub.due(now).empty());
  EXPECT_TRUE(answer("2"));
  EXPECT_EQ(*hub.next_deadline(), now + 6s);
  // What the agent may use is used up with every question.
  EXPECT_EQ(question("3"), std::nullopt);
  EXPECT_EQ(*hub.next_deadline(), now + SessionHub::kAnswerTime - 9min - 1s);
  hub.forget_questions(now + 1s);
  EXPECT_EQ(*hub.next_deadline(), now + 7s);
  EXPECT_FALSE(answer("3"));
}

TEST_F(HubTest, RunsOnWhenTheServerTakesItsQuestionBack) {
  start(7, 10s);
  EXPECT_EQ(question("\"q\""), std::nullopt);
  now += 1min;
  (void)hub.receive(*Message::parse(make_notification("notifications/cancelled", R"({"requestId":"q"})")), 7, now);
  EXPECT_EQ(*hub.next_deadline(), now + 10s);
}

TEST_F(HubTest, KnowsACallByItsNewIdOnly) {
  start(7, 10s);
  hub.rename(7, 20);
  EXPECT_EQ(hub.ticket_of("7"), 0U);
  EXPECT_EQ(hub.ticket_of("20"), 7U);
  (void)hub.receive(*Message::parse(make_result("7", "{}")), 0, now);
  EXPECT_FALSE(reply.has_value());
  hub.rename(7, 21);
  (void)hub.receive(*Message::parse(make_result("21", R"({"x":1})")), 0, now);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->result, R"({"x":1})");
  EXPECT_EQ(hub.ticket_of("21"), 0U);
  EXPECT_EQ(hub.in_flight(), 0U);
  EXPECT_FALSE(hub.next_deadline().has_value());
}

}  // namespace
}  // namespace bursar::broker
