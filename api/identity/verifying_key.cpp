// SPDX-License-Identifier: Apache-2.0
#include "api/identity/verifying_key.hpp"

#include <string>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

namespace fairuse {

namespace {

constexpr std::size_t p256_number_bytes = 32;

/// What OpenSSL allocates, with the function that frees it.
template <auto Release>
struct released {
  template <class T>
  void operator()(T* what) const {
    Release(what);
  }
};
using big_number = std::unique_ptr<BIGNUM, released<BN_free>>;
using parameter_builder = std::unique_ptr<OSSL_PARAM_BLD, released<OSSL_PARAM_BLD_free>>;
using parameters = std::unique_ptr<OSSL_PARAM, released<OSSL_PARAM_free>>;
using key_context = std::unique_ptr<EVP_PKEY_CTX, released<EVP_PKEY_CTX_free>>;
using digest_context = std::unique_ptr<EVP_MD_CTX, released<EVP_MD_CTX_free>>;
using ecdsa_numbers = std::unique_ptr<ECDSA_SIG, released<ECDSA_SIG_free>>;

/// What a refused key or signature leaves in the thread's queue of errors says nothing to anybody.
struct errors_forgotten {
  ~errors_forgotten() { ERR_clear_error(); }
};

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

big_number number_from(std::string_view bytes) {
  return big_number{BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr)};
}

/// Null: no key is like this.
std::shared_ptr<EVP_PKEY> key_from(const char* kind, OSSL_PARAM_BLD* builder) {
  const parameters all{OSSL_PARAM_BLD_to_param(builder)};
  const key_context making{EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr)};
  EVP_PKEY* made = nullptr;
  if (not all or not making or EVP_PKEY_fromdata_init(making.get()) != 1
      or EVP_PKEY_fromdata(making.get(), &made, EVP_PKEY_PUBLIC_KEY, all.get()) != 1)
    return nullptr;
  std::shared_ptr<EVP_PKEY> key{made, EVP_PKEY_free};
  const key_context checking{EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr)};
  return checking and EVP_PKEY_public_check(checking.get()) == 1 ? key : nullptr;
}

/// r and s as OpenSSL takes them. Empty: they are not two numbers of 32 bytes.
std::string der_of(std::string_view signature) {
  if (signature.size() != 2 * p256_number_bytes) return {};
  const ecdsa_numbers both{ECDSA_SIG_new()};
  auto r = number_from(signature.substr(0, p256_number_bytes));
  auto s = number_from(signature.substr(p256_number_bytes));
  // It owns them afterwards.
  if (not both or not r or not s or ECDSA_SIG_set0(both.get(), r.release(), s.release()) != 1) return {};
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(both.get(), &der);
  if (size <= 0) return {};
  std::string text{reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)};
  OPENSSL_free(der);
  return text;
}

} // namespace

std::optional<verifying_key> verifying_key::rsa(std::string_view modulus, std::string_view exponent) {
  const errors_forgotten at_end;
  constexpr std::size_t number_bytes_max = rsa_bits_max / 8 + 1;
  if (modulus.size() > number_bytes_max or exponent.size() > number_bytes_max) return std::nullopt;
  const auto n = number_from(modulus);
  const auto e = number_from(exponent);
  if (not n or not e or BN_num_bits(n.get()) < rsa_bits_min or BN_num_bits(n.get()) > rsa_bits_max) return std::nullopt;
  const parameter_builder builder{OSSL_PARAM_BLD_new()};
  if (not builder or OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1
      or OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    return std::nullopt;
  auto key = key_from("RSA", builder.get());
  return key ? std::optional{verifying_key{signature_kind::rs256, std::move(key)}} : std::nullopt;
}

std::optional<verifying_key> verifying_key::p256(std::string_view x, std::string_view y) {
  const errors_forgotten at_end;
  if (x.size() != p256_number_bytes or y.size() != p256_number_bytes) return std::nullopt;
  // The mark of a point that is not compressed.
  const std::string point = "\x04" + std::string{x} + std::string{y};
  const parameter_builder builder{OSSL_PARAM_BLD_new()};
  if (not builder or OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1
      or OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
    return std::nullopt;
  auto key = key_from("EC", builder.get());
  return key ? std::optional{verifying_key{signature_kind::es256, std::move(key)}} : std::nullopt;
}

bool verifying_key::verifies(std::string_view bytes, std::string_view signature) const {
  const errors_forgotten at_end;
  const auto taken = kind_ == signature_kind::es256 ? der_of(signature) : std::string{signature};
  const digest_context context{EVP_MD_CTX_new()};
  return not taken.empty() and context
         and EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1
         and EVP_DigestVerify(context.get(), bytes_of(taken), taken.size(), bytes_of(bytes), bytes.size()) == 1;
}

} // namespace fairuse
