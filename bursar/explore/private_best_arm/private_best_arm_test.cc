#include "bursar/explore/private_best_arm/private_best_arm.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

#include "bursar/core/json.h"

namespace bursar::explore {
namespace {

using ::testing::HasSubstr;

// Plays a whole search; sum(arm, count) is what the pulls bring.
template <class Sum>
PrivateBestArm play(PrivateBestArm search, Sum&& sum) {
  while (!search.done()) {
    for (const Pull& pull : search.next_batch()) {
      const auto ok = search.report({{pull.arm, pull.count, sum(pull.arm, pull.count)}});
      EXPECT_TRUE(ok) << ok.error().message;
    }
  }
  return search;
}

PrivateBestArm two_arms(std::uint64_t pulls_of_each, double epsilon, std::uint64_t seed) {
  // T' = T - 2, and both arms are pulled T'/2 times.
  return PrivateBestArm::make({.arms = 2},
                              {.samples = 2 * pulls_of_each + 2, .noise = {.epsilon = epsilon}, .seed = seed})
      .value();
}

// The difference of two Laplace variables of scale 1 exceeds z >= 0 with this probability.
double laplace_difference_exceeds(double z) { return (2 + z) * std::exp(-z) / 4; }

// Share of runs that answer arm 1 on fixed sums.
double answers_second(double epsilon, std::array<double, 2> sums, std::uint64_t n, int runs) {
  int second = 0;
  for (int run = 0; run < runs; ++run) {
    const auto search = play(two_arms(n, epsilon, static_cast<std::uint64_t>(run) + 1),
                             [&](std::size_t arm, std::uint64_t) { return sums.at(arm); });
    second += search.answer()->arm == 1 ? 1 : 0;
  }
  return static_cast<double>(second) / runs;
}

TEST(PrivateBestArm, AnswersTheLowerOfTwoArmsAsOftenAsTwoLaplaceVariablesSay) {
  // Gap D = .125 of n = 40 at epsilon = .5: z = 2.5.
  EXPECT_NEAR(laplace_difference_exceeds(2.5), .092346, 1e-6);
  constexpr int kRuns = 60'000;
  EXPECT_NEAR(answers_second(.5, {25, 20}, 40, kRuns), laplace_difference_exceeds(2.5),
              4 * std::sqrt(.0924 * .9076 / kRuns));
}

TEST(PrivateBestArm, NeighbouringTablesGiveAnswersWithinTheRatioOfEpsilon) {
  // One reward more for arm 0 moves z from 2.5 to 3, one less to 2.
  const double at = laplace_difference_exceeds(2.5), limit = std::exp(.5);
  EXPECT_NEAR(at / laplace_difference_exceeds(3), 1.4838, 1e-4);
  EXPECT_NEAR((1 - at) / (1 - laplace_difference_exceeds(3)), .9679, 1e-4);
  constexpr int kRuns = 60'000;
  const double base = answers_second(.5, {25, 20}, 40, kRuns);
  for (const double sum : {24.0, 26.0}) {
    const double other = answers_second(.5, {sum, 20}, 40, kRuns), z = .5 * (sum - 20);
    EXPECT_NEAR(other, laplace_difference_exceeds(z), 4 * std::sqrt(.15 / kRuns));
    for (const double ratio : {base / other, other / base, (1 - base) / (1 - other), (1 - other) / (1 - base)}) {
      EXPECT_LE(ratio, limit);
    }
  }
}

double binomial(std::uint64_t n, std::uint64_t k, double p) {
  const auto x = static_cast<double>(n), y = static_cast<double>(k);
  return std::exp(std::lgamma(x + 1) - std::lgamma(y + 1) - std::lgamma(x - y + 1) + y * std::log(p) +
                  (x - y) * std::log1p(-p));
}

TEST(PrivateBestArm, ErrsOnTwoArmsAsOftenAsTheSumOverBinomialsSays) {
  constexpr std::uint64_t n = 30;
  constexpr double p = .6, q = .4, epsilon = .3;
  double exact = 0;
  for (std::uint64_t i = 0; i <= n; ++i) {
    for (std::uint64_t j = 0; j <= n; ++j) {
      const double z = epsilon * (static_cast<double>(i) - static_cast<double>(j));
      const double wrong = z >= 0 ? laplace_difference_exceeds(z) : 1 - laplace_difference_exceeds(-z);
      exact += binomial(n, i, p) * binomial(n, j, q) * wrong;
    }
  }
  std::mt19937_64 random(11);
  constexpr int kRuns = 60'000;
  int wrong = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto search =
        play(two_arms(n, epsilon, static_cast<std::uint64_t>(run)), [&](std::size_t arm, std::uint64_t count) {
          return static_cast<double>(
              std::binomial_distribution<std::int64_t>(static_cast<std::int64_t>(count), arm == 0 ? p : q)(random));
        });
    wrong += search.answer()->arm == 1 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(wrong) / kRuns, exact, 4 * std::sqrt(exact * (1 - exact) / kRuns));
}

TEST(PrivateBestArm, NeverUsesMoreSamplesThanItHas) {
  RandomStream random(12);
  for (int trial = 0; trial < 300; ++trial) {
    const std::size_t k = 1 + random.uniform_int(std::uint64_t{60}), d = 1 + random.uniform_int(std::uint64_t{k});
    ArmFeatures features{.arms = k, .dimension = d, .values = {}};
    // Now and then rows repeat, or follow from others, or are zero.
    for (std::size_t i = 0; i < k * d; ++i)
      features.values.push_back(random.bernoulli(.3) ? 0.0
                                                     : static_cast<double>(random.uniform_int(std::int64_t{-2}, 2)));
    features.values.front() = 1;
    if (random.bernoulli(.2)) features.values.clear();
    const std::uint64_t samples = random.uniform_int(std::uint64_t{5000});
    const auto made = PrivateBestArm::make(
        features, {.samples = samples,
                   .schedule = random.bernoulli(.5) ? EliminationSchedule::kPaper : EliminationSchedule::kHalving,
                   .noise = {.epsilon = 1},
                   .seed = random()});
    if (!made) {
      EXPECT_EQ(made.error().code, ErrorCode::kInfeasible) << made.error().message;
      continue;
    }
    std::uint64_t pulled = 0;
    const auto search = play(*made, [&](std::size_t, std::uint64_t count) {
      pulled += count;
      return static_cast<double>(count) / 2;
    });
    EXPECT_LE(pulled, samples);
    EXPECT_EQ(search.samples_used(), pulled);
    EXPECT_EQ(search.answer()->samples_used, pulled);
    EXPECT_EQ(search.phases().size(), search.plan().phases());
  }
}

// The sheet's instance: every gap is .045.
ArmFeatures sheet_features(std::size_t arms, RandomStream random) {
  ArmFeatures f{.arms = arms, .dimension = 3, .values = {0, 1, 0, 0, 0, 1, 1, 0, 1}};
  for (std::size_t i = 3; i < arms; ++i) {
    const double w = random.uniform01();
    f.values.insert(f.values.end(), {0, w, 1 - w});
  }
  return f;
}

TEST(PrivateBestArm, PullsACollectionWhereFeaturesTellTheRestAndInfersThem) {
  const ArmFeatures features = sheet_features(30, RandomStream(1));
  auto search = PrivateBestArm::make(features, {.samples = 10'000,
                                                .schedule = EliminationSchedule::kPaper,
                                                .noise = {.noise = PrivateNoise::kNone}})
                    .value();
  EXPECT_EQ(search.next_batch().size(), 3U);
  const std::array theta{.045, .5, .5};
  const auto mean = [&](std::size_t arm) {
    double m = 0;
    for (std::size_t j = 0; j < 3; ++j) m += features.values[arm * 3 + j] * theta.at(j);
    return m;
  };
  search =
      play(std::move(search), [&](std::size_t arm, std::uint64_t n) { return static_cast<double>(n) * mean(arm); });
  EXPECT_EQ(search.answer()->arm, 2U);
  EXPECT_EQ(search.answer()->spent.epsilon, 0);
  for (const PrivatePhase& phase : search.phases()) {
    for (std::size_t i = 0; i < phase.arms.size(); ++i) EXPECT_NEAR(phase.means[i], mean(phase.arms[i]), 1e-9);
  }
}

TEST(PrivateBestArm, SpendsItsPrivacyOnceAtTheFirstRelease) {
  auto search = PrivateBestArm::make({.arms = 8}, {.samples = 1000, .noise = {.epsilon = .5}, .seed = 1}).value();
  EXPECT_EQ(search.cost().epsilon, .5);
  EXPECT_EQ(search.spent().epsilon, 0);
  for (const Pull& p : search.next_batch()) ASSERT_TRUE(search.report({{p.arm, p.count, 1.0}}));
  EXPECT_EQ(search.phases().size(), 1U);
  EXPECT_EQ(search.spent().epsilon, .5);
  search = play(std::move(search), [](std::size_t, std::uint64_t) { return 1.0; });
  EXPECT_EQ(search.answer()->spent.epsilon, .5);
}

TEST(PrivateBestArm, SnapsWhatLeavesToItsGrid) {
  const auto search = play(two_arms(40, .5, 9), [](std::size_t, std::uint64_t) { return 13.0; });
  const double grid = std::ldexp(1.0, std::ilogb(1 / (.5 * 40)) - 20);
  for (const double m : search.phases().front().means) {
    EXPECT_EQ(m / grid, std::nearbyint(m / grid));
    EXPECT_NE(m, 13.0 / 40);
  }
}

TEST(PrivateBestArm, ScalesNoiseWithTheWeightOfAPersonAndWithDelta) {
  EXPECT_DOUBLE_EQ(noise_scale({.epsilon = .5}, 200), .01);
  EXPECT_DOUBLE_EQ(noise_scale({.epsilon = .5, .user_weight = 3}, 200), .03);
  EXPECT_DOUBLE_EQ(noise_scale({.noise = PrivateNoise::kGaussian, .epsilon = .5, .delta = 1e-5}, 200),
                   std::sqrt(2 * std::log(1.25e5)) * .01);
  RandomStream random(3);
  for (const auto noise : {PrivateNoise::kLaplace, PrivateNoise::kGaussian}) {
    double sum = 0, squares = 0;
    constexpr int kDraws = 200'000;
    for (int i = 0; i < kDraws; ++i) {
      const double x = release_mean(0, 1, noise, random);
      sum += x;
      squares += x * x;
    }
    EXPECT_NEAR(sum / kDraws, 0, .02);
    EXPECT_NEAR(squares / kDraws, noise == PrivateNoise::kLaplace ? 2 : 1, .06);
  }
}

TEST(PrivateBestArm, GoesOnFromItsSavedStateAtAnyReward) {
  for (const bool plain : {false, true}) {
    ArmFeatures features = sheet_features(12, RandomStream(5));
    if (plain) features.values.clear();
    const PrivateBestArmOptions options{.samples = 400, .noise = {.epsilon = 1}, .clip = true, .seed = UINT64_MAX};
    auto whole = PrivateBestArm::make(features, options).value(), parts = whole;
    RandomStream random(6);
    int steps = 0;
    while (!whole.done()) {
      const Pull pull = whole.next_batch().back();
      const double reward = random.uniform(-.2, 1.2);
      ASSERT_TRUE(whole.report({{pull.arm, 1, reward}}));
      ASSERT_TRUE(parts.report({{pull.arm, 1, reward}}));
      if (++steps % 7 == 0) {
        auto back = PrivateBestArm::restore(parse_json(to_json(parts.save()))->as_object());
        ASSERT_TRUE(back) << back.error().message;
        parts = *std::move(back);
      }
      ASSERT_EQ(to_json(parts.save()), to_json(whole.save()));
    }
    EXPECT_EQ(parts.answer()->arm, whole.answer()->arm);
    EXPECT_TRUE(PrivateBestArm::restore(whole.save()));
  }
}

TEST(PrivateBestArm, RefusesASavedStateThatContradictsItself) {
  auto search = two_arms(5, 1, 1);
  ASSERT_TRUE(search.report({{0, 2, 1.5}}));
  const auto saved = search.save();
  for (const auto& [key, value] :
       std::initializer_list<std::pair<const char*, boost::json::value>>{{"counts", {9, 0}},
                                                                         {"sums", {3, 0}},
                                                                         {"active", {0}},
                                                                         {"seed", "x"},
                                                                         {"noise", "pink"},
                                                                         {"samples", 1},
                                                                         {"phases", {1}},
                                                                         {"epsilon", -1},
                                                                         {"counts", {5, 5}}}) {
    auto wrong = saved;
    wrong[key] = value;
    const auto back = PrivateBestArm::restore(wrong);
    ASSERT_FALSE(back) << key;
    EXPECT_EQ(back.error().code, ErrorCode::kCorrupt) << key;
  }
}

TEST(PrivateBestArm, LeavesItsStateAloneWhereAReportIsWrong) {
  auto search = two_arms(5, 1, 1);
  const std::string before = to_json(search.save());
  for (const std::vector<ArmSum>& wrong : std::vector<std::vector<ArmSum>>{{{0, 2, 1}, {2, 1, 0}},
                                                                           {{0, 3, 1}, {0, 3, 1}},
                                                                           {{0, 2, 2.5}},
                                                                           {{0, 2, -.1}},
                                                                           {{0, 2, std::nan("")}},
                                                                           {{1, 0, 0}}}) {
    const auto got = search.report(wrong);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(to_json(search.save()), before);
  }
  EXPECT_EQ(search.answer().error().code, ErrorCode::kUnavailable);
}

TEST(PrivateBestArm, AnswersASingleArmAtOnce) {
  const auto search = PrivateBestArm::make({.arms = 1}, {.samples = 0, .noise = {.epsilon = 1}});
  ASSERT_TRUE(search);
  EXPECT_TRUE(search->done());
  EXPECT_TRUE(search->next_batch().empty());
  EXPECT_EQ(search->answer()->arm, 0U);
  EXPECT_EQ(search->answer()->spent.epsilon, 0);
}

TEST(PrivateBestArm, RefusesWhatCannotBeMeant) {
  const auto code = [](ArmFeatures f, PrivateBestArmOptions o) {
    const auto made = PrivateBestArm::make(std::move(f), o);
    return made ? ErrorCode::kInternal : made.error().code;
  };
  const PrivateBestArmOptions good{.samples = 1000, .noise = {.epsilon = 1}};
  EXPECT_EQ(code({.arms = 0}, good), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.arms = 2, .dimension = 2, .values = {1}}, good), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.arms = 2, .dimension = 1, .values = {1, INFINITY}}, good), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.arms = 2, .dimension = 1, .values = {0, 0}}, good), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.arms = 2}, {.samples = 1000, .noise = {.epsilon = 0}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.arms = 2}, {.samples = 1000, .noise = {.epsilon = 1, .delta = .1}}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.arms = 2}, {.samples = 1000, .noise = {.epsilon = 1, .user_weight = .5}}),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(
      code({.arms = 2}, {.samples = 1000, .noise = {.noise = PrivateNoise::kGaussian, .epsilon = 2, .delta = .1}}),
      ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.arms = 9}, {.samples = 9, .noise = {.epsilon = 1}}), ErrorCode::kInfeasible);
}

}  // namespace
}  // namespace bursar::explore
