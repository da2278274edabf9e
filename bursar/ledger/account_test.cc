#include "bursar/ledger/account.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/ledger/time_zone.h"

namespace bursar::ledger {
namespace {

WallTime utc(int y, unsigned m, unsigned d, int hour = 0, int minute = 0) {
  return WallTime{std::chrono::sys_days{std::chrono::year{y} / std::chrono::month{m} / std::chrono::day{d}}} +
         std::chrono::hours{hour} + std::chrono::minutes{minute};
}

WindowSpan span(WindowKind kind, std::string zone, WallTime now) {
  auto result = span_of({.kind = kind, .time_zone = std::move(zone)}, now);
  EXPECT_TRUE(result) << (result ? "" : result.error().message);
  return result.value_or(WindowSpan{});
}

std::int64_t hours(const WindowSpan& s) {
  return std::chrono::duration_cast<std::chrono::hours>(s.end - s.begin).count();
}

TEST(WindowSpan, TotalAndRateAreEndless) {
  EXPECT_EQ(span(WindowKind::kTotal, "UTC", utc(2026, 1, 1)).end, WallTime::max());
  auto rate = span_of({.kind = WindowKind::kRate, .period = std::chrono::seconds{1}}, utc(2026, 1, 1));
  EXPECT_EQ(rate->begin, WallTime::min());
}

TEST(WindowSpan, DaysBeginAtLocalMidnight) {
  EXPECT_EQ(span(WindowKind::kDay, "UTC", utc(2026, 3, 5, 17)).begin, utc(2026, 3, 5));
  EXPECT_EQ(span(WindowKind::kDay, "Europe/Berlin", utc(2026, 1, 5, 23, 30)).begin, utc(2026, 1, 5, 23));
  EXPECT_EQ(span(WindowKind::kDay, "America/New_York", utc(2026, 1, 6, 3)).begin, utc(2026, 1, 5, 5));
  EXPECT_EQ(span(WindowKind::kDay, "Asia/Kolkata", utc(2026, 1, 5, 18, 29)).begin, utc(2026, 1, 4, 18, 30));
  EXPECT_EQ(span(WindowKind::kDay, "Asia/Kolkata", utc(2026, 1, 5, 18, 30)).begin, utc(2026, 1, 5, 18, 30));
  EXPECT_EQ(span(WindowKind::kDay, "UTC", wall_from_unix_us(-1)).begin, utc(1969, 12, 31));
}

TEST(WindowSpan, DaysOfClockChangesHave23And25Hours) {
  EXPECT_EQ(hours(span(WindowKind::kDay, "Europe/Berlin", utc(2026, 3, 29, 12))), 23);
  EXPECT_EQ(hours(span(WindowKind::kDay, "Europe/Berlin", utc(2026, 10, 25, 12))), 25);
  EXPECT_EQ(hours(span(WindowKind::kDay, "America/New_York", utc(2026, 3, 8, 12))), 23);
  EXPECT_EQ(hours(span(WindowKind::kDay, "America/New_York", utc(2026, 11, 1, 12))), 25);
  EXPECT_EQ(hours(span(WindowKind::kDay, "America/New_York", utc(2026, 11, 2, 12))), 24);
}

TEST(WindowSpan, FollowsTheRuleAfterTheLastListedTransition) {
  EXPECT_EQ(hours(span(WindowKind::kDay, "Europe/Berlin", utc(2061, 3, 27, 12))), 23);
  EXPECT_EQ(span(WindowKind::kDay, "Europe/Berlin", utc(2061, 7, 1, 12)).begin, utc(2061, 6, 30, 22));
  EXPECT_EQ(span(WindowKind::kDay, "Australia/Sydney", utc(2061, 1, 10, 12)).begin, utc(2061, 1, 9, 13));
}

TEST(WindowSpan, ADayWhoseMidnightIsSkippedBeginsAfterTheGap) {
  // Beirut, 2022-03-27: 00:00 became 01:00.
  const auto day = span(WindowKind::kDay, "Asia/Beirut", utc(2022, 3, 27, 12));
  EXPECT_EQ(day.begin, utc(2022, 3, 26, 22));
  EXPECT_EQ(hours(day), 23);
}

TEST(WindowSpan, WeeksBeginOnMonday) {
  const auto week = span(WindowKind::kWeek, "UTC", utc(2026, 11, 29, 23));  // a Sunday
  EXPECT_EQ(week.begin, utc(2026, 11, 23));
  EXPECT_EQ(week.end, utc(2026, 11, 30));
  EXPECT_EQ(span(WindowKind::kWeek, "UTC", utc(2026, 11, 30)).begin, utc(2026, 11, 30));
  EXPECT_EQ(hours(span(WindowKind::kWeek, "Europe/Berlin", utc(2026, 3, 25))), 7 * 24 - 1);
}

TEST(WindowSpan, MonthsBeginOnTheFirst) {
  const auto month = span(WindowKind::kMonth, "Europe/Berlin", utc(2026, 2, 28, 23, 30));
  EXPECT_EQ(month.begin, utc(2026, 2, 28, 23));
  EXPECT_EQ(month.end, utc(2026, 3, 31, 22));
  EXPECT_EQ(span(WindowKind::kMonth, "UTC", utc(2024, 2, 29)).end, utc(2024, 3, 1));
}

RC_GTEST_PROP(WindowSpan, HoldsItsInstantAndMeetsTheNext, ()) {
  const auto zone = *rc::gen::element<std::string>("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata",
                                                   "America/Sao_Paulo", "America/Havana", "Pacific/Apia",
                                                   "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Beirut");
  const auto kind = *rc::gen::element(WindowKind::kDay, WindowKind::kWeek, WindowKind::kMonth);
  const auto now = wall_from_unix_us(*rc::gen::inRange<std::int64_t>(0, 4'000'000'000) * 1'000'000 + 1);
  const auto here = span_of({.kind = kind, .time_zone = zone}, now);
  RC_ASSERT(here.has_value());
  RC_ASSERT(here->begin <= now && now < here->end);
  const auto next = span_of({.kind = kind, .time_zone = zone}, here->end);
  RC_ASSERT(next.has_value());
  RC_ASSERT(next->begin == here->end);
}

TEST(ParseWindow, ReadsWhatToStringPrints) {
  for (const char* text :
       {"total", "day", "week Europe/Berlin", "month America/New_York", "rate 60 s", "rate 1500 us"}) {
    const auto window = parse_window(text);
    ASSERT_TRUE(window) << text << ": " << window.error().message;
    EXPECT_EQ(to_string(*window), text);
  }
  EXPECT_EQ(parse_window("rate 1 min")->period, std::chrono::minutes{1});
  EXPECT_EQ(*parse_window("day UTC"), *parse_window("day"));
}

TEST(ParseWindow, RefusesEverythingElse) {
  for (const char* text : {"", "year", "total UTC", "day Nowhere/City", "day ../../etc/passwd", "rate", "rate 5 tokens",
                           "rate 0 s", "rate 9000000 h", "day UTC UTC"}) {
    EXPECT_FALSE(parse_window(text)) << text;
  }
}

TEST(CheckAccount, NamesTheFieldThatIsWrong) {
  const auto message = [](const AccountSpec& spec) {
    const auto ok = check(spec);
    return ok ? std::string{} : ok.error().message;
  };
  EXPECT_EQ(message({.path = "acme/research/ada@x.org"}), "");
  EXPECT_NE(message({.path = ""}).find("path"), std::string::npos);
  EXPECT_NE(message({.path = "a//b"}).find("path"), std::string::npos);
  EXPECT_NE(message({.path = "a/b\n"}).find("path"), std::string::npos);
  EXPECT_NE(message({.path = "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"}).find("deeper"), std::string::npos);
  EXPECT_EQ(message({.path = "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"}), "");
  EXPECT_NE(message({.path = "a", .limits = {{.amount = -1}}}).find("limits[0]"), std::string::npos);
  EXPECT_NE(message({.path = "a", .limits = {{.amount = 1}, {.amount = 2}}}).find("limits[1]"), std::string::npos);
  EXPECT_NE(message({.path = "a", .limits = std::vector<Limit>(17)}).find("at most 16"), std::string::npos);
  EXPECT_NE(message({.path = "a", .limits = {{.window = {.kind = WindowKind::kRate}}}}).find("period"),
            std::string::npos);
  EXPECT_NE(message({.path = "a", .limits = {{.window = {.kind = WindowKind::kDay, .time_zone = "X/Y"}}}}).find("X/Y"),
            std::string::npos);
}

TEST(TimeZone, RefusesDamagedFiles) {
  EXPECT_FALSE(TimeZone::parse(""));
  EXPECT_FALSE(TimeZone::parse(std::string("TZif") + std::string(100, '\xff')));
}

}  // namespace
}  // namespace bursar::ledger
