#include "bursar/broker/config/schema.h"

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "bursar/broker/config/config.h"
#include "bursar/core/json.h"
#include "bursar/core/source_root_testing.h"

namespace bursar::broker {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// With BURSAR_WRITE_GENERATED set the files are written instead of compared.
bool writes_files() { return std::getenv("BURSAR_WRITE_GENERATED") != nullptr; }

// A document that names every field of the schema and gives it no value: known fields are then left at their default.
json::value document_of(const json::object& schema) {
  if (const auto* properties = schema.if_contains("properties")) {
    json::object out;
    for (const auto& member : properties->get_object()) out[member.key()] = document_of(member.value().get_object());
    return out;
  }
  if (const auto* items = schema.if_contains("items"); items != nullptr && items->get_object().contains("properties")) {
    return json::array{document_of(items->get_object())};
  }
  return nullptr;
}

std::size_t count_fields(const json::value& document) {
  if (document.is_array()) return count_fields(document.get_array().front());
  std::size_t count = 0;
  if (document.is_object()) {
    for (const auto& member : document.get_object()) count += 1 + count_fields(member.value());
  }
  return count;
}

TEST(Schema, PublishedFileIsTheOneThatTheProgramPrints) {
  const auto path = source_root() / "bursar/broker/config/schema.json";
  if (writes_files()) std::ofstream(path, std::ios::binary) << config_schema();
  EXPECT_EQ(read(path), config_schema()) << "run the tests once with BURSAR_WRITE_GENERATED=1";
}

TEST(Schema, NamesOnlyFieldsThatTheLoaderKnows) {
  const auto schema = parse_json(config_schema());
  ASSERT_TRUE(schema) << schema.error().message;
  const json::value document = document_of(schema->get_object());
  EXPECT_GT(count_fields(document), 80U);
  // JSON is YAML. What is missing may be refused, a field that nobody knows may not stand there.
  const auto config = parse_config(to_json(document), "all.yaml", [](std::string_view) { return std::nullopt; });
  EXPECT_THAT(config ? "" : config.error().message, Not(HasSubstr("unknown field")));
}

TEST(Schema, RefusesFieldsThatItDoesNotName) {
  const auto schema = parse_json(config_schema());
  ASSERT_TRUE(schema);
  EXPECT_EQ(schema->at("additionalProperties"), false);
  EXPECT_EQ(schema->at("properties").at("listen").at("additionalProperties"), false);
  EXPECT_EQ(schema->at("properties").at("upstreams").at("items").at("required"), json::array{"name"});
}

TEST(Reference, InTheDocumentIsTheGeneratedOne) {
  constexpr std::string_view kBegin = "<!-- generated: fields -->\n", kEnd = "<!-- end -->";
  const auto path = source_root() / "docs/configuration.md";
  std::string document = read(path);
  const std::size_t begin = document.find(kBegin), end = document.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  if (writes_files()) {
    document.replace(begin + kBegin.size(), end - begin - kBegin.size(), config_reference());
    std::ofstream(path, std::ios::binary) << document;
    return;
  }
  EXPECT_EQ(document.substr(begin + kBegin.size(), end - begin - kBegin.size()), config_reference())
      << "run the tests once with BURSAR_WRITE_GENERATED=1";
}

TEST(Reference, ExamplesInTheDocumentAreValid) {
  const std::string document = read(source_root() / "docs/configuration.md");
  constexpr std::string_view kFence = "```yaml\n";
  std::size_t examples = 0;
  for (std::size_t at = document.find(kFence); at != std::string::npos; at = document.find(kFence, at + 1)) {
    const std::size_t begin = at + kFence.size();
    const std::string yaml = document.substr(begin, document.find("```", begin) - begin);
    const auto config = parse_config(yaml, "example.yaml", [](std::string_view name) {
      return name == "SEARCH_TOKEN" || name == "BURSAR_SECRET" ? std::optional<std::string>("x") : std::nullopt;
    });
    EXPECT_TRUE(config) << config.error().message << "\n" << yaml;
    ++examples;
  }
  EXPECT_GE(examples, 2U);
}

}  // namespace
}  // namespace bursar::broker
