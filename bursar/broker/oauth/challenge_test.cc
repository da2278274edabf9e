#include "bursar/broker/oauth/challenge.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace bursar::broker::oauth {
namespace {

TEST(Challenge, SaysWhereTheMetadataIsAndWhichScopesAreWanted) {
  const Challenge c = read_challenge(
      R"(Bearer realm="files, and \"more\"", error="insufficient_scope" , scope="files:read files:write", resource_metadata="https://files.example/.well-known/oauth-protected-resource/mcp")");
  EXPECT_TRUE(c.bearer);
  EXPECT_EQ(c.error, "insufficient_scope");
  EXPECT_EQ(c.scopes, (Scopes{"files:read", "files:write"}));
  EXPECT_EQ(c.resource_metadata, "https://files.example/.well-known/oauth-protected-resource/mcp");
  EXPECT_EQ(read_challenge("bEaReR scope=one").scopes, Scopes{"one"});
  EXPECT_TRUE(read_challenge("Bearer").bearer);
}

TEST(Challenge, IsFoundAmongOthersAndTheOneWithMetadataCounts) {
  EXPECT_EQ(read_challenge(R"(Basic realm="x", Bearer scope="a")").scopes, Scopes{"a"});
  EXPECT_EQ(read_challenge(R"(Negotiate dG9rZW4=, Bearer scope="a")").scopes, Scopes{"a"});
  const Challenge both =
      read_challenge(R"(Bearer scope="a", Bearer resource_metadata="https://x.example/m", scope="b")");
  EXPECT_EQ(both.scopes, Scopes{"b"});
  EXPECT_FALSE(read_challenge(R"(Basic realm="x", scope="a")").bearer);
  EXPECT_FALSE(read_challenge("").bearer);
}

TEST(Challenge, LeavesOutWhatCouldNotStandInARequest) {
  EXPECT_EQ(read_challenge("Bearer scope=\"a b\\\\c d\x01 e\"").scopes, (Scopes{"a", "e"}));
  EXPECT_EQ(read_challenge("Bearer resource_metadata=\"https://x.example/a b\"").resource_metadata, "");
  EXPECT_FALSE(read_challenge("Bearer scope=\"" + std::string(9000, 'a') + "\"").bearer);
  std::string many;
  for (int i = 0; i < 200; ++i) many += "s" + std::to_string(i) + " ";
  EXPECT_EQ(read_challenge("Bearer scope=\"" + many + "\"").scopes.size(), 64U);
}

TEST(Scopes, AreSetsThatKeepTheirOrder) {
  EXPECT_EQ(united({"b", "a"}, {"a", "c"}), (Scopes{"b", "a", "c"}));
  EXPECT_EQ(split_scopes("a  b a"), (Scopes{"a", "b"}));
  EXPECT_TRUE(has_all({"a", "b"}, {"b"}));
  EXPECT_TRUE(has_all({}, {}));
  EXPECT_FALSE(has_all({"a"}, {"a", "b"}));
}

RC_GTEST_PROP(ChallengeProperty, NothingThatIsSentBreaksTheReader, (const std::string& text)) {
  const Challenge c = read_challenge("Bearer " + text);
  for (const std::string& scope : c.scopes) RC_ASSERT(split_scopes(scope) == Scopes{scope});
  RC_ASSERT(c.scopes.size() <= 64U);
  RC_ASSERT(c.resource_metadata.find_first_of(" \r\n") == std::string::npos);
}

}  // namespace
}  // namespace bursar::broker::oauth
