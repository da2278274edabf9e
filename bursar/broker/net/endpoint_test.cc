#include "bursar/broker/net/endpoint.h"

#include <gtest/gtest.h>

namespace bursar::broker {
namespace {

TEST(Endpoint, KnowsWhichAddressesAreGlobal) {
  for (const char* global : {"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1",
                             "192.167.0.1", "198.17.0.1", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450::1",
                             "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"}) {
    EXPECT_FALSE(why_not_global(global).has_value()) << global << " " << why_not_global(global).value_or("");
  }
  const std::pair<const char*, const char*> others[] = {{"0.0.0.0", "unspecified"},
                                                        {"0.1.2.3", "unspecified"},
                                                        {"10.1.2.3", "private"},
                                                        {"100.64.0.1", "shared (CGNAT)"},
                                                        {"100.127.255.255", "shared (CGNAT)"},
                                                        {"127.0.0.1", "loopback"},
                                                        {"127.255.0.9", "loopback"},
                                                        {"169.254.169.254", "link-local"},
                                                        {"172.16.0.1", "private"},
                                                        {"172.31.255.255", "private"},
                                                        {"192.168.1.1", "private"},
                                                        {"224.0.0.1", "multicast"},
                                                        {"239.255.255.255", "multicast"},
                                                        {"255.255.255.255", "reserved"},
                                                        {"::", "unspecified"},
                                                        {"::1", "loopback"},
                                                        {"fe80::1", "link-local"},
                                                        {"fc00::1", "private"},
                                                        {"fd12::1", "private"},
                                                        {"fec0::1", "private"},
                                                        {"ff02::1", "multicast"},
                                                        {"::ffff:127.0.0.1", "loopback"},
                                                        {"::ffff:a9fe:a9fe", "link-local"},
                                                        {"::127.0.0.1", "special-purpose"},
                                                        {"64:ff9b::7f00:1", "loopback"},
                                                        {"64:ff9b::a00:1", "private"},
                                                        {"64:ff9b:1::1", "private"},
                                                        {"2002:7f00:1::", "loopback"},
                                                        {"2001:0:1::1", "special-purpose"},
                                                        {"2001:db8::1", "documentation"},
                                                        {"4000::1", "reserved"},
                                                        {"localhost", "not an address"},
                                                        {"2130706433", "not an address"},
                                                        {"0x7f.1", "not an address"},
                                                        {"", "not an address"}};
  for (const auto& [address, why] : others) EXPECT_EQ(why_not_global(address).value_or("global"), why) << address;
}

TEST(Endpoint, TrustsWhatTheOwnerWroteAndNoOtherName) {
  const auto free = [](const char* url) { return (*Endpoint::make({.url = url}))->may_be_private(); };
  EXPECT_TRUE(free("http://127.0.0.1:1/"));
  EXPECT_TRUE(free("http://[::1]:1/"));
  EXPECT_TRUE(free("http://localhost/"));
  EXPECT_FALSE(free("http://example.org/"));
  EXPECT_FALSE(free("http://localhost.example.org/"));
  EXPECT_FALSE(free("http://2130706433/"));
  EXPECT_FALSE(free("http://0x7f.1/"));
  EXPECT_TRUE((*Endpoint::make({.url = "http://example.org/", .private_network = true}))->may_be_private());
}

TEST(Endpoint, HoldsALearnedUrlToTheRuleWhateverItsForm) {
  const auto why_not = [](const char* url, const char* address, bool loopback = false) {
    const auto endpoint = Endpoint::make({.url = url, .learned = true, .loopback = loopback});
    return std::string((*endpoint)->why_not(address).value_or(""));
  };
  EXPECT_EQ(why_not("http://127.0.0.1:1/", "127.0.0.1"), "loopback");
  EXPECT_EQ(why_not("http://localhost/", "::1"), "loopback");
  EXPECT_EQ(why_not("https://169.254.169.254/", "169.254.169.254"), "link-local");
  EXPECT_EQ(why_not("https://[fd00::1]/", "fd00::1"), "private");
  EXPECT_EQ(why_not("https://id.example/", "1.1.1.1"), "");
  EXPECT_EQ(why_not("http://127.0.0.1:1/", "127.0.0.1", true), "") << "beside what named it";
  EXPECT_EQ(why_not("https://id.example/", "10.0.0.1", true), "private") << "and nowhere else";
}

TEST(Endpoint, SaysWhatIsWrongWithItsCertificates) {
  const auto message = [](TlsClientConfig tls) {
    const auto made = Endpoint::make({.url = "https://example.org/", .tls = std::move(tls)});
    return made ? std::string() : made.error().message;
  };
  EXPECT_EQ(message({}), "");
  EXPECT_NE(message({.ca = "/nowhere/ca.pem"}).find("tls.ca /nowhere/ca.pem"), std::string::npos);
  EXPECT_NE(message({.certificate = "/nowhere/c.pem"}).find("belong together"), std::string::npos);
  EXPECT_NE(message({.certificate = "/nowhere/c.pem", .key = "/nowhere/k.pem"}).find("tls.certificate"),
            std::string::npos);
  EXPECT_FALSE(Endpoint::make({.url = "ftp://example.org"}).has_value());
}

}  // namespace
}  // namespace bursar::broker
