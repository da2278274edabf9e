#include "bursar/cli/plan/run_file.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

namespace bursar::cli {
namespace {

using boost::json::object;

class RunFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() / ("bursar-run-" + std::to_string(::getpid()) + "-" +
                                                      ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove(path_);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  static object step(int id) { return {{"step", object{{"id", id}}}}; }
  std::filesystem::path path_;
  object request_{{"workflow", 1}, {"seed", 7}};
};

TEST_F(RunFileTest, GivesBackWhatItWasGiven) {
  {
    auto file = RunFile::open(path_, request_);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE(file->journal().empty());
    for (int id = 0; id < 3; ++id) ASSERT_TRUE(file->add(step(id)));
  }
  auto file = RunFile::open(path_, request_);
  ASSERT_TRUE(file);
  ASSERT_EQ(file->journal().size(), 3);
  EXPECT_EQ(file->journal()[2], boost::json::value(step(2)));
  EXPECT_FALSE(file->result());
  ASSERT_TRUE(file->add({{"result", object{{"complete", true}}}}));
  EXPECT_EQ(RunFile::open(path_, request_)->result()->at("complete"), true);
}

TEST_F(RunFileTest, ForgetsALineThatWasBrokenOff) {
  {
    ASSERT_TRUE(RunFile::open(path_, request_)->add(step(1)));
  }
  {
    std::ofstream(path_, std::ios::app) << R"({"seen": {"act)";
  }
  {
    auto file = RunFile::open(path_, request_);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->journal().size(), 1);
    ASSERT_TRUE(file->add(step(2)));
  }
  EXPECT_EQ(RunFile::open(path_, request_)->journal().size(), 2);
}

TEST_F(RunFileTest, RefusesWhatIsAnotherRunsOrNone) {
  {
    ASSERT_TRUE(RunFile::open(path_, request_));
  }
  EXPECT_EQ(RunFile::open(path_, {{"seed", 8}}).error().code, ErrorCode::kInvalidArgument);
  for (const char* text : {"[]\n", "no json\n"}) {
    std::ofstream(path_, std::ios::app) << text;
    const auto file = RunFile::open(path_, request_);
    ASSERT_FALSE(file);
    EXPECT_NE(file.error().message.find("line 2"), std::string::npos) << file.error().message;
  }
}

TEST_F(RunFileTest, IsForItsOwnerAlone) {
  ASSERT_TRUE(RunFile::open(path_, request_));
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(path_).permissions() & (perms::group_all | perms::others_all), perms::none);
}

TEST_F(RunFileTest, WithoutAPathKeepsNothing) {
  auto file = RunFile::open("", request_);
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->add(step(1)));
}

}  // namespace
}  // namespace bursar::cli
