#include "bursar/explore/private_best_arm/privacy_accountant.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::explore {
namespace {

using ::testing::HasSubstr;

TEST(PrivacyAccountant, RefusesToOverspendAUnitAndNamesWhatIsLeft) {
  auto a = PrivacyAccountant::make({.epsilon = 1, .delta = 1e-6});
  ASSERT_TRUE(a);
  const auto first = a->reserve("may", {.epsilon = .7});
  ASSERT_TRUE(first);
  const auto second = a->reserve("may", {.epsilon = .4});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kExhausted);
  EXPECT_THAT(second.error().message, HasSubstr("epsilon 0.3"));
  EXPECT_EQ(a->reserve("may", {.epsilon = .1, .delta = 2e-6}).error().code, ErrorCode::kExhausted);
  ASSERT_TRUE(a->commit(*first));
  EXPECT_NEAR(a->remaining("may").epsilon, .3, 1e-12);
  EXPECT_TRUE(a->reserve("may", {.epsilon = .3, .delta = 1e-6}));
}

TEST(PrivacyAccountant, ComposesInSequenceWithinAUnitAndInParallelAcrossUnits) {
  auto a = PrivacyAccountant::make({.epsilon = 1});
  for (const char* unit : {"may", "june"}) {
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(a->commit(*a->reserve(unit, {.epsilon = .25})));
  }
  ASSERT_TRUE(a->commit(*a->reserve("june", {.epsilon = .25})));
  EXPECT_EQ(a->spent("may").epsilon, .5);
  EXPECT_EQ(a->spent_at_most().epsilon, .75);
  EXPECT_EQ(a->remaining("july").epsilon, 1);
}

TEST(PrivacyAccountant, TenTenthsAreExactlyOneAndAnEleventhIsTooMuch) {
  auto a = PrivacyAccountant::make({.epsilon = 1});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(a->commit(*a->reserve("may", {.epsilon = .1})));
  EXPECT_EQ(a->remaining("may").epsilon, 0);
  EXPECT_FALSE(a->reserve("may", {.epsilon = 1e-12}));
}

TEST(PrivacyAccountant, GivesBackWhatWasReleasedAndNothingElse) {
  auto a = PrivacyAccountant::make({.epsilon = 1});
  const auto hold = a->reserve("may", {.epsilon = 1});
  ASSERT_TRUE(a->release(*hold));
  EXPECT_EQ(a->release(*hold).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(a->commit(*hold).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(a->remaining("may").epsilon, 1);
  ASSERT_TRUE(a->commit(*a->reserve("may", {.epsilon = 1})));
  EXPECT_EQ(a->remaining("may").epsilon, 0);
}

TEST(PrivacyAccountant, NeverExceedsItsLimitUnderRandomCalls) {
  RandomStream random(5);
  auto a = PrivacyAccountant::make({.epsilon = 3});
  std::vector<PrivacyHold> open;
  for (int step = 0; step < 20'000; ++step) {
    const std::string unit = std::to_string(random.uniform_int(std::uint64_t{5}));
    if (open.empty() || random.bernoulli(.5)) {
      if (auto h = a->reserve(unit, {.epsilon = random.uniform01()})) open.push_back(*h);
    } else {
      const std::size_t at = random.uniform_int(std::uint64_t{open.size()});
      ASSERT_TRUE(random.bernoulli(.1) ? a->commit(open[at]) : a->release(open[at]));
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
    }
    EXPECT_LE(a->spent(unit).epsilon, 3);
    EXPECT_GE(a->remaining(unit).epsilon, 0);
  }
}

TEST(PrivacyAccountant, GoesOnFromItsSavedState) {
  auto a = PrivacyAccountant::make({.epsilon = 1, .delta = 1e-5});
  ASSERT_TRUE(a->commit(*a->reserve("may", {.epsilon = .2, .delta = 1e-6})));
  const auto hold = a->reserve("may", {.epsilon = .3});
  auto b = PrivacyAccountant::restore(a->save());
  ASSERT_TRUE(b) << b.error().message;
  EXPECT_EQ(to_json(b->save()), to_json(a->save()));
  EXPECT_TRUE(b->commit(*hold));
  EXPECT_NEAR(b->remaining("may").epsilon, .5, 1e-12);

  auto saved = a->save();
  saved["units"].as_object()["may"] = {2'000'000'000, 0};
  EXPECT_EQ(PrivacyAccountant::restore(saved).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(PrivacyAccountant::restore({}).error().code, ErrorCode::kCorrupt);
}

TEST(PrivacyAccountant, RefusesWhatCannotBeMeant) {
  EXPECT_EQ(PrivacyAccountant::make({.epsilon = 0}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(PrivacyAccountant::make({.epsilon = INFINITY}).error().code, ErrorCode::kInvalidArgument);
  auto a = PrivacyAccountant::make({.epsilon = 1});
  EXPECT_EQ(a->reserve("", {.epsilon = .1}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(a->reserve("may", {.epsilon = -.1}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(a->reserve("may", {.epsilon = std::nan("")}).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace bursar::explore
