#include "bursar/broker/pipeline/authorise.h"

#include <gtest/gtest.h>

#include "bursar/broker/pipeline/authorise_arguments.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

const Principal kAda{.subject = "id.example#ada",
                     .account = "acme/ada",
                     .scopes = {"mcp", "files:read"},
                     .groups = {"staff", "research-7"},
                     .issuer = "https://id.example"};

Access access(const PolicyConfig& policy, const Principal& who, std::string_view tool,
              std::string_view arguments = "") {
  return decide(policy, who, {.server = "files", .name = tool, .exposed = tool, .arguments = arguments}).access;
}
bool listed(const PolicyConfig& policy, const Principal& who, std::string_view tool) {
  return may_call(policy, who, {.server = "files", .name = tool, .exposed = tool});
}
bool fits(std::string_view pattern, std::string_view value) { return path_fits(pattern, value); }

PolicyRule rule(Effect effect, std::map<std::string, std::string> arguments) {
  return {.effect = effect, .arguments = std::move(arguments)};
}
bool argument_fits(Effect effect, const std::string& raw) {
  return arguments_fit(rule(effect, {{"path", "/srv/docs/**"}}), R"({"path":)" + raw + "}");
}

TEST(Authorise, LetsOnlyWhoIsInAGroupUseItsRule) {
  const PolicyConfig policy{.default_effect = Effect::kDeny,
                            .rules = {{.effect = Effect::kDeny, .groups = {"interns"}},
                                      {.effect = Effect::kAllow, .groups = {"research-*"}, .tools = {"read"}}}};
  EXPECT_EQ(access(policy, kAda, "read"), Access::kAllowed);
  EXPECT_EQ(access(policy, kAda, "write"), Access::kDenied);
  Principal intern = kAda;
  intern.groups.emplace_back("interns");
  EXPECT_EQ(access(policy, intern, "read"), Access::kDenied);
  EXPECT_EQ(access(policy, {.subject = "key:bob", .account = "acme/bob"}, "read"), Access::kDenied);
  EXPECT_TRUE(listed(policy, kAda, "read"));
  EXPECT_FALSE(listed(policy, kAda, "write"));
}

TEST(Authorise, SaysWhichScopesAreMissingToWhoCameWithAToken) {
  const PolicyConfig policy{
      .default_effect = Effect::kDeny,
      .rules = {{.effect = Effect::kAllow, .scopes = {"files:read"}, .tools = {"read"}},
                {.effect = Effect::kAllow, .scopes = {"files:read", "files:write"}, .tools = {"write"}},
                {.effect = Effect::kDeny}}};
  EXPECT_EQ(access(policy, kAda, "read"), Access::kAllowed);
  const Decision write = decide(policy, kAda, {.server = "files", .name = "write", .exposed = "write"});
  EXPECT_EQ(write.access, Access::kNeedsScopes);
  ASSERT_NE(write.rule, nullptr);
  EXPECT_EQ(write.rule->scopes, (std::vector<std::string>{"files:read", "files:write"}));
  EXPECT_FALSE(listed(policy, kAda, "write")) << "and yet it is not shown";
  EXPECT_EQ(access(policy, kAda, "other"), Access::kDenied);
  Principal by_key = kAda;
  by_key.issuer.clear();
  EXPECT_EQ(access(policy, by_key, "write"), Access::kDenied) << "a key cannot get more scopes";
  const PolicyConfig open{.rules = {{.effect = Effect::kDeny, .scopes = {"none:such"}}}};
  EXPECT_EQ(access(open, kAda, "read"), Access::kAllowed) << "a deny rule fits only who has its scopes";
}

TEST(Authorise, AllowsArgumentsWithinTheirPatternsOnly) {
  const PolicyConfig policy{.default_effect = Effect::kDeny,
                            .rules = {rule(Effect::kAllow, {{"path", "/srv/docs/**"}, {"mode", "r*"}})}};
  EXPECT_EQ(access(policy, kAda, "read", R"({"path":"/srv/docs/a","mode":"read"})"), Access::kAllowed);
  for (const char* bad : {R"({"path":"/srv/docs/a"})", R"({"path":"/srv/docs/a","mode":"write"})", "{}", "",
                          R"({"path":"/etc/passwd","mode":"r"})", R"({"path":"/srv/docs/../x","mode":"r"})"}) {
    EXPECT_EQ(access(policy, kAda, "read", bad), Access::kOtherArguments) << bad;
  }
  EXPECT_TRUE(listed(policy, kAda, "read")) << "with some arguments it may be called";
  EXPECT_FALSE(may_call(policy, kAda, {.server = "gpt", .name = "m", .exposed = "m"}, /*takes_arguments=*/false));
}

TEST(Authorise, DeniesArgumentsHoweverTheyAreWritten) {
  const PolicyConfig policy{.rules = {rule(Effect::kDeny, {{"path", "/srv/secret/**"}})}};
  EXPECT_EQ(access(policy, kAda, "read", R"({"path":"/srv/docs/a"})"), Access::kAllowed);
  EXPECT_EQ(access(policy, kAda, "read", R"({"other":1})"), Access::kAllowed) << "nothing is named";
  for (const char* bad :
       {R"({"path":"/srv/secret/a"})", R"({"path":"/srv/docs/../secret/a"})", R"({"path":"/srv//secret/a"})",
        R"({"path":"/srv/./secret/a"})", R"({"path":"\/srv\/secret\/a"})", R"({"path":"/srv/s\u0065cret/a"})",
        R"({"path":"/srv/%73ecret/a"})", R"({"path":["/srv/secret/a"]})", R"({"path":{"x":1}})", R"({"path":null})",
        R"({"path":7})", R"({"path":"/srv\\secret\\a"})", R"({"path":"/srv/docs/a\u0000b"})",
        R"({"p\u0061th":"/srv/secret/a"})"}) {
    EXPECT_EQ(access(policy, kAda, "read", bad), Access::kDenied) << bad;
  }
  EXPECT_TRUE(listed(policy, kAda, "read"));
}

TEST(AuthoriseArguments, StayWithinASegmentOrNot) {
  EXPECT_TRUE(fits("/srv/docs/*", "/srv/docs/a.txt"));
  EXPECT_FALSE(fits("/srv/docs/*", "/srv/docs/a/b"));
  EXPECT_TRUE(fits("/srv/docs/**", "/srv/docs/a/b"));
  EXPECT_FALSE(fits("/srv/docs/**", "/srv/docs"));
  EXPECT_FALSE(fits("/srv/docs/**", "/srv/docsx/a"));
  EXPECT_TRUE(fits("/srv/*/public/**/*.md", "/srv/ada/public/a/b/c.md"));
  EXPECT_FALSE(fits("/srv/*/public/**/*.md", "/srv/ada/x/public/a/c.md"));
  EXPECT_TRUE(fits("**", "anything/at/all"));
  EXPECT_TRUE(fits("a?c", "abc"));
  EXPECT_FALSE(fits("a?c", "a/c"));
  EXPECT_FALSE(fits("/srv/**", "srv/a")) << "absolute is not relative";
  EXPECT_FALSE(fits("srv/**", "/srv/a"));
  EXPECT_FALSE(fits("/Srv/**", "/srv/a"));
  EXPECT_TRUE(fits("*a*b/**c", "xaxb/1/2c"));
  EXPECT_FALSE(fits("*a*b/**c", "xa/b/1/2c"));
  EXPECT_FALSE(fits("/srv/[a]", "/srv/a")) << "brackets are themselves";
}

TEST(AuthoriseArguments, NeverFitAnythingThatEscapes) {
  for (const char* raw : {R"("/srv/docs/..")",
                          R"("/srv/docs/../x")",
                          R"("/srv/docs/./x")",
                          R"("/srv/docs//x")",
                          R"("/srv/docs/x/")",
                          R"("//srv/docs/x")",
                          R"("/srv/docs/x\\..\\y")",
                          R"("/srv/docs/%2e%2e/x")",
                          R"("/srv/docs/%2E./x")",
                          R"("/srv/docs/a%2fb")",
                          R"("/srv/docs/a%5Cb")",
                          R"("/srv/docs/a%00b")",
                          R"("/srv/docs/%252e%252e/x")",
                          R"("/srv/docs/a\u0000b")",
                          R"("/srv/docs/a\nb")",
                          R"("/srv/docs/\u007f")",
                          R"("")",
                          R"("/")",
                          R"(".")",
                          R"(["/srv/docs/x"])",
                          R"({"a":1})",
                          "7",
                          "true",
                          "null"}) {
    EXPECT_FALSE(argument_fits(Effect::kAllow, raw)) << raw;
    EXPECT_TRUE(argument_fits(Effect::kDeny, raw)) << raw;
  }
  EXPECT_FALSE(argument_fits(Effect::kAllow, '"' + std::string("/srv/docs/") + std::string(5000, 'a') + '"'));
  EXPECT_TRUE(argument_fits(Effect::kDeny, '"' + std::string("/srv/docs/") + std::string(5000, 'a') + '"'));
  for (const char* raw : {R"("/srv/docs/...")", R"("/srv/docs/.hidden")", R"("/srv/docs/100%")", R"("/srv/docs/a%20b")",
                          R"("/srv/docs/\u00e9")"}) {
    EXPECT_TRUE(argument_fits(Effect::kAllow, raw)) << raw;
  }
}

TEST(AuthoriseArguments, ReadUrlsWithTheHostAsItsOwnSegment) {
  EXPECT_TRUE(fits("https://api.example.com/**", "https://api.example.com/v1/x?y=1"));
  EXPECT_TRUE(fits("https://*.example.com/**", "https://a.example.com/x"));
  for (const char* bad :
       {"https://evil.com/a.example.com/x", "https://evil.com?.example.com/x", "https://evil.com#.example.com/x",
        "https://user@a.example.com/x", "https://a.example.com:x@evil.com/x", "http://a.example.com/x",
        "HTTPS://a.example.com/x", "https:/a.example.com/x", "https://a.example.com/../x", "https://a.example.com//x",
        "https://evil.com\\.example.com/x", "https://%61.example.com/x", "https:///x"}) {
    EXPECT_FALSE(fits("https://*.example.com/**", bad)) << bad;
  }
}

TEST(AuthoriseArguments, RefusePatternsThatCouldNeverFit) {
  for (const char* good : {"**", "/srv/**", "docs/*.md", "https://a.example/**"}) {
    EXPECT_TRUE(wrong_with_path_pattern(Effect::kAllow, good).empty()) << good;
  }
  for (const char* bad : {"", "/srv/../x", "/srv//x", "/srv/", "a\\b", "%2e"}) {
    EXPECT_FALSE(wrong_with_path_pattern(Effect::kAllow, bad).empty()) << bad;
  }
  EXPECT_FALSE(wrong_with_path_pattern(Effect::kDeny, "https://a.example/**").empty());
}

}  // namespace
}  // namespace bursar::broker
