#include "bursar/allocate/problem.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/core/random.h"

namespace bursar::allocate {
namespace {

using testing::HasSubstr;

// Three layers, widths 2, 3 and 4 bits: losses fall with bits.
Problem layers() {
  Problem p{
      .value = {9, 5, 4, 8, 2, 1, 3, 2.5, 2.4}, .cost = {2, 3, 4, 2, 3, 4, 2, 3, 4}, .width = 3, .minimise = true};
  p.item_names = {"conv1", "conv2", "head"};
  p.option_names = {"2 bits", "3 bits", "4 bits"};
  p.resource_names = {"bits"};
  return p;
}

TEST(Allocate, MinimisesLossAndReportsABoundInTheSameSense) {
  const auto a = allocate(layers(), {{8}});
  ASSERT_TRUE(a) << a.error().message;
  EXPECT_EQ(a->choice, (std::vector<std::uint32_t>{1, 1, 0}));
  EXPECT_EQ(a->value, 10);
  EXPECT_EQ(a->bound, 10);
  EXPECT_EQ(a->cost, std::vector{8.0});
  EXPECT_EQ(a->gap, 0);
}

TEST(Allocate, EveryMethodThatCanAgrees) {
  for (const char* name : {"auto", "program", "core", "resources"}) {
    const auto a = allocate(layers(), {{9}}, {.method = *method_named(name)});
    ASSERT_TRUE(a) << name << a.error().message;
    EXPECT_EQ(a->value, 9) << name;
  }
  EXPECT_THAT(method_named("simplex").error().message, HasSubstr("known are auto, program"));
}

TEST(Allocate, HoldsMinimaAndForbiddenOptions) {
  Problem p = layers();
  p.minimum = {0, 0, 4};
  auto a = allocate(p, {{9}});
  ASSERT_TRUE(a);
  EXPECT_EQ(a->choice, (std::vector<std::uint32_t>{0, 1, 2}));
  p.forbidden = {0, 0, 0, 0, 1, 0, 0, 0, 0};
  a = allocate(p, {{10}});
  ASSERT_TRUE(a);
  EXPECT_EQ(a->choice[1], 2U);
  p.minimum = {0, 0, 9};
  EXPECT_THAT(allocate(p, {{10}}).error().message,
              HasSubstr("item 2 (head): its minimum is 9 and its largest allowed option costs 4: 5 short"));
}

TEST(Allocate, HoldsGroupCapsWithOneResourceAndWithSeveral) {
  Problem p = layers();
  p.group = {0, 0, 1};
  p.groups = {{"body", 5}, {"head", 4}};
  const auto one = allocate(p, {{9}});
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->method, Method::kGroups);
  EXPECT_LE(one->group_cost[0], 5);
  EXPECT_EQ(one->value, 9 + 2 + 2.4);
  p.cost.insert(p.cost.end(), 9, 1.0);
  p.resource_names = {"bits", "layers"};
  const auto two = allocate(p, {{9, 3}});
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_EQ(two->method, Method::kResources);
  EXPECT_EQ(two->value, one->value);
  EXPECT_EQ(two->group_price.size(), 2U);
  EXPECT_EQ(two->cost.size(), 2U);
}

TEST(Allocate, NamesItemsResourcesAndGroupsInErrors) {
  Problem p = layers();
  p.value[4] = std::nan("");
  EXPECT_THAT(allocate(p, {{9}}).error().message, HasSubstr("item 1 (conv2), option 1: value is nan"));
  p = layers();
  EXPECT_THAT(allocate(p, {{5}}).error().message, testing::AllOf(HasSubstr("1 short"), HasSubstr("item 0 (conv1)")));
  p.group = {0, 0, 1};
  p.groups = {{"body", 3}, {"head", 4}};
  EXPECT_THAT(allocate(p, {{9}}).error().message,
              testing::AllOf(HasSubstr("group 0 (body)"), HasSubstr("item 0 (conv1)")));
  EXPECT_THAT(allocate(layers(), {{9, 9}}).error().message, HasSubstr("cost has 9 entries"));
  EXPECT_THAT(allocate(layers(), {}).error().message, HasSubstr("names no resource"));
  EXPECT_THAT(allocate(layers(), {{9}}, {.method = Method::kGroups}).error().message, HasSubstr("method groups needs"));
}

TEST(Explain, SaysWhyAnItemGotItsOption) {
  const Problem p = layers();
  const auto a = allocate(p, {{8}});
  const auto e = explain(p, *a, 0);
  ASSERT_TRUE(e);
  EXPECT_EQ(e->chosen, 1U);
  EXPECT_EQ(e->options[1].status, OptionStatus::kChosen);
  EXPECT_EQ(e->less_above, 4);
  EXPECT_EQ(e->more_below, 1);
  EXPECT_THAT(e->text, testing::AllOf(HasSubstr("item 0 (conv1) takes option 1 (3 bits): loss 5, cost 3 bits"),
                                      HasSubstr("Below a price of 1 it would take more")));
  EXPECT_EQ(explain(p, *a, 3).error().code, ErrorCode::kInvalidArgument);
}

TEST(Explain, TellsForbiddenDominatedAndOffHullApart) {
  Problem p{.value = {0, 1, 1, 3, 9, 8}, .cost = {0, 2, 3, 4, 6, 7}, .width = 6, .forbidden = {0, 0, 0, 0, 0, 1}};
  const auto a = allocate(p, {{3}});
  ASSERT_TRUE(a);
  EXPECT_EQ(a->value, 1);
  const auto e = explain(p, *a, 0);
  ASSERT_TRUE(e);
  EXPECT_EQ(e->options[2].status, OptionStatus::kDominated);
  EXPECT_EQ(e->options[3].status, OptionStatus::kOffHull);
  EXPECT_EQ(e->options[4].status, OptionStatus::kUnaffordable);
  EXPECT_EQ(e->options[5].status, OptionStatus::kForbidden);
}

TEST(Explain, AllHullPricesBracketThePriceOnRandomProblems) {
  RandomStream random(1);
  for (int trial = 0; trial < 200; ++trial) {
    Problem p{.width = 4};
    for (int o = 0; o < 40 * 4; ++o) p.value.push_back(random.uniform01()), p.cost.push_back(random.uniform01());
    const auto a = allocate(p, {{16}}, {.method = Method::kLagrangian});
    ASSERT_TRUE(a);
    int outside = 0;
    for (std::size_t i = 0; i < 40; ++i) {
      const auto e = explain(p, *a, i);
      outside += a->price[0] > e->less_above * (1 + 1e-9) || a->price[0] < e->more_below * (1 - 1e-9) ? 1 : 0;
    }
    EXPECT_LE(outside, 10);  // only what was filled after the break may be
  }
}

}  // namespace
}  // namespace bursar::allocate
