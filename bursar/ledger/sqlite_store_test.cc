#include "bursar/ledger/sqlite_store.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "bursar/ledger/ledger.h"

namespace bursar::ledger {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

Amounts calls(std::int64_t n) {
  Amounts out;
  EXPECT_TRUE(out.set(kCalls, n));
  return out;
}

class SqliteStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    directory = fs::temp_directory_path() / ("bursar-ledger-" + std::to_string(::getpid()) + "-" +
                                             testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(directory);
    fs::create_directories(directory);
    path = (directory / "ledger.db").string();
  }
  void TearDown() override {
    ledger.reset();
    fs::permissions(directory, fs::perms::owner_all);
    fs::remove_all(directory);
  }
  Result<std::unique_ptr<Ledger>> try_open(SqliteOptions options = {}) {
    options.path = path;
    if (options.busy_timeout == 1s) options.busy_timeout = 20ms;
    auto store = open_sqlite_store(options);
    if (!store) return tl::unexpected(store.error());
    return Ledger::open(std::move(*store), clock);
  }
  void open(SqliteOptions options = {}) {
    ledger.reset();
    auto opened = try_open(options);
    ASSERT_TRUE(opened) << opened.error().message;
    ledger = std::move(*opened);
  }
  void spend(std::int64_t n) {
    Reservation r = ledger->reserve_blocking({.account = "acme", .amounts = calls(n)});
    ASSERT_TRUE(std::holds_alternative<Hold>(r)) << std::get<Refusal>(r).to_error().message;
    ASSERT_TRUE(std::get<Hold>(r).settle({.actual = calls(n)}));
  }
  void overwrite(std::uint64_t at, std::size_t size) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    for (std::size_t i = 0; i < size; ++i) file.put(static_cast<char>(0xa5 ^ (i * 7)));
  }

  fs::path directory;
  std::string path;
  SystemClock clock;
  std::unique_ptr<Ledger> ledger;
};

const AccountSpec kAcme{.path = "acme", .limits = {{.resource = kCalls, .amount = 1'000'000, .window = {}}}};

TEST_F(SqliteStoreTest, KeepsAccountsCountsAndReceiptsOverARestart) {
  open();
  const auto gpu = Resource::declare("gpu_seconds");
  AccountSpec spec{
      .path = "acme",
      .limits = {{.resource = *gpu, .amount = 50, .window = {.kind = WindowKind::kMonth, .time_zone = "Europe/Berlin"}},
                 {.resource = kCalls, .amount = 9, .window = {.kind = WindowKind::kRate, .period = 60s}}},
      .fail_open = true};
  ASSERT_TRUE(ledger->put_account(spec));
  ASSERT_TRUE(ledger->put_account({.path = "acme/ada", .frozen = true, .sync = true}));
  Amounts amounts = calls(2);
  ASSERT_TRUE(amounts.set(*gpu, 20));
  Reservation r = ledger->reserve_blocking({.account = "acme", .amounts = amounts, .idempotency_key = "k"});
  ASSERT_TRUE(std::get<Hold>(r).settle({.actual = amounts, .uncertain = true, .memo = "m"}));
  open();
  EXPECT_EQ(*ledger->account("acme"), spec);
  EXPECT_TRUE(ledger->account("acme/ada")->frozen);
  EXPECT_EQ(ledger->standing("acme").at(0).spent, 20);
  EXPECT_EQ(ledger->standing("acme").at(0).stranded, 0);
  EXPECT_LE(ledger->standing("acme").at(1).left, 8);
  const auto receipts = ledger->receipts("acme", WallTime::min(), WallTime::max());
  ASSERT_EQ(receipts->size(), 1U);
  EXPECT_EQ(receipts->front().actual, amounts);
  EXPECT_TRUE(receipts->front().uncertain);
  EXPECT_EQ(receipts->front().idempotency_key, "k");
  EXPECT_EQ(ledger->receipts("acme/ada", WallTime::min(), WallTime::max())->size(), 0U);
  EXPECT_EQ(ledger->receipts("", clock.now() + 1h, WallTime::max())->size(), 0U);
}

TEST_F(SqliteStoreTest, ASecondLiveProcessIsRefused) {
  open();
  const auto second = try_open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(second.error().message.find("in use by process " + std::to_string(::getpid())), std::string::npos);
}

TEST_F(SqliteStoreTest, ReceiptsNeverChange) {
  open();
  ASSERT_TRUE(ledger->put_account(kAcme));
  spend(3);
  ledger.reset();
  sqlite3* db = nullptr;
  sqlite3_open(path.c_str(), &db);
  EXPECT_NE(sqlite3_exec(db, "UPDATE receipt SET memo = 'x'", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_NE(sqlite3_exec(db, "DELETE FROM receipt", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
}

TEST_F(SqliteStoreTest, DamageIsFoundBeforeAnythingIsSpent) {
  open();
  ASSERT_TRUE(ledger->put_account(kAcme));
  for (int i = 0; i < 300; ++i) spend(1);
  ledger.reset();
  const std::string good = path + ".good";
  fs::copy_file(path, good);
  for (const std::uint64_t at : {0UL, 100UL, 4096UL, 3 * 4096UL + 10}) {
    fs::copy_file(good, path, fs::copy_options::overwrite_existing);
    fs::remove(path + "-wal");
    overwrite(at, 64);
    const auto opened = try_open();
    ASSERT_FALSE(opened) << "damage at " << at << " was not noticed";
    EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt) << opened.error().message;
  }
  fs::copy_file(good, path, fs::copy_options::overwrite_existing);
  open();
  EXPECT_EQ(ledger->standing().at(0).spent, 300);
}

TEST_F(SqliteStoreTest, FilesThatAreNoLedgerAreRefused) {
  std::ofstream(path)
      << "hello, this is not a database, and long enough to be read as one ............................";
  EXPECT_EQ(try_open().error().code, ErrorCode::kCorrupt);
  fs::remove(path);
  sqlite3* db = nullptr;
  sqlite3_open(path.c_str(), &db);
  sqlite3_exec(db, "CREATE TABLE t(x)", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  EXPECT_NE(try_open().error().message.find("no ledger"), std::string::npos);
  fs::remove(path);
  EXPECT_EQ(open_sqlite_store({.path = (directory / "no/such/folder/l.db").string()}).error().code,
            ErrorCode::kUnavailable);
}

TEST_F(SqliteStoreTest, AFullFileRefusesToSpendAndKeepsEverything) {
  open({.max_pages = 40});
  ASSERT_TRUE(ledger->put_account(kAcme));
  std::int64_t spent = 0;
  bool refused = false;
  for (int i = 0; i < 20'000 && !refused; ++i) {
    Reservation r = ledger->reserve_blocking({.account = "acme", .amounts = calls(1)});
    refused = std::holds_alternative<Refusal>(r);
    if (!refused && std::get<Hold>(r).settle({.actual = calls(1), .memo = std::string(200, 'x')})) ++spent;
    if (i % 64 == 0 && !ledger->flush()) break;
  }
  EXPECT_NE(ledger->health().error().message.find("full"), std::string::npos) << ledger->health().error().message;
  ledger.reset();
  open();
  EXPECT_GE(ledger->standing().at(0).spent, spent);
}

TEST_F(SqliteStoreTest, AReadOnlyFileIsAClearError) {
  open();
  ledger.reset();
  fs::permissions(path, fs::perms::owner_read | fs::perms::others_read);
  fs::permissions(path + ".lock", fs::perms::all);
  fs::permissions(directory, fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
  const auto attempt = [&] {  // as a user who may only read: root may write everything
    const pid_t child = ::fork();
    if (child == 0) {
      if (::geteuid() == 0 && ::seteuid(65'534) != 0) ::_exit(9);
      const auto opened = try_open();
      ::_exit(!opened && opened.error().code == ErrorCode::kUnavailable && opened.error().message.size() > 20 ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  EXPECT_EQ(attempt(), 0);  // the file
  fs::permissions(path + ".lock", fs::perms::owner_all);
  EXPECT_EQ(attempt(), 0);  // the folder and its lock
}

TEST_F(SqliteStoreTest, AForeignTransactionRefusesGrantsUntilItEnds) {
  open();
  ASSERT_TRUE(ledger->put_account(kAcme));
  sqlite3* db = nullptr;
  sqlite3_open(path.c_str(), &db);
  ASSERT_EQ(sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  Reservation r = ledger->reserve_blocking({.account = "acme", .amounts = calls(1)});
  ASSERT_TRUE(std::holds_alternative<Refusal>(r));
  EXPECT_EQ(std::get<Refusal>(r).why, Refusal::Why::kStoreUnavailable);
  EXPECT_NE(std::get<Refusal>(r).to_error().message.find("locked"), std::string::npos);
  sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  while (!ledger->health()) std::this_thread::sleep_for(5ms);
  spend(1);
}

// The child: reserves and settles until it is killed, and reports each acknowledged total through the pipe.
[[noreturn]] void spend_until_killed(const std::string& path, int pipe, std::int64_t limit) {
  SystemClock clock;
  auto store = open_sqlite_store({.path = path});
  if (!store) ::_exit(3);
  auto opened = Ledger::open(std::move(*store), clock);
  if (!opened) ::_exit(4);
  Ledger& ledger = **opened;
  if (!ledger.put_account({.path = "acme", .limits = {{.resource = kCalls, .amount = limit, .window = {}}}}))
    ::_exit(5);
  if (!ledger.put_account({.path = "acme/ada", .limits = {{.resource = kCalls, .amount = limit, .window = {}}}}))
    ::_exit(6);
  std::vector<std::uint64_t> unacknowledged;
  for (int i = 1;; ++i) {
    Reservation r = ledger.reserve_blocking({.account = "acme/ada", .amounts = calls(2)});
    if (auto* hold = std::get_if<Hold>(&r)) {
      const auto receipt = hold->settle({.actual = calls(1 + i % 2)});
      if (receipt) unacknowledged.push_back(receipt->sequence);
    }
    if (i % 16 == 0 && ledger.flush()) {
      for (const std::uint64_t sequence : unacknowledged) {
        if (::write(pipe, &sequence, sizeof sequence) != sizeof sequence) ::_exit(7);
      }
      unacknowledged.clear();
    }
  }
}

TEST_F(SqliteStoreTest, KillNineNeverOverspendsNorLosesWhatWasAcknowledged) {
  constexpr std::int64_t kLimit = 4'000;
  std::mt19937 random(7);
  std::set<std::uint64_t> acknowledged;
  for (int round = 0; round < 25; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) spend_until_killed(path, ends[1], kLimit);
    ::close(ends[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + random() % 60));
    ::kill(child, SIGKILL);
    std::uint64_t sequence = 0;
    while (::read(ends[0], &sequence, sizeof sequence) == sizeof sequence) acknowledged.insert(sequence);
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child gave up with " << WEXITSTATUS(status);

    open();  // the dead process's lock must not stand in the way
    std::int64_t spent = 0;
    std::set<std::uint64_t> stored;
    const auto receipts = ledger->receipts("", WallTime::min(), WallTime::max(), 1'000'000);
    ASSERT_TRUE(receipts) << receipts.error().message;
    for (const Receipt& r : *receipts) {
      spent += r.actual[kCalls];
      EXPECT_TRUE(stored.insert(r.sequence).second);
    }
    for (const std::uint64_t s : acknowledged) ASSERT_TRUE(stored.contains(s)) << "round " << round << " lost " << s;
    EXPECT_LE(spent, kLimit);
    for (const Standing& line : ledger->standing()) {
      EXPECT_EQ(line.held, 0);
      EXPECT_GE(line.spent, spent);
      EXPECT_EQ(line.spent - line.stranded, spent);
      EXPECT_LE(line.spent, kLimit);
    }
    ledger.reset();
  }
  EXPECT_GT(acknowledged.size(), 50U);
}

}  // namespace
}  // namespace bursar::ledger
