#include "bursar/broker/net/url.h"

#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

TEST(Url, IsTakenApart) {
  const Url a = *parse_url("http://127.0.0.1:8931/mcp?x=1#part");
  EXPECT_FALSE(a.tls);
  EXPECT_EQ(a.host, "127.0.0.1");
  EXPECT_EQ(a.port, 8931);
  EXPECT_EQ(a.authority, "127.0.0.1:8931");
  EXPECT_EQ(a.target, "/mcp?x=1");
  const Url b = *parse_url("https://mcp.example.org");
  EXPECT_TRUE(b.tls);
  EXPECT_EQ(b.port, 443);
  EXPECT_EQ(b.authority, "mcp.example.org");
  EXPECT_EQ(b.target, "/");
  const Url c = *parse_url("http://[::1]:80?q");
  EXPECT_EQ(c.host, "::1");
  EXPECT_EQ(c.authority, "[::1]");
  EXPECT_EQ(c.target, "/?q");
}

TEST(Url, RefusesWhatCannotBeCalled) {
  for (const char* text :
       {"", "ftp://a", "http://", "http:///mcp", "http://a:0", "http://a:65536", "http://a:b",
        "http://a:", "http://u:p@a/", "http://a/b c", "http://a/\r\nX: y", "http://[::1", "HTTP//a"}) {
    EXPECT_FALSE(parse_url(text).has_value()) << text;
  }
  EXPECT_EQ(parse_url("http://u:secret@a/").error().message.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace bursar::broker
