#include "bursar/broker/strategies/belief_store.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace bursar::broker {
namespace {

class BeliefStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() /
            ("bursar-beliefs-" + std::to_string(::getpid()) + "-" +
             ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".json");
    std::filesystem::remove(path_);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  static plan::JobRecord job(const std::string& id) {
    plan::JobRecord record{.id = id, .strategy = "pets", .model = "m", .question = "q", .answer = "42"};
    record.calls = {
        {.action = 1, .purpose = "sample", .model = "m", .max_tokens = 64, .text = "Answer: 42", .tokens = 9}};
    return record;
  }
  std::filesystem::path path_;
};

TEST_F(BeliefStoreTest, LearnsOnceFromWhoAsked) {
  const auto store = std::move(*BeliefStore::open(path_));
  store->learn(job("a"), "key:ada");
  EXPECT_EQ(store->feedback("a", "key:bob", {.correct = true}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store->feedback("b", "key:ada", {.correct = true}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store->feedback("a", "key:ada", {}).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(store->feedback("a", "key:ada", {.correct = true}));
  EXPECT_EQ(store->feedback("a", "key:ada", {.correct = true}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store->of("m").at("success").at("pets").at("count"), 1);
  EXPECT_TRUE(store->of("other").empty());
}

TEST_F(BeliefStoreTest, KeepsWhatWasLearnedForItsOwnerAlone) {
  {
    const auto store = std::move(*BeliefStore::open(path_));
    store->learn(job("a"), "key:ada");
    ASSERT_TRUE(store->feedback("a", "key:ada", {.reward = .9}));
    store->save();
  }
  const auto mode = std::filesystem::status(path_).permissions();
  EXPECT_EQ(mode & (std::filesystem::perms::group_all | std::filesystem::perms::others_all),
            std::filesystem::perms::none);
  const auto store = std::move(*BeliefStore::open(path_));
  EXPECT_EQ(store->of("m").at("success").at("pets").at("count"), 1);
}

TEST_F(BeliefStoreTest, WritesNothingWhereNothingWasLearned) {
  const auto store = std::move(*BeliefStore::open(path_));
  store->save();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(BeliefStoreTest, RefusesADamagedFileByName) {
  for (const char* text : {"", "[]", "{", R"({"beliefs":1,"models":7})"}) {
    std::ofstream(path_) << text;
    const auto store = BeliefStore::open(path_);
    ASSERT_FALSE(store) << text;
    EXPECT_NE(store.error().message.find(path_.string()), std::string::npos) << store.error().message;
  }
}

}  // namespace
}  // namespace bursar::broker
