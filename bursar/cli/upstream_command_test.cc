#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "bursar/cli/command.h"

namespace bursar::cli {
namespace {

using ::testing::HasSubstr;

TEST(UpstreamCommand, NeedsARunningGatewayAndSaysHowToGetOne) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"upstream", "list"}, {"upstream", "login", "files"}, {"upstream", "logout", "files"}}) {
    std::vector<std::string> line = words;
    line.insert(line.end(), {"--database", "/nowhere/bursar.db"});
    std::ostringstream out, err;
    EXPECT_EQ(run(line, {out, err}), kUnavailable) << words[1];
    EXPECT_THAT(err.str(), HasSubstr("no gateway runs on /nowhere/bursar.db; start it with `bursar serve`"));
  }
}

TEST(UpstreamCommand, WantsANameAndAVerb) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"upstream"}, {"upstream", "login"}, {"upstream", "login", "files", "--timeout", "0"}}) {
    std::ostringstream out, err;
    EXPECT_EQ(run(words, {out, err}), kUsage);
  }
}

}  // namespace
}  // namespace bursar::cli
