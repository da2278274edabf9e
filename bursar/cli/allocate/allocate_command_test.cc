#include "bursar/cli/allocate/allocate_command.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

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

class AllocateCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = std::filesystem::temp_directory_path() / ("bursar-allocate-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string write(const std::string& name, std::string_view text) const {
    const std::string path = folder / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static Ran allocate(std::vector<std::string> words, bool terminal = false) {
    std::ostringstream out, err;
    const int code = run_allocate(std::move(words), {out, err, terminal});
    return {code, out.str(), err.str()};
  }
  std::filesystem::path folder;
};

constexpr std::string_view kTwoItems =
    "item,option,value,cost\n"
    "cache,none,0,0\n"
    "cache,small,5,2\n"
    "index,none,0,0\n"
    "index,full,9,6\n";

TEST_F(AllocateCommand, AnswersWithValueBoundAndChoices) {
  const Ran ran = allocate({write("two.csv", kTwoItems), "--budget", "7"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("value    9\n"));
  EXPECT_THAT(ran.out, HasSubstr("bound    9 "));
  EXPECT_THAT(ran.out, HasSubstr("stopped  optimal"));
  EXPECT_THAT(ran.out, HasSubstr("6 of 7"));
  EXPECT_THAT(ran.out, HasSubstr("cache,none,0,0\nindex,full,9,6\n"));
  EXPECT_EQ(ran.err, "");
}
}  // namespace
}  // namespace bursar::cli
