#include "bursar/broker/mcp/handles.h"

#include <gtest/gtest.h>
#include <set>

#include "bursar/broker/audit/digest.h"
#include "bursar/broker/mcp/base64.h"

namespace bursar::broker {
namespace {

TEST(Base64, HasOneSpellingForEveryText) {
  EXPECT_EQ(decode_base64("SGVsbG8="), "Hello");
  EXPECT_EQ(decode_base64(""), "");
  for (const char* wrong :
       {"SGVsbG8", "SGVs!!!bG8=", "SGVsbG9=", "SGVsbG8==", "=", "====", "A", "SGVs\nbG8=", "-_-_"}) {
    EXPECT_FALSE(decode_base64(wrong)) << wrong;
  }
  for (std::size_t size = 0; size < 40; ++size) {
    const std::string bytes = random_bytes(size);
    EXPECT_EQ(decode_base64(base64url(bytes), Base64::kUrl), bytes);
    EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
  }
}

TEST(Pack, GivesBackWhatItTook) {
  const std::string binary("a\0b", 3);
  const auto fields = unpack(pack({"", binary, "long enough to be no accident"}));
  ASSERT_TRUE(fields);
  EXPECT_EQ(*fields, (std::vector<std::string>{"", binary, "long enough to be no accident"}));
  EXPECT_FALSE(unpack("abc"));
  EXPECT_FALSE(unpack(std::string("\x05\0\0\0abc", 7)));
}

TEST(Handles, OpenOnlyForWhatTheyWereSealedFor) {
  const Handles ours("secret of ours"), theirs("another secret");
  const std::string handle = ours.seal("session", "key:ada", "content");
  EXPECT_EQ(ours.open("session", "key:ada", handle), "content");
  EXPECT_FALSE(ours.open("session", "key:bob", handle));
  EXPECT_FALSE(ours.open("state", "key:ada", handle));
  EXPECT_FALSE(theirs.open("session", "key:ada", handle));
  EXPECT_FALSE(ours.open("session", "key:ada", ""));
  EXPECT_FALSE(ours.open("session", "key:ada", handle + "A"));
  EXPECT_EQ(handle.find("content"), std::string::npos);
}

TEST(Handles, NoticeEveryChangedByte) {
  const Handles handles("secret");
  const std::string raw = *decode_base64(handles.seal("k", "b", "content"), Base64::kUrl);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    std::string other = raw;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(handles.open("k", "b", base64url(other))) << i;
  }
}

TEST(Handles, AreNeverTheSameTwice) {
  const Handles handles("secret");
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(seen.insert(handles.seal("k", "b", "content")).second);
}

}  // namespace
}  // namespace bursar::broker
