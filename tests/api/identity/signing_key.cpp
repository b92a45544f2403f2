// SPDX-License-Identifier: Apache-2.0
#include "tests/api/identity/signing_key.hpp"

#include <stdexcept>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/pure/base64.hpp"

namespace fairuse {

namespace {

constexpr std::size_t p256_bytes = 32;

void demand(bool done) {
  if (not done) throw std::runtime_error("OpenSSL cannot do what a test needs");
}

std::string bytes_of_number(const BIGNUM* number, std::size_t size) {
  std::string bytes(size, '\0');
  demand(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(size)) >= 0);
  return bytes;
}

} // namespace

signing_key::signing_key(evp_pkey_st* key) : key_{key, EVP_PKEY_free} { demand(key != nullptr); }

signing_key signing_key::rsa(unsigned bits) {
  signing_key made{EVP_RSA_gen(bits)};
  made.is_rsa_ = true;
  return made;
}

signing_key signing_key::p256() { return signing_key{EVP_EC_gen("P-256")}; }

std::string signing_key::number(const char* name, std::size_t bytes) const {
  BIGNUM* value = nullptr;
  demand(EVP_PKEY_get_bn_param(key_.get(), name, &value) == 1);
  auto text = to_base64url(bytes_of_number(value, bytes == 0 ? static_cast<std::size_t>(BN_num_bytes(value)) : bytes));
  BN_free(value);
  return text;
}

std::string signing_key::jwk(std::string_view more) const {
  std::string text;
  if (is_rsa_)
    text = R"({"kty":"RSA","n":")" + number(OSSL_PKEY_PARAM_RSA_N, 0) + R"(","e":")" + number(OSSL_PKEY_PARAM_RSA_E, 0);
  else
    text = R"({"kty":"EC","crv":"P-256","x":")" + number(OSSL_PKEY_PARAM_EC_PUB_X, p256_bytes) + R"(","y":")"
           + number(OSSL_PKEY_PARAM_EC_PUB_Y, p256_bytes);
  return text + "\"" + std::string{more} + "}";
}

std::string signing_key::der_signature(std::string_view bytes) const {
  auto* context = EVP_MD_CTX_new();
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t size = 0;
  demand(EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
  demand(EVP_DigestSign(context, nullptr, &size, data, bytes.size()) == 1);
  std::string made(size, '\0');
  demand(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(made.data()), &size, data, bytes.size()) == 1);
  EVP_MD_CTX_free(context);
  made.resize(size);
  return made;
}

std::string signing_key::signature(std::string_view bytes) const {
  auto der = der_signature(bytes);
  if (is_rsa_) return der;
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  auto* both = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  demand(both != nullptr);
  auto text = bytes_of_number(ECDSA_SIG_get0_r(both), p256_bytes) + bytes_of_number(ECDSA_SIG_get0_s(both), p256_bytes);
  ECDSA_SIG_free(both);
  return text;
}

std::string signing_key::token(std::string_view header, std::string_view payload) const {
  const auto text = signed_part(header, payload);
  return text + "." + to_base64url(signature(text));
}

std::string signed_part(std::string_view header, std::string_view payload) {
  return to_base64url(header) + "." + to_base64url(payload);
}

const signing_key& an_rsa_key() {
  static const auto key = signing_key::rsa();
  return key;
}

const signing_key& an_ec_key() {
  static const auto key = signing_key::p256();
  return key;
}

} // namespace fairuse
