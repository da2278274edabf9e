#include "bursar/explore/experiment/experiment.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::explore {
namespace {

using ::testing::HasSubstr;

ExperimentDesign design(ExperimentMethod method, std::uint64_t samples) {
  ExperimentDesign d{.arms = {"old", "new", "short", "long"}, .method = method, .samples = samples};
  d.noise.epsilon = 2;
  d.seed = UINT64_MAX;
  return d;
}

const std::array<double, 4> kMeans{.3, .8, .4, .2};

// Samples as asked until the end.
void play(Experiment& experiment, std::uint64_t at_once, std::uint64_t seed = 1) {
  RandomStream random(seed);
  for (auto batch = experiment.next(at_once); !batch.empty(); batch = experiment.next(at_once)) {
    for (const Pull& pull : batch) {
      for (std::uint64_t n = 0; n < pull.count; ++n) {
        const auto news = experiment.record(pull.arm, random.bernoulli(kMeans.at(pull.arm)) ? 1 : 0);
        ASSERT_TRUE(news) << news.error().message;
      }
    }
  }
}

TEST(Experiment, FindsTheBestArmByEveryMethodAndSaysWhatItPromises) {
  for (const auto method : {ExperimentMethod::kHalving, ExperimentMethod::kLucb, ExperimentMethod::kElimination,
                            ExperimentMethod::kPrivate}) {
    auto made = Experiment::make(
        design(method, method == ExperimentMethod::kHalving || method == ExperimentMethod::kPrivate ? 800 : 0));
    ASSERT_TRUE(made) << made.error().message;
    play(*made, 7);
    EXPECT_TRUE(made->finished());
    const auto decision = made->decide();
    ASSERT_TRUE(decision);
    EXPECT_EQ(decision->arm, 1U) << name_of(method);
    EXPECT_TRUE(decision->finished);
    const bool confident = method == ExperimentMethod::kLucb || method == ExperimentMethod::kElimination;
    EXPECT_EQ(decision->guaranteed, confident);
    const char* promise = confident ? "0.95" : method == ExperimentMethod::kPrivate ? "e^2" : "estimated";
    EXPECT_THAT(decision->guarantee, HasSubstr(promise));
    EXPECT_TRUE(confident || made->samples() <= 800);
  }
}

TEST(Experiment, IsAFunctionOfItsRecords) {
  for (const auto method : {ExperimentMethod::kHalving, ExperimentMethod::kLucb, ExperimentMethod::kPrivate}) {
    auto whole = Experiment::make(design(method, 400)).value();
    std::vector<std::pair<std::size_t, double>> records;
    RandomStream random(3);
    for (auto batch = whole.next(1); !batch.empty(); batch = whole.next(1)) {
      records.emplace_back(batch[0].arm, random.bernoulli(kMeans.at(batch[0].arm)) ? 1 : 0);
      ASSERT_TRUE(whole.record(records.back().first, records.back().second));
    }
    auto again = Experiment::make(*read_design(*parse_json(to_json(to_json_object(whole.design()))))).value();
    for (const auto& [arm, reward] : records) ASSERT_TRUE(again.record(arm, reward));
    EXPECT_EQ(again.decide()->arm, whole.decide()->arm);
    for (std::size_t a = 0; a < 4; ++a) EXPECT_EQ(again.status().arms[a].mean, whole.status().arms[a].mean);
  }
}

TEST(Experiment, ShowsOnlyPrivateMeansWherePrivacyIsAsked) {
  auto made = Experiment::make(design(ExperimentMethod::kPrivate, 400)).value();
  const auto first = made.next(1000);
  for (const Pull& pull : first) {
    for (std::uint64_t n = 0; n + 1 < pull.count; ++n) ASSERT_TRUE(made.record(pull.arm, 1));
  }
  for (const ArmStatus& arm : made.status().arms) EXPECT_FALSE(arm.mean);
  EXPECT_EQ(made.decide().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(made.privacy_spent().epsilon, 0);
  for (const Pull& pull : first) ASSERT_TRUE(made.record(pull.arm, 1));
  EXPECT_EQ(made.privacy_spent().epsilon, 2);
  for (const ArmStatus& arm : made.status().arms) {
    ASSERT_TRUE(arm.mean);
    EXPECT_NE(*arm.mean, 1);
    EXPECT_LT(arm.low, arm.high);
  }
}

TEST(Experiment, TakesARewardOnceByItsId) {
  auto made = Experiment::make(design(ExperimentMethod::kHalving, 100)).value();
  EXPECT_TRUE(*made.record(0, .5, "a"));
  EXPECT_FALSE(*made.record(0, .5, "a"));
  EXPECT_EQ(made.record(1, .5, "a").error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(made.record(0, .6, "a").error().code, ErrorCode::kAlreadyExists);
  EXPECT_TRUE(*made.record(0, .5, ""));
  EXPECT_TRUE(*made.record(0, .5, ""));
  EXPECT_EQ(made.samples(), 3U);
}

TEST(Experiment, ScalesRewardsFromTheirRange) {
  auto d = design(ExperimentMethod::kHalving, 100);
  d.low = -10, d.high = 10;
  auto made = Experiment::make(d).value();
  ASSERT_TRUE(made.record(2, 5));
  EXPECT_NEAR(*made.status().arms[2].mean, 5, 1e-12);
  EXPECT_EQ(made.record(2, 11).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(made.record(2, std::nan("")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(made.record(4, 1).error().code, ErrorCode::kInvalidArgument);
}

TEST(Experiment, NeverAsksForWhatTheMoneyDoesNotPay) {
  auto d = design(ExperimentMethod::kLucb, 0);
  d.money = Amount{kUsd, 100};
  d.prices = {1, 40, 1, 1};
  auto made = Experiment::make(d).value();
  play(made, 3);
  EXPECT_LE(made.status().money_spent, 100);
  EXPECT_GT(made.status().money_spent, 50);
  EXPECT_FALSE(made.decide()->guaranteed);
  d.method = ExperimentMethod::kHalving;
  d.samples = 8;
  EXPECT_THAT(Experiment::make(d).error().message, HasSubstr("pays 2 samples of the dearest arm"));
  d.money = Amount{kUsd, 8 * 40};
  EXPECT_TRUE(Experiment::make(d));
}

TEST(Experiment, StopsAtItsMostSamples) {
  auto made = Experiment::make(design(ExperimentMethod::kLucb, 20)).value();
  play(made, 7);
  EXPECT_EQ(made.samples(), 20U);
  EXPECT_TRUE(made.finished());
  EXPECT_FALSE(made.decide()->guaranteed);
}

TEST(Experiment, RefusesDesignsThatCannotBeMeant) {
  const auto message = [](auto&& change) {
    auto d = design(ExperimentMethod::kHalving, 100);
    change(d);
    const auto made = Experiment::make(d);
    return made ? std::string("made") : made.error().message;
  };
  EXPECT_THAT(message([](auto& d) { d.arms = {"a"}; }), HasSubstr("arms"));
  EXPECT_THAT(message([](auto& d) { d.arms[1] = "old"; }), HasSubstr("stands twice"));
  EXPECT_THAT(message([](auto& d) { d.samples = 0; }), HasSubstr("samples"));
  EXPECT_THAT(message([](auto& d) { d.samples = 3; }), HasSubstr("at least 8"));
  EXPECT_THAT(message([](auto& d) { d.low = 1; }), HasSubstr("range"));
  EXPECT_THAT(message([](auto& d) { d.features = {1, 2, 3, 4}; }), HasSubstr("features"));
  EXPECT_THAT(message([](auto& d) { d.prices = {1, 1, 1, 1}; }), HasSubstr("prices"));
  EXPECT_THAT(message([](auto& d) { d.method = ExperimentMethod::kPrivate, d.noise.epsilon = 0; }),
              HasSubstr("epsilon"));
  for (const char* text :
       {"{}", "[]", R"({"arms":["a","b"],"method":"x"})", R"({"arms":["a",1]})", R"({"arms":["a","b"],"sample":3})"}) {
    const auto read = read_design(*parse_json(text));
    EXPECT_FALSE(read && Experiment::make(*read)) << text;
  }
}

}  // namespace
}  // namespace bursar::explore
