#include "bursar/broker/admin/address.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace bursar::broker {
namespace {

TEST(Address, IsFoundUntilItIsWithdrawn) {
  const std::string database =
      (std::filesystem::temp_directory_path() / ("bursar-address-" + std::to_string(::getpid()) + ".db")).string();
  EXPECT_FALSE(published_address(database));
  ASSERT_TRUE(publish_address(database, {"http://127.0.0.1:1", "a"}));
  ASSERT_TRUE(publish_address(database, {"http://127.0.0.1:2", "b"}));
  EXPECT_EQ(published_address(database)->url, "http://127.0.0.1:2");
  EXPECT_EQ(published_address(database)->secret, "b");
  struct stat info{};
  ASSERT_EQ(::stat((database + ".url").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
  std::ofstream(database + ".url") << "file:///etc/passwd\nx\n";
  EXPECT_FALSE(published_address(database));
  withdraw_address(database);
  withdraw_address(database);
  EXPECT_FALSE(published_address(database));
  EXPECT_FALSE(publish_address("/nonexistent/x.db", {"http://h", ""}));
}

}  // namespace
}  // namespace bursar::broker
