#include "bursar/broker/upstream/input_round.h"

#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

Message answer(const std::string& text) { return *Message::parse(text); }

TEST(InputRound, TurnsAResultIntoQuestionsAndAnswersIntoARepetition) {
  InputRound round;
  std::uint64_t id = 0;
  const auto questions = begin_round(
      round,
      R"({"resultType":"input_required","inputRequests":{"user \"name\"":{"method":"elicitation/create","params":{"message":"?"}},"roots":{"method":"roots/list"}},"requestState":"s\u0020{1}"})",
      id);
  ASSERT_TRUE(questions.has_value()) << questions.error().message;
  ASSERT_EQ(questions->size(), 2U);
  EXPECT_EQ((*questions)[0],
            R"({"jsonrpc":"2.0","id":"input-1","method":"elicitation/create","params":{"message":"?"}})");
  EXPECT_EQ((*questions)[1], R"({"jsonrpc":"2.0","id":"input-2","method":"roots/list"})");
  EXPECT_EQ(take_answer(round, answer(R"({"jsonrpc":"2.0","id":"input-2","result":{"roots":[]}})")), false);
  EXPECT_EQ(take_answer(round, answer(R"({"jsonrpc":"2.0","id":"input-9","result":{}})")), false);
  EXPECT_EQ(take_answer(round, answer(R"({"jsonrpc":"2.0","id":"input-1","result":{"action":"accept"}})")), true);
  EXPECT_EQ(
      repeated_params(round, R"({"name":"t","requestState":"old","inputResponses":{}})"),
      R"({"name":"t","requestState":"s\u0020{1}","inputResponses":{"roots":{"roots":[]},"user \"name\"":{"action":"accept"}}})");
}

TEST(InputRound, SendsNoStateWhereNoneCame) {
  InputRound round;
  std::uint64_t id = 0;
  ASSERT_TRUE(begin_round(round, R"({"inputRequests":{"a":{"method":"roots/list"}}})", id).has_value());
  EXPECT_EQ(take_answer(round, answer(R"({"jsonrpc":"2.0","id":"input-1","result":{}})")), true);
  EXPECT_EQ(repeated_params(round, R"({"requestState":"older"})"), R"({"inputResponses":{"a":{}}})");
}

TEST(InputRound, GoesOnWithAStateAlone) {
  InputRound round;
  std::uint64_t id = 0;
  const auto questions = begin_round(round, R"({"requestState":"later"})", id);
  ASSERT_TRUE(questions.has_value());
  EXPECT_TRUE(questions->empty());
  EXPECT_EQ(repeated_params(round, "{}"), R"({"requestState":"later"})");
}

TEST(InputRound, TakesADialogueThatCouldNotBeShownAsCancelled) {
  InputRound round;
  std::uint64_t id = 0;
  ASSERT_TRUE(
      begin_round(round,
                  R"({"inputRequests":{"a":{"method":"elicitation/create"},"b":{"method":"sampling/createMessage"}}})",
                  id)
          .has_value());
  EXPECT_EQ(take_answer(round, answer(R"({"jsonrpc":"2.0","id":"input-1","error":{"code":-1,"message":"no"}})")),
            false);
  const auto failed =
      take_answer(round, answer(R"({"jsonrpc":"2.0","id":"input-2","error":{"code":-1,"message":"no"}})"));
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().message, R"({"code":-1,"message":"no"})");
}

TEST(InputRound, EndsWithAServerThatBreaksTheProtocol) {
  std::uint64_t id = 0;
  for (const char* bad : {"{}", R"({"inputRequests":{}})", R"({"inputRequests":{"a":{}}})", R"({"requestState":7})",
                          R"({"inputRequests":{"a":{"method":"roots/list","params":[]}}})"}) {
    InputRound round;
    EXPECT_FALSE(begin_round(round, bad, id).has_value()) << bad;
  }
  InputRound round;
  for (int i = 0; i < kRoundsMax; ++i) ASSERT_TRUE(begin_round(round, R"({"requestState":"x"})", id).has_value());
  EXPECT_FALSE(begin_round(round, R"({"requestState":"x"})", id).has_value());
  std::string many = R"({"inputRequests":{)";
  for (std::size_t i = 0; i <= kQuestionsMax; ++i)
    many += (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":{"method":"roots/list"})";
  InputRound flooded;
  EXPECT_FALSE(begin_round(flooded, many + "}}", id).has_value());
}

}  // namespace
}  // namespace bursar::broker
