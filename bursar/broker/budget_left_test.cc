#include "bursar/broker/budget_left.h"

#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

TEST(BudgetLeft, IsTheLeastOfAnAccountAndAllAboveIt) {
  BudgetLeft left;
  EXPECT_TRUE(left.of("a").empty());
  left.update(
      {{.account = "a", .limit = {.resource = kCalls}, .left = 7},
       {.account = "a", .limit = {.resource = kUsd}, .left = 50},
       {.account = "a/b/c", .limit = {.resource = kCalls}, .left = 9},
       {.account = "a/b/c", .limit = {.resource = kCalls, .window = {.kind = ledger::WindowKind::kDay}}, .left = -2},
       {.account = "a/d", .limit = {.resource = kMs}, .left = 3}});
  EXPECT_EQ(left.of("a")[kCalls], 7);
  EXPECT_EQ(left.of("a/b")[kCalls], 7);  // no limit of its own
  EXPECT_EQ(left.of("a/b/c")[kCalls], 0);
  EXPECT_EQ(left.of("a/b/c")[kUsd], 50);
  EXPECT_EQ(left.of("a/d")[kMs], 3);
  EXPECT_EQ(left.of("a/d")[kCalls], 7);
  EXPECT_TRUE(left.of("other").empty());
}

}  // namespace
}  // namespace bursar::broker
