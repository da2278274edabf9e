#include "bursar/broker/net/retry_after.h"

#include <gtest/gtest.h>

#include "bursar/core/utc_text.h"

namespace bursar::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

WallTime at(std::string_view text) { return parse_utc(text).value(); }
const WallTime kNow = at("1994-11-06T08:49:00Z");

TEST(RetryAfter, CountsSeconds) {
  EXPECT_EQ(parse_retry_after("0", kNow), milliseconds{0});
  EXPECT_EQ(parse_retry_after("120", kNow), seconds{120});
}

TEST(RetryAfter, ReadsDatesInEveryFormOfTheStandard) {
  for (const char* date :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_http_date(date, kNow), at("1994-11-06T08:49:37Z")) << date;
    EXPECT_EQ(parse_retry_after(date, kNow), seconds{37}) << date;
  }
  EXPECT_EQ(parse_http_date("Sat Nov 26 08:49:37 1994", kNow), at("1994-11-26T08:49:37Z"));
}

TEST(RetryAfter, IsNothingToWaitForWhenTheDateHasPassed) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:48:59 GMT", kNow), milliseconds{0});
}

TEST(RetryAfter, IsNeverMoreThanADay) {
  EXPECT_EQ(parse_retry_after("1000000", kNow), kRetryAfterMax);
  EXPECT_EQ(parse_retry_after("99999999999999999999999999", kNow), kRetryAfterMax);
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", kNow), kRetryAfterMax);
}

TEST(RetryAfter, PutsAYearOfTwoDigitsAtMostFiftyYearsAhead) {
  const WallTime now = at("2026-11-25");
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", now), at("1994-11-06T08:49:37Z"));
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-27 08:49:37 GMT", now), at("2027-11-06T08:49:37Z"));
}

TEST(RetryAfter, TakesNothingElse) {
  for (const char* value :
       {"", "-1", "1.5", "1 ", "soon", "1s", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ", ",", ", ",
        "Sun", "Sun Nov  6 08:49:37 199", "Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT"}) {
    EXPECT_EQ(parse_retry_after(value, kNow), std::nullopt) << value;
  }
}

}  // namespace
}  // namespace bursar::broker
