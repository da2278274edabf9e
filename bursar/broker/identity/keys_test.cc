#include "bursar/broker/identity/keys.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <sqlite3.h>
#include <sstream>
#include <sys/stat.h>
#include <thread>

#include "bursar/ledger/sqlite_store.h"

namespace bursar::broker {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

class Keys : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("bursar-keys-" + std::to_string(::getpid()) + "-" +
                                                       ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    database = (folder / "b.db").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::unique_ptr<KeyStore> open() {
    auto store = KeyStore::open(database, clock);
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  std::string bytes_on_disk() const {
    std::string out;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::stringstream text;
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      out += text.str();
    }
    return out;
  }

  std::filesystem::path folder;
  std::string database;
  SimulatedClock clock{wall_from_unix_us(1'000'000)};
};

TEST_F(Keys, AMadeKeyVerifiesAsItsPrincipalAndOthersDoNot) {
  const auto keys = open();
  const auto made = keys->create({.name = "ada", .account = "acme/ada", .scopes = {"tools:read", "x"}, .admin = true});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(made->secret.starts_with("sk-bursar-"));
  const auto who = keys->verify(made->secret);
  ASSERT_TRUE(who);
  EXPECT_EQ(*who, (Principal{"key:ada", "acme/ada", {"tools:read", "x"}, true}));
  std::string other = made->secret;
  other.back() = other.back() == 'A' ? 'B' : 'A';
  EXPECT_FALSE(keys->verify(other));
  EXPECT_FALSE(keys->verify(""));
  EXPECT_FALSE(keys->verify(made->secret + "x"));
  EXPECT_FALSE(keys->verify(std::string_view(made->secret).substr(0, 20)));
}

TEST_F(Keys, SecretsAreNeverOnDiskAndAllDifferent) {
  const auto keys = open();
  std::set<std::string> secrets;
  for (int i = 0; i < 20; ++i) {
    secrets.insert(keys->create({.name = "k" + std::to_string(i), .account = "a"})->secret);
  }
  EXPECT_EQ(secrets.size(), 20U);
  const std::string disk = bytes_on_disk();
  EXPECT_THAT(disk, HasSubstr("k19"));
  for (const auto& secret : secrets) {
    EXPECT_EQ(disk.find(secret), std::string::npos);
    EXPECT_EQ(disk.find(secret.substr(10, 30)), std::string::npos);
  }
}

TEST_F(Keys, RevokedAndExpiredKeysStopWorking) {
  const auto keys = open();
  const auto a = keys->create({.name = "a", .account = "x"});
  const auto b = keys->create({.name = "b", .account = "x", .expires = clock.now() + hours{1}});
  ASSERT_TRUE(a && b);
  EXPECT_EQ(keys->valid_keys(), 2U);
  ASSERT_TRUE(keys->revoke("a"));
  EXPECT_FALSE(keys->verify(a->secret));
  EXPECT_TRUE(keys->verify(b->secret));
  clock.advance(hours{1});
  EXPECT_FALSE(keys->verify(b->secret));
  EXPECT_EQ(keys->valid_keys(), 0U);
  EXPECT_TRUE(keys->revoke("a"));  // twice changes nothing
  EXPECT_EQ(keys->revoke("nobody").error().code, ErrorCode::kNotFound);
}

TEST_F(Keys, NamesAreNeverUsedTwiceAndInputIsChecked) {
  const auto keys = open();
  ASSERT_TRUE(keys->create({.name = "a", .account = "x"}));
  ASSERT_TRUE(keys->revoke("a"));
  EXPECT_EQ(keys->create({.name = "a", .account = "x"}).error().code, ErrorCode::kAlreadyExists);
  EXPECT_EQ(keys->create({.name = "", .account = "x"}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(keys->create({.name = "a/b", .account = "x"}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(keys->create({.name = "b", .account = ""}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(keys->create({.name = "b", .account = "x", .scopes = {"two words"}}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST_F(Keys, AnotherProcessesChangesAreSeenAfterARefresh) {
  const auto gateway = open();
  std::string secret;
  {
    const auto command_line = open();
    secret = command_line->create({.name = "new", .account = "x"})->secret;
  }
  EXPECT_FALSE(gateway->verify(secret));
  ASSERT_TRUE(gateway->refresh());
  EXPECT_TRUE(gateway->verify(secret));
  open()->revoke("new");
  ASSERT_TRUE(gateway->refresh());
  EXPECT_FALSE(gateway->verify(secret));
}

TEST_F(Keys, FileIsForItsOwnerOnlyAndTheLedgerTakesItAsItsOwn) {
  ASSERT_TRUE(open()->create({.name = "first", .account = "x"}));
  struct stat info{};
  ASSERT_EQ(::stat(database.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
  const auto store = ledger::open_sqlite_store({.path = database});
  ASSERT_TRUE(store) << store.error().message;
  const auto snapshot = (*store)->open(clock.now(), 10);
  EXPECT_TRUE(snapshot) << snapshot.error().message;
}

TEST_F(Keys, AnotherProgramsFileIsLeftAsItIs) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(database.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "CREATE TABLE diary(day TEXT)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  const std::string before = bytes_on_disk();
  const auto refused = KeyStore::open(database, clock);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("no database of Bursar"));
  EXPECT_EQ(bytes_on_disk(), before);
}

TEST_F(Keys, AreListedWithoutCreatingAnything) {
  EXPECT_TRUE(list_keys(database)->empty());
  EXPECT_FALSE(std::filesystem::exists(database));
  ASSERT_TRUE(open()->create({.name = "b", .account = "x"}));
  ASSERT_TRUE(open()->create({.name = "a", .account = "y"}));
  const auto keys = list_keys(database);
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->size(), 2U);
  EXPECT_EQ((*keys)[0].name, "a");
  EXPECT_EQ((*keys)[0].hint.size(), 4U);
}

TEST_F(Keys, ALocalAdministratorIsKnownToTheProcessAloneAndLeavesNoTrace) {
  const auto gateway = open();
  const std::string secret = gateway->issue_local_admin();
  ASSERT_TRUE(gateway->verify(secret));
  EXPECT_TRUE(gateway->verify(secret)->admin);
  EXPECT_EQ(gateway->verify(secret)->account, "");
  ASSERT_TRUE(gateway->create({.name = "other", .account = "x"}));
  EXPECT_TRUE(gateway->verify(secret)) << "it survives that keys are read again";
  EXPECT_FALSE(open()->verify(secret));
  EXPECT_EQ(gateway->list()->size(), 1U);
  EXPECT_EQ(gateway->valid_keys(), 1U);
}

TEST_F(Keys, VerifyRunsWhileKeysChange) {
  const auto keys = open();
  const std::string secret = keys->create({.name = "steady", .account = "x"})->secret;
  std::atomic<bool> stop = false;
  std::atomic<int> refused = 0;
  std::thread reader([&] {
    while (!stop) refused += keys->verify(secret) ? 0 : 1;
  });
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(keys->create({.name = "k" + std::to_string(i), .account = "x"}));
  stop = true;
  reader.join();
  EXPECT_EQ(refused, 0);
}

}  // namespace
}  // namespace bursar::broker
