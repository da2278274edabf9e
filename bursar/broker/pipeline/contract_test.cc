#include "bursar/broker/pipeline/contract.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

std::vector<std::string> check(std::string_view schema, std::string_view instance) {
  const auto contract = Contract::compile(schema);
  if (!contract) return {"does not compile: " + contract.error().message};
  return (*contract)->check(instance, "arguments");
}

using Hints = std::vector<std::string>;

TEST(Contract, SaysWhereAndWhat) {
  constexpr std::string_view kSchema =
      R"({"type":"object","required":["path"],"additionalProperties":false,"properties":{
      "path":{"type":"string","minLength":1,"pattern":"^/"},"lines":{"type":"array","items":{"type":"integer","minimum":1}},
      "mode":{"enum":["text","binary"]}}})";
  EXPECT_EQ(check(kSchema, R"({"path":"/a","lines":[1,2],"mode":"text"})"), Hints{});
  EXPECT_EQ(check(kSchema, ""), Hints{"arguments.path: is missing"});
  EXPECT_EQ(check(kSchema, R"({"path":7})"), Hints{"arguments.path: must be a string"});
  EXPECT_EQ(check(kSchema, R"({"path":"a"})"), Hints{"arguments.path: must match ^/"});
  EXPECT_EQ(check(kSchema, R"({"path":"/a","lines":[1,0]})"), Hints{"arguments.lines[1]: must be at least 1"});
  EXPECT_EQ(check(kSchema, R"({"path":"/a","mode":"x"})"), Hints{R"(arguments.mode: must be one of "text", "binary")"});
  EXPECT_EQ(check(kSchema, R"({"path":"/a","paht":1})"), Hints{"arguments.paht: is unknown"});
  EXPECT_EQ(check(kSchema, "[]"), Hints{"arguments: must be an object"});
}

TEST(Contract, SpeaksDraft202012) {
  EXPECT_EQ(check(R"({"prefixItems":[{"type":"string"}],"items":false})", R"(["a"])"), Hints{});
  EXPECT_EQ(check(R"({"prefixItems":[{"type":"string"}],"items":false})", R"(["a",1])"),
            Hints{"arguments[1]: is not allowed"});
  EXPECT_EQ(check(R"({"dependentRequired":{"a":["b"]}})", R"({"a":1})"),
            Hints{"arguments.b: is missing, since a is given"});
  EXPECT_EQ(check(R"({"dependentSchemas":{"a":{"required":["b"]}}})", R"({"a":1})"), Hints{"arguments.b: is missing"});
  EXPECT_EQ(check(R"({"$defs":{"n":{"$anchor":"num","type":"number"}},"$ref":"#num","maximum":3})", "4"),
            Hints{"arguments: must be at most 3"});
  EXPECT_EQ(check(R"({"contains":{"type":"integer"},"minContains":2})", R"([1,"a"])"),
            Hints{"arguments: lacks an item that must be there"});
  EXPECT_EQ(check(R"({"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}})", R"({"a":1})"),
            Hints{"arguments.b: is missing"});
  EXPECT_EQ(check(R"({"oneOf":[{"type":"integer"},{"minimum":2}]})", "3"),
            Hints{"arguments: fits more than one of the allowed forms"});
  EXPECT_EQ(check(R"({"minLength":2,"maxLength":2})", R"("世界")"), Hints{});
  EXPECT_EQ(check(R"({"type":"integer"})", "3.0"), Hints{});
  EXPECT_EQ(check(R"({"multipleOf":0.0001})", "0.0075"), Hints{});
  EXPECT_EQ(check(R"({"const":{"a":1,"b":[2.0]}})", R"({"b":[2],"a":1.0})"), Hints{});
}

TEST(Contract, NeverAsksTheNetworkAndSaysWhatItIgnores) {
  const auto contract = Contract::compile(
      R"({"properties":{"a":{"$ref":"https://evil.example/schema.json"},"b":{"pattern":"(?=x)y"},"c":{"whatever":1}}})");
  ASSERT_TRUE(contract);
  EXPECT_EQ((*contract)->check(R"({"a":1,"b":"z","c":2})", "arguments"), Hints{});
  EXPECT_EQ((*contract)->ignored().size(), 2U);
}

TEST(Contract, RefusesWhatIsNoSchema) {
  EXPECT_FALSE(Contract::compile("[1]"));
  EXPECT_FALSE(Contract::compile("{"));
  EXPECT_FALSE(Contract::compile(R"({"properties":{"a":7}})"));
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += R"({"not":)";
  deep += "true" + std::string(100, '}');
  EXPECT_FALSE(Contract::compile(deep));
  EXPECT_FALSE(Contract::compile(std::string(Contract::kMaxSchemaBytes + 1, ' ') + "{}"));
}

TEST(Contract, EndsWhateverASchemaOrItsArgumentsTry) {
  const auto start = std::chrono::steady_clock::now();
  // A reference to itself, an exponential fan of references, a pattern that a backtracking engine never finishes, and a
  // long list of things that all have to differ.
  EXPECT_FALSE(check(R"({"$ref":"#"})", "1").empty());
  std::string fan = R"({"$defs":{"d0":{"type":"string"})";
  for (int i = 1; i < 40; ++i) {
    const std::string lower = R"({"$ref":"#/$defs/d)" + std::to_string(i - 1) + "\"}";
    fan += ",\"d" + std::to_string(i) + R"(":{"allOf":[)" + lower + "," + lower + "]}";
  }
  fan += R"(},"$ref":"#/$defs/d39"})";
  EXPECT_FALSE(check(fan, "\"x\"").empty());
  EXPECT_FALSE(check(R"({"pattern":"^(a+)+$"})", "\"" + std::string(100'000, 'a') + "!\"").empty());
  std::string list = "[";
  for (int i = 0; i < 100'000; ++i) list += std::to_string(i) + ",";
  EXPECT_FALSE(check(R"({"uniqueItems":true})", list + "0.5]").empty());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds{10});
}

TEST(ContractCache, CompilesOnceAndForgivesBadSchemas) {
  ContractCache cache;
  const auto first = cache.get(R"({"type":"object"})");
  ASSERT_TRUE(first);
  EXPECT_EQ(first, cache.get(R"({"type":"object"})"));
  EXPECT_EQ(cache.get(""), nullptr);
  EXPECT_EQ(cache.get("{"), nullptr);
  for (std::size_t i = 0; i < ContractCache::kMaxEntries + 10; ++i)
    (void)cache.get(R"({"maximum":)" + std::to_string(i) + "}");
  EXPECT_TRUE(first);  // still ours, although it was forgotten
}

// What the suite asks that we ignore on purpose: other documents, and format.
const std::set<std::string> kOtherDocuments{"refRemote.json", "definitions.json", "format.json", "vocabulary.json"};
const std::set<std::string> kOutOfScope{"remote ref, containing refs itself",
                                        "Recursive references between schemas",
                                        "refs with relative uris and defs",
                                        "relative refs with absolute uris and defs",
                                        "$id must be resolved against nearest parent, not just immediate parent",
                                        "simple URN base URI with $ref via the URN",
                                        "URN base URI with URN and JSON pointer ref",
                                        "URN base URI with URN and anchor ref"};

TEST(Contract, PassesDraft7OfTheJsonSchemaTestSuite) {
  const std::filesystem::path folder = "/usr/share/json-schema-test-suite/tests/draft7";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "json-schema-test-suite is not installed";
  int cases = 0, failed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json" || kOtherDocuments.contains(entry.path().filename().string())) continue;
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    const auto document = parse_json(text.str());
    if (!document) continue;
    for (const auto& group : document->as_array()) {
      const std::string about(group.at("description").as_string());
      if (kOutOfScope.contains(about)) continue;
      boost::json::value schema = group.at("schema");
      if (auto* object = schema.if_object()) (*object)["$schema"] = "http://json-schema.org/draft-07/schema#";
      const auto contract = Contract::compile(to_json(schema));
      ASSERT_TRUE(contract) << entry.path() << ": " << about << ": " << contract.error().message;
      for (const auto& test : group.at("tests").as_array()) {
        ++cases;
        const bool valid = (*contract)->check(to_json(test.at("data")), "x").empty();
        if (valid == test.at("valid").as_bool()) continue;
        ++failed;
        ADD_FAILURE() << entry.path().filename() << ": " << about << ": " << test.at("description").as_string();
      }
    }
  }
  EXPECT_GT(cases, 350);
  EXPECT_EQ(failed, 0) << "of " << cases;
}

}  // namespace
}  // namespace bursar::broker
