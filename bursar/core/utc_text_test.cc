#include "bursar/core/utc_text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace bursar {
namespace {

TEST(UtcText, WritesAndReadsTheExamples) {
  EXPECT_EQ(utc_text(wall_from_unix_us(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(utc_text(wall_from_unix_us(951'827'696'000'042), TimeDigits::kMicros), "2000-02-29T12:34:56.000042Z");
  EXPECT_EQ(utc_text(wall_from_unix_us(-1)), "1969-12-31T23:59:59Z");
  EXPECT_EQ(unix_us(*parse_utc("2000-02-29")), 951'782'400'000'000);
  EXPECT_EQ(*parse_utc("2000-02-29 12:34:56"), *parse_utc("2000-02-29T13:34:56+01:00"));
  EXPECT_EQ(*parse_utc("2000-02-29T12:34:56.5Z") - *parse_utc("2000-02-29t12:34:56z"), std::chrono::milliseconds{500});
  EXPECT_EQ(*parse_utc("2000-01-01T00:00:00-00:30"), *parse_utc("2000-01-01T00:30:00Z"));
}

TEST(UtcText, RefusesWhatIsNoTime) {
  for (const char* text : {"", "2000", "2000-13-01", "2001-02-29", "2000-1-01", "2000-01-01T", "2000-01-01T24:00:00Z",
                           "2000-01-01T00:00:00.Z", "2000-01-01T00:00:00Zx", "2000-01-01T00:00:00+1:00", "-200-01-01",
                           "2000-01-01T00:00", "now", "2000-01-01T00:00:60Z", "2000-01-01T00:00:00.1234567890123Z"}) {
    EXPECT_FALSE(parse_utc(text)) << text;
  }
}

RC_GTEST_PROP(UtcText, ReadsBackWhatItWrote, ()) {
  const WallTime time =
      wall_from_unix_us(*rc::gen::inRange<std::int64_t>(-62'167'219'200'000'000, 253'402'300'799'999'999));
  RC_ASSERT(*parse_utc(utc_text(time, TimeDigits::kMicros)) == time);
  RC_ASSERT(*parse_utc(utc_text(time)) == std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace
}  // namespace bursar
