#include "bursar/broker/admin/upstream_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bursar/broker/telemetry/log.h"

namespace bursar::broker {
namespace {

using ::testing::HasSubstr;

TEST(UpstreamWatch, RaisesAnAlarmOnceForEachDrift) {
  int alarms = 0;
  set_log_sink([&](std::string_view line) { alarms += line.find("tools_drifted") != std::string_view::npos ? 1 : 0; });
  Metrics metrics;
  SecurityLog security_log;
  UpstreamWatch watch(metrics, security_log);
  UpstreamHealth health{.name = "files", .up = true, .tools = 3, .tools_digest = "a", .tools_pinned = "a"};
  watch.look(health);
  EXPECT_EQ(alarms, 0);
  EXPECT_THAT(metrics.exposition(), HasSubstr("bursar_upstream_tools_drifted{upstream=\"files\"} 0"));
  health.tools_digest = "b";
  watch.look(health);
  watch.look(health);
  EXPECT_EQ(alarms, 1);
  EXPECT_THAT(metrics.exposition(), HasSubstr("bursar_upstream_tools_drifted{upstream=\"files\"} 1"));
  health.tools_digest = "c";
  watch.look(health);
  EXPECT_EQ(alarms, 2);
  health.tools_digest = "a";
  watch.look(health);
  health.tools_digest = "b";  // and again after it was right
  watch.look(health);
  EXPECT_EQ(alarms, 3);
  set_log_sink({});
}

}  // namespace
}  // namespace bursar::broker
