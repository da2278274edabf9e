#include "bursar/broker/admin/doctor.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace bursar::broker {
namespace {

using ::testing::HasSubstr;

Grade grade_of(const DoctorFacts& facts, std::string_view check) {
  const auto findings = examine(facts);
  const auto found = std::ranges::find_if(findings, [&](const Finding& f) { return f.check == check; });
  EXPECT_NE(found, findings.end()) << check;
  if (found == findings.end()) return Grade::kFail;
  EXPECT_EQ(found->advice.empty(), found->grade == Grade::kOk) << check;
  return found->grade;
}

DoctorFacts healthy() {
  DoctorFacts facts;
  facts.now = wall_from_unix_us(1'000'000);
  facts.config.listen.address = "0.0.0.0";
  facts.config.identity.development = false;
  facts.config.policy.default_effect = Effect::kDeny;
  facts.config.accounts = {{.path = "acme", .limits = {{.resource = kCalls, .amount = 100}}}, {.path = "acme/ada"}};
  facts.config.upstreams = {{.name = "files", .command = "x"}};
  facts.config.audit.security_log = "denials.jsonl";
  facts.database_exists = true;
  facts.database_mode = 0600;
  facts.keys = {{.name = "ada", .account = "acme/ada"}};
  facts.audit = Verified{.records = 3, .head = "abc"};
  GatewayStatus running;
  running.upstreams = {{.name = "files",
                        .up = true,
                        .protocol_version = "2025-11-25",
                        .tools = 3,
                        .tools_digest = "d",
                        .tools_pinned = "d"}};
  running.budgets = {{.account = "acme", .limit = {.resource = kCalls, .amount = 100}, .spent = 10}};
  facts.running = running;
  return facts;
}

TEST(Doctor, FindsNothingWrongWithAHealthyGateway) {
  for (const auto& finding : examine(healthy())) {
    EXPECT_EQ(finding.grade, Grade::kOk) << finding.head << ": " << finding.check << ": " << finding.detail;
  }
}

TEST(Doctor, EachDefectIsFoundByItsOwnCheck) {
  struct Defect {
    std::string_view check;
    Grade grade;
    void (*make)(DoctorFacts&);
  };
  const Defect defects[] = {
      {"the file is valid", Grade::kFail, [](DoctorFacts& f) { f.config_error = "x:1:1: bad"; }},
      {"there are upstreams", Grade::kFail, [](DoctorFacts& f) { f.config.upstreams.clear(); }},
      {"tools are denied unless a rule allows them", Grade::kFail,
       [](DoctorFacts& f) { f.config.policy.default_effect = Effect::kAllow; }},
      {"callers beyond loopback have keys", Grade::kFail,
       [](DoctorFacts& f) { f.keys[0].expires = wall_from_unix_us(5); }},
      {"no caller works without a key", Grade::kFail, [](DoctorFacts& f) { f.config.identity.development = true; }},
      {"every key pays from an account that exists", Grade::kFail, [](DoctorFacts& f) { f.keys[0].account = "gone"; }},
      {"every account has a limit, of its own or above it", Grade::kWarn,
       [](DoctorFacts& f) { f.config.accounts.push_back({.path = "acmeother"}); }},
      {"no two principals share an upstream session", Grade::kFail,
       [](DoctorFacts& f) { f.config.upstreams[0].isolation = Isolation::kShared; }},
      {"credentials towards upstreams are encrypted", Grade::kFail,
       [](DoctorFacts& f) { f.config.upstreams = {{.name = "s", .url = "http://example.com/mcp"}}; }},
      {"a turn leaves time beside its answer", Grade::kFail,
       [](DoctorFacts& f) { f.config.turn.budget = std::chrono::seconds{1}; }},
      {"the audit trail verifies", Grade::kFail,
       [](DoctorFacts& f) {
         f.audit.reset();
         f.audit_error = "audit record 2: was changed";
       }},
      {"arguments are not kept as they are", Grade::kWarn, [](DoctorFacts& f) { f.config.audit.arguments = true; }},
      {"the database is for its owner only", Grade::kFail, [](DoctorFacts& f) { f.database_mode = 0644; }},
      {"nothing is spent while the database fails", Grade::kWarn,
       [](DoctorFacts& f) { f.config.accounts[0].fail_open = true; }},
      {"upstream files answers", Grade::kFail, [](DoctorFacts& f) { f.running->upstreams[0].up = false; }},
      {"we are signed in to upstream files", Grade::kFail,
       [](DoctorFacts& f) { f.running->upstreams[0].sign_in = "needed"; }},
      {"we are signed in to every upstream with auth: oauth", Grade::kFail,
       [](DoctorFacts& f) { f.never_signed_in = {"files"}; }},
      {"tools of files have usable schemas", Grade::kWarn,
       [](DoctorFacts& f) { f.running->upstreams[0].tools_without_schema = {"read"}; }},
      {"tools of files are pinned", Grade::kWarn, [](DoctorFacts& f) { f.running->upstreams[0].tools_pinned.clear(); }},
      {"tools of files are pinned", Grade::kFail, [](DoctorFacts& f) { f.running->upstreams[0].tools_digest = "e"; }},
      {"denials have a log of their own", Grade::kWarn, [](DoctorFacts& f) { f.config.audit.security_log.clear(); }},
      {"no call ended with an error of our own", Grade::kWarn, [](DoctorFacts& f) { f.running->internal_errors = 1; }},
      {"a session of one principal is refused to another", Grade::kFail,
       [](DoctorFacts& f) { f.foreign_session = "HTTP 200"; }},
      {"tools of files have data or a prior", Grade::kWarn,
       [](DoctorFacts& f) { f.running->upstreams[0].tools_without_latency = {"read"}; }},
      {"a turn can hold every tool of files once", Grade::kWarn,
       [](DoctorFacts& f) { f.running->upstreams[0].sum_of_medians = std::chrono::hours{1}; }},
      {"the circuit of files is closed", Grade::kWarn,
       [](DoctorFacts& f) { f.running->upstreams[0].circuit_open = true; }},
      {"every budget is below 80 %", Grade::kWarn, [](DoctorFacts& f) { f.running->budgets[0].held = 70; }},
      {"no budget was overrun or lost to a crash", Grade::kWarn,
       [](DoctorFacts& f) { f.running->budgets[0].stranded = 1; }},
      {"the ledger works", Grade::kFail, [](DoctorFacts& f) { f.running->ledger_error = "full"; }},
      {"the gateway runs the newest configuration", Grade::kFail,
       [](DoctorFacts& f) { f.running->config_error = "bad"; }},
  };
  for (const auto& defect : defects) {
    DoctorFacts facts = healthy();
    defect.make(facts);
    EXPECT_EQ(grade_of(facts, defect.check), defect.grade) << defect.check;
  }
}

TEST(Doctor, IsMilderWhereOnlyThisMachineCanCall) {
  DoctorFacts facts = healthy();
  facts.config.listen.address = "127.0.0.1";
  facts.config.identity.development = true;
  facts.keys.clear();
  EXPECT_EQ(grade_of(facts, "callers beyond loopback have keys"), Grade::kOk);
  EXPECT_EQ(grade_of(facts, "no caller works without a key"), Grade::kOk);
}

TEST(Doctor, SaysThatItSawNoRunningGateway) {
  DoctorFacts facts = healthy();
  facts.running.reset();
  EXPECT_EQ(grade_of(facts, "every tool has a usable schema"), Grade::kWarn);
}

TEST(Doctor, ReadsTheFactsFromFilesAndChangesNothing) {
  const auto folder = std::filesystem::temp_directory_path() / ("bursar-doctor-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "bursar.yaml").string();
  std::ofstream(path) << "database: " << (folder / "b.db").string() << "\naccounts: [{path: a}]\n";
  const auto env = [](std::string_view) { return std::optional<std::string>(); };
  EXPECT_FALSE(gather_facts(path, env, {}).database_exists);
  EXPECT_FALSE(std::filesystem::exists(folder / "b.db"));
  const SimulatedClock clock;
  ASSERT_TRUE((*KeyStore::open((folder / "b.db").string(), clock))->create({.name = "k", .account = "a"}));
  const DoctorFacts facts = gather_facts(path, env, {});
  EXPECT_TRUE(facts.database_exists);
  EXPECT_EQ(facts.database_mode, 0600U);
  EXPECT_EQ(facts.keys.size(), 1U);
  EXPECT_FALSE(facts.audit);
  EXPECT_EQ(facts.audit_error, "");
  EXPECT_NE(gather_facts("/nonexistent", env, {}).config_error, "");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace bursar::broker
