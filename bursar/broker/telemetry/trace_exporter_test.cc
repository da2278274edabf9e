#include "bursar/broker/telemetry/trace_exporter.h"

#include <gtest/gtest.h>
#include <thread>

#include "bursar/broker/telemetry/log.h"
#include "bursar/broker/upstream/fake_http_server.h"
#include "bursar/broker/upstream/upstream_testing.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

using testing::FakeHttpServer;
using testing::FakeRequest;
using testing::FakeResponse;
using testing::Running;

std::vector<Span> spans(int count) {
  std::vector<Span> out;
  for (int i = 0; i < count; ++i) {
    const std::string call = "c-" + std::to_string(i);
    out.push_back({.trace_id = trace_id_for(call), .span_id = span_id_of(call, SpanPart::kServer), .name = "x"});
  }
  return out;
}

std::size_t count_in(const FakeRequest& request) {
  return parse_json(request.body)->at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").as_array().size();
}

// Flushes until it holds, for ten seconds at most.
bool soon(TraceExporter& exporter, const std::function<bool()>& holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    exporter.flush();
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return false;
}

class TraceExporterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    set_log_sink([](std::string_view) {});
  }
  void TearDown() override { set_log_sink({}); }
};

TEST_F(TraceExporterTest, SendsGroupsWithTheHeadersThatWereConfigured) {
  FakeHttpServer server([](const FakeRequest&, FakeResponse& w) { w.json("{}"); });
  Running running;
  TraceExporter exporter(running.pool.at(0));
  ASSERT_TRUE(exporter.configure({.otlp_url = server.url(), .headers = {{"X-Team", "t"}}}));
  exporter.add(spans(1300));
  ASSERT_TRUE(soon(exporter, [&] { return exporter.exported() == 1300; }));
  std::size_t sum = 0;
  for (const auto& request : server.seen()) {
    EXPECT_EQ(request.header("x-team"), "t");
    EXPECT_LE(count_in(request), TraceExporter::kGroup);
    sum += count_in(request);
  }
  EXPECT_EQ(sum, 1300U);
  EXPECT_EQ(exporter.lost(), 0U);
}

TEST_F(TraceExporterTest, TriesAgainAndThenGivesUp) {
  std::atomic<int> asked = 0;
  FakeHttpServer server([&](const FakeRequest&, FakeResponse& w) {
    ++asked;
    w.full(asked < 3 ? 503 : 200, "application/json", "{}");
  });
  Running running;
  TraceExporter exporter(running.pool.at(0));
  ASSERT_TRUE(exporter.configure({.otlp_url = server.url()}));
  exporter.add(spans(2));
  ASSERT_TRUE(soon(exporter, [&] { return exporter.exported() == 2; }));
  EXPECT_EQ(asked, 3);

  FakeHttpServer wrong([](const FakeRequest&, FakeResponse& w) { w.full(400, "text/plain", "no"); });
  ASSERT_TRUE(exporter.configure({.otlp_url = wrong.url()}));
  exporter.add(spans(2));
  ASSERT_TRUE(soon(exporter, [&] { return exporter.lost() == 2; }));
  EXPECT_EQ(wrong.seen().size(), 1U);  // what was refused for good is not sent again
}

TEST_F(TraceExporterTest, KeepsABoundedNumberAndNothingWhileItIsOff) {
  Running running;
  TraceExporter exporter(running.pool.at(0));
  exporter.add(spans(10));
  EXPECT_EQ(exporter.lost(), 0U);
  EXPECT_FALSE(exporter.configure({.otlp_url = "ftp://x"}));
  FakeHttpServer stuck([](const FakeRequest&, FakeResponse& w) { w.wait_for_client_to_leave(); });
  ASSERT_TRUE(exporter.configure({.otlp_url = stuck.url()}));
  exporter.add(spans(static_cast<int>(TraceExporter::kMaxWaiting) + 1000));
  EXPECT_GE(exporter.lost(), 1000U - TraceExporter::kGroup);
  EXPECT_LE(exporter.lost(), 1000U);
}

}  // namespace
}  // namespace bursar::broker
