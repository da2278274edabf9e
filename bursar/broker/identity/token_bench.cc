// What a token costs: the first time, by algorithm, and every further time.
#include <benchmark/benchmark.h>

#include "bursar/broker/identity/issuers.h"
#include "bursar/broker/identity/token_testing.h"

namespace bursar::broker {
namespace {

using testing::SigningKey;

struct Rig {
  explicit Rig(const std::string& algorithm) : key("a", algorithm) {
    IdentityConfig identity{.resource = "https://gateway.example/mcp"};
    identity.issuers = {{.issuer = "https://id.example", .jwks_url = "https://id.example/keys"}};
    identity.issuers[0].algorithms = {algorithm};
    identity.accounts = {{.account = "acme/{sub}"}};
    issuers.configure(identity, false);
  }
  std::string token(std::int64_t number = 0) const {
    return testing::token(key, {{"iss", "https://id.example"},
                                {"sub", "ada"},
                                {"aud", "https://gateway.example/mcp"},
                                {"exp", 1'800'000'300 + number},
                                {"scope", "mcp files:read"},
                                {"groups", boost::json::array{"staff", "research"}}});
  }

  SimulatedClock clock{wall_from_unix_us(1'800'000'000'000'000)};
  SigningKey key;
  Issuers issuers{
      clock, [this](FetchRequest, FetchDone done) { done(FetchReply{.status = 200, .body = testing::key_set(key)}); }};
};

void known(benchmark::State& state, const std::string& algorithm) {
  const Rig rig(algorithm);
  const std::string token = rig.token();
  for (auto _ : state) benchmark::DoNotOptimize(rig.issuers.verify(token));
}

// More tokens than the cache holds, so that each one is new.
void fresh(benchmark::State& state, const std::string& algorithm) {
  const Rig rig(algorithm);
  std::vector<std::string> tokens;
  for (std::int64_t i = 0; i < 64; ++i) tokens.push_back(rig.token(i));
  std::size_t next = 0;
  for (auto _ : state) {
    // A wrong signature costs what a right one does, and is never remembered.
    std::string& token = tokens[next++ % tokens.size()];
    token[token.size() - 4] = token[token.size() - 4] == 'A' ? 'B' : 'A';
    benchmark::DoNotOptimize(rig.issuers.verify(token));
  }
}

BENCHMARK_CAPTURE(known, ES256, "ES256");
BENCHMARK_CAPTURE(known, RS256, "RS256");
BENCHMARK_CAPTURE(fresh, ES256, "ES256");
BENCHMARK_CAPTURE(fresh, RS256, "RS256");
BENCHMARK_CAPTURE(fresh, PS256, "PS256");
BENCHMARK_CAPTURE(fresh, EdDSA, "EdDSA");

}  // namespace
}  // namespace bursar::broker
