#include "bursar/broker/identity/account_rules.h"

#include <gtest/gtest.h>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

Claims claims_of(std::string_view json) {
  auto claims = Claims::parse(json);
  EXPECT_TRUE(claims) << (claims ? "" : claims.error().message);
  return claims ? std::move(*claims) : *Claims::parse(R"({"exp":1})");
}

std::string account(const std::vector<AccountRule>& rules, std::string_view json) {
  const Claims claims = claims_of(json);
  const auto found = account_for(rules, claims, claims.texts("groups"));
  return found ? found->path : "refused: " + found.error().why;
}

bool refused(const std::string& account) { return account.starts_with("refused: "); }

TEST(AccountRules, TakesTheFirstThatFits) {
  const std::vector<AccountRule> rules = {
      {.issuer = "https://partner.*", .account = "partners"},
      {.subject = "robot-*", .account = "robots/{sub}"},
      {.groups = {"staff-*", "board"}, .account = "acme/{org.unit}/{sub}"},
      {.claims = {{"plan", "free*"}, {"tags", "beta"}}, .account = "beta"},
      {.account = "guests/{email}"},
  };
  EXPECT_EQ(account(rules, R"({"exp":1,"iss":"https://partner.example","sub":"robot-1"})"), "partners");
  EXPECT_EQ(account(rules, R"({"exp":1,"iss":"https://id.example","sub":"robot-1"})"), "robots/robot-1");
  EXPECT_EQ(account(rules, R"({"exp":1,"sub":"ada","groups":["x","staff-7"],"org":{"unit":"blue"}})"), "acme/blue/ada");
  EXPECT_EQ(account(rules, R"({"exp":1,"sub":"ada","groups":"board","org.unit":"red","org":{"unit":"blue"}})"),
            "acme/red/ada");
  EXPECT_EQ(account(rules, R"({"exp":1,"sub":"ada","plan":"free-2","tags":["alpha","beta"]})"), "beta");
  EXPECT_EQ(account(rules, R"({"exp":1,"sub":"ada","plan":"free-2","tags":["alpha"],"email":"a@b.example"})"),
            "guests/a@b.example");
  EXPECT_TRUE(refused(account(rules, R"({"exp":1,"sub":"ada"})"))) << "no rule's claims are there";
  EXPECT_TRUE(refused(account({}, R"({"exp":1,"sub":"ada"})")));
}

TEST(AccountRules, RefusesRatherThanRepairsWhatWouldLeaveItsSegment) {
  const std::vector<AccountRule> rules = {{.account = "acme/{sub}"}, {.account = "everybody"}};
  for (const char* sub : {"a/b", "..", ".", "a b", "a\\b", "a%2fb", "\u00e9", "a\\u0000b", "{sub}", "a#b", "auth0|1"}) {
    const std::string json =
        R"({"exp":1,"sub":")" + (std::string_view(sub) == "a\\b" ? std::string("a\\\\b") : std::string(sub)) + "\"}";
    const auto claims = Claims::parse(json);
    if (!claims) continue;  // refused even earlier
    const auto found = account_for(rules, *claims, {});
    EXPECT_FALSE(found) << sub << " became " << (found ? found->path : "");
  }
  EXPECT_TRUE(refused(account(rules, R"({"exp":1,"sub":")" + std::string(65, 'a') + "\"}")));
  EXPECT_EQ(account(rules, R"({"exp":1,"sub":")" + std::string(64, 'a') + "\"}"), "acme/" + std::string(64, 'a'));
  EXPECT_EQ(account({{.account = "acme/{id}"}}, R"({"exp":1,"sub":"x","id":42})"), "acme/42");
  EXPECT_TRUE(refused(account({{.account = "acme/{id}"}}, R"({"exp":1,"sub":"x","id":["42"]})")));
  EXPECT_TRUE(refused(account({{.account = "acme/{id}"}}, R"({"exp":1,"sub":"x","id":true})")));
}

TEST(AccountRules, ChecksATemplateBeforeAnybodyComes) {
  for (const char* good : {"acme", "acme/{sub}", "a-{tenant}/{https://x.example/unit}", "{sub}"}) {
    EXPECT_TRUE(check_account_template(good)) << good;
  }
  for (const char* bad :
       {"", "acme/", "/acme", "acme//x", "acme/{sub", "acme/sub}", "acme/{}", "acme/{tenant/{sub}", "a b/{sub}"}) {
    EXPECT_FALSE(check_account_template(bad)) << bad;
  }
}

}  // namespace
}  // namespace bursar::broker
