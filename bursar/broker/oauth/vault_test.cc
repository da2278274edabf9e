#include "bursar/broker/oauth/vault.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include "bursar/broker/oauth/oauth_testing.h"

namespace bursar::broker::oauth {
namespace {

class VaultTest : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder); }
  std::string content() const {
    std::ifstream file(folder + "/files", std::ios::binary);
    std::ostringstream out;
    out << file.rdbuf();
    return out.str();
  }
  std::string folder =
      (std::filesystem::temp_directory_path() / ("bursar-vault-" + std::to_string(::getpid()) + ".oauth")).string();
  Vault vault{Handles("0123456789abcdef0123456789abcdef"), folder};
  Party party = testing::party_of_files();
  SignedIn signed_in{.client = {.issuer = "https://id.example",
                                .id = "c",
                                .secret = "client-s3cret",
                                .auth = TokenAuth::kPost,
                                .redirect_uri = "http://127.0.0.1/oauth/callback",
                                .registered = true,
                                .secret_ends = wall_from_unix_us(5)},
                     .resource = "https://files.example/mcp",
                     .token_endpoint = "https://id.example/token",
                     .asked = {"read", "offline_access"},
                     .grant = {.access_token = "access-s3cret",
                               .refresh_token = "refresh-s3cret",
                               .expires = wall_from_unix_us(7),
                               .scopes = {"read"}},
                     .since = wall_from_unix_us(3)};
};

TEST_F(VaultTest, GivesBackWhatItWasGiven) {
  EXPECT_FALSE(vault.read(party));
  ASSERT_TRUE(vault.keep(party, signed_in));
  EXPECT_EQ(vault.read(party), signed_in);
  signed_in.client.secret_ends.reset();
  signed_in.grant.expires.reset();
  ASSERT_TRUE(vault.keep(party, signed_in));
  EXPECT_EQ(vault.read(party), signed_in);
  ASSERT_TRUE(vault.forget(party));
  ASSERT_TRUE(vault.forget(party));
  EXPECT_FALSE(vault.read(party));
}

TEST_F(VaultTest, LetsNobodyElseReadIt) {
  ASSERT_TRUE(vault.keep(party, signed_in));
  struct stat info{};
  ASSERT_EQ(::stat((folder + "/files").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat(folder.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  EXPECT_EQ(content().find("s3cret"), std::string::npos);
  EXPECT_FALSE(Vault(Handles("another secret, as long as it"), folder).read(party));
}

TEST_F(VaultTest, HandsATokenToNoOtherServer) {
  ASSERT_TRUE(vault.keep(party, signed_in));
  Party moved = party;
  moved.url = "https://evil.example/mcp";
  EXPECT_FALSE(vault.read(moved)) << "the name stands for another server now";
  Party other = party;
  other.name = "other";
  std::filesystem::copy_file(folder + "/files", folder + "/other");
  EXPECT_FALSE(vault.read(other)) << "a copied file";
}

TEST_F(VaultTest, TakesNoFileThatWasChanged) {
  ASSERT_TRUE(vault.keep(party, signed_in));
  const std::string sealed = content();
  for (std::size_t at = 0; at < sealed.size(); at += 17) {
    std::string other = sealed;
    other[at] = other[at] == 'A' ? 'B' : 'A';
    std::ofstream(folder + "/files", std::ios::binary) << other;
    EXPECT_FALSE(vault.read(party)) << at;
  }
  std::ofstream(folder + "/files", std::ios::binary) << std::string(200'000, 'A');
  EXPECT_FALSE(vault.read(party));
}

TEST(SignedInText, OfAnotherShapeIsNone) {
  for (const char* text : {"", "{}", "[]", R"({"client":7})", R"({"client":{},"token_endpoint":"x"})"}) {
    EXPECT_FALSE(parse_signed_in(text)) << text;
  }
}

}  // namespace
}  // namespace bursar::broker::oauth
