// SPDX-License-Identifier: Apache-2.0

#include "api/identity/jwk_set.hpp"

#include <boost/test/unit_test.hpp>

#include "tests/api/identity/signing_key.hpp"

using namespace fairuse;

namespace {

std::string as_set(const std::string& keys) { return R"({"keys":[)" + keys + "]}"; }

std::string joined_keys(const std::string& one, const std::string& other) { return one + "," + other; }

jwk_set accepted_set(const std::string& keys) {
  auto made = jwk_set::parse(as_set(keys), "keys.json");
  BOOST_REQUIRE_MESSAGE(made, made.error().message);
  return *made;
}

std::string refused_set(const std::string& text) {
  const auto made = jwk_set::parse(text, "keys.json");
  BOOST_REQUIRE_MESSAGE(not made, text);
  return made.error().message;
}

} // namespace

BOOST_AUTO_TEST_SUITE(jwk_sets)

BOOST_AUTO_TEST_CASE(a_key_is_found_by_its_id_and_the_only_one_without) {
  const auto both = accepted_set(an_rsa_key().jwk(R"(,"kid":"r","use":"sig","alg":"RS256")") + ","
                                 + an_ec_key().jwk(R"(,"kid":"e","key_ops":["verify"])"));
  BOOST_TEST(both.size() == 2U);
  BOOST_REQUIRE(both.find("r") != nullptr);
  BOOST_REQUIRE(both.find("e") != nullptr);
  BOOST_TEST((both.find("r")->kind() == signature_kind::rs256));
  BOOST_TEST((both.find("e")->kind() == signature_kind::es256));
  BOOST_TEST(both.find("x") == nullptr);
  BOOST_TEST(both.find(std::nullopt) == nullptr);
  const auto one = accepted_set(an_ec_key().jwk());
  BOOST_TEST(one.find(std::nullopt) != nullptr);
  BOOST_TEST(one.find("") == nullptr);
}

BOOST_AUTO_TEST_CASE(keys_for_other_ends_are_left_out) {
  const auto ec = an_ec_key().jwk(R"(,"kid":"e")");
  for (const auto& other : {
           an_ec_key().jwk(R"(,"use":"enc")"),
           an_ec_key().jwk(R"(,"key_ops":["deriveKey"])"),
           an_ec_key().jwk(R"(,"alg":"ECDH-ES")"),
           an_rsa_key().jwk(R"(,"alg":"PS256")"),
           an_rsa_key().jwk(R"(,"alg":7)"),
           std::string{R"({"kty":"EC","crv":"P-384","x":"AA","y":"AA"})"},
           std::string{R"({"kty":"OKP","crv":"Ed25519","x":"AA"})"},
           std::string{R"({"kid":"new","kty":"unheard of"})"},
       }) {
    BOOST_TEST(accepted_set(joined_keys(other, ec)).size() == 1U, other);
    BOOST_TEST(refused_set(as_set(other)) == "keys.json: has no key for RS256 or ES256 signatures");
  }
}

BOOST_AUTO_TEST_CASE(a_damaged_weak_or_secret_key_refuses_the_file) {
  const auto ec = an_ec_key().jwk(R"(,"kid":"a")");
  const auto n = an_rsa_key().jwk().substr(0, an_rsa_key().jwk().rfind(R"("e":)"));
  const std::string weak = "n and e are no RSA key of 2048 to 8192 bits in base64url";
  const std::string no_point = "x and y are no point of P-256";
  const std::pair<std::string, std::string> rows[] = {
      {"", "keys.json: is no JSON object, or has a name twice"},
      {"[]", "is no JSON object"},
      {R"({"keys":[]} x)", "is no JSON object"},
      {R"({"keys":[],"keys":[]})", "has a name twice"},
      {"{}", "has no list `keys`"},
      {R"({"keys":{}})", "has no list `keys`"},
      {as_set("7"), "keys[0]: is no object"},
      {as_set(ec + "," + R"({"kty":"RSA","kty":"RSA"})"), "has a name twice"},
      {as_set(ec + "," + ec), "keys.json: keys[1]: has the `kid` of another key"},
      {as_set(an_ec_key().jwk(R"(,"kid":7)")), "keys[0]: `kid` is no text"},
      {as_set(an_ec_key().jwk(R"(,"d":"AA")")), "keys[0]: holds a secret (`d`); keep only the public half here"},
      {as_set(ec + R"(,{"kty":"oct","k":"AA"})"), "keys[1]: holds a secret (`k`)"},
      {as_set(signing_key::rsa(1'024).jwk()), weak},
      {as_set(n + R"("e":"AQ"})"), weak},
      {as_set(n + R"("e":"AA"})"), weak},
      {as_set(n + R"("e":""})"), weak},
      {as_set(n + R"("e":7})"), weak},
      {as_set(R"({"kty":"RSA","e":"AQAB"})"), weak},
      {as_set(R"({"kty":"RSA","n":")" + std::string(400, '_') + R"(=","e":"AQAB"})"), weak},
      {as_set(R"({"kty":"RSA","n":")" + std::string(1'400, '_') + R"(","e":"AQAB"})"), weak},
      {as_set(R"({"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"})"), no_point},
      {as_set(R"({"kty":"EC","crv":"P-256","x":")" + std::string(43, 'A') + R"(","y":")" + std::string(43, 'A')
              + R"("})"),
       no_point},
  };
  for (const auto& [text, message] : rows) {
    const auto said = refused_set(text);
    BOOST_TEST(said.find(message) != std::string::npos, said << "\n" << text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
