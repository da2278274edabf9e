#include "bursar/broker/mcp/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/broker/mcp/message.h"
#include "bursar/broker/pipeline/contract.h"

namespace bursar::broker {
namespace {

using ::testing::ElementsAre;

std::shared_ptr<const UpstreamLists> lists(const std::string& name, const std::string& prefix,
                                           const std::vector<std::string>& tools, ContractCache* contracts = nullptr) {
  auto out = std::make_shared<UpstreamLists>();
  out->upstream = name;
  out->prefix = prefix;
  out->capabilities = R"({"tools":{},"resources":{"subscribe":true}})";
  out->loaded = out->up = true;
  std::string text = R"({"tools":[)";
  for (const std::string& tool : tools) {
    if (text.back() == '}') text += ',';
    text += R"({"name":")" + tool + R"(","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true}})";
  }
  auto items = read_items(ListKind::kTools, text + "]}", 1000, contracts);
  out->items[0] = std::make_shared<const std::vector<CatalogueItem>>(*items);
  return out;
}

std::vector<std::string> names(const std::string& page) {
  std::vector<std::string> out;
  for (std::size_t at = page.find("\"name\":\""); at != std::string::npos; at = page.find("\"name\":\"", at + 1)) {
    out.push_back(page.substr(at + 8, page.find('"', at + 8) - at - 8));
  }
  return out;
}

TEST(Catalogue, NamesToolsByPrefixAndByTheirOwnName) {
  const auto catalogue = Catalogue::build({lists("files", "files.", {"read", "list"}), lists("web", "", {"get"})});
  EXPECT_THAT(names(*catalogue->page({}, {})), ElementsAre("files.read", "files.list", "get"));
  EXPECT_THAT(names(*catalogue->page({.server = "files"}, {})), ElementsAre("read", "list"));
  const auto target = catalogue->resolve("", "tools/call", "files.read");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->upstream, "files");
  EXPECT_EQ(target->name, "read");
  EXPECT_TRUE(target->read_only);
  EXPECT_TRUE(catalogue->resolve("files", "tools/call", "read"));
  EXPECT_FALSE(catalogue->resolve("files", "tools/call", "files.read"));
  EXPECT_FALSE(catalogue->resolve("web", "tools/call", "read"));
  EXPECT_FALSE(catalogue->resolve("", "prompts/get", "files.read"));
}

TEST(Catalogue, GivesTheLaterOfTwoEqualNamesItsUpstreamsName) {
  const auto catalogue = Catalogue::build({lists("a", "", {"get"}), lists("b", "", {"get"}), lists("b.x", "", {})});
  EXPECT_THAT(names(*catalogue->page({}, {})), ElementsAre("get", "b.get"));
  EXPECT_EQ(catalogue->resolve("", "tools/call", "get")->upstream, "a");
  EXPECT_EQ(catalogue->resolve("", "tools/call", "b.get")->upstream, "b");
}

TEST(Catalogue, HidesWhatThePrincipalMayNotSee) {
  const auto catalogue = Catalogue::build({lists("a", "a.", {"x", "y", "z"})});
  const auto page = catalogue->page({}, [](auto, std::string_view name, auto) { return name != "y"; });
  EXPECT_THAT(names(*page), ElementsAre("a.x", "a.z"));
}

TEST(Catalogue, PagesWithACursorOfItsOwn) {
  const auto catalogue = Catalogue::build({lists("a", "", {"1", "2", "3"}), lists("b", "", {"4", "5"})});
  std::vector<std::string> all;
  std::string cursor;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page = catalogue->page({.cursor = cursor, .page = 2}, {});
    ASSERT_TRUE(page);
    for (const auto& name : names(*page)) all.push_back(name);
    const std::string_view next = member(*page, "nextCursor");
    if (next.empty()) break;
    cursor = next.substr(1, next.size() - 2);
  }
  EXPECT_THAT(all, ElementsAre("1", "2", "3", "4", "5"));
  for (const char* wrong : {"x", "b", "b1x", "-1", "b-1", "b99999999999999999999999"}) {
    EXPECT_EQ(catalogue->page({.cursor = wrong}, {}).error().code, ErrorCode::kInvalidArgument) << wrong;
  }
  EXPECT_THAT(names(*catalogue->page({.cursor = "b1000"}, {})), ElementsAre());
}

TEST(Catalogue, LeavesEveryOtherByteOfAnItemAsItWas) {
  const std::string tool = R"({ "title":"A  B", "name":"x", "weird":[1.0e5, {"é":null}] })";
  auto own = std::make_shared<UpstreamLists>(*lists("a", "p_", {}));
  own->items[0] = std::make_shared<const std::vector<CatalogueItem>>(
      *read_items(ListKind::kTools, R"({"tools":[)" + tool + "]}", 10, nullptr));
  const auto catalogue = Catalogue::build({own});
  EXPECT_EQ(*catalogue->page({.server = "a"}, {}), R"({"tools":[)" + tool + "]}");
  EXPECT_EQ(*catalogue->page({}, {}), R"({"tools":[{ "title":"A  B", "name":"p_x", "weird":[1.0e5, {"é":null}] }]})");
}

TEST(Catalogue, FindsWhoKnowsAResource) {
  auto a = std::make_shared<UpstreamLists>(*lists("a", "a.", {}));
  auto b = std::make_shared<UpstreamLists>(*lists("b", "b.", {}));
  b->items[2] = std::make_shared<const std::vector<CatalogueItem>>(
      *read_items(ListKind::kResources, R"({"resources":[{"uri":"file:///x"}]})", 10, nullptr));
  b->items[3] = std::make_shared<const std::vector<CatalogueItem>>(
      *read_items(ListKind::kTemplates, R"({"resourceTemplates":[{"uriTemplate":"note://{id}/text"}]})", 10, nullptr));
  const auto catalogue = Catalogue::build({a, b});
  EXPECT_EQ(catalogue->resolve("", "resources/read", "file:///x")->upstream, "b");
  EXPECT_EQ(catalogue->resolve("", "resources/read", "note://7/text")->upstream, "b");
  EXPECT_THAT(catalogue->candidates("", "other:thing"), ElementsAre("a", "b"));
  EXPECT_THAT(catalogue->candidates("b", "other:thing"), ElementsAre("b"));
}

TEST(Catalogue, PromisesOnlyWhatAnUpstreamCan) {
  const auto catalogue = Catalogue::build({lists("a", "a.", {})});
  const std::string can = catalogue->capabilities("");
  EXPECT_EQ(member(can, "resources"), R"({"subscribe":true,"listChanged":true})");
  EXPECT_EQ(member(can, "prompts"), "");
  EXPECT_EQ(member(can, "logging"), "");
}

TEST(ReadItems, RefusesWhatIsNoList) {
  for (const char* wrong : {"{}", R"({"tools":{}})", R"({"tools":[1]})", R"({"prompts":[]})"}) {
    EXPECT_FALSE(read_items(ListKind::kTools, wrong, 10, nullptr)) << wrong;
  }
  EXPECT_EQ(read_items(ListKind::kTools, R"({"tools":[{"name":"a"},{"name":"b"}]})", 1, nullptr)->size(), 1U);
  EXPECT_TRUE(read_items(ListKind::kTools, R"({"tools":[{"title":"no name"}]})", 10, nullptr)->empty());
}

TEST(TemplateFits, LetsEveryExpressionStandForAnyText) {
  EXPECT_TRUE(template_fits("test://template/{id}/data", "test://template/123/data"));
  EXPECT_FALSE(template_fits("test://template/{id}/data", "test://template/123/other"));
  EXPECT_TRUE(template_fits("file:///{+path}", "file:///a/b/c"));
  EXPECT_FALSE(template_fits("file:///{+path}", "http://x"));
  EXPECT_TRUE(template_fits("a{x}b{y}", "a1b2b3"));
  EXPECT_TRUE(template_fits("plain", "plain"));
  EXPECT_FALSE(template_fits("plain", "plainer"));
  EXPECT_FALSE(template_fits("ab{x}ba", "aba"));
  EXPECT_FALSE(template_fits("a{broken", "ax"));
}

RC_GTEST_PROP(ExposedName, IsAlwaysAllowedAndToldApart, (const std::string& prefix, const std::string& name)) {
  const std::string exposed = exposed_name(prefix, name);
  RC_ASSERT(exposed.size() <= 128U);
  for (const char c : exposed) {
    RC_ASSERT(std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-');
  }
  const std::string tail(200, 'x');
  RC_ASSERT(exposed_name(prefix, tail + name + "1") != exposed_name(prefix, tail + name + "2"));
}

}  // namespace
}  // namespace bursar::broker
