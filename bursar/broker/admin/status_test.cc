#include "bursar/broker/admin/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/broker/admin/health.h"

namespace bursar::broker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

GatewayStatus example() {
  GatewayStatus s;
  s.version = "0.1.0";
  s.started = wall_from_unix_us(5);
  s.listen = "127.0.0.1:8484";
  s.config_error = "bursar.yaml:1:1: \"x\"";
  s.keys = 3;
  s.turn_budget = std::chrono::seconds{60};
  s.upstreams = {{.name = "files", .up = true, .tools = 2, .tools_without_schema = {"a"}, .last_error = "secret path"},
                 {.name = "search", .sign_in = "needed"}};
  s.models = {{.name = "openai", .circuit_open = true, .in_flight = 3, .last_error = "secret host"}};
  s.price_date = "2026-11-01";
  s.budgets = {{.account = "acme",
                .limit = {.resource = kUsd,
                          .amount = 7,
                          .window = {.kind = ledger::WindowKind::kDay, .time_zone = "Europe/Berlin"}},
                .spent = 1,
                .held = 2,
                .left = 4,
                .refills_at = wall_from_unix_us(99)}};
  return s;
}

TEST(GatewayStatus, ReadsWhatItPrints) {
  const std::string text = to_json(example());
  const auto back = parse_status(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), text);
  EXPECT_EQ(back->budgets.at(0).limit.window.time_zone, "Europe/Berlin");
  EXPECT_EQ(back->budgets.at(0).refills_at, wall_from_unix_us(99));
  EXPECT_EQ(back->upstreams.at(0).tools_without_schema.at(0), "a");
  EXPECT_EQ(back->upstreams.at(1).sign_in, "needed");
  EXPECT_EQ(back->models.at(0).in_flight, 3U);
}

TEST(GatewayStatus, NamesTheMemberThatIsWrong) {
  EXPECT_FALSE(parse_status("[]"));
  EXPECT_FALSE(parse_status("{"));
  std::string text = to_json(example());
  text.replace(text.find("\"keys\":3"), 8, "\"keys\":-1");
  EXPECT_THAT(parse_status(text).error().message, HasSubstr("keys"));
}

TEST(Health, OfALivingProcessIsAlwaysFine) {
  GatewayStatus s = example();
  s.ledger_error = "disk full";
  EXPECT_EQ(healthz(s).status, 200);
}

TEST(Readiness, EndsWithDrainingAndWithAFailingLedgerOrTrail) {
  EXPECT_EQ(readyz(example()).status, 200);
  GatewayStatus s = example();
  s.draining = true;
  EXPECT_EQ(readyz(s).status, 503);
  s = example();
  s.ledger_error = "database /var/x is full";
  EXPECT_EQ(readyz(s).status, 503);
  EXPECT_THAT(readyz(s).body, HasSubstr("\"reasons\":[\"ledger\"]"));
  EXPECT_THAT(readyz(s).body, Not(HasSubstr("/var/x")));
  s = example();
  s.audit_error = "x";
  EXPECT_EQ(readyz(s).status, 503);
}

TEST(Readiness, NeedsOneUpstreamOfThoseThereAre) {
  GatewayStatus s = example();
  EXPECT_THAT(readyz(s).body, HasSubstr("\"upstreams_down\":[\"search\",\"openai\"]"));
  EXPECT_THAT(readyz(s).body, Not(HasSubstr("secret path")));
  s.upstreams[0].circuit_open = true;
  EXPECT_EQ(readyz(s).status, 503);
  s.models[0].circuit_open = false;
  EXPECT_EQ(readyz(s).status, 200);
  s.upstreams.clear();
  s.models.clear();
  EXPECT_EQ(readyz(s).status, 200);
}

}  // namespace
}  // namespace bursar::broker
