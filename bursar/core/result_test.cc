#include "bursar/core/result.h"

#include <gtest/gtest.h>
#include <set>
#include <string_view>

namespace bursar {
namespace {

TEST(ErrorCode, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  const int last = static_cast<int>(ErrorCode::kInternal);
  for (int code = 0; code <= last; ++code) names.insert(name_of(static_cast<ErrorCode>(code)));
  EXPECT_EQ(std::ssize(names), last + 1);
  EXPECT_EQ(name_of(ErrorCode::kInvalidArgument), "invalid_argument");
  EXPECT_EQ(name_of(ErrorCode::kCorrupt), "corrupt");
}

TEST(Result, CarriesAValueOrAnError) {
  const Result<int> good = 3;
  const Result<int> bad = fail(ErrorCode::kUnavailable, "no answer", true);
  EXPECT_EQ(good.value_or(0), 3);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(bad.error().retryable);
  EXPECT_FALSE(bad.error().retry_after.has_value());
  EXPECT_EQ(Result<int>(invalid_argument("x")).error().code, ErrorCode::kInvalidArgument);
}

TEST(WithContext, PutsTheContextBeforeTheMessageAndKeepsTheRest) {
  Error error{.code = ErrorCode::kExhausted, .message = "budget used up", .retryable = true, .payload = "{}"};
  error.retry_after = std::chrono::milliseconds{500};
  const Error with = with_context("account acme", error);
  EXPECT_EQ(with.message, "account acme: budget used up");
  EXPECT_EQ(with.code, ErrorCode::kExhausted);
  EXPECT_TRUE(with.retryable);
  EXPECT_EQ(with.retry_after, std::chrono::milliseconds{500});
  EXPECT_EQ(with.payload, "{}");
}

}  // namespace
}  // namespace bursar
