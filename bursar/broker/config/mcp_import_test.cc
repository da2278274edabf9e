#include "bursar/broker/config/mcp_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Environment everything_is(std::string value) {
  return [value = std::move(value)](std::string_view) { return std::optional(value); };
}

Config reread(const Imported& imported) {
  const auto config = parse_config(imported.yaml, "imported.yaml", everything_is("set"));
  EXPECT_TRUE(config) << config.error().message << "\n" << imported.yaml;
  return config.value_or(Config{});
}

std::string notes(const Imported& imported) {
  std::string out;
  for (const auto& note : imported.notes) out += note + '\n';
  return out;
}

TEST(Import, ReadsClaudeAndCursorFiles) {
  const auto imported = import_mcp(R"({"mcpServers": {
    "filesystem": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "/data", "true", "1"]},
    "My Search!": {"url": "https://search.example/mcp?key=abcdefghijkl&page=1", "headers": {"Authorization": "Bearer abcdefghijklmnop", "X-Team": "a"}},
    "git": {"command": "/usr/bin/git-mcp", "env": {"GITHUB_TOKEN": "ghp_0123456789abcdef", "MODE": "x: y", "N": 3}, "cwd": "/srv"},
    "off": {"command": "x", "disabled": true}
  }})");
  ASSERT_TRUE(imported) << imported.error().message;
  for (const auto* secret : {"abcdefghijkl", "ghp_"}) {
    EXPECT_THAT(imported->yaml, Not(HasSubstr(secret)));
    EXPECT_THAT(notes(*imported), Not(HasSubstr(secret)));
  }
  const Config config = reread(*imported);
  ASSERT_EQ(config.upstreams.size(), 3U);
  EXPECT_EQ(config.upstreams[0].args,
            (std::vector<std::string>{"-y", "@modelcontextprotocol/server-filesystem", "/data", "true", "1"}));
  EXPECT_EQ(config.upstreams[1].name, "my-search-");
  EXPECT_EQ(config.upstreams[1].headers.at("Authorization"), "Bearer set");
  EXPECT_EQ(config.upstreams[1].headers.at("X-Team"), "a");
  EXPECT_EQ(config.upstreams[1].url, "https://search.example/mcp?key=set&page=1");
  EXPECT_EQ(config.upstreams[2].env.at("GITHUB_TOKEN"), "set");
  EXPECT_EQ(config.upstreams[2].env.at("MODE"), "x: y");
  EXPECT_EQ(config.upstreams[2].env.at("N"), "3");
  EXPECT_EQ(config.upstreams[2].directory, "/srv");
  EXPECT_THAT(notes(*imported), HasSubstr("set GITHUB_TOKEN in the environment"));
  EXPECT_THAT(notes(*imported), HasSubstr("server \"off\": is disabled"));
  EXPECT_THAT(notes(*imported), HasSubstr("is called my-search- here"));
}

TEST(Import, ReadsVsCodeFilesWithCommentsAndInputs) {
  const auto imported = import_mcp(R"({
    // what VS Code writes
    "inputs": [{"type": "promptString", "id": "api-key", "password": true}],
    "servers": {
      "a": {"type": "stdio", "command": "${userHome}/bin/a", "args": ["--key=${input:api-key}", "${workspaceFolder}/x", "${odd:thing}"],
            "env": {"API_KEY": "${input:api-key}", "OTHER": "${env:OTHER_VALUE}"},},
      "b": {"type": "sse", "url": "http://127.0.0.1:1/sse"},
    }})");
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_THAT(imported->yaml, HasSubstr("${API_KEY}"));
  EXPECT_THAT(imported->yaml, HasSubstr("${OTHER_VALUE}"));
  const Config config = reread(*imported);
  ASSERT_EQ(config.upstreams.size(), 2U);
  EXPECT_EQ(config.upstreams[0].command, "set/bin/a");
  EXPECT_EQ(config.upstreams[0].args.at(0), "--key=set");
  EXPECT_EQ(config.upstreams[0].args.at(2), "${odd:thing}");
  EXPECT_THAT(notes(*imported), HasSubstr("old SSE transport"));
}

TEST(Import, SecretsAmongArgumentsAndEqualNamesGetVariablesOfTheirOwn) {
  const auto imported = import_mcp(R"({"mcpServers": {
    "a": {"command": "x", "args": ["--token", "hunter2hunter2", "--verbose", "plain"], "env": {"API_TOKEN": "first-secret"}},
    "b": {"command": "y", "args": ["--api-key=hunter3hunter3"], "env": {"API_TOKEN": "second-secret"}}}})");
  ASSERT_TRUE(imported);
  EXPECT_THAT(imported->yaml, Not(HasSubstr("hunter")));
  EXPECT_THAT(imported->yaml, Not(HasSubstr("-secret")));
  EXPECT_THAT(imported->yaml, HasSubstr("\"${API_TOKEN}\""));
  EXPECT_THAT(imported->yaml, HasSubstr("\"${B_API_TOKEN}\""));
  EXPECT_THAT(imported->yaml, HasSubstr("\"${A_TOKEN}\""));
  EXPECT_EQ(reread(*imported).upstreams[0].args.back(), "plain");
}

TEST(Import, NamesStayUnique) {
  const auto imported =
      import_mcp(R"({"mcpServers": {"A b": {"command": "x"}, "a-b": {"command": "y"}, "": {"command": "z"}}})");
  ASSERT_TRUE(imported);
  const Config config = reread(*imported);
  EXPECT_EQ(config.upstreams.at(1).name, "a-b-2");
  EXPECT_EQ(config.upstreams.at(2).name, "server");
}

TEST(Import, RefusesWhatIsNoServerList) {
  EXPECT_THAT(import_mcp("{}").error().message, HasSubstr("mcpServers"));
  EXPECT_THAT(import_mcp("{").error().message, HasSubstr("no valid JSON"));
  EXPECT_THAT(import_mcp(R"({"servers": {"a": {}}})").error().message,
              HasSubstr("server \"a\": needs a command or a url"));
  EXPECT_FALSE(import_mcp(R"({"servers": {"a": {"command": "x", "args": [1]}}})"));
  EXPECT_FALSE(import_mcp(R"({"servers": {"a": {"url": "file:///x"}}})"));
  EXPECT_FALSE(import_mcp(R"({"servers": {"a": 1}})"));
  EXPECT_TRUE(reread(*import_mcp(R"({"servers": {}})")).upstreams.empty());
}

RC_GTEST_PROP(Import, AnyTextsInAServerSurviveTheWayThroughYaml, ()) {
  // Printable and odd characters alike; '$' and '\0' have a meaning of their own.
  const auto character = rc::gen::suchThat(rc::gen::inRange<int>(1, 127), [](int c) { return c != '$'; });
  const auto codes =
      *rc::gen::container<std::vector<std::vector<int>>>(rc::gen::container<std::vector<int>>(character));
  std::string args;
  std::vector<std::string> expected;
  for (const auto& word : codes) {
    std::string text = "v";  // no option, and no secret
    for (const int c : word) text += static_cast<char>(c);
    if (text.find("sk-") != std::string::npos) continue;
    expected.push_back(text);
    args += (args.empty() ? "" : ",") + json_string(text);
  }
  const auto imported = import_mcp(R"({"mcpServers": {"a": {"command": "x", "args": [)" + args + "]}}}");
  RC_ASSERT(imported.has_value());
  const auto config = parse_config(imported->yaml, "i.yaml", everything_is("x"));
  RC_ASSERT(config.has_value());
  RC_ASSERT(config->upstreams.at(0).args == expected);
}

TEST(Export, ReachesEveryServerThroughTheGatewayAndCanBeImportedAgain) {
  Config config;
  config.identity.development = false;
  config.upstreams = {{.name = "files", .command = "x"}, {.name = "search", .url = "https://s/mcp"}};
  const std::string text = export_mcp(config, "http://127.0.0.1:8484");
  EXPECT_THAT(text, HasSubstr("http://127.0.0.1:8484/mcp/files"));
  EXPECT_THAT(text, HasSubstr("Bearer ${BURSAR_KEY}"));
  const auto imported = import_mcp(text);
  ASSERT_TRUE(imported);
  EXPECT_EQ(reread(*imported).upstreams.size(), 2U);
}

}  // namespace
}  // namespace bursar::broker
