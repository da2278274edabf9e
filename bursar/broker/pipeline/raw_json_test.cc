#include "bursar/broker/pipeline/raw_json.h"

#include <boost/json/object.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

TEST(MemberCursor, WalksMembersWithoutLookingInside) {
  MemberCursor at(R"( { "a" : [1,{"b":"}"}] , "c\"d":"\\\"", "e":-1.5e3 ,"f":{}} )");
  std::vector<std::pair<std::string, std::string>> seen;
  while (at.next()) seen.emplace_back(at.key(), at.value());
  EXPECT_EQ(seen, (std::vector<std::pair<std::string, std::string>>{
                      {"a", R"([1,{"b":"}"}])"}, {"c\"d", R"("\\\"")"}, {"e", "-1.5e3"}, {"f", "{}"}}));
}

TEST(RawMember, SeesThroughEscapesInKeys) {
  EXPECT_EQ(raw_member(R"({"dev.bursar\/turn":1})", "dev.bursar/turn"), "1");
  EXPECT_EQ(raw_member(R"({"\u0064ev":2})", "dev"), "2");
  EXPECT_EQ(raw_member("[]", "a"), "");
  EXPECT_EQ(raw_member("", "a"), "");
}

RC_GTEST_PROP(MemberCursor, StaysInsideWhateverItIsGiven, (const std::string& text)) {
  for (const std::string& object : {text, "{" + text, R"({"a":)" + text, R"({"a)" + text}) {
    MemberCursor at(object);
    std::size_t members = 0;
    while (at.next()) ++members;
    RC_ASSERT(members <= object.size());
  }
}

TEST(WithMeta, AddsReplacesAndKeepsTheRest) {
  EXPECT_EQ(with_meta("{}", "k", "1"), R"({"_meta":{"k":1}})");
  EXPECT_EQ(with_meta(R"({"a":[ 1 ]})", "k", "1"), R"({"a":[ 1 ],"_meta":{"k":1}})");
  EXPECT_EQ(with_meta(R"({"_meta":{"x":2,"k":0},"a":3})", "k", "1"), R"({"_meta":{"x":2,"k":1},"a":3})");
  EXPECT_TRUE(parse_json(with_meta(R"({"_meta":null,"a":3})", "k", "1")));
}

TEST(Utf8Prefix, CutsBetweenCharacters) {
  EXPECT_EQ(utf8_prefix("世界", 4), "世");
  EXPECT_EQ(utf8_prefix("世界", 2), "");
  EXPECT_EQ(utf8_prefix("abc", 9), "abc");
}

}  // namespace
}  // namespace bursar::broker
