#include "bursar/broker/pipeline/authenticate.h"

#include <gtest/gtest.h>

#include "bursar/broker/pipeline/pipeline.h"

namespace bursar::broker {
namespace {

class OneKey final : public KeyVerifier {
 public:
  [[nodiscard]] std::optional<Principal> verify(std::string_view secret) const override {
    if (secret != "sk-good") return std::nullopt;
    return Principal{.subject = "key:ada", .account = "ada"};
  }
};

int status_of(const Ingress& ingress, const PipelineConfig& config) {
  const OneKey keys;
  const Authentication who = authenticate(ingress, config, &keys);
  const auto* refused = std::get_if<HttpRefusal>(&who);
  return refused == nullptr ? 200 : refused->status;
}

std::string subject_of(const Ingress& ingress, const PipelineConfig& config) {
  const OneKey keys;
  const Authentication who = authenticate(ingress, config, &keys);
  const auto* principal = std::get_if<Principal>(&who);
  return principal == nullptr ? "" : principal->subject;
}

TEST(Authenticate, KnowsAKeyWhateverTheCaseOfItsScheme) {
  const PipelineConfig config;
  EXPECT_EQ(subject_of({.authorization = "Bearer sk-good"}, config), "key:ada");
  EXPECT_EQ(subject_of({.authorization = "bearer  sk-good"}, config), "key:ada");
  for (const char* wrong : {"Bearer sk-bad", "Bearer ", "Bearer", "Basic c2stZ29vZA==", "sk-good"}) {
    EXPECT_EQ(status_of({.authorization = wrong, .loopback = true}, config), 401) << wrong;
  }
}

TEST(Authenticate, LetsTheDevelopmentPrincipalInOnlyFromLoopback) {
  PipelineConfig config;
  EXPECT_EQ(subject_of({.loopback = true}, config), "dev");
  EXPECT_EQ(status_of({.loopback = false}, config), 401);
  config.identity.development = false;
  EXPECT_EQ(status_of({.loopback = true}, config), 401);
}

TEST(Authenticate, RefusesForeignOriginsAndRebindedHosts) {
  PipelineConfig config;
  const auto status = [&](std::string origin, std::string host) {
    return status_of({.origin = std::move(origin), .host = std::move(host), .loopback = true}, config);
  };
  EXPECT_EQ(status("", "localhost:8484"), 200);
  EXPECT_EQ(status("http://localhost:3000", "127.0.0.1:8484"), 200);
  EXPECT_EQ(status("http://[::1]:3000", "[::1]:8484"), 200);
  EXPECT_EQ(status("https://evil.example", "localhost"), 403);
  EXPECT_EQ(status("http://localhost.evil.example", "localhost"), 403);
  EXPECT_EQ(status("http://127.evil.example", "localhost"), 403);
  EXPECT_EQ(status("null", "localhost"), 403);
  EXPECT_EQ(status("", "evil.example:8484"), 421);
  config.listen.allowed_origins = {"https://evil.example"};
  config.listen.allowed_hosts = {"gateway.internal"};
  EXPECT_EQ(status("https://EVIL.example", "gateway.internal:80"), 200);
  config.listen.address = "0.0.0.0";
  EXPECT_EQ(status("", "anything.example"), 200);
}

}  // namespace
}  // namespace bursar::broker
