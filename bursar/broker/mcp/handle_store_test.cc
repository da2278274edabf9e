#include "bursar/broker/mcp/handle_store.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

namespace bursar::broker {
namespace {

using namespace std::chrono_literals;

class HandleStore : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "handle_store_" + std::to_string(::getpid()) + ".db";
    std::filesystem::remove(path_);
  }
  void TearDown() override {
    for (const char* more : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + more);
  }
  std::string path_;
  WallTime now_ = wall_from_unix_us(1'700'000'000'000'000);
};

TEST_F(HandleStore, MakesItsSecretOnce) {
  const auto first = handle_secret(path_);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_GE(first->size(), 43U);
  EXPECT_EQ(*handle_secret(path_), *first);
}

TEST_F(HandleStore, RemembersEndedSessionsThroughARestartUntilTheirTimeIsOver) {
  {
    auto ended = *EndedSessions::open(path_, now_);
    ended->add("short", now_ + 1min);
    ended->add("long", now_ + 24h);
    ASSERT_TRUE(ended->flush(now_));
    EXPECT_TRUE(ended->contains("short"));
  }
  auto later = *EndedSessions::open(path_, now_ + 1h);
  EXPECT_FALSE(later->contains("short"));
  EXPECT_TRUE(later->contains("long"));
  EXPECT_FALSE(later->contains("another"));
  ASSERT_TRUE(later->flush(now_ + 25h));
  EXPECT_FALSE(later->contains("long"));
}

TEST_F(HandleStore, ForgetsTheOneThatEndsFirstWhereItIsFull) {
  EndedSessions ended;
  ended.add("first", now_ + 1s);
  for (std::size_t i = 1; i < EndedSessions::kMax; ++i) ended.add(std::to_string(i), now_ + 1h);
  EXPECT_TRUE(ended.contains("first"));
  ended.add("one more", now_ + 1h);
  EXPECT_EQ(ended.size(), EndedSessions::kMax);
  EXPECT_FALSE(ended.contains("first"));
}

}  // namespace
}  // namespace bursar::broker
