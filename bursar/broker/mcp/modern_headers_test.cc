#include "bursar/broker/mcp/modern_headers.h"

#include <gtest/gtest.h>

#include "bursar/broker/pipeline/raw_json.h"

namespace bursar::broker {
namespace {

constexpr std::string_view kMeta =
    R"({"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}})";

Message message(std::string_view method, std::string_view params) {
  return *Message::parse(make_request("1", method, params));
}

Message call(std::string_view name = "echo", std::string_view meta = kMeta) {
  return message("tools/call", R"({"name":")" + std::string(name) + R"(","_meta":)" + std::string(meta) + "}");
}

HttpRequest headers(HttpHeaders more) {
  HttpRequest request{.method = "POST"};
  request.headers = std::move(more);
  return request;
}

HttpRequest good(std::string_view name = "echo") {
  return headers(
      {{"MCP-Protocol-Version", "2026-07-28"}, {"mcp-method", "tools/call"}, {"Mcp-Name", std::string(name)}});
}

int code_of(const Message& message, const HttpRequest& request) {
  const auto refusal = check_request(message, request);
  if (refusal) EXPECT_EQ(refusal->status, 400);
  return refusal ? refusal->code : 0;
}

TEST(SpeaksModern, ByItsHeaderOrByItsMeta) {
  EXPECT_TRUE(speaks_modern(message("ping", ""), "2026-07-28"));
  EXPECT_TRUE(speaks_modern(call(), ""));
  EXPECT_TRUE(speaks_modern(call("echo", R"({"io.modelcontextprotocol/protocolVersion":7})"), ""));
  EXPECT_FALSE(speaks_modern(message("ping", ""), ""));
  EXPECT_FALSE(speaks_modern(message("ping", ""), "2025-11-25"));
  EXPECT_FALSE(speaks_modern(call("echo", R"({"traceparent":"x"})"), "1999-01-01"));
}

TEST(CheckRequest, WantsAWholeMeta) {
  EXPECT_EQ(code_of(call(), good()), 0);
  EXPECT_EQ(code_of(message("tools/call", R"({"name":"echo"})"), good()), -32602);
  for (
      const char* meta :
      {R"({"io.modelcontextprotocol/protocolVersion":"2026-07-28"})",
       R"({"io.modelcontextprotocol/clientCapabilities":{}})",
       R"({"io.modelcontextprotocol/protocolVersion":7,"io.modelcontextprotocol/clientCapabilities":{}})",
       R"({"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]})"}) {
    EXPECT_EQ(code_of(call("echo", meta), good()), -32602) << meta;
  }
}

TEST(CheckRequest, WantsHeadersThatSayWhatTheBodySays) {
  const HttpHeaders all = good().headers;
  for (std::size_t missing = 0; missing < all.size(); ++missing) {
    HttpHeaders some = all;
    some.erase(some.begin() + static_cast<std::ptrdiff_t>(missing));
    EXPECT_EQ(code_of(call(), headers(some)), kHeaderMismatch) << all[missing].first;
    HttpHeaders twice = all;
    twice.push_back(all[missing]);
    EXPECT_EQ(code_of(call(), headers(twice)), kHeaderMismatch) << all[missing].first;
  }
  EXPECT_EQ(code_of(call(), good("other")), kHeaderMismatch);
  EXPECT_EQ(code_of(call(), good("  echo\t")), 0);
  EXPECT_EQ(code_of(call(), good("=?base64?ZWNobw==?=")), 0);
  EXPECT_EQ(code_of(call(), good("=?base64?ZWNobw?=")), kHeaderMismatch);
  EXPECT_EQ(code_of(call(), good("=?base64?/w==?=")), kHeaderMismatch);
  HttpHeaders shouting = all;
  shouting[1].second = "TOOLS/CALL";
  EXPECT_EQ(code_of(call(), headers(shouting)), kHeaderMismatch);
}

TEST(CheckRequest, NamesTheRevisionsThatItSpeaks) {
  const Message other = call(
      "echo", R"({"io.modelcontextprotocol/protocolVersion":"v999","io.modelcontextprotocol/clientCapabilities":{}})");
  HttpHeaders same = good().headers;
  same[0].second = "v999";
  const auto refusal = check_request(other, headers(same));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, kUnsupportedVersion);
  EXPECT_EQ(raw_member(refusal->data, "requested"), R"("v999")");
  EXPECT_TRUE(raw_member(refusal->data, "supported").find("2026-07-28") != std::string_view::npos);
  EXPECT_EQ(code_of(other, good()), kHeaderMismatch);
}

TEST(HeaderParams, AreReadWhereTheyAreAlwaysThere) {
  const auto params =
      header_params(R"({"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},)"
                    R"("deep":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}}}})");
  ASSERT_EQ(params.size(), 2U);
  EXPECT_EQ(params[1].path, (std::vector<std::string>{"deep", "n"}));
  EXPECT_TRUE(params[1].number);
  for (const char* wrong : {
           R"({"x-mcp-header":"Root","type":"object"})",
           R"({"properties":{"a":{"type":"string","x-mcp-header":""}}})",
           R"({"properties":{"a":{"type":"string","x-mcp-header":"no spaces"}}})",
           R"({"properties":{"a":{"type":"array","x-mcp-header":"A"}}})",
           R"({"properties":{"a":{"x-mcp-header":"A"}}})",
           R"({"properties":{"a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}}}})",
           R"({"anyOf":[{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}]})",
           R"({"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}})",
           R"({"properties":{"a":{"type":"string","x-mcp-header":"A"},)",
       }) {
    EXPECT_TRUE(header_params(wrong).empty()) << wrong;
  }
}

TEST(CheckParams, HoldsEachHeaderAgainstItsArgument) {
  const std::vector<HeaderParam> params = {{.path = {"s"}, .header = "S"},
                                           {.path = {"n"}, .header = "N", .number = true},
                                           {.path = {"d", "b"}, .header = "B"}};
  const auto code = [&](std::string_view arguments, HttpHeaders given) {
    const auto refusal = check_params(params, arguments, headers(std::move(given)));
    return refusal ? refusal->code : 0;
  };
  EXPECT_EQ(code("{}", {}), 0);
  EXPECT_EQ(code(R"({"s":null})", {}), 0);
  EXPECT_EQ(code(R"({"s":"Hello"})", {}), kHeaderMismatch);
  EXPECT_EQ(code(R"({"s":"Hello"})", {{"mcp-param-s", "Hello"}}), 0);
  EXPECT_EQ(code(R"({"s":"Hello"})", {{"Mcp-Param-S", "=?base64?SGVsbG8=?="}}), 0);
  EXPECT_EQ(code(R"({"s":"Hello"})", {{"Mcp-Param-S", "=?base64?SGVsbG8?="}}), kHeaderMismatch);
  EXPECT_EQ(code(R"({"s":"Hello"})", {{"Mcp-Param-S", "=?base64?SGVs!!!bG8=?="}}), kHeaderMismatch);
  EXPECT_EQ(code(R"({"s":"SGVsbG8="})", {{"Mcp-Param-S", "SGVsbG8="}}), 0);
  EXPECT_EQ(code(R"({"s":"=?base64?SGVsbG8="})", {{"Mcp-Param-S", "=?base64?SGVsbG8="}}), 0);
  EXPECT_EQ(code(R"({"s":"a"})", {{"Mcp-Param-S", "a"}, {"mcp-param-s", "a"}}), kHeaderMismatch);
  EXPECT_EQ(code(R"({"n":1.50})", {{"Mcp-Param-N", "1.5"}}), 0);
  EXPECT_EQ(code(R"({"n":1e1})", {{"Mcp-Param-N", "10"}}), 0);
  EXPECT_EQ(code(R"({"n":7})", {{"Mcp-Param-N", "8"}}), kHeaderMismatch);
  EXPECT_EQ(code(R"({"n":9007199254740993})", {}), 0);
  EXPECT_EQ(code(R"({"n":9007199254740993})", {{"Mcp-Param-N", "9007199254740992"}}), kHeaderMismatch);
  EXPECT_EQ(code(R"({"d":{"b":true}})", {{"Mcp-Param-B", "true"}}), 0);
  EXPECT_EQ(code(R"({"d":{"b":true}})", {{"Mcp-Param-B", "false"}}), kHeaderMismatch);
}

}  // namespace
}  // namespace bursar::broker
