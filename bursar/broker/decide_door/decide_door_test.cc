#include <atomic>
#include <gmock/gmock.h>
#include <thread>

#include "bursar/broker/decide_door/decide_testing.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr const char* kTwo = R"([{"reward":0.8,"cost":{"usd":0.02}},{"reward":0.3,"cost":{"usd":0.001}}])";

TEST_F(DecideTest, ReservesWhatThePolicyTakesAndPaysWhatItCost) {
  const HttpResponse made = decide(kTwo);
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_THAT(made.body, HasSubstr(R"("option":0,"reason":"best","prices":{"usd":)"));
  EXPECT_THAT(made.body, HasSubstr(R"("reserved":{"usd":0.02})"));
  EXPECT_EQ(standing().held, 20'000);
  const HttpResponse paid = observe(text(made, "decision"), R"(,"cost":{"usd":0.018},"reward":1)");
  ASSERT_EQ(paid.status, 200) << paid.body;
  EXPECT_EQ(number(paid, "settled", "usd"), 0.018);
  EXPECT_NEAR(number(paid, "remaining", "usd"), 99.982, 1e-9);
  EXPECT_EQ(standing().spent, 18'000);
  EXPECT_EQ(standing().held, 0);
  // Twice, never, not this gateway's, nonsense.
  const HttpResponse again = observe(text(made, "decision"), R"(,"cost":{"usd":0.018})");
  EXPECT_EQ(again.status, 409);
  EXPECT_THAT(again.body, HasSubstr("has ended"));
  const std::string run = text(made, "decision").substr(0, text(made, "decision").rfind('.'));
  EXPECT_EQ(observe(run + ".1").status, 404);
  EXPECT_EQ(observe("pacing.1.0").status, 409);
  EXPECT_EQ(observe("pacing.ffffffffffff.0").status, 404);
  EXPECT_EQ(observe("pacing.0").status, 404);
  EXPECT_EQ(standing().spent, 18'000);
}

TEST_F(DecideTest, PaysMoreThanWasReservedAndSaysSo) {
  const std::string id = text(decide(R"([{"reward":0.8,"cost":{"usd":0.02},"hold":{"usd":0.05}}])"), "decision");
  EXPECT_EQ(standing().held, 50'000);
  const HttpResponse paid = observe(id, R"(,"cost":{"usd":0.07})");
  EXPECT_NEAR(number(paid, "overrun", "usd"), 0.02, 1e-12);
  EXPECT_NEAR(number(paid, "remaining", "usd"), 99.93, 1e-9);
  EXPECT_EQ(standing().spent, 70'000);
}

TEST_F(DecideTest, PaysWhatWasExpectedWhereNoCostIsSaid) {
  const std::string id = text(decide(R"([{"reward":0.8,"cost":{"usd":0.02},"hold":{"usd":0.05}}])"), "decision");
  EXPECT_EQ(number(observe(id), "settled", "usd"), 0.02);
  EXPECT_EQ(standing().spent, 20'000);
}

TEST_F(DecideTest, HoldsNothingForADecisionToTakeNothing) {
  const HttpResponse none = decide(R"([{"reward":0,"cost":{"usd":0.02}}])");
  EXPECT_THAT(none.body, HasSubstr(R"("option":null,"reason":"nothing_pays")"));
  EXPECT_THAT(none.body, HasSubstr(R"("reserved":{})"));
  EXPECT_EQ(standing().held, 0);
  EXPECT_EQ(observe(text(none, "decision")).status, 409);
}

TEST_F(DecideTest, TellsThePolicyThatNothingWasSpentWhereTheLedgerRefuses) {
  limit("acme/ads", "0.01 usd");
  const HttpResponse refused = decide(R"([{"reward":0.8,"cost":{"usd":0.02}}])");
  EXPECT_EQ(refused.status, 402) << refused.body;
  EXPECT_EQ(text({.body = bursar::to_json(json(refused).at("error"))}, "code"), "exhausted");
  EXPECT_THAT(refused.body, HasSubstr("acme/ads"));
  EXPECT_EQ(standing().held, 0);
  const HttpResponse small = decide(R"([{"reward":0.8,"cost":{"usd":0.01}}])");
  ASSERT_EQ(small.status, 200) << small.body;
  EXPECT_NEAR(number(small, "remaining", "usd"), 99.99, 1e-9);
}

TEST_F(DecideTest, CountsWhatNobodyObservedAsWhatItReserved) {
  const std::string id = text(decide(R"([{"reward":0.8,"cost":{"usd":0.02},"hold":{"usd":0.05}}])"), "decision");
  clock_.advance(4min);
  door_->tick();
  EXPECT_EQ(standing().held, 50'000);
  clock_.advance(2min);
  door_->tick();
  EXPECT_EQ(standing().held, 0);
  EXPECT_EQ(standing().spent, 50'000);
  EXPECT_EQ(observe(id, R"(,"cost":{"usd":0.01})").status, 409);
  EXPECT_NEAR(number(decide(R"([{"reward":0,"cost":{"usd":0}}])"), "remaining", "usd"), 99.95, 1e-9);
  ASSERT_TRUE(ledger_->flush());
  const auto receipts = ledger_->receipts("acme/ads", wall_from_unix_us(0), clock_.now() + 1h);
  ASSERT_TRUE(receipts && receipts->size() == 1);
  EXPECT_TRUE(receipts->front().uncertain);
  EXPECT_EQ(receipts->front().memo, "decision " + id);
}

TEST_F(DecideTest, GivesTheSameAnswerToTheSameKey) {
  const std::string key = R"(,"key":"k1")";
  const HttpResponse first = decide(kTwo, key), second = decide(kTwo, key);
  EXPECT_EQ(first.body, second.body);
  EXPECT_EQ(standing().held, 20'000);
  const HttpResponse other = decide(R"([{"reward":1,"cost":{"usd":0.5}}])", key);
  EXPECT_EQ(other.status, 409);
  EXPECT_THAT(other.body, HasSubstr("another body"));
  EXPECT_NE(decide(kTwo, key, "ada").body, first.body) << "keys are their callers'";
  clock_.advance(11min);
  EXPECT_NE(decide(kTwo, key).body, first.body);
}

TEST_F(DecideTest, LetsARefusedKeyTryAgain) {
  limit("acme/ads", "0.01 usd");
  EXPECT_EQ(decide(kTwo, R"(,"key":"k1")").status, 402);
  limit("acme/ads", "10 usd");
  EXPECT_EQ(decide(kTwo, R"(,"key":"k1")").status, 200);
}

TEST_F(DecideTest, IsForThoseWithinTheAccountAndThoseAboveIt) {
  limit("acme/ads/ada", "0.03 usd");
  ASSERT_EQ(decide(kTwo, "", "ada").status, 200);
  EXPECT_EQ(standing("acme/ads/ada").held, 20'000) << "who is below pays, within its own limits";
  EXPECT_EQ(standing().held, 20'000);
  EXPECT_EQ(decide(kTwo, "", "ada").status, 402);
  ASSERT_EQ(decide(kTwo, "", "acme").status, 200);
  const HttpResponse boss = decide(kTwo, "", "boss");
  ASSERT_EQ(boss.status, 200);
  EXPECT_EQ(standing().held, 60'000);
  const HttpResponse other = decide(kTwo, "", "other");
  EXPECT_EQ(other.status, 404);
  EXPECT_THAT(other.body, HasSubstr("no policy 'pacing'"));
  EXPECT_EQ(decide(kTwo, "", "nobody").status, 401);
  // A decision is its caller's, and the administrator's.
  EXPECT_EQ(observe(text(boss, "decision")).status, 404);
  EXPECT_EQ(observe(text(boss, "decision"), "", "other").status, 404);
  EXPECT_EQ(observe(text(boss, "decision"), "", "boss").status, 200);
}

TEST_F(DecideTest, NamesTheFieldOfWhatItRefuses) {
  const auto refusal = [&](const std::string& options, std::string_view part, const std::string& more = "") {
    const HttpResponse answer = decide(options, more);
    EXPECT_EQ(answer.status, 400) << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(part));
  };
  refusal("[]", "$.options: needs at least one option");
  refusal("7", "$.options");
  refusal(R"([{"cost":{"usd":1}}])", "$.options[0]");
  refusal(R"([{"reward":1,"cost":{"usd":-1}}])", "$.options[0].cost.usd");
  refusal(R"([{"reward":1,"cost":{"tokens":1}}])", "no budget of 'tokens'; it spreads usd");
  refusal(R"([{"reward":1,"cost":{"usd":2},"hold":{"usd":1}}])", "$.options[0].hold: is below the cost in usd");
  refusal(R"([{"reward":1,"price":3}])", "price");
  refusal(kTwo, "$.context[0]", R"(,"context":["x"])");
  refusal(kTwo, "key", R"(,"key":")" + std::string(200, 'k') + '"');
  EXPECT_EQ(post("/v1/decide", "{").status, 400);
  EXPECT_EQ(post("/v1/decide", R"({"policy":"none","options":[]})").status, 404);
  EXPECT_EQ(post("/v1/observe", R"({"decision":7})").status, 400);
  const std::string id = text(decide(kTwo), "decision");
  EXPECT_EQ(observe(id, R"(,"cost":{"usd":"much"})").status, 400);
  EXPECT_EQ(observe(id, R"(,"cost":{"usd":0.01})").status, 200) << "an observation that was refused is none";
  auto exchange = std::make_shared<DecideExchange>();
  door_->handle({.method = "GET", .path = "/v1/decide"}, exchange);
  EXPECT_EQ(exchange->wait().status, 405);
}

TEST_F(DecideTest, BidsInAuctions) {
  config_.policies = {{.name = "pacing", .policy = "greedy", .account = "acme/ads", .budget = *parse_amounts("1 usd")}};
  door_.reset();
  std::filesystem::remove(config_.database + ".policy.pacing.json");
  open();
  const HttpResponse made = decide(R"([{"reward":0.4}])");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_THAT(made.body, HasSubstr(R"("bid":0.4)"));
  EXPECT_EQ(standing().held, 400'000);
  EXPECT_EQ(number(observe(text(made, "decision")), "settled", "usd"), 0) << "no cost: lost";
  const HttpResponse won = observe(text(decide(R"([{"reward":0.4}])"), "decision"), R"(,"cost":{"usd":0.25})");
  EXPECT_NEAR(number(won, "remaining", "usd"), 0.75, 1e-9);
  EXPECT_EQ(standing().spent, 250'000);
}

TEST_F(DecideTest, TakesEveryCallerOnItsOwnThreadAndTheLedgerAgrees) {
  constexpr int kThreads = 8, kEach = 250;
  std::atomic<std::int64_t> settled_micros{0}, took{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::int64_t cost = 1000 + (t * 7919 + i * 104'729) % 150'000;
        const std::string usd = std::to_string(static_cast<double>(cost) / 1e6);
        const HttpResponse made = decide(R"([{"reward":1,"cost":{"usd":)" + usd + "}}]");
        ASSERT_EQ(made.status, 200) << made.body;
        if (made.body.find(R"("option":null)") != std::string::npos) continue;
        ++took;
        if (i % 5 == 4) continue;  // left to its time
        const HttpResponse paid = observe(text(made, "decision"), R"(,"cost":{"usd":)" + usd + "}");
        ASSERT_EQ(paid.status, 200) << paid.body;
        settled_micros += std::llround(number(paid, "settled", "usd") * 1e6);
      }
    });
  }
  threads.clear();
  EXPECT_GT(took, 100);
  EXPECT_EQ(standing().spent, settled_micros);
  clock_.advance(6min);
  door_->tick();
  EXPECT_EQ(standing().held, 0);
  EXPECT_LE(standing().spent, 100'000'000) << "the policy's budget";
  const double left = number(decide(R"([{"reward":0,"cost":{"usd":0}}])"), "remaining", "usd");
  EXPECT_NEAR(left, 100 - static_cast<double>(standing().spent) / 1e6, 1e-6) << "the policy counts as the ledger does";
}

}  // namespace
}  // namespace bursar::broker
