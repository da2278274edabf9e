#include "bursar/broker/models/model_pace.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>

#include "bursar/broker/decide_door/decide_door.h"
#include "bursar/broker/models/model_testing.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// A route "best" with a dear target "large/l" worth 10 and a cheap one "small/s" worth 6, under the policy "pacing".
class ModelPaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        std::filesystem::temp_directory_path() / ("bursar-pace-" + std::to_string(::getpid()) + "-" +
                                                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(directory_);
    world.limit("1000 usd");
    world.upstream("large");
    world.upstream("small");
    world.price("1000 usd", "10000 usd", "large");  // 0.01 usd a completion token
    world.price("100 usd", "1000 usd", "small");
    world.config.models.routes = {
        {.model = "best", .targets = {"large/l", "small/s"}, .policy = "pacing", .values = {10, 6}, .retries = 1}};
  }
  void TearDown() override {
    door_.reset();
    std::filesystem::remove_all(directory_);
  }
  void open(const DecideConfig& config) {
    world.config.database = (directory_ / "b.db").string();
    world.config.policies = {config};
    auto door = DecideDoor::open({.ledger = world.ledger.get(), .clock = &world.clock}, world.config);
    ASSERT_TRUE(door) << door.error().message;
    door_ = std::move(*door);
    world.pace = [this](const PaceQuestion& question) { return door_->pace(question); };
  }
  static DecideConfig priced(const std::string& price) {
    return {.name = "pacing",
            .policy = "static-prices:prices=[" + price + "]",
            .account = "acme",
            .budget = *parse_amounts("4 usd"),
            .window = "day",
            .horizon = 100};
  }
  std::unique_ptr<TestedRun> ask() { return world.begin(R"({"model":"best","max_tokens":100,"messages":[]})"); }

  std::filesystem::path directory_;
  ModelWorld world;
  std::unique_ptr<DecideDoor> door_;
};

TEST_F(ModelPaceTest, TheTargetThatIsWorthItsPriceLeadsAndTheOtherIsItsFallback) {
  open(priced("0.1"));
  auto dear = ask();
  ASSERT_EQ(dear->sent.size(), 1U);
  EXPECT_EQ(dear->sent[0].upstream, "large");
  dear->answer(0, 200, completion(10, 20));
  EXPECT_EQ(dear->response->status, 200);
  door_.reset();
  std::filesystem::remove_all(directory_);
  std::filesystem::create_directories(directory_);
  open(priced("8"));  // ten times the cost for four more is not worth it now
  auto cheap = ask();
  ASSERT_EQ(cheap->sent.size(), 1U);
  EXPECT_EQ(cheap->sent[0].upstream, "small");
  cheap->answer(0, 500, "{}");
  ASSERT_EQ(cheap->sent.size(), 2U);
  EXPECT_EQ(cheap->sent[1].upstream, "large");
  cheap->answer(1, 200, completion(10, 20));
}

TEST_F(ModelPaceTest, ThePolicyIsToldWhatTheCallCostAndNothingWhereItCostNothing) {
  open(priced("0.1"));
  const auto left = [&] {
    const std::vector<double> none{0};
    const std::vector<Amounts> free{*parse_amounts("0 usd")};
    (void)door_->pace({.policy = "pacing", .caller = "x", .values = none, .worst = free});
    door_->tick();
    std::ifstream in(world.config.database + ".policy.pacing.json");
    const auto state = parse_json(std::string(std::istreambuf_iterator<char>(in), {}));
    return state->at("state").at("remaining").as_array().front().to_number<double>();
  };
  auto run = ask();
  EXPECT_LT(left(), 3.0) << "the worst case is held";
  run->answer(0, 200, completion(10, 20));
  EXPECT_NEAR(left(), 4 - 0.21, 1e-9);
  EXPECT_EQ(world.standing(kUsd).spent, 210'000);
  world.config.models.routes[0].retries = 0;
  auto failed = ask();
  failed->end(0, Cause::kConnect, false);
  EXPECT_TRUE(failed->response);
  EXPECT_NEAR(left(), 4 - 0.21, 1e-6);
}

TEST_F(ModelPaceTest, ACallThatIsNotWorthItsPriceWaits) {
  open(priced("1000"));
  auto run = ask();
  EXPECT_TRUE(run->sent.empty());
  ASSERT_TRUE(run->response);
  EXPECT_EQ(run->response->status, 429);
  EXPECT_EQ(run->header("retry-after"), "5");
  EXPECT_EQ(world.standing(kUsd).held, 0);
}

TEST_F(ModelPaceTest, AUsedUpBudgetComesBackWithTheNextWindow) {
  open(priced("0"));
  for (int i = 0; i < 3; ++i) ask()->answer(0, 200, completion(10, 100));  // 1.01 usd each
  auto fourth = ask();
  EXPECT_EQ(fourth->response->status, 429);
  const auto wait = std::stoll(fourth->header("retry-after"));
  EXPECT_GT(wait, 60);
  world.clock.advance(std::chrono::seconds{wait});
  EXPECT_EQ(ask()->sent.size(), 1U);
}

}  // namespace
}  // namespace bursar::broker
