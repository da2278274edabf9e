#include "bursar/broker/models/model_once.h"

#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

using std::chrono::minutes;

class ModelOnce : public ::testing::Test {
 protected:
  Once begin(const std::string& key, const std::string& body = "{}", const std::string& who = "key:ada") {
    HttpRequest request;
    request.method = "POST";
    request.path = "/v1/chat/completions";
    request.body = body;
    if (!key.empty()) request.headers.emplace_back("idempotency-key", key);
    return begin_once(table, {.subject = who, .account = "acme"}, request, now);
  }
  static std::optional<ledger::Receipt> receipt(std::string_view cost) {
    ledger::Receipt out;
    out.actual = *parse_amounts(cost);
    return out;
  }
  static std::string header(const HttpResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return std::string(value);
    }
    return "";
  }

  WallTime now = wall_from_unix_us(1'800'000'000'000'000);
  IdempotencyTable table;
};

TEST_F(ModelOnce, AsksNothingOfWhoNamesNoKey) {
  const Once once = begin("");
  EXPECT_FALSE(once.instead);
  EXPECT_FALSE(once.claim);
  EXPECT_EQ(table.size(), 0U);
}

TEST_F(ModelOnce, GivesTheSameAnswerAgainForNothing) {
  Once first = begin("k1");
  ASSERT_TRUE(first.claim);
  keep_answer(*first.claim, {.body = "{\"a\":\n1}"}, receipt("0.01 usd, 16 tokens, 1 calls"), now);
  keep_lost(*first.claim, receipt("0.01 usd"), now);  // what was kept stays
  const Once second = begin("k1");
  ASSERT_TRUE(second.instead);
  EXPECT_FALSE(second.claim);
  EXPECT_EQ(second.instead->status, 200);
  EXPECT_EQ(second.instead->content_type, "application/json");
  EXPECT_EQ(second.instead->body, "{\"a\":\n1}");
  EXPECT_EQ(header(*second.instead, "idempotent-replayed"), "true");
}

TEST_F(ModelOnce, IsPerPrincipalAndBodyAndForAWhileOnly) {
  Once first = begin("k1");
  keep_answer(*first.claim, {.body = "{}"}, receipt("1 tokens"), now);
  EXPECT_TRUE(begin("k1", "{}", "key:bob").claim);
  EXPECT_TRUE(begin("k2").claim);
  const Once other = begin("k1", "{\"other\":1}");
  ASSERT_TRUE(other.instead);
  EXPECT_EQ(other.instead->status, 409);
  EXPECT_EQ(header(*other.instead, "x-should-retry"), "false");
  now += IdempotencyTable::kKeptFor + minutes{1};
  EXPECT_TRUE(begin("k1", "{\"other\":1}").claim);
}

TEST_F(ModelOnce, SaysToComeBackWhileTheFirstCallRuns) {
  Once first = begin("k1");
  const Once second = begin("k1");
  ASSERT_TRUE(second.instead);
  EXPECT_EQ(second.instead->status, 409);
  EXPECT_EQ(header(*second.instead, "x-should-retry"), "true");
  first.claim.reset();  // it ended without a trace
  EXPECT_TRUE(begin("k1").claim);
}

TEST_F(ModelOnce, KeepsNoFailureThatCostNothing) {
  Once refused = begin("k1");
  keep_answer(*refused.claim, {.status = 402}, std::nullopt, now);
  EXPECT_TRUE(begin("k1").claim);
  Once tried = begin("k2");
  keep_answer(*tried.claim, {.status = 429}, receipt("1 calls, 20 ms"), now);
  EXPECT_TRUE(begin("k2").claim);
  Once paid = begin("k3");
  keep_answer(*paid.claim, {.status = 504, .body = "late"}, receipt("50 tokens"), now);
  EXPECT_EQ(begin("k3").instead->status, 504);
}

TEST_F(ModelOnce, SpendsNothingTwiceForWhatItCannotGiveAgain) {
  Once streamed = begin("k1");
  keep_streamed(*streamed.claim, now);
  Once lost = begin("k2");
  keep_lost(*lost.claim, receipt("50 tokens"), now);
  Once nothing = begin("k3");
  keep_lost(*nothing.claim, receipt("1 calls"), now);
  Once longest = begin("k4");
  keep_answer(*longest.claim, {.body = std::string(Once::kLongest + 1, 'x')}, receipt("1 tokens"), now);
  for (const char* key : {"k1", "k2", "k4"}) {
    const Once again = begin(key);
    ASSERT_TRUE(again.instead) << key;
    EXPECT_EQ(again.instead->status, 409) << key;
    EXPECT_EQ(header(*again.instead, "x-should-retry"), "false") << key;
  }
  EXPECT_TRUE(begin("k3").claim);
}

TEST_F(ModelOnce, RefusesAKeyThatIsTooLong) { EXPECT_EQ(begin(std::string(129, 'k')).instead->status, 400); }

}  // namespace
}  // namespace bursar::broker
