#include "bursar/broker/telemetry/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Log : public ::testing::Test {
 protected:
  void SetUp() override {
    set_log_sink([this](std::string_view line) { lines.emplace_back(line); });
    set_log_level(LogLevel::kInfo);
  }
  void TearDown() override {
    set_log_sink({});
    set_log_level(LogLevel::kInfo);
  }
  std::vector<std::string> lines;
};

TEST_F(Log, WritesOneJsonObjectALine) {
  log(LogLevel::kInfo, "listening",
      {{"address", "127.0.0.1"}, {"port", 8484}, {"share", 0.5}, {"ok", true}, {"raw", RawJson{"[1,2]"}}});
  ASSERT_EQ(lines.size(), 1U);
  const auto parsed = parse_json(lines[0]);
  ASSERT_TRUE(parsed) << lines[0];
  EXPECT_THAT(lines[0],
              HasSubstr(R"("level":"info","event":"listening","address":"127.0.0.1","port":8484,"share":0.5)"));
}

TEST_F(Log, KeepsQuietBelowItsLevel) {
  log(LogLevel::kDebug, "detail");
  EXPECT_TRUE(lines.empty());
  set_log_level(LogLevel::kOff);
  log(LogLevel::kError, "even this");
  EXPECT_TRUE(lines.empty());
}

TEST_F(Log, NeverWritesASecretWhateverTheFieldIsCalled) {
  const std::string key = "sk-bursar-abcdefghijklmnopqrstuvwxyz012345";
  log(LogLevel::kInfo, "x",
      {{"Authorization", "hunter2hunter2"},
       {"note", "Bearer " + key},
       {"url", "https://h/?k=" + key + "&x=1"},
       {"GITHUB_TOKEN", "ghp_0123456789"}});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], Not(HasSubstr("hunter2")));
  EXPECT_THAT(lines[0], Not(HasSubstr("abcdefghij")));
  EXPECT_THAT(lines[0], Not(HasSubstr("0123456789")));
  EXPECT_THAT(lines[0], HasSubstr("&x=1"));
}

TEST_F(Log, EscapesControlCharactersAndCutsLongTexts) {
  log(LogLevel::kInfo, "x", {{"text", std::string("a\n\"b\x01") + std::string(5000, 'z')}, {"bad", "\xff"}});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].find('\n'), std::string::npos);
  EXPECT_LT(lines[0].size(), 3000U);
  EXPECT_TRUE(parse_json(lines[0])) << lines[0];
}

TEST(Redaction, KnowsSecretsByName) {
  for (const auto* name : {"Authorization", "proxy-authorization", "Cookie", "X-Api-Key", "GITHUB_TOKEN", "db_password",
                           "AWS_SECRET_ACCESS_KEY", "token", "client_secret"}) {
    EXPECT_TRUE(names_a_secret(name)) << name;
  }
  for (const auto* name :
       {"max_tokens", "tokens", "key_count", "monkey", "upstream", "principal", "progressToken_count"}) {
    EXPECT_FALSE(names_a_secret(name)) << name;
  }
}

TEST(Redaction, OfMapsKeepsNamesAndHarmlessValues) {
  const std::string text = redacted({{"Accept", "application/json"}, {"Authorization", "Basic dXNlcjpwYXNz"}});
  EXPECT_EQ(text, R"({"Accept":"application/json","Authorization":"[redacted]"})");
}

TEST(Redaction, LeavesOrdinaryWordsAlone) {
  EXPECT_EQ(redacted("the task-force asks for basic things"), "the task-force asks for basic things");
}

TEST(LogLevel, ReadsWhatItPrints) {
  for (const auto* name : {"trace", "debug", "info", "warn", "error", "off"}) {
    EXPECT_EQ(name_of(*parse_log_level(name)), name);
  }
  EXPECT_FALSE(parse_log_level("loud"));
}

}  // namespace
}  // namespace bursar::broker
