#include "bursar/broker/config/config.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sstream>

#include "bursar/broker/config/values.h"

namespace bursar::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

Environment environment(std::map<std::string, std::string, std::less<>> values = {}) {
  return [values = std::move(values)](std::string_view name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

Result<Config> parse(std::string_view yaml, Environment env = environment()) {
  return parse_config(yaml, "bursar.yaml", env);
}

std::string error_of(std::string_view yaml, Environment env = environment()) {
  const auto config = parse(yaml, std::move(env));
  return config ? "accepted" : config.error().message;
}

constexpr std::string_view kWhole = R"(
resources: [pages]
listen: {address: 0.0.0.0, port: 9000, allowed_origins: ["https://a.example"], reactors: 2}
database: var/bursar.db
limits: {body: 1 MiB, sessions: 10, header_timeout: 5 s}
identity: {development: false}
accounts:
  - {path: acme/ada, limits: ["5 usd day Europe/Berlin", "60 calls rate 60 s"], sync: true}
  - {path: acme, limits: [100 usd month, 1M tokens, 50 pages], fail_open: true}
upstreams:
  - name: files
    command: npx
    args: [-y, "@modelcontextprotocol/server-filesystem", /data]
    env: {TOKEN: "${FILES_TOKEN}", MODE: "${MODE:-safe}"}
    isolation: session
    memory: 512 MiB
  - {name: search, prefix: "", url: "https://search.example/mcp", headers: {Authorization: "Bearer ${SEARCH_KEY}"}}
prices:
  - {server: search, tool: "web_*", price: "0.002 usd, 1 calls", meter_ms: false}
policy:
  default: deny
  rules: [{effect: allow, principals: ["key:*"], servers: [files]}]
tools: [{server: files, tool: read, optional: true, idempotent: true, prior: 250 ms}]
turn: {budget: 30 s, atba: {growth: 2}}
rate: {per_principal: 5.5, burst: 20}
audit: {arguments: true}
log_level: debug
)";

TEST(Config, ReadsEveryPartOfAWholeFile) {
  const auto config = parse(kWhole, environment({{"FILES_TOKEN", "f"}, {"SEARCH_KEY", "s"}}));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->listen.port, 9000);
  EXPECT_EQ(config->limits.body_bytes, std::size_t{1} << 20);
  EXPECT_EQ(config->limits.header_timeout, seconds{5});
  ASSERT_EQ(config->accounts.size(), 2U);
  EXPECT_EQ(config->accounts[0].path, "acme");  // parents before children
  EXPECT_TRUE(config->accounts[0].fail_open);
  ASSERT_EQ(config->accounts[1].limits.size(), 2U);
  EXPECT_EQ(config->accounts[1].limits[0].window.time_zone, "Europe/Berlin");
  EXPECT_EQ(config->accounts[1].limits[1].window.period, seconds{60});
  ASSERT_EQ(config->upstreams.size(), 2U);
  EXPECT_EQ(config->upstreams[0].env.at("TOKEN"), "f");
  EXPECT_EQ(config->upstreams[0].env.at("MODE"), "safe");
  EXPECT_EQ(config->upstreams[0].isolation, Isolation::kSession);
  EXPECT_FALSE(config->upstreams[0].prefix);
  EXPECT_EQ(config->upstreams[1].prefix, "");
  EXPECT_EQ(config->upstreams[1].headers.at("Authorization"), "Bearer s");
  EXPECT_EQ(config->prices.at(0).price[kUsd], 2000);
  EXPECT_FALSE(config->prices.at(0).meter_ms);
  EXPECT_EQ(config->policy.default_effect, Effect::kDeny);
  EXPECT_EQ(config->policy.rules.at(0).tools, std::vector<std::string>{"*"});
  EXPECT_EQ(config->tools.at(0).optional_step, true);
  EXPECT_EQ(config->tools.at(0).read_only, std::nullopt);
  EXPECT_EQ(config->tools.at(0).prior, milliseconds{250});
  EXPECT_EQ(config->turn.atba.growth, 2);
  EXPECT_EQ(config->rate.per_principal, 5.5);
  EXPECT_EQ(config->log_level, "debug");
}

TEST(Config, EmptyFileMeansDefaultsAndADevelopmentAccount) {
  for (const auto* text : {"", "# nothing\n", "---\n"}) {
    const auto config = parse(text);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->listen.address, "127.0.0.1");
    ASSERT_EQ(config->accounts.size(), 1U);
    EXPECT_EQ(config->accounts[0].path, "dev");
  }
}

TEST(Config, UnknownFieldsAreNamedWithTheirPlaceAndTheNearestName) {
  EXPECT_EQ(error_of("upstreams:\n  - name: a\n    comand: x\n    command: y\n"),
            "bursar.yaml:3:5: upstreams[0].comand: unknown field; did you mean command?");
  EXPECT_EQ(error_of("listen:\n  prot: 1\n"), "bursar.yaml:2:3: listen.prot: unknown field; did you mean port?");
  EXPECT_EQ(error_of("zzzzzz: 1\n"), "bursar.yaml:1:1: zzzzzz: unknown field");
}

TEST(Config, ReportsSeveralProblemsAtOnce) {
  const std::string error = error_of("listen: {port: 70000}\nrate: {burst: fast}\nlog_level: loud\n");
  EXPECT_THAT(error, HasSubstr("bursar.yaml:1:16: listen.port: must be a whole number from 0 to 65535, is \"70000\""));
  EXPECT_THAT(error, HasSubstr("bursar.yaml:2:15: rate.burst: must be a number from 1 to 1e+06, is \"fast\""));
  EXPECT_THAT(
      error,
      HasSubstr("bursar.yaml:3:12: log_level: must be one of trace, debug, info, warn, error, off, is \"loud\""));
}

TEST(Config, RefusesWhatContradictsItself) {
  EXPECT_THAT(error_of("accounts: [{path: a}, {path: a}]"), HasSubstr("accounts[1].path: \"a\" stands twice"));
  EXPECT_THAT(error_of("accounts: [{path: a/b/c}, {path: a}]"), HasSubstr("the parent \"a/b\" is missing"));
  EXPECT_THAT(error_of("accounts: [{limits: [1 usd]}]"), HasSubstr("accounts[0].path: is missing"));
  EXPECT_THAT(error_of("accounts: [{path: a, limits: [-5 usd]}]"), HasSubstr("accounts[0].limits[0]: "));
  EXPECT_THAT(error_of("accounts: [{path: a, limits: [5 zorkmids]}]"), HasSubstr("accounts[0].limits[0]: "));
  EXPECT_THAT(error_of("accounts: [{path: a, limits: [1 usd, 2 usd]}]"), HasSubstr("accounts[0]"));
  EXPECT_THAT(error_of("prices: [{price: -1 usd}]"), HasSubstr("prices[0].price: must not be negative"));
  EXPECT_THAT(error_of("upstreams: [{name: a, command: x}, {name: a, command: y}]"), HasSubstr("stands twice"));
  EXPECT_THAT(error_of("upstreams: [{name: a, command: x, prefix: p}, {name: b, command: y, prefix: p}]"),
              HasSubstr("upstreams[1].prefix: the prefix \"p\" stands twice"));
  EXPECT_THAT(error_of("upstreams: [{name: a}]"), HasSubstr("upstreams[0]: needs a command or a url"));
  EXPECT_THAT(error_of("upstreams: [{name: a, command: x, url: 'http://h'}]"), HasSubstr("keep one"));
  EXPECT_THAT(error_of("upstreams: [{name: a, url: 'file:///etc/passwd'}]"), HasSubstr("http:// or https://"));
  EXPECT_THAT(error_of("upstreams: [{name: A/b, command: x}]"), HasSubstr("upstreams[0].name: must be 1 to 32"));
  EXPECT_THAT(error_of("identity: {development_account: a/b}"), HasSubstr("list it"));
  EXPECT_THAT(error_of("listen: {port: 1}\nlisten: {port: 2}\n"), HasSubstr("bursar.yaml:2:1: listen: stands twice"));
}

TEST(Config, NeverShowsWhatAVariableSaid) {
  const std::string error = error_of("listen: {port: '${SECRET}'}\naccounts: [{path: a, limits: ['${SECRET}']}]\n",
                                     environment({{"SECRET", "hunter2"}}));
  EXPECT_THAT(error, HasSubstr("listen.port"));
  EXPECT_THAT(error, HasSubstr("accounts[0].limits[0]"));
  EXPECT_THAT(error, Not(HasSubstr("hunter2")));
}

TEST(Config, ReplacesVariablesInValuesOnly) {
  const auto config = parse("database: ${A}-${B:-b}-$${C}-$5\n", environment({{"A", "a"}}));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->database, "a-b-${C}-$5");
  EXPECT_THAT(error_of("database: x${MISSING}\n"),
              HasSubstr("bursar.yaml:1:11: database: environment variable MISSING is not set"));
  EXPECT_THAT(error_of("database: \"${\"\n"), HasSubstr("must name an environment variable"));
  EXPECT_THAT(error_of("database: \"${A B}\"\n"), HasSubstr("must name an environment variable"));
  EXPECT_THAT(error_of("database: a${input:key}\n"), HasSubstr("must name an environment variable"));
}

TEST(Config, AVariableCannotAddStructure) {
  const auto config = parse("database: ${A}\n", environment({{"A", "x\nlog_level: trace"}}));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->log_level, "info");
}

TEST(Config, HostileYamlIsRefusedWithinLimits) {
  std::string bomb = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += "b" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += "*a" + std::to_string(i - 1) + ", ";
    bomb += "x]\n";
  }
  EXPECT_THAT(error_of(bomb), HasSubstr("more than 100000 values"));
  std::string text_bomb = "a: &a " + std::string(100'000, 'x') + "\nb: [";
  for (int i = 0; i < 5000; ++i) text_bomb += "*a, ";
  EXPECT_THAT(error_of(text_bomb + "x]\n"), HasSubstr("more than 100000 values"));
  EXPECT_THAT(error_of("a: " + std::string(1000, '[')), HasSubstr("deeper than 32 levels"));
  EXPECT_THAT(error_of(std::string((1 << 20) + 1, '#')), HasSubstr("longer than 1 MiB"));
  EXPECT_THAT(error_of("a: &a [*a]"), HasSubstr("inside its own anchor"));
  EXPECT_THAT(error_of("a: \xff"), HasSubstr("not UTF-8"));
  EXPECT_THAT(error_of("a: [1"), HasSubstr("no valid YAML"));
  EXPECT_THAT(error_of("? [a]\n: b\n"), HasSubstr("a key must be a plain text"));
  EXPECT_THAT(error_of("- a\n"), HasSubstr("must be a map"));
  EXPECT_THAT(error_of("a: 1\n---\nb: 2\n"), HasSubstr("second document"));
}

TEST(Config, AliasesMayRepeatHonestValues) {
  const auto config = parse("accounts:\n  - {path: a, limits: &l [5 usd]}\n  - {path: b, limits: *l}\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->accounts[1].limits, config->accounts[0].limits);
}

TEST(Config, AFileThatIsNotThereSaysWhatToDo) {
  const auto config = load_config("/nonexistent/bursar.yaml", environment());
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(config.error().message, HasSubstr("name another file with -c"));
}

RC_GTEST_PROP(Config, AnyTextGivesAConfigurationOrAnErrorWithItsPlace, (std::string text)) {
  const auto config = parse(text);
  RC_ASSERT(config || config.error().message.starts_with("bursar.yaml:"));
}

TEST(Values, SizesAndDurationsReadWhatTheyPrint) {
  EXPECT_EQ(*parse_size("4 MiB"), std::size_t{4} << 20);
  EXPECT_EQ(*parse_size("512kB"), 512'000U);
  EXPECT_EQ(*parse_size("17"), 17U);
  for (const auto* text : {"", "MiB", "-1 B", "1.5 MiB", "4 mib", "99999999999999999 GiB", "1 MiB x"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
  EXPECT_EQ(*parse_duration("30s"), seconds{30});
  EXPECT_EQ(*parse_duration("2 d"), std::chrono::hours{48});
  EXPECT_EQ(*parse_duration("1.5 s"), milliseconds{1500});
  for (const auto* text : {"", "30", "s", "5 usd", "1e9 s", "99999999999999999 d"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

RC_GTEST_PROP(Values, PrintedSizesDurationsAndLimitsReadBack, ()) {
  const auto bytes = *rc::gen::inRange<std::size_t>(0, std::size_t{1} << 50);
  RC_ASSERT(*parse_size(size_text(bytes)) == bytes);
  const Duration duration{*rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 50)};
  RC_ASSERT(*parse_duration(duration_text(duration)) == duration);
  ledger::Limit limit{.resource = *rc::gen::element(kUsd, kTokens, kCalls, kMs),
                      .amount = *rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 50)};
  limit.window.kind =
      *rc::gen::element(ledger::WindowKind::kTotal, ledger::WindowKind::kDay, ledger::WindowKind::kMonth);
  if (limit.window.kind == ledger::WindowKind::kDay) limit.window.time_zone = "Europe/Berlin";
  const auto back = parse_limit(limit_text(limit));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == limit);
}

TEST(Values, NearestNameIsSilentWhereNothingIsNear) {
  constexpr std::array<std::string_view, 3> known = {"command", "args", "url"};
  EXPECT_EQ(nearest_name("comand", known), "command");
  EXPECT_EQ(nearest_name("arg", known), "args");
  EXPECT_EQ(nearest_name("zzz", known), "");
  EXPECT_EQ(nearest_name(std::string(10'000, 'c'), known), "");
}

}  // namespace
}  // namespace bursar::broker
