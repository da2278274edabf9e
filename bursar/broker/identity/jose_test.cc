#include "bursar/broker/identity/jose.h"

#include <gtest/gtest.h>

#include "bursar/broker/identity/token_testing.h"

namespace bursar::broker {
namespace {

using testing::SigningKey;

constexpr const char* kAll[] = {"RS256", "RS384", "RS512", "PS256", "PS384",
                                "PS512", "ES256", "ES384", "ES512", "EdDSA"};
const boost::json::object kClaims{{"iss", "https://id.example"}, {"sub", "ada"}, {"exp", 4'000'000'000}};

KeyVerdict verdict(const KeySet& keys, std::string_view token) {
  const auto jws = parse_jws(token);
  EXPECT_TRUE(jws) << (jws ? "" : jws.error().message);
  return jws ? keys.check(*jws) : KeyVerdict::kNoKey;
}

TEST(Jose, AcceptsASignatureOfEveryAlgorithmItNames) {
  for (const char* algorithm : kAll) {
    const SigningKey key("a", algorithm), other("a", algorithm);
    const auto keys = KeySet::parse(testing::key_set(key));
    ASSERT_TRUE(keys) << algorithm;
    EXPECT_EQ(verdict(*keys, testing::token(key, kClaims)), KeyVerdict::kGood) << algorithm;
    EXPECT_EQ(verdict(*keys, testing::token(other, kClaims)), KeyVerdict::kBadSignature) << algorithm;
    EXPECT_EQ(parse_jws(testing::token(key, kClaims))->payload, to_json(kClaims));
  }
}

// RFC 7515, appendix A.3: a signature that neither we nor our tools made.
TEST(Jose, AcceptsTheExampleOfRfc7515) {
  const auto keys =
      KeySet::parse(R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})");
  ASSERT_TRUE(keys);
  const std::string token =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnV"
      "lfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  EXPECT_EQ(verdict(*keys, token), KeyVerdict::kGood);
}

// RFC 8037, appendix A.4.
TEST(Jose, AcceptsTheExampleOfRfc8037) {
  const auto keys =
      KeySet::parse(R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
  ASSERT_TRUE(keys);
  EXPECT_EQ(
      verdict(*keys,
              "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbh"
              "ijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"),
      KeyVerdict::kGood);
}

TEST(Jose, RefusesATokenWithAnyBitFlipped) {
  for (const char* algorithm : {"RS256", "PS256", "ES256", "EdDSA"}) {
    const SigningKey key("a", algorithm);
    const auto keys = KeySet::parse(testing::key_set(key));
    ASSERT_TRUE(keys);
    const std::string good = testing::token(key, kClaims);
    for (std::size_t i = 0; i < good.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
        const auto jws = parse_jws(bad);
        ASSERT_FALSE(jws && keys->check(*jws) == KeyVerdict::kGood) << algorithm << " byte " << i << " bit " << bit;
      }
    }
  }
}

TEST(Jose, RefusesASignatureOfAnotherLength) {
  for (const char* algorithm : kAll) {
    const SigningKey key("a", algorithm);
    const auto keys = KeySet::parse(testing::key_set(key));
    ASSERT_TRUE(keys);
    const std::string input =
        base64url(R"({"alg":")" + std::string(algorithm) + R"("})") + "." + base64url(to_json(kClaims));
    const std::string signature = key.signature(input);
    const auto with = [&](const std::string& bytes) { return verdict(*keys, input + "." + base64url(bytes)); };
    EXPECT_EQ(with(signature), KeyVerdict::kGood) << algorithm;
    for (const std::string& bad : {signature + std::string(1, '\0'), signature + std::string(2, '\0'),
                                   std::string(1, '\0') + signature, signature.substr(0, signature.size() - 1),
                                   signature.substr(1), signature + signature, signature.substr(0, 1)}) {
      EXPECT_EQ(with(bad), KeyVerdict::kBadSignature) << algorithm << " " << bad.size();
    }
  }
}

TEST(Jose, NamesNoAlgorithmThatIsNoneOrSymmetric) {
  for (const char* name : {"none", "None", "NONE", "HS256", "HS384", "HS512", "rs256", "", "RS1", "ES256K", "dir"}) {
    EXPECT_FALSE(parse_algorithm(name)) << name;
  }
}

TEST(Jose, RefusesATokenThatSaysNone) {
  const std::string claims = base64url(to_json(kClaims));
  for (const char* alg : {"none", "None", "nOnE", "NONE"}) {
    const std::string head = base64url(R"({"alg":")" + std::string(alg) + R"("})");
    EXPECT_FALSE(parse_jws(head + "." + claims + ".")) << alg;
    EXPECT_FALSE(parse_jws(head + "." + claims + ".AAAA")) << alg;
  }
}

// The classic: the public key, which anybody has, used as the secret of an HMAC.
TEST(Jose, RefusesAnHmacMadeWithThePublicKey) {
  const SigningKey key("a", "RS256");
  const std::string input = base64url(R"({"alg":"HS256","kid":"a"})") + "." + base64url(to_json(kClaims));
  for (const std::string& secret : {key.public_pem(), testing::key_set(key), to_json(key.jwk())}) {
    const Sha256 mac = hmac_sha256(secret, input);
    const std::string token =
        input + "." + base64url(std::string_view(reinterpret_cast<const char*>(mac.data()), mac.size()));
    EXPECT_FALSE(parse_jws(token));
  }
}

TEST(Jose, UsesAKeyForItsOwnKindOfAlgorithmOnly) {
  const SigningKey rsa("k", "RS256"), p256("k", "ES256"), p384("k", "ES384"), ed("k", "EdDSA");
  for (const SigningKey* in_set : {&rsa, &p256, &p384, &ed}) {
    const auto keys = KeySet::parse(testing::key_set(*in_set));
    for (const SigningKey* signer : {&rsa, &p256, &p384, &ed}) {
      EXPECT_EQ(verdict(*keys, testing::token(*signer, kClaims)),
                signer == in_set ? KeyVerdict::kGood : KeyVerdict::kNoKey)
          << in_set->algorithm() << " " << signer->algorithm();
    }
  }
}

TEST(Jose, ObeysWhatASetSaysAKeyIsFor) {
  const SigningKey key("a", "RS256");
  const auto with = [&](std::string_view name, boost::json::value value) {
    auto jwk = key.jwk();
    jwk[name] = std::move(value);
    return KeySet::parse(to_json(boost::json::object{{"keys", boost::json::array{jwk}}}));
  };
  EXPECT_TRUE(with("alg", "RS256"));
  EXPECT_TRUE(with("key_ops", boost::json::array{"verify"}));
  EXPECT_FALSE(with("alg", "HS256"));
  EXPECT_FALSE(with("alg", "RSA-OAEP"));
  EXPECT_FALSE(with("use", "enc"));
  EXPECT_FALSE(with("key_ops", boost::json::array{"encrypt"}));
  const auto only = with("alg", "PS256");
  ASSERT_TRUE(only);
  EXPECT_EQ(verdict(*only, testing::token(key, kClaims)), KeyVerdict::kNoKey);
}

TEST(Jose, LeavesOutKeysThatAreTooSmallSymmetricOrBroken) {
  const SigningKey small("s", "RS256", 1024);
  EXPECT_FALSE(KeySet::parse(testing::key_set(small)));
  EXPECT_FALSE(KeySet::parse(R"({"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"a"}]})"));
  EXPECT_FALSE(KeySet::parse(R"({"keys":[{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}]})"));
  EXPECT_FALSE(KeySet::parse(R"({"keys":[{"kty":"EC","crv":"secp256k1","x":"AAAA","y":"AAAA"}]})"));
  EXPECT_FALSE(KeySet::parse(R"({"keys":[1,null,"x",{}]})"));
  for (const char* bad :
       {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[]})", "{\"keys\":", R"({"keys":[],"keys":[]})"}) {
    EXPECT_FALSE(KeySet::parse(bad)) << bad;
  }
  const SigningKey good("g", "ES256");
  auto mixed = boost::json::array{small.jwk(), good.jwk(), boost::json::object{{"kty", "oct"}, {"k", "AAAA"}}};
  const auto keys = KeySet::parse(to_json(boost::json::object{{"keys", mixed}}));
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->size(), 1u);
}

TEST(Jose, TakesAKeyWithoutItsNameOnlyWhereThereIsNoChoice) {
  const SigningKey a("a", "ES256"), b("b", "ES256");
  const std::string nameless = testing::signed_with(a, {{"alg", "ES256"}}, kClaims);
  EXPECT_EQ(verdict(*KeySet::parse(testing::key_set(a)), nameless), KeyVerdict::kGood);
  EXPECT_EQ(verdict(*KeySet::parse(testing::key_set(a, b)), nameless), KeyVerdict::kNoKey);
  EXPECT_EQ(verdict(*KeySet::parse(testing::key_set(b)), testing::token(a, kClaims)), KeyVerdict::kNoKey);
}

TEST(Jose, RefusesHeadersItDoesNotUnderstand) {
  const SigningKey key("a", "ES256");
  const auto parses = [&](std::string_view name, const boost::json::value& value) {
    boost::json::object header{{"alg", "ES256"}, {"kid", "a"}};
    header[name] = value;
    return parse_jws(testing::signed_with(key, header, kClaims)).has_value();
  };
  for (const char* good : {"at+jwt", "JWT", "jwt", "application/at+jwt"}) EXPECT_TRUE(parses("typ", good)) << good;
  for (const char* bad : {"", "dpop+jwt", "logout+jwt", "JOSE", "id+jwt"}) EXPECT_FALSE(parses("typ", bad)) << bad;
  EXPECT_FALSE(parses("typ", 7));
  EXPECT_FALSE(parses("crit", boost::json::array{"exp"}));
  EXPECT_FALSE(parses("crit", boost::json::array{}));
  EXPECT_FALSE(parses("b64", false));
  EXPECT_FALSE(parses("kid", 7));
  EXPECT_FALSE(parses("kid", ""));
  EXPECT_FALSE(parses("kid", boost::json::string(257, 'k')));
  EXPECT_FALSE(parses("alg", boost::json::array{"ES256"}));
  // A key that the token itself brings is not even looked at.
  const SigningKey mine("a", "ES256"), theirs("a", "ES256");
  const std::string forged =
      testing::signed_with(theirs, {{"alg", "ES256"}, {"kid", "a"}, {"jwk", theirs.jwk()}}, kClaims);
  EXPECT_EQ(verdict(*KeySet::parse(testing::key_set(mine)), forged), KeyVerdict::kBadSignature);
}

TEST(Jose, RefusesWhatIsNoCompactJws) {
  const SigningKey key("a", "ES256");
  const std::string good = testing::token(key, kClaims);
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("..."), good + ".", "." + good, good + "=",
        good + " ", " " + good, good.substr(0, good.rfind('.')), good.substr(0, good.rfind('.') + 1),
        good + std::string(kMaxTokenBytes, 'A'), std::string("eyJ9.e30.AAAA"), std::string("e30.e30.AAAA"),
        base64url("[]") + ".e30.AAAA", base64url("{\"alg\":\"ES256\",\"alg\":\"ES256\"}") + ".e30.AAAA",
        base64url("{\"alg\":\"ES256\",\"x\":" + std::string(9, '[') + std::string(9, ']') + "}") + ".e30.AAAA"}) {
    EXPECT_FALSE(parse_jws(bad)) << bad.substr(0, 80);
  }
}

TEST(Jose, DecodesOnlyTheOneCanonicalForm) {
  for (const char* text : {"", "f", "fo", "foo", "foob", "\xff\xfe\xfd"}) {
    EXPECT_EQ(base64url_decoded(base64url(text)), text);
  }
  for (const char* bad : {"A", "AB", "AAB", "AA==", "A+/A", "AA A", "AA\n", "AAAAA"}) {
    EXPECT_FALSE(base64url_decoded(bad)) << bad;
  }
}

}  // namespace
}  // namespace bursar::broker
