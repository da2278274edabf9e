#include "bursar/broker/upstream/modern.h"

#include <gtest/gtest.h>

#include "bursar/broker/pipeline/raw_json.h"

namespace bursar::broker {
namespace {

std::string_view meta(const std::string& params, std::string_view key) {
  return raw_member(raw_member(params, "_meta"), key);
}

TEST(Modern, SaysInEveryRequestWhatTheClientIs) {
  const std::string bare = modern_params("", {});
  EXPECT_EQ(meta(bare, kMetaVersion), R"("2026-07-28")");
  EXPECT_EQ(meta(bare, kMetaCapabilities), "{}");
  EXPECT_EQ(raw_member(meta(bare, kMetaClientInfo), "name"), R"("bursar")");
  EXPECT_EQ(meta(bare, kMetaLogLevel), "");
  const std::string params = modern_params(
      R"({"name":"t","arguments":{"x":1.0},"_meta":{"progressToken":7,"traceparent":"00-1"}})",
      {.capabilities = R"({"roots":{}})", .client_info = R"({"name":"a","version":"1"})", .log_level = R"("info")"});
  EXPECT_EQ(raw_member(params, "name"), R"("t")");
  EXPECT_EQ(raw_member(params, "arguments"), R"({"x":1.0})");
  EXPECT_EQ(meta(params, "progressToken"), "7");
  EXPECT_EQ(meta(params, "traceparent"), R"("00-1")");
  EXPECT_EQ(meta(params, kMetaCapabilities), R"({"roots":{}})");
  EXPECT_EQ(meta(params, kMetaClientInfo), R"({"name":"a","version":"1"})");
  EXPECT_EQ(meta(params, kMetaLogLevel), R"("info")");
}

TEST(Modern, LeavesAModernAgentItsOwnWords) {
  const std::string params = modern_params(
      R"({"_meta":{"io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"io.modelcontextprotocol/logLevel":"debug","io.modelcontextprotocol/protocolVersion":"1999-01-01"}})",
      {.capabilities = "{}", .log_level = R"("info")"});
  EXPECT_EQ(meta(params, kMetaCapabilities), R"({"sampling":{}})");
  EXPECT_EQ(meta(params, kMetaLogLevel), R"("debug")");
  EXPECT_EQ(meta(params, kMetaVersion), R"("2026-07-28")");
  EXPECT_TRUE(Message::parse(make_request("1", "x", params)).has_value()) << params;
}

TEST(Modern, IsNotShownToLegacyServers) {
  EXPECT_EQ(legacy_params(modern_params(R"({"name":"t"})", {})), R"({"name":"t"})");
  const std::string kept = legacy_params(modern_params(R"({"name":"t","_meta":{"progressToken":1}})", {}));
  EXPECT_EQ(meta(kept, "progressToken"), "1");
  EXPECT_EQ(kept.find("io.modelcontextprotocol"), std::string::npos);
  const std::string other = R"({"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"1"}}})";
  EXPECT_EQ(legacy_params(other), other);
}

TEST(Modern, ReadsTheEraFromAnAnswer) {
  const auto result = [](std::string text) { return judge_probe({.result = std::move(text), .http_status = 200}); };
  EXPECT_EQ(result(R"({"supportedVersions":["2026-07-28"],"capabilities":{}})"), ProbeVerdict::kModern);
  EXPECT_EQ(result(R"({"supportedVersions":["2025-11-25","2026-07-28"]})"), ProbeVerdict::kModern);
  EXPECT_EQ(result(R"({"supportedVersions":["2027-01-01"]})"), ProbeVerdict::kUnsupported);
  EXPECT_EQ(result(R"({"supportedVersions":["2025-11-25"]})"), ProbeVerdict::kLegacy);
  EXPECT_EQ(result("{}"), ProbeVerdict::kLegacy);
  const auto error = [](std::string text) { return judge_probe({.error = std::move(text), .http_status = 400}); };
  EXPECT_EQ(error(R"({"code":-32601,"message":"x"})"), ProbeVerdict::kLegacy);
  EXPECT_EQ(error(R"({"code":-32000,"message":"Bad Request: No valid session ID provided"})"), ProbeVerdict::kLegacy);
  EXPECT_EQ(error(R"({"code":-32022,"data":{"supported":["2026-07-28"]}})"), ProbeVerdict::kAgain);
  EXPECT_EQ(error(R"({"code":-32022,"data":{"supported":["2027-01-01"]}})"), ProbeVerdict::kUnsupported);
  EXPECT_EQ(error(R"({"code":-32022,"data":{"supported":["2025-11-25"]}})"), ProbeVerdict::kLegacy);
  EXPECT_EQ(error(R"({"code":-32022})"), ProbeVerdict::kLegacy);
  for (const int status : {400, 404, 405, 406, 415}) {
    EXPECT_EQ(judge_probe({.failure = Cause::kBadRequest, .http_status = status}), ProbeVerdict::kLegacy) << status;
  }
  for (const int status : {0, 401, 403, 408, 429, 500, 502, 503}) {
    EXPECT_EQ(judge_probe({.failure = Cause::kBadGateway, .http_status = status}), ProbeVerdict::kFailed) << status;
  }
}

TEST(Modern, EncodesWhatCannotStandInAHeader) {
  for (const char* plain : {"us-west1", "us west 1", "a\tb", "=?base64?x", "x", "file:///path/to/file%20name.txt"})
    EXPECT_EQ(header_value(plain), plain);
  const std::pair<const char*, const char*> encoded[] = {{"", "=?base64??="},
                                                         {" padded ", "=?base64?IHBhZGRlZCA=?="},
                                                         {"\tx", "=?base64?CXg=?="},
                                                         {"line1\r\nX: y", "=?base64?bGluZTENClg6IHk=?="},
                                                         {"Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="},
                                                         {"=?base64?eA==?=", "=?base64?PT9iYXNlNjQ/ZUE9PT89?="}};
  for (const auto& [text, header] : encoded) EXPECT_EQ(header_value(text), header);
}

TEST(Modern, RepeatsMethodAndNameInHeaders) {
  EXPECT_EQ(modern_headers("tools/list", ""), "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\n");
  const auto name = [](std::string_view method, std::string_view params) {
    const std::string head = modern_headers(method, params);
    const std::size_t at = head.find("Mcp-Name: ");
    return at == std::string::npos ? std::string() : head.substr(at + 10, head.size() - at - 12);
  };
  EXPECT_EQ(name("tools/call", R"({"name":"a.b"})"), "a.b");
  EXPECT_EQ(name("prompts/get", R"({"name":"caf\u00e9"})"), "=?base64?Y2Fmw6k=?=");
  EXPECT_EQ(name("resources/read", R"({"uri":"file:///x"})"), "file:///x");
  EXPECT_EQ(name("tasks/get", R"({"taskId":"t-1"})"), "t-1");
  EXPECT_EQ(name("tasks/get", R"({"name":"t-1"})"), "");
  EXPECT_EQ(name("completion/complete", R"({"name":"x"})"), "");
  EXPECT_EQ(name("tools/call", R"({"name":"a\r\nX: 1"})"), "=?base64?YQ0KWDogMQ==?=");
}

TEST(Modern, TellsFromARefusalThatTheEraChanged) {
  const auto refusal = [](int status, const char* error) {
    return UpstreamReply{.error = error, .http_status = status};
  };
  EXPECT_TRUE(contradicts_modern(refusal(400, R"({"code":-32022})")));
  EXPECT_TRUE(contradicts_modern(refusal(400, R"({"code":-32000,"message":"Server not initialized"})")));
  EXPECT_TRUE(contradicts_modern(refusal(404, "")));
  EXPECT_FALSE(contradicts_modern(refusal(404, R"({"code":-32601})")));
  EXPECT_FALSE(contradicts_modern(refusal(400, R"({"code":-32021})")));
  EXPECT_FALSE(contradicts_modern(refusal(500, "")));
  EXPECT_TRUE(contradicts_legacy(refusal(400, R"({"code":-32022})")));
  EXPECT_FALSE(contradicts_legacy(refusal(400, R"({"code":-32000})")));
  EXPECT_EQ(without_our_mistakes(refusal(400, R"({"code":-32020})")).failure, Cause::kUpstreamProtocol);
  EXPECT_EQ(without_our_mistakes(refusal(400, R"({"code":-32021})")).error, R"({"code":-32021})");
}

}  // namespace
}  // namespace bursar::broker
