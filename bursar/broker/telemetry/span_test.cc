#include "bursar/broker/telemetry/span.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

std::string text(const boost::json::value& value) { return std::string(value.as_string().c_str()); }

constexpr std::string_view kTrace = "4bf92f3577b34da6a3ce929d0e0e4736", kParent = "00f067aa0ba902b7";

TEST(Span, TravelsAsOtlpJson) {
  const Span span{.trace_id = std::string(kTrace),
                  .span_id = std::string(kParent),
                  .name = "tools/call \"read\"",
                  .kind = SpanKind::kServer,
                  .start = wall_from_unix_us(1),
                  .end = wall_from_unix_us(3),
                  .attributes = {{"n", std::int64_t{7}}, {"ok", true}, {"t", std::string("x")}, {"d", 0.5}},
                  .events = {{"attempt", wall_from_unix_us(2), {}}},
                  .failed = true,
                  .status = "why"};
  const auto document = parse_json(otlp_json({span, span}, "svc", "1"));
  ASSERT_TRUE(document) << document.error().message;
  const auto& resource = document->at("resourceSpans").at(0);
  EXPECT_EQ(text(resource.at("resource").at("attributes").at(0).at("value").at("stringValue")), "svc");
  const auto& spans = resource.at("scopeSpans").at(0).at("spans").as_array();
  ASSERT_EQ(spans.size(), 2U);
  EXPECT_EQ(text(spans[0].at("traceId")), kTrace);
  EXPECT_FALSE(spans[0].as_object().contains("parentSpanId"));
  EXPECT_EQ(spans[0].at("kind").as_int64(), 2);
  EXPECT_EQ(text(spans[0].at("startTimeUnixNano")), "1000");
  EXPECT_EQ(text(spans[0].at("attributes").at(0).at("value").at("intValue")), "7");
  EXPECT_EQ(text(spans[0].at("events").at(0).at("timeUnixNano")), "2000");
  EXPECT_EQ(spans[0].at("status").at("code").as_int64(), 2);
}

TEST(TraceParent, ReadsW3cContextAndNothingElse) {
  const std::string text = "00-" + std::string(kTrace) + "-" + std::string(kParent);
  EXPECT_EQ(parse_traceparent(text + "-01").trace_id, kTrace);
  EXPECT_TRUE(parse_traceparent(text + "-01").sampled);
  EXPECT_FALSE(parse_traceparent(text + "-00").sampled);
  EXPECT_EQ(traceparent_text(parse_traceparent(text + "-01")), text + "-01");
  EXPECT_EQ(parse_traceparent("cc" + text.substr(2) + "-01-more").span_id, kParent);  // of a later version
  for (const std::string& wrong :
       {std::string(), text, text + "-0", text + "-01x", text + "-01-more", "ff" + text.substr(2) + "-01",
        "00-" + std::string(32, '0') + "-" + std::string(kParent) + "-01",
        "00-" + std::string(kTrace) + "-" + std::string(16, '0') + "-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + std::string(kParent) + "-01"}) {
    EXPECT_TRUE(parse_traceparent(wrong).trace_id.empty()) << wrong;
  }
}

TEST(SpanIds, FollowFromTheCallAndDiffer) {
  EXPECT_EQ(span_id_of("c-1", SpanPart::kServer), span_id_of("c-1", SpanPart::kServer));
  EXPECT_NE(span_id_of("c-1", SpanPart::kServer), span_id_of("c-1", SpanPart::kClient));
  EXPECT_NE(span_id_of("c-1", SpanPart::kServer), span_id_of("c-2", SpanPart::kServer));
  EXPECT_EQ(trace_id_for("c-1").size(), 32U);
}

TEST(Sampling, TakesTheShareItIsAskedFor) {
  int taken = 0;
  for (int i = 0; i < 10'000; ++i) taken += is_sampled(trace_id_for("c-" + std::to_string(i)), .25) ? 1 : 0;
  EXPECT_NEAR(taken, 2500, 4 * 43);  // four standard deviations of a binomial
  EXPECT_TRUE(is_sampled(kTrace, 1));
  EXPECT_FALSE(is_sampled(kTrace, 0));
}

}  // namespace
}  // namespace bursar::broker
