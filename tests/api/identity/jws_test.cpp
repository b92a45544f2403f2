// SPDX-License-Identifier: Apache-2.0

#include "api/identity/jws.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include "base/pure/base64.hpp"
#include "base/system/hmac.hpp"
#include "tests/api/identity/signing_key.hpp"

using namespace fairuse;

namespace {

// Appendix A.2 and A.3 of RFC 7515.
const std::string rfc_payload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const std::string rfc_text = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
const std::string rfc_rsa_key =
    R"({"keys":[{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEz)"
    "P1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-"
    "KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2eth"
    R"(FkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}]})";
const std::string rfc_rsa_signature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
    "O8W2Fp5jujGbds9uJdbF9CUAr7t1dn"
    "ZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwus"
    "C-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const std::string rfc_ec_key =
    R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";
const std::string rfc_ec_signature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

const std::string rs_header = R"({"alg":"RS256","kid":"r"})";
const std::string es_header = R"({"alg":"ES256","kid":"e"})";

const jwk_set& both_keys() {
  static const auto keys = jwk_set::parse(
      R"({"keys":[)" + an_rsa_key().jwk(R"(,"kid":"r")") + "," + an_ec_key().jwk(R"(,"kid":"e")") + "]}", "keys.json");
  return *keys;
}

jws_refusal refused_jws(const std::string& token, const jwk_set& keys = both_keys()) {
  const auto read = read_jws(token, keys);
  BOOST_REQUIRE_MESSAGE(not read, token);
  return read.error();
}

/// `token` with another byte in a place.
std::string changed(std::string token, std::size_t at, unsigned char bits) {
  token[at] = static_cast<char>(static_cast<unsigned char>(token[at]) ^ bits);
  return token;
}

std::string header_of(const std::string& algorithm, const std::string& key) {
  return R"({"alg":")" + algorithm + R"(","kid":")" + key + R"("})";
}

std::string with_signature(const std::string& header, const std::string& signature) {
  return signed_part(header, "{}") + "." + to_base64url(signature);
}

} // namespace

BOOST_AUTO_TEST_SUITE(signed_texts)

BOOST_AUTO_TEST_CASE(the_examples_of_rfc_7515_are_verified) {
  const std::tuple<std::string, std::string, std::string> rows[] = {
      {"eyJhbGciOiJSUzI1NiJ9." + rfc_payload + "." + rfc_rsa_signature, rfc_rsa_key, rfc_ec_key},
      {"eyJhbGciOiJFUzI1NiJ9." + rfc_payload + "." + rfc_ec_signature, rfc_ec_key, rfc_rsa_key},
  };
  for (const auto& [token, right, wrong] : rows) {
    const auto keys = jwk_set::parse(right, "k");
    BOOST_REQUIRE_MESSAGE(keys, keys.error().message);
    const auto read = read_jws(token, *keys);
    BOOST_REQUIRE_MESSAGE(read, read.error().detail);
    BOOST_TEST(*read == rfc_text);
    BOOST_TEST(refused_jws(token, *jwk_set::parse(wrong, "k")).detail == "`alg` is not that of the key");
  }
}

BOOST_AUTO_TEST_CASE(what_a_key_signed_is_read) {
  BOOST_TEST(read_jws(an_rsa_key().token(rs_header, "{}"), both_keys()).value() == "{}");
  BOOST_TEST(read_jws(an_ec_key().token(es_header, "any \xFF bytes"), both_keys()).value() == "any \xFF bytes");
  for (const std::string type : {"JWT", "jwt", "at+jwt", "application/at+JWT"})
    BOOST_TEST(read_jws(an_ec_key().token(R"({"kid":"e","alg":"ES256","typ":")" + type + R"(","more":[1,{}]})", "{}"),
                        both_keys())
                   .has_value(),
               type);
}

BOOST_AUTO_TEST_CASE(a_token_does_not_choose_how_it_is_verified) {
  const std::string is_none = "`alg` is neither RS256 nor ES256";
  for (const std::string algorithm : {"none", "None", "nOnE", "", "HS256", "RS384", "RS512", "PS256", "ES384", "EdDSA"})
    for (const std::string key : {"r", "e"}) {
      const auto header = header_of(algorithm, key);
      BOOST_TEST(refused_jws(an_rsa_key().token(header, "{}")).detail == is_none, header);
      BOOST_TEST(refused_jws(signed_part(header, "{}") + ".").detail == is_none, header);
    }
  // The public key as a secret.
  const std::string header = R"({"alg":"HS256","kid":"r"})";
  for (const auto& secret : {an_rsa_key().jwk(), an_rsa_key().jwk(R"(,"kid":"r")")}) {
    hmac_sha256 code{secret};
    code.add(signed_part(header, "{}"));
    BOOST_TEST(refused_jws(with_signature(header, std::string{as_bytes(code.finish())})).detail == is_none);
  }
  // A key of the other kind.
  const std::string other = "`alg` is not that of the key";
  BOOST_TEST(refused_jws(an_ec_key().token(R"({"alg":"ES256","kid":"r"})", "{}")).detail == other);
  BOOST_TEST(refused_jws(an_rsa_key().token(R"({"alg":"RS256","kid":"e"})", "{}")).detail == other);
  // A key that the token brings along.
  const auto mine = signing_key::p256();
  const auto brought = R"({"alg":"ES256","kid":"e","jwk":)" + mine.jwk() + "}";
  BOOST_TEST(refused_jws(mine.token(brought, "{}")).detail == "the signature is wrong");
}

BOOST_AUTO_TEST_CASE(the_header_says_which_key_and_nothing_that_must_be_understood) {
  const std::pair<std::string, std::string> rows[] = {
      {R"({"alg":"ES256"})", "it has no `kid`, and keys are many"},
      {R"({"alg":"ES256","kid":"x"})", "no key has its `kid`"},
      {R"({"alg":"ES256","kid":7})", "the header's `kid` is no text"},
      {R"({"alg":"ES256","kid":null})", "the header's `kid` is no text"},
      {R"({"kid":"e"})", "the header has no `alg`"},
      {R"({"alg":["ES256"],"kid":"e"})", "the header has no `alg`"},
      {R"({"alg":"ES256","kid":"e","crit":["exp"],"exp":1})", "the header has `crit`"},
      {R"({"alg":"ES256","kid":"e","b64":false,"crit":["b64"]})", "the header has `crit`"},
      {R"({"alg":"ES256","kid":"e","crit":[]})", "the header has `crit`"},
      {R"({"alg":"ES256","kid":"e","typ":"logout+jwt"})", "the header's `typ` is neither JWT nor at+jwt"},
      {R"({"alg":"ES256","kid":"e","typ":7})", "the header's `typ` is neither JWT nor at+jwt"},
  };
  for (const auto& [header, detail] : rows) {
    const auto why = refused_jws(an_ec_key().token(header, "{}"));
    BOOST_TEST(why.detail == detail, header);
    BOOST_TEST(why.is_unknown_key == (detail == "no key has its `kid`"), header);
  }
}

BOOST_AUTO_TEST_CASE(a_header_that_two_readers_could_read_in_two_ways_is_refused) {
  for (const auto& header : {
           std::string{""},
           std::string{"[]"},
           "\xEF\xBB\xBF" + es_header,
           std::string{"\"ES256\""},
           std::string{R"({"alg":"ES256","kid":"e"} )"} + "x",
           std::string{R"({"alg":"none","alg":"ES256","kid":"e"})"},
           std::string{R"({"alg":"ES256","kid":"e","x":{"a":1,"a":2}})"},
           std::string{R"({"alg":"ES256","kid":"e","x":[{"a":1,"\u0061":2}]})"},
           std::string{"{\"alg\":\"ES256\",\"kid\":\"e\",\"x\":\"\xC3\"}"},
           std::string{R"({"alg":"ES256","kid":"e","x":"\ud800"})"},
           std::string{R"({"alg":"ES256","kid":"e","x":["\udc00"]})"},
           std::string{R"({"alg":"ES256","kid":"e","\udc00":1})"},
           R"({"alg":"ES256","kid":"e","x":)" + std::string(30, '[') + std::string(30, ']') + "}",
           R"({"alg":"ES256","kid":"e","x":")" + std::string(2'000, 'x') + "\"}",
       })
    BOOST_TEST(
        refused_jws(an_ec_key().token(header, "{}")).detail == "the header is no JSON object in base64url, or too long",
        header);
}

BOOST_AUTO_TEST_CASE(only_the_compact_form_is_read) {
  const auto token = an_ec_key().token(es_header, "{}");
  const auto last = token.rfind('.');
  const auto first = token.find('.');
  for (const auto& each :
       {std::string{}, std::string{"."}, std::string{".."}, std::string{"..."}, token.substr(0, last),
        token.substr(0, last + 1), token.substr(first), token + ".", token + ".AA", "." + token, token + "=",
        token + "\n", " " + token, token.substr(0, last) + "=" + token.substr(last),
        token.substr(0, first) + "=" + token.substr(first), token.substr(0, first) + "\n" + token.substr(first),
        token + std::string(jws_characters_max, 'A'), token.substr(0, last) + " " + token.substr(last)})
    BOOST_TEST(not read_jws(each, both_keys()).has_value(), each);
}

BOOST_AUTO_TEST_CASE(another_form_of_the_signature_is_none) {
  const auto text = signed_part(es_header, "{}");
  const auto right = an_ec_key().signature(text);
  const std::string zeros(32, '\0');
  for (const auto& each : {an_ec_key().der_signature(text), right.substr(0, 63), right + '\0', std::string{},
                           zeros + zeros, right.substr(0, 32) + zeros, right.substr(32) + right.substr(0, 32)})
    BOOST_TEST(refused_jws(with_signature(es_header, each)).detail == "the signature is wrong");
  const auto rsa = an_rsa_key().signature(signed_part(rs_header, "{}"));
  for (const auto& each : {rsa.substr(1), '\0' + rsa, std::string{}, std::string(256, '\0'), std::string(256, '\xFF')})
    BOOST_TEST(refused_jws(with_signature(rs_header, each)).detail == "the signature is wrong");
}

BOOST_AUTO_TEST_CASE(no_bit_of_a_token_may_change) {
  for (const auto& token :
       {an_rsa_key().token(rs_header, R"({"sub":"u"})"), an_ec_key().token(es_header, R"({"sub":"u"})")}) {
    BOOST_REQUIRE(read_jws(token, both_keys()).has_value());
    for (std::size_t at = 0; at < token.size(); ++at)
      for (unsigned bit = 0; bit < 8; ++bit)
        if (read_jws(changed(token, at, static_cast<unsigned char>(1U << bit)), both_keys()))
          BOOST_ERROR("bit " << bit << " of byte " << at << " says nothing: " << token);
  }
}

RC_BOOST_PROP(no_change_of_a_token_is_read, ()) {
  const auto is_rsa = *rc::gen::arbitrary<bool>();
  const auto payload = *rc::gen::string<std::string>();
  const auto token = is_rsa ? an_rsa_key().token(rs_header, payload) : an_ec_key().token(es_header, payload);
  RC_ASSERT(read_jws(token, both_keys()).value() == payload);
  auto other = token;
  const auto at = *rc::gen::inRange<std::size_t>(0, token.size());
  switch (*rc::gen::inRange(0, 4)) {
    case 0:
      other[at] = *rc::gen::arbitrary<char>();
      break;
    case 1:
      other.insert(at, 1, *rc::gen::elementOf(std::string{"Aa0_-.= \n"}));
      break;
    case 2:
      other.erase(at, *rc::gen::inRange<std::size_t>(1, 8));
      break;
    default:
      other.resize(at);
  }
  RC_PRE(other != token);
  RC_ASSERT(not read_jws(other, both_keys()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
