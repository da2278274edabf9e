#include "bursar/broker/audit/audit_log.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sqlite3.h>
#include <sstream>
#include <thread>

#include "bursar/broker/audit/audit_table.h"
#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

using ::testing::HasSubstr;

struct Folder {
  std::filesystem::path path;
  Folder() {
    static std::atomic<int> count = 0;
    path = std::filesystem::temp_directory_path() /
           ("bursar-audit-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  [[nodiscard]] std::string database() const { return (path / "b.db").string(); }
};

AuditRecord record(int i) {
  AuditRecord r;
  r.at = wall_from_unix_us(1'000'000 + i * 1000);
  r.call_id = "call" + std::to_string(i);
  r.principal = i % 2 == 0 ? "key:ada" : "key:bob";
  r.account = "acme/" + std::string(i % 2 == 0 ? "ada" : "bob");
  r.method = "tools/call";
  r.upstream = "files";
  r.tool = i % 3 == 0 ? "read_file" : "list";
  r.category = i % 5 == 0 ? "UPSTREAM_FAILURE" : "";
  r.arguments = "{\"n\":" + std::to_string(i) + "}";
  return r;
}

AuditEntry view(const AuditRecord& of) {
  AuditEntry out;
  out.at = of.at;
  for (std::size_t i = 0; i < kAuditTexts<std::string>.size(); ++i) {
    out.*kAuditTexts<std::string_view>[i].member = of.*kAuditTexts<std::string>[i].member;
  }
  return out;
}

void write(const std::string& database, int records, int from = 0) {
  auto log = AuditLog::open(database, {.group_commit = Duration{0}});
  ASSERT_TRUE(log) << log.error().message;
  for (int i = from; i < from + records; ++i) (*log)->append(view(record(i)));
  ASSERT_TRUE((*log)->flush());
}

void tamper(const std::string& database, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(database.c_str(), &db), SQLITE_OK);
  char* error = nullptr;
  sqlite3_exec(db, "PRAGMA synchronous = OFF", nullptr, nullptr, nullptr);
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << (error != nullptr ? error : "");
  sqlite3_free(error);
  sqlite3_close(db);
}

TEST(AuditLog, AnUntouchedTrailVerifiesOverSeveralProcesses) {
  const Folder folder;
  write(folder.database(), 10);
  write(folder.database(), 5, 10);
  const auto ok = verify(folder.database());
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(ok->records, 15U);
  const auto rows = query(folder.database(), {});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 15U);
  EXPECT_EQ(rows->back().hash, ok->head);
  EXPECT_EQ(rows->front().previous_hash, kNoPreviousHash);
}

TEST(AuditLog, AnEmptyTrailVerifies) {
  const Folder folder;
  write(folder.database(), 0);
  EXPECT_EQ(verify(folder.database())->records, 0U);
}

TEST(AuditLog, NamesTheFirstRecordThatBreaks) {
  const Folder folder;
  write(folder.database(), 10);
  tamper(folder.database(),
         "UPDATE audit SET record = replace(record, '9:read_file', '9:readAfile') WHERE sequence = 7");
  const auto broken = verify(folder.database());
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(broken.error().message, HasSubstr("audit record 7 (call call6): was changed"));
}

TEST(AuditLog, FindsADeletedEndAndAForgedEnd) {
  const Folder folder;
  write(folder.database(), 10);
  tamper(folder.database(), "DELETE FROM audit WHERE sequence > 8");
  EXPECT_THAT(verify(folder.database()).error().message, HasSubstr("audit record 9: is missing"));
  tamper(folder.database(), "UPDATE audit_head SET sequence = 8, hash = (SELECT hash FROM audit WHERE sequence = 8)");
  EXPECT_THAT(verify(folder.database()).error().message, HasSubstr("not written by the gateway"));
  tamper(folder.database(), "DELETE FROM audit; DELETE FROM audit_head WHERE 0");
  EXPECT_FALSE(verify(folder.database()));
}

// Every column of every row counts: any single change, removal or exchange of rows is found.
RC_GTEST_PROP(AuditLog, AnyChangeDeletionOrReorderingIsFound, ()) {
  const Folder folder;
  constexpr int records = 6;
  static const Folder original;
  if (!std::filesystem::exists(original.database())) write(original.database(), records);
  std::filesystem::copy_file(original.database(), folder.database());  // closed: all of it is in the one file
  RC_ASSERT(verify(folder.database()).has_value());
  const int victim = *rc::gen::inRange(1, records + 1);
  const int other = victim == records ? 1 : victim + 1;
  const std::vector<std::string> columns = {"at_us", "record", "previous_hash", "hash"};
  const std::string where = " WHERE sequence = " + std::to_string(victim);
  const auto column = *rc::gen::elementOf(columns);
  const auto how = *rc::gen::inRange(0, 4);
  if (how == 0) tamper(folder.database(), "UPDATE audit SET " + column + " = " + column + " || '1'" + where);
  if (how == 1) tamper(folder.database(), "DELETE FROM audit" + where);
  if (how == 2) {
    tamper(folder.database(), "UPDATE audit SET sequence = 999" + where + "; UPDATE audit SET sequence = " +
                                  std::to_string(victim) + " WHERE sequence = " + std::to_string(other) +
                                  "; UPDATE audit SET sequence = " + std::to_string(other) + " WHERE sequence = 999");
  }
  if (how == 3) {
    tamper(folder.database(), "INSERT INTO audit SELECT " + std::to_string(records + 1) +
                                  ", at_us, record, previous_hash, hash FROM audit" + where);
  }
  RC_ASSERT(!verify(folder.database()).has_value());
}

TEST(AuditLog, LengthsKeepNeighbouringFieldsApart) {
  AuditRecord a, b;
  a.call_id = "ab";
  a.turn_id = "c";
  b.call_id = "a";
  b.turn_id = "bc";
  EXPECT_NE(encode_fields(a), encode_fields(b));
}

TEST(AuditLog, AnyChangedByteOfARecordIsFound) {
  const Folder folder;
  write(folder.database(), 3);
  const std::string encoded = encode_fields(query(folder.database(), {})->at(1));
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    const std::string at = std::to_string(i + 1);
    const auto put = [&](char c) {
      tamper(folder.database(), "UPDATE audit SET record = substr(record, 1, " + at + " - 1) || char(" +
                                    std::to_string(static_cast<int>(c)) + ") || substr(record, " + at +
                                    " + 1) WHERE sequence = 2");
    };
    put(encoded[i] == '1' ? '2' : '1');
    ASSERT_FALSE(verify(folder.database())) << "byte " << i;
    put(encoded[i]);
    ASSERT_TRUE(verify(folder.database())) << "byte " << i;
  }
}

TEST(AuditQuery, FiltersByGlobTimeAndFailureAndKeepsTheNewest) {
  const Folder folder;
  write(folder.database(), 30);
  const auto count = [&](const AuditFilter& filter) { return query(folder.database(), filter)->size(); };
  EXPECT_EQ(count({.principal = "key:a*"}), 15U);
  EXPECT_EQ(count({.principal = "key:a"}), 0U);
  EXPECT_EQ(count({.tool = "read_*"}), 10U);
  EXPECT_EQ(count({.tool = "files.*"}), 30U);
  EXPECT_EQ(count({.account = "acme/b??"}), 15U);
  EXPECT_EQ(count({.failures_only = true}), 6U);
  EXPECT_EQ(count({.from = wall_from_unix_us(1'010'000), .to = wall_from_unix_us(1'020'000)}), 10U);
  const auto newest = query(folder.database(), {.limit = 3});
  ASSERT_EQ(newest->size(), 3U);
  EXPECT_EQ(newest->front().call_id, "call27");
  EXPECT_EQ(newest->back().call_id, "call29");
}

TEST(AuditQuery, PatternsAreDataAndNeverSql) {
  const Folder folder;
  write(folder.database(), 3);
  EXPECT_EQ(query(folder.database(), {.principal = "' OR 1=1 --"})->size(), 0U);
  EXPECT_EQ(query(folder.database(), {.principal = "[a-z]*"})->size(), 0U);
  EXPECT_EQ(verify(folder.database())->records, 3U);
}

TEST(AuditQuery, SaysWhereThereIsNoTrail) {
  const Folder folder;
  EXPECT_EQ(query(folder.database(), {}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(verify(folder.database()).error().code, ErrorCode::kNotFound);
}

TEST(AuditLog, ArgumentsAreKeptAsAnHmacThatDependsOnTheDatabase) {
  const Folder one, two;
  write(one.database(), 1);
  write(two.database(), 1);
  const auto a = query(one.database(), {})->front(), b = query(two.database(), {})->front();
  EXPECT_TRUE(a.arguments.starts_with("hmac:")) << a.arguments;
  EXPECT_NE(a.arguments, b.arguments);
}

TEST(AuditLog, RefusesWorkWhenTheDiskFallsBehindAndTellsWhatItLost) {
  const Folder folder;
  {
    auto log = AuditLog::open(folder.database(), {.queue = 4, .group_commit = std::chrono::seconds{5}});
    ASSERT_TRUE(log);
    EXPECT_TRUE((*log)->health());
    for (int i = 0; i < 12; ++i) (*log)->append(view(record(i)));
    EXPECT_FALSE((*log)->health());
    EXPECT_EQ((*log)->queued(), 8U);
    ASSERT_TRUE((*log)->flush());
    EXPECT_TRUE((*log)->health());
  }
  const auto rows = query(folder.database(), {});
  ASSERT_EQ(rows->size(), 9U);
  EXPECT_EQ(rows->back().method, "audit/gap");
  EXPECT_THAT(rows->back().outcome, HasSubstr("4 records lost"));
  EXPECT_TRUE(verify(folder.database()));
}

TEST(AuditLog, WhatWasAppendedBeforeTheEndIsOnDisk) {
  const Folder folder;
  {
    auto log = AuditLog::open(folder.database(), {.group_commit = std::chrono::seconds{5}});
    for (int i = 0; i < 100; ++i) (*log)->append(view(record(i)));
  }
  EXPECT_EQ(verify(folder.database())->records, 100U);
}

TEST(AuditLog, ThreadsLoseNoRecord) {
  const Folder folder;
  {
    auto log = AuditLog::open(folder.database());
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 250; ++i) (*log)->append(view(record(i)));
      });
    }
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(verify(folder.database())->records, 1000U);
}

Call call_of(std::string_view arguments) {
  Call call;
  call.id = "c1";
  call.arrived = wall_from_unix_us(1'000'000);
  call.ingress.authorization = "Bearer sk-bursar-verysecret";
  call.principal = {.subject = "key:ada", .account = "acme/ada"};
  call.request =
      *Message::parse(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"files.read","arguments":)" +
                      std::string(arguments) + "}}");
  call.target = Target{.upstream = "files", .name = "read", .exposed = "files.read"};
  call.stages[0] = {.ran = true, .stopped = false, .micros = 12};
  call.stages[2] = {.ran = true, .stopped = true, .micros = 41};
  return call;
}

// What a trail says of the call, five milliseconds after it came.
AuditRecord kept(const Call& call, bool raw_arguments = false) {
  const Folder folder;
  auto log = AuditLog::open(folder.database());
  AuditTexts made;
  AuditEntry entry = entry_of(call, call.arrived + std::chrono::milliseconds{5}, made);
  entry.raw_arguments = raw_arguments;
  (*log)->append(entry);
  EXPECT_TRUE((*log)->flush());
  return query(folder.database(), {})->at(0);
}

TEST(AuditEntryOf, SaysWhoWhatAndWhereItStoppedWithoutSecrets) {
  Call call = call_of(R"({"path":"/private/diary"})");
  call.serf = classify({.cause = Cause::kTimeout, .tool = "files.read"});
  const AuditRecord r = kept(call);
  EXPECT_EQ(r.stages, "authenticate:12,admit!41");
  EXPECT_EQ(r.principal, "key:ada");
  EXPECT_EQ(r.tool, "files.read");
  EXPECT_EQ(r.upstream, "files");
  EXPECT_EQ(r.elapsed_us, 5000);
  EXPECT_EQ(r.category, "UPSTREAM_FAILURE");
  const std::string json = to_json(r);
  EXPECT_TRUE(parse_json(json)) << json;
  EXPECT_EQ(json.find("diary"), std::string::npos);
  EXPECT_EQ(json.find("verysecret"), std::string::npos);
  EXPECT_TRUE(r.arguments.starts_with("hmac:"));
  EXPECT_EQ(kept(call, true).arguments, R"({"path":"/private/diary"})");
}

TEST(AuditEntryOf, SuccessHasNoCategory) {
  const AuditRecord r = kept(call_of("{}"));
  EXPECT_EQ(r.category, "");
  EXPECT_EQ(r.outcome, "applied");
}

}  // namespace
}  // namespace bursar::broker
