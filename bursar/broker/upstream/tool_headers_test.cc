#include "bursar/broker/upstream/tool_headers.h"

#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

std::string tool(const std::string& name, const std::string& properties) {
  return R"({"name":")" + name + R"(","inputSchema":{"type":"object","properties":)" + properties + "}}";
}

std::string page(const std::string& tools) {
  return R"({"resultType":"complete","tools":[)" + tools + R"(],"ttlMs":1})";
}

std::string why(const std::string& schema) {
  const auto headers = param_headers(*parse_json(schema));
  return headers ? std::string() : headers.error().message;
}

TEST(ToolHeaders, RepeatAnnotatedArguments) {
  ToolHeaders headers;
  std::vector<std::string> refused;
  const std::string result = page(tool("t", R"({"region":{"type":"string","x-mcp-header":"Region"},
      "n":{"type":"integer","x-mcp-header":"N"},"on":{"type":"boolean","x-mcp-header":"On"},"q":{"type":"string"},
      "deep":{"type":"object","properties":{"x":{"type":"string","x-mcp-header":"Deep-X"}}}})"));
  EXPECT_EQ(headers.learn(result, refused), std::nullopt);
  EXPECT_TRUE(refused.empty());
  EXPECT_EQ(headers.lines("t", R"({"region":"us west","n":42,"on":false,"q":"secret","deep":{"x":" y"}})"),
            "Mcp-Param-Region: us west\r\nMcp-Param-N: 42\r\nMcp-Param-On: false\r\n"
            "Mcp-Param-Deep-X: =?base64?IHk=?=\r\n");
  EXPECT_EQ(headers.lines("t", R"({"region":null,"n":[1],"deep":7})"), "");
  EXPECT_EQ(headers.lines("t", ""), "");
  EXPECT_EQ(headers.lines("other", R"({"region":"x"})"), "");
  // A tool that lost its annotations loses its headers.
  (void)headers.learn(page(tool("t", R"({"region":{"type":"string"}})")), refused);
  EXPECT_EQ(headers.lines("t", R"({"region":"x"})"), "");
}

TEST(ToolHeaders, CannotBreakOutOfTheirLine) {
  ToolHeaders headers;
  std::vector<std::string> refused;
  (void)headers.learn(page(tool("t", R"({"r":{"type":"string","x-mcp-header":"R"}})")), refused);
  EXPECT_EQ(headers.lines("t", R"({"r":"1\r\nHost: evil"})"), "Mcp-Param-R: =?base64?MQ0KSG9zdDogZXZpbA==?=\r\n");
}

TEST(ToolHeaders, RefuseToolsThatBreakTheRules) {
  const auto property = [](const std::string& p) { return R"({"type":"object","properties":{)" + p + "}}"; };
  EXPECT_EQ(why(property(R"("a":{"type":"string","x-mcp-header":"A"},"b":{"type":"integer","x-mcp-header":"B"})")), "");
  for (const char* bad :
       {R"("a":{"type":"string","x-mcp-header":""})", R"("a":{"type":"string","x-mcp-header":7})",
        R"("a":{"type":"string","x-mcp-header":"My Region"})", R"("a":{"type":"string","x-mcp-header":"R:P"})",
        R"("a":{"type":"string","x-mcp-header":"Région"})", R"("a":{"type":"string","x-mcp-header":"R\t1"})",
        R"("a":{"type":"object","x-mcp-header":"A"})", R"("a":{"type":"array","x-mcp-header":"A"})",
        R"("a":{"type":"null","x-mcp-header":"A"})", R"("a":{"type":"number","x-mcp-header":"A"})",
        R"("a":{"x-mcp-header":"A"})",
        R"("a":{"type":"string","x-mcp-header":"My"},"b":{"type":"string","x-mcp-header":"mY"})",
        R"("a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}})",
        R"("a":{"anyOf":[{"type":"string","x-mcp-header":"A"}]})"}) {
    EXPECT_NE(why(property(bad)), "") << bad;
  }
  EXPECT_NE(why(R"({"type":"object","x-mcp-header":"A"})"), "");
  EXPECT_NE(why(R"({"$defs":{"d":{"type":"string","x-mcp-header":"A"}}})"), "");
}

TEST(ToolHeaders, LeaveOnlyTheWrongToolsOut) {
  ToolHeaders headers;
  std::vector<std::string> refused;
  const std::string good = tool("good", R"({"a":{"type":"string","x-mcp-header":"A"},"n":{"default":1.0}})");
  const std::string plain = tool("plain", "{}");
  const std::string bad = tool("bad", R"({"a":{"type":"string","x-mcp-header":"No Token"}})");
  EXPECT_EQ(headers.learn(page(good + ", " + bad + "," + plain), refused), page(good + "," + plain));
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0], "bad: x-mcp-header is no header name");
  EXPECT_EQ(headers.lines("bad", R"({"a":"x"})"), "");
}

}  // namespace
}  // namespace bursar::broker
