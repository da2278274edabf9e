#include <fstream>
#include <gmock/gmock.h>

#include "bursar/admit/policies.h"
#include "bursar/broker/decide_door/answered_keys.h"
#include "bursar/broker/decide_door/decide_testing.h"
#include "bursar/core/random.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// A stream of requests with two options, and what the policy alone makes of it.
class DecideStateTest : public DecideTest {
 protected:
  struct Ask {
    std::vector<double> rewards, costs;
    double actual = 0;  // of the option that was taken, as a part of its cost
  };
  static std::vector<Ask> stream(std::size_t n) {
    std::vector<Ask> out;
    RandomStream random(7);
    const auto micros = [&](double most) { return std::round(random.uniform01() * most * 1e6) / 1e6; };
    for (std::size_t i = 0; i < n; ++i) {
      out.push_back({{micros(1), micros(1)}, {micros(0.4), micros(0.2)}, micros(0.1)});
    }
    return out;
  }
  static std::string shortest(double number) { return bursar::to_json(boost::json::value(number)); }
  // The option that the door takes for it, and the prices by which it decides; observed at once.
  std::pair<std::int64_t, double> through_the_door(const Ask& ask) {
    std::string options;
    for (std::size_t k = 0; k < 2; ++k) {
      options += std::string(k == 0 ? "[" : ",") + R"({"reward":)" + shortest(ask.rewards[k]) + R"(,"cost":{"usd":)" +
                 shortest(ask.costs[k]) + "}}";
    }
    const HttpResponse made = decide(options + "]");
    EXPECT_EQ(made.status, 200) << made.body;
    const auto document = json(made);
    const double price = number(made, "prices", "usd");
    if (document.at("option").is_null()) return {-1, price};
    EXPECT_EQ(observe(text(made, "decision"), R"(,"cost":{"usd":)" + shortest(ask.actual) + "}").status, 200);
    return {document.at("option").to_number<std::int64_t>(), price};
  }
  static std::pair<std::int64_t, double> alone(Policy& policy, const Ask& ask) {
    const double price = policy.prices()[0];
    const auto decision = policy.decide({.rewards = ask.rewards, .costs = ask.costs});
    EXPECT_TRUE(decision);
    if (!decision->option) return {-1, price};
    EXPECT_TRUE(policy.observe(decision->id, {.costs = std::array{ask.actual}}));
    return {static_cast<std::int64_t>(*decision->option), price};
  }
  [[nodiscard]] std::string state_path() const { return config_.database + ".policy.pacing.json"; }
};

TEST_F(DecideStateTest, DecidesAsThePolicyAloneAlsoAcrossARestart) {
  for (const char* words :
       {"dual-mirror-descent", "dual-mirror-descent:mirror=euclidean,pace=receding", "greedy", "sampled-prices"}) {
    if (find_policy(admit::policies(), std::string_view(words).substr(0, std::string_view(words).find(':'))) == nullptr)
      continue;
    door_.reset();
    std::filesystem::remove(state_path());
    config_.policies[0].policy = words;
    config_.policies[0].budget = *parse_amounts("20 usd");
    config_.policies[0].horizon = 400;
    open();
    auto policy = make_decider(config_.policies[0]);
    ASSERT_TRUE(policy);
    std::size_t i = 0;
    for (const Ask& ask : stream(400)) {
      if (++i % 130 == 0) {
        door_.reset();
        clock_.advance(5s);
        open();
      }
      ASSERT_EQ(through_the_door(ask), alone(**policy, ask)) << words << ", request " << i;
    }
  }
}

TEST_F(DecideStateTest, CountsDecisionsThatWereOpenAtTheEndAsWhatTheyReserved) {
  const std::string id = text(decide(R"([{"reward":0.8,"cost":{"usd":0.02},"hold":{"usd":0.05}}])"), "decision");
  door_.reset();
  EXPECT_EQ(standing().held, 0);
  EXPECT_EQ(standing().spent, 50'000);
  clock_.advance(1s);
  open();
  EXPECT_NEAR(number(decide(R"([{"reward":0,"cost":{"usd":0}}])"), "remaining", "usd"), 99.95, 1e-9);
  EXPECT_EQ(observe(id, R"(,"cost":{"usd":0.01})").status, 409);
}

TEST_F(DecideStateTest, CountsDecisionsThatWereOpenInACrashAsWhatTheyReserved) {
  ASSERT_EQ(decide(R"([{"reward":0.8,"cost":{"usd":0.02},"hold":{"usd":0.05}}])").status, 200);
  door_->tick();
  std::filesystem::copy_file(state_path(), state_path() + ".kept");
  door_.reset();
  std::filesystem::rename(state_path() + ".kept", state_path());  // as if it had died after the tick
  open();
  EXPECT_NEAR(number(decide(R"([{"reward":0,"cost":{"usd":0}}])"), "remaining", "usd"), 99.95, 1e-9);
}

TEST_F(DecideStateTest, DoesNotBeginAnewFromADamagedState) {
  door_.reset();
  std::string whole;
  {
    std::ifstream in(state_path(), std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(in), {});
  }
  for (const std::string& text : {whole.substr(0, whole.size() / 2), std::string(), std::string("{}"),
                                  std::string(R"({"version":2})"), std::string("[1]")}) {
    std::ofstream(state_path(), std::ios::binary | std::ios::trunc) << text;
    const auto door = DecideDoor::open({.ledger = ledger_.get(), .clock = &clock_}, config_);
    ASSERT_FALSE(door) << text;
    EXPECT_EQ(door.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(door.error().message, HasSubstr("move the file away"));
  }
}

TEST_F(DecideStateTest, BeginsAnewWithAnotherSetup) {
  ASSERT_EQ(decide(R"([{"reward":0.8,"cost":{"usd":0.02}}])").status, 200);
  door_.reset();
  config_.policies[0].budget = *parse_amounts("50 usd");
  open();
  EXPECT_NEAR(number(decide(R"([{"reward":0,"cost":{"usd":0}}])"), "remaining", "usd"), 50, 1e-9);
}

TEST_F(DecideStateTest, HasItsBudgetAnewInEachWindowAndKeepsItsPrices) {
  door_.reset();
  std::filesystem::remove(state_path());
  config_.policies[0].window = "day";
  config_.policies[0].budget = *parse_amounts("1 usd");
  config_.policies[0].horizon = 20;
  open();
  const auto take = [&] { return decide(R"([{"reward":1,"cost":{"usd":0.2}}])"); };
  double price = 0;
  std::string open_one;
  for (int i = 0; i < 20; ++i) {
    const HttpResponse made = take();
    price = number(made, "prices", "usd");
    if (made.body.find(R"("option":0)") != std::string::npos) open_one = text(made, "decision");
  }
  EXPECT_GT(price, 0);
  EXPECT_LE(standing().held, 1'000'000);
  door_->tick();
  std::filesystem::copy_file(state_path(), state_path() + ".kept");
  clock_.advance(24h);
  const HttpResponse next = decide(R"([{"reward":0,"cost":{"usd":0.2}}])");
  EXPECT_EQ(number(next, "remaining", "usd"), 1);
  EXPECT_GT(number(next, "prices", "usd"), 0) << "what the day before learned";
  EXPECT_EQ(text(next, "decision").substr(text(next, "decision").rfind('.')), ".20") << "ids go on";
  // A decision of the day before is paid, and is none of this day's.
  EXPECT_EQ(observe(open_one, R"(,"cost":{"usd":0.1})").status, 200);
  EXPECT_EQ(number(decide(R"([{"reward":0,"cost":{"usd":0.2}}])"), "remaining", "usd"), 1);
  door_.reset();
  std::filesystem::rename(state_path() + ".kept", state_path());  // the state of the day before, read on the next
  open();
  EXPECT_EQ(number(decide(R"([{"reward":0,"cost":{"usd":0.2}}])"), "remaining", "usd"), 1);
}

TEST(AnsweredKeys, ForgetInOrderAndOnTime) {
  AnsweredKeys keys;
  const WallTime start = wall_from_unix_us(0);
  EXPECT_EQ(keys.begin("a", "1", start).state, AnsweredKeys::State::kNew);
  EXPECT_EQ(keys.begin("a", "1", start).state, AnsweredKeys::State::kUnderWay);
  EXPECT_EQ(keys.begin("a", "2", start).state, AnsweredKeys::State::kOther);
  keys.finish("a", "yes", start);
  EXPECT_EQ(keys.begin("a", "1", start).answer, "yes");
  EXPECT_EQ(keys.begin("a", "1", start + AnsweredKeys::kRemembered).state, AnsweredKeys::State::kNew);
  keys.forget("a");
  EXPECT_EQ(keys.begin("a", "2", start).state, AnsweredKeys::State::kNew);
  keys.finish("a", "old", start);
  for (std::size_t i = 0; i <= AnsweredKeys::kMax; ++i) {
    const std::string key = std::to_string(i);
    ASSERT_EQ(keys.begin(key, "1", start).state, AnsweredKeys::State::kNew);
    keys.finish(key, "x", start);
  }
  EXPECT_EQ(keys.begin("a", "2", start).state, AnsweredKeys::State::kNew) << "the oldest made room";
}

TEST(PoliciesInTheConfiguration, AreCheckedByNameValueAndPlace) {
  const auto error = [](const std::string& policy) {
    const auto config = parse_config("accounts:\n  - {path: acme}\npolicies:\n  - " + policy + "\n", "b.yaml",
                                     [](std::string_view) { return std::nullopt; });
    return config ? std::string() : config.error().message;
  };
  EXPECT_EQ(error("{name: p, policy: greedy, account: acme, budget: 5 usd}"), "");
  EXPECT_EQ(
      error("{name: p, policy: 'dual-mirror-descent:mirror=euclidean', account: acme, budget: '5 usd, 3k tokens', "
            "horizon: 1000, feedback: 1 min}"),
      "");
  EXPECT_THAT(error("{name: p, policy: greedi, account: acme, budget: 5 usd}"), HasSubstr("policies[0].policy: "));
  EXPECT_THAT(error("{name: p, policy: 'greedy:mirror=x', account: acme, budget: 5 usd}"), HasSubstr("mirror"));
  EXPECT_THAT(error("{name: P!, policy: greedy, account: acme, budget: 5 usd}"),
              HasSubstr("policies[0].name: must be"));
  EXPECT_THAT(error("{name: p, policy: greedy, account: acme/x, budget: 5 usd}"),
              HasSubstr("policies[0].account: \"acme/x\" is not among the accounts"));
  EXPECT_THAT(error("{name: p, policy: greedy, account: acme}"), HasSubstr("policies[0].budget: is missing"));
  EXPECT_THAT(error("{name: p, policy: greedy, account: acme, budget: 0 usd}"), HasSubstr("must be above 0"));
  EXPECT_THAT(error("{name: p, policy: greedy, account: acme, budget: 5 usd, window: rate 5 s}"),
              HasSubstr("policies[0].window: must be day, week or month"));
  EXPECT_THAT(error("{policy: greedy, account: acme, budget: 1 usd}"), HasSubstr("policies[0].name: is missing"));
  EXPECT_THAT(error("{name: p, policy: greedy, account: acme, budget: 5 usd}\n  - {name: p, policy: greedy, account: "
                    "acme, budget: 5 usd}"),
              HasSubstr("stands twice"));
}

}  // namespace
}  // namespace bursar::broker
