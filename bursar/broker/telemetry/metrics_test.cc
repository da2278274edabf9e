#include "bursar/broker/telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

namespace bursar::broker {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

std::size_t lines_with(const std::string& text, std::string_view start) {
  std::size_t found = 0, at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    found += std::string_view(text).substr(at, end - at).starts_with(start);
    at = end + 1;
  }
  return found;
}

TEST(Metrics, CountCallsByUpstreamMethodAndOutcome) {
  Metrics metrics;
  metrics.call_finished("files", "tools/call", "ok", milliseconds{12});
  metrics.call_finished("files", "tools/call", "ok", milliseconds{3});
  metrics.call_finished("files", "tools/call", "RESOURCE_EXHAUSTED", milliseconds{1});
  const std::string text = metrics.exposition();
  EXPECT_THAT(text, HasSubstr(R"(bursar_calls_total{upstream="files",method="tools/call",outcome="ok"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(outcome="RESOURCE_EXHAUSTED"} 1)"));
  EXPECT_THAT(text, HasSubstr("# TYPE bursar_calls_total counter"));
}

TEST(Metrics, HistogramBucketsAreCumulativeAndIncludeTheirBound) {
  Metrics metrics;
  metrics.overhead(Duration{100});  // on the bound of the first bucket
  metrics.overhead(Duration{101});
  metrics.overhead(std::chrono::minutes{5});
  const std::string text = metrics.exposition();
  EXPECT_THAT(text, HasSubstr("bursar_overhead_seconds_bucket{le=\"0.0001\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("bursar_overhead_seconds_bucket{le=\"0.00025\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("bursar_overhead_seconds_bucket{le=\"60\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("bursar_overhead_seconds_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("bursar_overhead_seconds_count 3\n"));
}

TEST(Metrics, AnOutsiderCannotGrowAFamilyPastItsCap) {
  Metrics metrics;
  for (int i = 0; i < 5000; ++i) metrics.retried("upstream" + std::to_string(i));
  const std::string text = metrics.exposition();
  EXPECT_EQ(lines_with(text, "bursar_retries_total"), Metrics::kMaxLabelValues + 1);
  EXPECT_THAT(text, HasSubstr(R"(bursar_retries_total{upstream="other"} 4936)"));
}

TEST(Metrics, SeriesOfManyLabelsAreCappedAsAWholeAndLoseNoCount) {
  Metrics metrics;
  for (int i = 0; i < 64; ++i) {
    for (int j = 0; j < 64; ++j) metrics.stage_stopped(std::to_string(i), std::to_string(j));
  }
  const std::string text = metrics.exposition();
  EXPECT_LE(lines_with(text, "bursar_stage_stops_total"), 1024U);
  EXPECT_THAT(text, HasSubstr(R"(bursar_stage_stops_total{stage="other",reason="other"} 3073)"));
}

TEST(Metrics, HostileLabelValuesCannotForgeLines) {
  Metrics metrics;
  metrics.retried("a\"} 9\nbursar_fake 1\n");
  metrics.retried("\xff\xfe");
  metrics.retried(std::string(5000, 'x'));
  const std::string text = metrics.exposition();
  EXPECT_EQ(lines_with(text, "bursar_fake"), 0U);
  EXPECT_THAT(text, Not(HasSubstr("\xff")));
  EXPECT_THAT(text, Not(HasSubstr("xxxxx")));
}

TEST(Metrics, AmountsAreExposedInTheirPrintedUnit) {
  Metrics metrics;
  Amounts price;
  ASSERT_TRUE(price.set(kUsd, 12'500'000));
  ASSERT_TRUE(price.set(kCalls, 3));
  metrics.reserved(price);
  ledger::Receipt receipt;
  receipt.actual = price;
  metrics.settled(receipt);
  metrics.refused({.why = ledger::Refusal::Why::kFrozen, .resource = kUsd});
  const std::string text = metrics.exposition();
  EXPECT_THAT(text, HasSubstr(R"(bursar_reserved_total{resource="usd"} 12.5)"));
  EXPECT_THAT(text, HasSubstr(R"(bursar_settled_total{resource="calls"} 3)"));
  EXPECT_THAT(text, HasSubstr(R"(bursar_refusals_total{resource="usd",reason="frozen"} 1)"));
}

TEST(Metrics, GaugesGoUpAndDown) {
  Metrics metrics;
  metrics.add(Gauge::kSessions, 3);
  metrics.add(Gauge::kSessions, -1);
  metrics.set(UpstreamGauge::kChildren, "files", 4);
  metrics.http_answered(200);
  metrics.http_answered(9999);
  const std::string text = metrics.exposition();
  EXPECT_THAT(text, HasSubstr("bursar_sessions 2\n"));
  EXPECT_THAT(text, HasSubstr(R"(bursar_upstream_children{upstream="files"} 4)"));
  EXPECT_THAT(text, HasSubstr(R"(bursar_http_responses_total{status="200"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(bursar_http_responses_total{status="other"} 1)"));
}

TEST(Metrics, ThreadsLoseNoCountWhileSeriesAppear) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 8000; ++i) metrics.retried("u" + std::to_string(i % 32));
    });
  }
  for (auto& thread : threads) thread.join();
  const std::string text = metrics.exposition();
  for (int i = 0; i < 32; ++i) {
    EXPECT_THAT(text, HasSubstr("{upstream=\"u" + std::to_string(i) + "\"} 1000\n"));
  }
}

}  // namespace
}  // namespace bursar::broker
