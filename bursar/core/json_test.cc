#include "bursar/core/json.h"

#include <bit>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <string>

namespace bursar {
namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(ParseJson, ReadsOneValueWithBlanksAround) {
  const auto value = parse_json(" {\"a\":[1,2.5,\"x\",null,true]} \n");
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(to_json(*value), "{\"a\":[1,2.5E0,\"x\",null,true]}");
  for (const std::string_view scalar : {"1", "-1", "1.5", "\"x\"", "null", "true"}) {
    EXPECT_TRUE(parse_json(scalar)) << scalar;
  }
}

TEST(ParseJson, RefusesWhatIsNotOneStrictValue) {
  for (const std::string_view text : {"",
                                      " ",
                                      "{",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "// x\n1",
                                      "1 2",
                                      "{} {}",
                                      "'a'",
                                      "{a:1}",
                                      "nan",
                                      "01",
                                      "+1",
                                      ".5",
                                      "1.",
                                      "\"\n\"",
                                      "\"\xff\"",
                                      "\"\xc0\xaf\"",
                                      "\"\xed\xa0\x80\"",
                                      "1e400",
                                      "[-1e999]",
                                      "tru",
                                      "\"\\x\"",
                                      "[1 2]"}) {
    const auto value = parse_json(text);
    ASSERT_FALSE(value) << text;
    EXPECT_EQ(value.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(ParseJson, RefusesAKeyThatStandsTwice) {
  EXPECT_FALSE(parse_json(R"({"a":1,"a":1})"));
  EXPECT_FALSE(parse_json(R"([{"b":{"a":1,"c":2,"a":3}}])"));
  EXPECT_FALSE(parse_json(R"({"a":1,"\u0061":1})"));
  EXPECT_TRUE(parse_json(R"([{"a":{"a":1}},{"a":1}])"));
}

TEST(ParseJson, KeepsItsLimits) {
  EXPECT_TRUE(parse_json(nested(64)));
  EXPECT_FALSE(parse_json(nested(65)));
  EXPECT_FALSE(parse_json(nested(1'000'000)));
  EXPECT_TRUE(parse_json("[1]", {.max_bytes = 3}));
  EXPECT_FALSE(parse_json("[1] ", {.max_bytes = 3}));
}

RC_GTEST_PROP(ParseJson, ReadsBackEveryFiniteDoubleExactly, (std::uint64_t bits)) {
  const double x =
      *rc::gen::element(std::bit_cast<double>(bits), static_cast<double>(bits), 1.0 / (1.0 + static_cast<double>(bits)),
                        5e-324, 1.7976931348623157e308, 0.1, -0.0);
  RC_PRE(std::isfinite(x));
  const auto back = parse_json(to_json(boost::json::value(x)));
  RC_ASSERT(back.has_value());
  RC_ASSERT(std::bit_cast<std::uint64_t>(back->to_number<double>()) == std::bit_cast<std::uint64_t>(x));
}

RC_GTEST_PROP(ParseJson, NeverCrashesAndReadsBackWhatItTook, ()) {
  const auto text = *rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::element('{', '}', '[', ']', ',', ':', '"', '1', '.', 'e', '-', '\\', 'u', 'n', ' '),
                     rc::gen::arbitrary<char>()));
  const auto value = parse_json(text);
  if (value) RC_ASSERT(parse_json(to_json(*value)) == *value);
}

RC_GTEST_PROP(JsonString, IsAlwaysValidAndReadsBackAsTheSameText, (const std::string& bytes)) {
  const auto value = parse_json(json_string(bytes));
  RC_ASSERT(value.has_value());
  RC_ASSERT(value->is_string());
  if (is_utf8(bytes)) RC_ASSERT(std::string_view(value->get_string().data(), value->get_string().size()) == bytes);
}

TEST(JsonString, EscapesControlsAndReplacesWhatIsNoUtf8) {
  EXPECT_EQ(json_string("a\"\\\n\t\r\x01/\x7f"), "\"a\\\"\\\\\\n\\t\\r\\u0001/\x7f\"");
  EXPECT_EQ(json_string("世界"), "\"世界\"");
  EXPECT_EQ(json_string("\xff"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(json_string("\xe4\xb8"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(IsUtf8, KnowsTheEdgesOfTheEncoding) {
  for (const std::string_view good :
       {"", "a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(is_utf8(good));
  }
  for (const std::string_view bad : {"\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                                     "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc2", "a\xe4\xb8"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

class JsonViewTest : public testing::Test {
 protected:
  boost::json::value document =
      *parse_json(R"({"listen":{"port":70000,"host":"h"},"rate":2,"on":true,"list":[1,"x"]})");
  JsonView root{document};
};

TEST_F(JsonViewTest, ReadsTypedFields) {
  EXPECT_EQ(root.at("listen")->string_at("host"), "h");
  EXPECT_EQ(root.at("listen")->int_at("port"), 70000);
  EXPECT_EQ(root.double_at("rate", 0, 5), 2.0);
  EXPECT_EQ(root.bool_at("on"), true);
  EXPECT_EQ(root.at("list")->array_size(2), 2U);
  EXPECT_EQ(root.at("list")->element(1)->as_string(1), "x");
  EXPECT_FALSE(root.find("absent")->has_value());
  EXPECT_TRUE(root.only({"listen", "rate", "on", "list"}));
}

TEST_F(JsonViewTest, ErrorsNameThePlaceAndTheValue) {
  const auto message = [](const auto& result) { return result ? "no error" : result.error().message; };
  EXPECT_EQ(message(root.at("listen")->int_at("port", 1, 65535)),
            "$.listen.port: must be an integer from 1 to 65535, is 70000");
  EXPECT_EQ(message(root.int_at("absent")), "$: lacks the key \"absent\"");
  EXPECT_EQ(message(root.at("listen")->string_at("host", 0)), "$.listen.host: is a string of 1 bytes, more than 0");
  EXPECT_EQ(message(root.at("list")->element(1)->as_double(0, 1)), "$.list[1]: must be a number, is a string");
  EXPECT_EQ(message(root.at("list")->element(2)), "$.list: has no element 2");
  EXPECT_EQ(message(root.at("list")->array_size(1)), "$.list: has 2 elements, more than 1");
  EXPECT_EQ(message(root.double_at("rate", 3, 5)), "$.rate: must be a number from 3 to 5, is 2");
  EXPECT_EQ(message(root.bool_at("rate")), "$.rate: must be true or false, is an integer");
  EXPECT_EQ(message(root.at("rate")->at("x")), "$.rate: must be an object, is an integer");
  EXPECT_EQ(message(root.only({"rate"})), "$: has the unknown key \"listen\"");
}

}  // namespace
}  // namespace bursar
