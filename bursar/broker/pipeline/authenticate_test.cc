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

class OneToken final : public TokenVerifier {
 public:
  explicit OneToken(TokenOutcome outcome) : outcome_(std::move(outcome)) {}
  [[nodiscard]] TokenOutcome verify(std::string_view) const override { return outcome_; }

 private:
  TokenOutcome outcome_;
};

PipelineConfig with_issuer() {
  PipelineConfig config;
  config.identity.resource = "https://gateway.example/mcp";
  config.identity.scopes = {"mcp"};
  config.identity.issuers = {{.issuer = "https://id.example"}};
  return config;
}

TEST(Authenticate, TellsTokensFromKeysByTheirShape) {
  const PipelineConfig config = with_issuer();
  const OneKey keys;
  const OneToken tokens(Principal{.subject = "id.example#ada", .account = "acme"});
  const auto subject = [&](std::string header) {
    const Authentication who = authenticate({.authorization = std::move(header)}, config, &keys, &tokens);
    const auto* principal = std::get_if<Principal>(&who);
    return principal == nullptr ? "" : principal->subject;
  };
  EXPECT_EQ(subject("Bearer eyJhbGciOi.x.y"), "id.example#ada");
  EXPECT_EQ(subject("Bearer sk-good"), "key:ada");
  EXPECT_EQ(subject("Bearer sk-eyJ"), "");
  EXPECT_EQ(subject("Basic eyJhbGciOi.x.y"), "");
}

TEST(Authenticate, SaysWhyATokenIsRefusedAsItsRfcsDo) {
  const PipelineConfig config = with_issuer();
  const auto refusal = [&](TokenFault fault, std::string why = "Not \"so\".") {
    const auto caller =
        std::make_shared<const Caller>(Caller{tl::unexpected(TokenRefusal{.fault = fault, .why = std::move(why)})});
    const Authentication who = authenticate({.loopback = true, .caller = caller}, config, nullptr);
    const auto* refused = std::get_if<HttpRefusal>(&who);
    return refused == nullptr ? HttpRefusal{.status = 200} : *refused;
  };
  const std::string where = R"(resource_metadata="https://gateway.example/.well-known/oauth-protected-resource/mcp")";
  for (const TokenFault fault : {TokenFault::kMalformed, TokenFault::kUnknownIssuer, TokenFault::kAlgorithm,
                                 TokenFault::kUnknownKey, TokenFault::kSignature, TokenFault::kExpired,
                                 TokenFault::kNotYetValid, TokenFault::kAudience, TokenFault::kSubject}) {
    const HttpRefusal refused = refusal(fault);
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.www_authenticate,
              R"(Bearer realm="bursar", error="invalid_token", error_description="Not 'so'.", scope="mcp", )" + where);
  }
  EXPECT_EQ(refusal(TokenFault::kMissingScope).status, 403);
  EXPECT_EQ(
      refusal(TokenFault::kMissingScope).www_authenticate,
      R"(Bearer realm="bursar", error="insufficient_scope", error_description="Not 'so'.", scope="mcp", )" + where);
  EXPECT_EQ(refusal(TokenFault::kNoAccount).status, 403);
  EXPECT_EQ(refusal(TokenFault::kNoAccount).www_authenticate, "");
  EXPECT_EQ(refusal(TokenFault::kKeysNotAvailable).status, 503);
  EXPECT_EQ(refusal(TokenFault::kKeysNotAvailable).retry_after_s, 5);
  // Who showed nothing is not told that it was wrong.
  const Authentication nothing = authenticate({}, config, nullptr);
  EXPECT_EQ(std::get<HttpRefusal>(nothing).www_authenticate, R"(Bearer realm="bursar", scope="mcp", )" + where);
}

TEST(Authenticate, ChecksOriginAndHostBeforeAnyToken) {
  const PipelineConfig config = with_issuer();
  const auto caller = std::make_shared<const Caller>(Caller{Principal{.subject = "id.example#ada", .account = "acme"}});
  const auto status = [&](std::string origin, std::string host) {
    const Authentication who =
        authenticate({.origin = std::move(origin), .host = std::move(host), .caller = caller}, config, nullptr);
    const auto* refused = std::get_if<HttpRefusal>(&who);
    return refused == nullptr ? 200 : refused->status;
  };
  EXPECT_EQ(status("", "localhost"), 200);
  EXPECT_EQ(status("https://evil.example", "localhost"), 403);
  EXPECT_EQ(status("", "evil.example"), 421);
}

}  // namespace
}  // namespace bursar::broker
