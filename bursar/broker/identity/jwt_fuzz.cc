// Any bytes as a token: parsing ends in a token or a reason that does not repeat the bytes, and nobody who has no key
// gets in. The key set is fixed, and what signed it is thrown away with the process that made it.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "bursar/broker/identity/account_rules.h"
#include "bursar/broker/identity/issuers.h"
#include "bursar/broker/identity/jose.h"

namespace {

using namespace bursar::broker;

// The keys of RFC 7515 A.3 and RFC 8037 A.2 (public parts).
constexpr const char* kKeys =
    R"({"keys":[{"kid":"a","kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},)"
    R"({"kid":"b","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";

struct Rig {
  bursar::SimulatedClock clock{bursar::wall_from_unix_us(1'800'000'000'000'000)};
  Issuers issuers{clock, [](FetchRequest, FetchDone done) { done(FetchReply{.status = 200, .body = kKeys}); }};
  std::vector<AccountRule> rules = {{.groups = {"a*"}, .account = "acme/{tenant}/{sub}"}, {.account = "x/{sub}"}};

  Rig() {
    IdentityConfig identity{.resource = "https://gateway.example"};
    identity.issuers = {{.issuer = "https://id.example", .jwks_url = "https://id.example/keys"}};
    identity.issuers[0].algorithms = {"RS256", "PS256", "ES256", "EdDSA", "HS256", "none"};
    identity.accounts = rules;
    issuers.configure(identity, false);
  }
};

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Rig rig;
  static const auto keys = KeySet::parse(kKeys);
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  require(!rig.issuers.verify(text));
  if (const auto jws = parse_jws(text)) {
    // The examples of the RFCs are good signatures, and no tokens of ours.
    (void)keys->check(*jws);
    require(base64url_decoded(text.substr(0, text.find('.'))).has_value());
  }
  if (const auto claims = Claims::parse(text)) {
    const auto account = account_for(rig.rules, *claims, claims->texts("groups"));
    if (account) {
      require(account->path.starts_with("acme/") || account->path.starts_with("x/"));
      require(account->path.find("//") == std::string::npos && account->path.find("/../") == std::string::npos);
    }
    (void)check(*claims, {.issuer = "https://id.example"}, "r", rig.clock.now());
  }
  (void)KeySet::parse(text);
  return 0;
}
