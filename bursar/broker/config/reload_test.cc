#include "bursar/broker/config/reload.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

#include "bursar/broker/telemetry/log.h"

namespace bursar::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Outcome = ConfigFile::Outcome;

class Reload : public ::testing::Test {
 protected:
  void SetUp() override {
    set_log_sink([](std::string_view) {});
    path =
        (std::filesystem::temp_directory_path() / ("bursar-reload-" + std::to_string(::getpid()) + ".yaml")).string();
    write("log_level: info\n");
  }
  void TearDown() override {
    set_log_sink({});
    std::filesystem::remove(path);
  }
  // Through a rename, as editors and deployments do it: a new inode whatever the clock's grain is.
  void write(std::string_view text) const {
    std::ofstream(path + ".new", std::ios::binary) << text;
    std::filesystem::rename(path + ".new", path);
  }
  std::unique_ptr<ConfigFile> open() const {
    auto file = ConfigFile::open(path, [](std::string_view) { return std::nullopt; });
    EXPECT_TRUE(file) << file.error().message;
    return std::move(*file);
  }
  std::string path;
};

TEST_F(Reload, AChangedFileIsTakenAndAnUnchangedOneIsNotRead) {
  const auto file = open();
  const auto before = file->current();
  EXPECT_EQ(file->maybe_reload(), Outcome::kUnchanged);
  EXPECT_EQ(file->current(), before);
  write("log_level: debug\n");
  EXPECT_EQ(file->maybe_reload(), Outcome::kAccepted);
  EXPECT_EQ(file->current()->log_level, "debug");
  EXPECT_EQ(before->log_level, "info");  // who holds the old snapshot keeps it
  EXPECT_EQ(file->generation(), 2U);
  EXPECT_EQ(file->maybe_reload(), Outcome::kUnchanged);
}

TEST_F(Reload, ARefusedFileKeepsTheLastGoodOneAndSaysWhy) {
  const auto file = open();
  write("log_levle: debug\n");
  EXPECT_EQ(file->maybe_reload(), Outcome::kRefused);
  EXPECT_EQ(file->current()->log_level, "info");
  EXPECT_THAT(file->error(), HasSubstr("log_levle: unknown field; did you mean log_level?"));
  EXPECT_EQ(file->maybe_reload(), Outcome::kUnchanged);  // not refused again every second
  EXPECT_NE(file->error(), "");
  write("log_level: warn\n");
  EXPECT_EQ(file->maybe_reload(), Outcome::kAccepted);
  EXPECT_EQ(file->error(), "");
}

TEST_F(Reload, AFileThatIsWrittenInPlaceIsReadWhenItHasRested) {
  write("log_level: warn\n");
  const auto file = open();
  std::ofstream writer(path, std::ios::binary);  // empties it: a valid configuration of its own
  EXPECT_EQ(file->maybe_reload(), Outcome::kUnchanged);
  writer << "log_level: debug\n" << std::flush;
  EXPECT_EQ(file->maybe_reload(), Outcome::kUnchanged);
  std::this_thread::sleep_for(std::chrono::milliseconds{300});
  EXPECT_EQ(file->maybe_reload(), Outcome::kAccepted);
  EXPECT_EQ(file->current()->log_level, "debug");
}

TEST_F(Reload, AFileThatVanishesIsRefused) {
  const auto file = open();
  std::filesystem::remove(path);
  EXPECT_EQ(file->maybe_reload(), Outcome::kRefused);
  EXPECT_EQ(file->current()->log_level, "info");
}

TEST_F(Reload, ForcedItReadsEvenWhatLooksUnchanged) {
  const auto file = open();
  EXPECT_EQ(file->maybe_reload(true), Outcome::kAccepted);
}

TEST_F(Reload, WhatNeedsARestartKeepsItsValueAndIsNamed) {
  const auto file = open();
  write("listen: {port: 1}\ndatabase: other.db\nlog_level: warn\n");
  EXPECT_EQ(file->maybe_reload(), Outcome::kAccepted);
  EXPECT_EQ(file->current()->listen.port, 8484);
  EXPECT_EQ(file->current()->database, "bursar.db");
  EXPECT_EQ(file->current()->log_level, "warn");
  EXPECT_THAT(file->needs_restart(), ElementsAre("listen", "database"));
}

TEST(ReloadDefaults, NeverChange) {
  const auto file = ConfigFile::defaults();
  EXPECT_EQ(file->maybe_reload(true), Outcome::kUnchanged);
  EXPECT_EQ(file->current()->accounts.at(0).path, "dev");
}

}  // namespace
}  // namespace bursar::broker
