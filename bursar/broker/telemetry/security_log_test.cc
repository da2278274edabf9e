#include "bursar/broker/telemetry/security_log.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace bursar::broker {
namespace {

std::string read(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

TEST(SecurityLog, AppendsLinesForItsOwnerOnlyAndNoSecrets) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("bursar-security-" + std::to_string(::getpid()))).string();
  std::filesystem::remove(path);
  auto log = std::make_unique<SecurityLog>();
  log->write("before", {});  // no file yet: nowhere to go
  ASSERT_TRUE(log->open(path));
  log->write("denied", {{"status", 401}, {"host", "Bearer abcdefghijklmnop"}});
  log->write("denied", {{"status", 403}});
  for (int i = 0; i < 2000 && std::ranges::count(read(path), '\n') < 2; ++i) ::usleep(1000);
  const std::string text = read(path);
  EXPECT_EQ(std::ranges::count(text, '\n'), 2) << text;
  EXPECT_NE(text.find(R"("status":401)"), std::string::npos);
  EXPECT_EQ(text.find("abcdefghijklmnop"), std::string::npos);
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_FALSE(log->open("/nowhere/at/all"));
  log.reset();
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace bursar::broker
