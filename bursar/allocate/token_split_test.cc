#include "bursar/allocate/token_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>
#include <rapidcheck/gtest.h>

#include "bursar/allocate/water_filling.h"

namespace bursar::allocate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Tokens = std::vector<std::int64_t>;

TEST(TokenSplit, GivesTheSheetsNumbers) {
  const std::vector<double> two{20, 80}, three{50, 30, 20};
  const std::pair<Decay, std::pair<Tokens, Tokens>> expected[] = {{Decay::kConstant, {{40, 160}, {175, 105, 70}}},
                                                                  {Decay::kLinear, {{66, 134}, {229, 91, 30}}},
                                                                  {Decay::kPolynomial, {{100, 100}, {267, 72, 11}}},
                                                                  {Decay::kExponential, {{43, 157}, {188, 102, 60}}},
                                                                  {Decay::kCosine, {{147, 53}, {257, 84, 9}}}};
  for (const auto& [decay, tokens] : expected) {
    EXPECT_EQ(*split_tokens(two, 200, decay), tokens.first);
    EXPECT_EQ(*split_tokens(three, 350, decay), tokens.second);
  }
  EXPECT_THAT(*split_tokens(std::vector<double>(4, 1), 1000, Decay::kCosine), ElementsAre(459, 355, 145, 41));
}

TEST(TokenSplit, LosesToWaterFillingWhereCurvesAreKnown) {
  const std::vector<double> c{5, 20, 60}, a{1, 1, 1};
  const auto best = waterfill_power(c, a, 300);
  ASSERT_TRUE(best);
  EXPECT_NEAR(residual_uncertainty(c, a, *best), .69641, 5e-6);
  for (const Decay decay : {Decay::kConstant, Decay::kLinear, Decay::kCosine}) {
    const auto split = *split_tokens(c, 300, decay);
    EXPECT_GT(residual_uncertainty(c, a, std::vector<double>(split.begin(), split.end())), .69641);
  }
}

TEST(TokenSplit, NamesWhatItRefuses) {
  EXPECT_THAT(split_tokens({}, 10, Decay::kLinear).error().message, HasSubstr("no credits"));
  EXPECT_THAT(split_tokens(std::vector{1.0, -2.0}, 10, Decay::kLinear).error().message, HasSubstr("credit 1 is -2"));
  EXPECT_THAT(split_tokens(std::vector{1.0, std::nan("")}, 10, Decay::kLinear).error().message, HasSubstr("nan"));
  EXPECT_FALSE(split_tokens(std::vector{0.0, 0.0}, 10, Decay::kLinear));
  EXPECT_FALSE(split_tokens(std::vector{1.0}, -1, Decay::kLinear));
  EXPECT_FALSE(split_tokens(std::vector{1.0}, 1, Decay::kExponential, {.base = 0}));
}

RC_GTEST_PROP(TokenSplitProperty, SumsToTheTotalAtAnyScaleOfCredits, ()) {
  const auto whole = *rc::gen::nonEmpty(rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 100)));
  const auto total = *rc::gen::inRange<std::int64_t>(0, 100'000);
  const auto decay = static_cast<Decay>(*rc::gen::inRange(0, 5));
  std::vector<double> credits(whole.begin(), whole.end()), doubled;
  for (const double d : credits) doubled.push_back(d * 4);
  const auto tokens = split_tokens(credits, total, decay);
  RC_ASSERT(tokens.has_value());
  RC_ASSERT(std::accumulate(tokens->begin(), tokens->end(), std::int64_t{0}) == total);
  RC_ASSERT(*std::ranges::min_element(*tokens) >= 0);
  RC_ASSERT(*tokens == *split_tokens(doubled, total, decay));
}

}  // namespace
}  // namespace bursar::allocate
