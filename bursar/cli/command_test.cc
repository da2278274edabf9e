#include "bursar/cli/command.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iostream>
#include <sstream>
#include <tuple>
#include <unistd.h>

#include "bursar/broker/admin/address.h"
#include "bursar/broker/audit/audit_log.h"
#include "bursar/cli/budget_tree.h"
#include "bursar/cli/output.h"
#include "bursar/cli/programs.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Ran {
  int code = 0;
  std::string out, err;
};

Ran bursar(std::vector<std::string> words) {
  std::ostringstream out, err;
  const int code = run(std::move(words), {out, err});
  return {code, out.str(), err.str()};
}

// Every test works in an empty folder of its own.
class Commands : public ::testing::Test {
 protected:
  void SetUp() override {
    before = std::filesystem::current_path();
    folder = std::filesystem::temp_directory_path() / ("bursar-cli-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::filesystem::current_path(folder);
  }
  void TearDown() override {
    std::filesystem::current_path(before);
    std::filesystem::remove_all(folder);
  }
  static void write(const std::string& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }
  std::filesystem::path before, folder;
};

TEST_F(Commands, AloneItPrintsHelpThatOpensWithAnExample) {
  const Ran ran = bursar({});
  EXPECT_EQ(ran.code, kDone);
  EXPECT_THAT(ran.out.substr(0, 400), HasSubstr("bursar import"));
  for (const auto* verb : {"serve", "check", "import", "keys", "audit", "budget", "doctor", "errors", "version"}) {
    EXPECT_THAT(ran.out, HasSubstr(verb));
  }
}

TEST_F(Commands, WrongWordsAreNamedInOneLine) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"serv"},
                                                                 {"keys"},
                                                                 {"keys", "create", "x"},
                                                                 {"check", "--nonsense"},
                                                                 {"import"},
                                                                 {"audit", "query", "--limit", "many"}}) {
    const Ran ran = bursar(words);
    EXPECT_EQ(ran.code, kUsage) << words.front();
    EXPECT_THAT(ran.err, StartsWith("bursar: "));
    EXPECT_EQ(std::ranges::count(ran.err, '\n'), 1) << ran.err;
  }
}

TEST_F(Commands, UnknownVerbsStartNoProgramFromElsewhere) {
  write("bursar-stray", "#!/bin/sh\nexit 7\n");
  std::filesystem::permissions("bursar-stray", std::filesystem::perms::owner_all);
  ASSERT_EQ(::setenv("PATH", (folder.string() + ":" + std::getenv("PATH")).c_str(), 1), 0);
  for (const auto* verb : {"stray", "../bursar-stray", "Stray", "-stray", ""}) {
    const Ran ran = bursar({verb});
    EXPECT_EQ(ran.code, kUsage) << verb;
    EXPECT_THAT(ran.err, StartsWith("bursar: "));
  }
  for (const Program& program : find_programs()) EXPECT_NE(program.verb, "stray");
}

// A program beside this one takes the process over, with its words and its exit status.
TEST_F(Commands, VerbsOfTheirOwnAreProgramsBesideThisOne) {
  const auto beside = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const auto verb = "cli-test-" + std::to_string(::getpid());
  const auto path = beside / ("bursar-" + verb);
  write(path, "#!/bin/sh\necho \"$# $2\" >&2\ntest \"$1\" = signal && kill -TERM $$\nexit 9\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  EXPECT_THAT(bursar({"help"}).out, HasSubstr(verb));
  EXPECT_EXIT(std::ignore = run({verb, "a b", "--json"}, {std::cout, std::cerr}), ::testing::ExitedWithCode(9),
              "2 --json");
  EXPECT_EXIT(std::ignore = run({verb, "signal"}, {std::cout, std::cerr}), ::testing::KilledBySignal(SIGTERM), "");
  EXPECT_EXIT(std::ignore = run({"help", verb}, {std::cout, std::cerr}), ::testing::ExitedWithCode(9), "1 ");
  std::filesystem::remove(path);
  EXPECT_EQ(bursar({verb}).code, kUsage);
}

TEST_F(Commands, HelpAndVersionAreNoErrors) {
  EXPECT_EQ(bursar({"help", "keys"}).code, kDone);
  EXPECT_THAT(bursar({"help", "keys"}).out, HasSubstr("create"));
  EXPECT_EQ(bursar({"--help"}).code, kDone);
  EXPECT_EQ(bursar({"keys", "create", "--help"}).code, kDone);
  EXPECT_THAT(bursar({"version"}).out, StartsWith("bursar "));
  EXPECT_THAT(bursar({"--version"}).out, StartsWith("bursar "));
}

TEST_F(Commands, CheckNamesThePlaceAndPrintsTheSchema) {
  write("bursar.yaml", "accounts: [{path: acme}]\n");
  EXPECT_EQ(bursar({"check"}).code, kDone);
  EXPECT_THAT(bursar({"check"}).out, HasSubstr("bursar.yaml is valid: 0 upstreams, 2 accounts"));
  write("bad.yaml", "acounts: []\n");
  const Ran bad = bursar({"check", "-c", "bad.yaml"});
  EXPECT_EQ(bad.code, kWrong);
  EXPECT_EQ(bad.err, "bursar: bad.yaml:1:1: acounts: unknown field; did you mean accounts?\n");
  EXPECT_EQ(bursar({"check", "-c", "missing.yaml"}).code, kWrong);
  EXPECT_TRUE(parse_json(bursar({"check", "--schema"}).out));
}

TEST_F(Commands, KeysAreShownOnceListedAndRevoked) {
  write("bursar.yaml", "accounts: [{path: acme}, {path: acme/ada}]\n");
  const Ran made =
      bursar({"keys", "create", "ada", "--account", "acme/ada", "--scope", "a", "--scope", "b", "--expires", "30 d"});
  ASSERT_EQ(made.code, kDone) << made.err;
  EXPECT_THAT(made.out, StartsWith("sk-bursar-"));
  const std::string secret = made.out.substr(0, made.out.size() - 1);
  const Ran listed = bursar({"keys", "list"});
  EXPECT_THAT(listed.out, HasSubstr("acme/ada"));
  EXPECT_THAT(listed.out, HasSubstr("a b"));
  EXPECT_THAT(listed.out, Not(HasSubstr(secret)));
  EXPECT_THAT(bursar({"keys", "list", "--json"}).out, HasSubstr("\"name\":\"ada\""));
  EXPECT_EQ(bursar({"keys", "create", "ada", "--account", "acme"}).code, kWrong);
  EXPECT_THAT(bursar({"keys", "create", "x", "--account", "acme/aba"}).err, HasSubstr("did you mean acme/ada?"));
  EXPECT_EQ(bursar({"keys", "create", "x", "--account", "acme", "--expires", "soon"}).code, kWrong);
  EXPECT_EQ(bursar({"keys", "revoke", "ada"}).code, kDone);
  EXPECT_THAT(bursar({"keys", "list"}).out, Not(HasSubstr("revoked_us")));
  EXPECT_EQ(bursar({"keys", "revoke", "nobody"}).code, kWrong);
}

TEST_F(Commands, ImportPrintsWhatCheckAcceptsAndExportGoesBack) {
  write("mcp.json", R"({"mcpServers": {"files": {"command": "npx", "env": {"API_TOKEN": "very-secret-value"}}}})");
  const Ran imported = bursar({"import", "mcp.json"});
  ASSERT_EQ(imported.code, kDone) << imported.err;
  EXPECT_THAT(imported.out + imported.err, Not(HasSubstr("very-secret")));
  EXPECT_THAT(imported.err, HasSubstr("note: set API_TOKEN"));
  write("bursar.yaml", imported.out);
  EXPECT_THAT(bursar({"check"}).err, HasSubstr("API_TOKEN is not set"));
  ::setenv("API_TOKEN", "x", 1);
  EXPECT_EQ(bursar({"check"}).code, kDone);
  EXPECT_THAT(bursar({"import", "--export"}).out, HasSubstr("http://127.0.0.1:8484/mcp/files"));
  ::unsetenv("API_TOKEN");
  EXPECT_EQ(bursar({"import", "missing.json"}).code, kWrong);
}

TEST_F(Commands, TheAuditTrailIsSearchedAndVerified) {
  EXPECT_EQ(bursar({"audit", "verify"}).code, kWrong);
  {
    auto log = broker::AuditLog::open("bursar.db");
    broker::AuditEntry record;
    record.at = SystemClock().now() - std::chrono::hours{3};
    record.method = "tools/call";
    record.tool = "files.read";
    record.principal = "key:ada\x1b[31m";
    (*log)->append(record);
    record.at = SystemClock().now();
    record.tool = "files.write";
    (*log)->append(record);
  }
  EXPECT_THAT(bursar({"audit", "verify"}).out, HasSubstr("2 records"));
  const Ran table = bursar({"audit", "query"});
  EXPECT_THAT(table.out, HasSubstr("files.read"));
  EXPECT_THAT(table.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(bursar({"audit", "query", "--since", "1 h"}).out, Not(HasSubstr("files.read")));
  EXPECT_THAT(bursar({"audit", "query", "--tool", "*.read", "--json"}).out, HasSubstr("\"tool\":\"files.read\""));
  EXPECT_EQ(bursar({"audit", "query", "--since", "yesterday"}).code, kWrong);
}

TEST_F(Commands, BudgetReadsTheLedgerWhereNoGatewayRuns) {
  EXPECT_THAT(bursar({"budget", "show"}).err, HasSubstr("nothing was spent yet"));
  write("bursar.yaml", "accounts: [{path: acme}]\n");
  ASSERT_EQ(bursar({"keys", "create", "k", "--account", "acme"}).code, kDone);  // makes the database
  EXPECT_EQ(bursar({"budget", "show", "--json"}).out, "[]\n");
  EXPECT_EQ(bursar({"budget", "freeze", "nobody"}).code, kWrong);
  // One that was killed left its address behind: nobody answers there, so the ledger is read.
  ASSERT_TRUE(broker::publish_address("bursar.db", {"http://127.0.0.1:1", "x"}));
  EXPECT_EQ(bursar({"budget", "show", "--json"}).out, "[]\n");
  EXPECT_EQ(bursar({"budget", "show", "--url", "http://127.0.0.1:1"}).code, kUnavailable);
}

TEST_F(Commands, DoctorGradesTheConfiguration) {
  write("bursar.yaml",
        "policy: {default: deny}\naccounts: [{path: dev, limits: [10 calls]}]\nupstreams: [{name: a, command: x}]\n");
  const Ran ran = bursar({"doctor"});
  EXPECT_EQ(ran.code, kDone) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("0 fail"));
  write("bursar.yaml", "listen: {address: 0.0.0.0}\n");
  EXPECT_EQ(bursar({"doctor"}).code, kWrong);
  EXPECT_THAT(bursar({"doctor", "--json"}).out, HasSubstr("{\"grade\":\"fail\""));
}

TEST_F(Commands, ErrorsPrintsTheTable) { EXPECT_THAT(bursar({"errors"}).out, HasSubstr("TIMEOUT")); }

TEST(Output, NumbersAreExactDecimals) {
  EXPECT_EQ(number_text(kUsd, 12'500'000), "12.5");
  EXPECT_EQ(number_text(kUsd, 1), "0.000001");
  EXPECT_EQ(number_text(kUsd, -20), "-0.00002");
  EXPECT_EQ(number_text(kUsd, 0), "0");
  EXPECT_EQ(number_text(kCalls, 100), "100");
  EXPECT_EQ(number_text(kUsd, 100'000'000), "100");
  EXPECT_EQ(number_text(kUsd, INT64_MIN), "-9223372036854.775808");
}

TEST(Output, TimesReadWhatTheyPrint) {
  const WallTime time = wall_from_unix_us(1'764'033'219'000'000);
  EXPECT_EQ(*parse_time(time_text(time), {}), time);
  EXPECT_EQ(time_text(wall_from_unix_us(0)), "1970-01-01 00:00:00Z");
  EXPECT_EQ(*parse_time("2 h", time), time - std::chrono::hours{2});
  for (const auto* text : {"", "2026-13-01", "2026-02-30", "2026-11-25T25:00:00Z", "2026-11-25T09:00", "soon"}) {
    EXPECT_FALSE(parse_time(text, time)) << text;
  }
}

TEST(Output, BarsNeverPassTheirEnds) {
  EXPECT_EQ(bar(0, 0, 100, 4), "░░░░");
  EXPECT_EQ(bar(50, 25, 100, 4), "██▒░");
  EXPECT_EQ(bar(500, 5, 100, 4), "████");
  EXPECT_EQ(bar(-5, 0, 100, 4), "░░░░");
  EXPECT_EQ(bar(1, 0, 0, 4), "████");
  EXPECT_EQ(bar(INT64_MAX, INT64_MAX, 1, 4), "████");
}

TEST(BudgetTree, DrawsAccountsBelowTheirParents) {
  const std::vector<ledger::Standing> standings = {
      {.account = "acme", .limit = {.resource = kUsd, .amount = 100'000'000}, .spent = 40'000'000, .left = 60'000'000},
      {.account = "acme/ada", .limit = {.resource = kCalls, .amount = 10}, .spent = 3, .held = 1, .left = 6},
      {.account = "acme/bob/agent", .limit = {.resource = kCalls, .amount = 5}, .left = 5, .frozen = true}};
  std::ostringstream out;
  print_budget(standings, {}, out);
  EXPECT_EQ(out.str(),
            "acme\n"
            "│  usd    ████████░░░░░░░░░░░░  40 of 100 usd  60 left\n"
            "├─ ada\n"
            "│     calls  ██████▒▒░░░░░░░░░░░░  3 of 10 calls  6 left, 1 held\n"
            "└─ bob\n"
            "   └─ agent  (frozen)\n"
            "         calls  ░░░░░░░░░░░░░░░░░░░░  0 of 5 calls   5 left\n");
  const auto document = parse_json(budget_json(standings));
  ASSERT_TRUE(document);
  EXPECT_EQ(document->at(1).at("held").as_int64(), 1);
}

}  // namespace
}  // namespace bursar::cli
