// SPDX-License-Identifier: Apache-2.0
//
// The public half of a key that signs tokens. It knows its own kind of signature, so no token can choose another.
// Threads: plain value; verifies() from any.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

struct evp_pkey_st;

namespace fairuse {

/// By their names in RFC 7518.
enum class signature_kind : unsigned char {
  rs256, ///< RSA, PKCS#1 1.5, SHA-256
  es256, ///< ECDSA on P-256, SHA-256
};

constexpr std::string_view to_text(signature_kind value) { return value == signature_kind::rs256 ? "RS256" : "ES256"; }

class verifying_key {
public:
  static constexpr int rsa_bits_min = 2'048;
  static constexpr int rsa_bits_max = 8'192;

  /// Modulus and exponent, the most significant byte first. Nullopt: no RSA key is like this, or it has another number
  /// of bits.
  static std::optional<verifying_key> rsa(std::string_view modulus, std::string_view exponent);
  /// Coordinates of 32 bytes. Nullopt: they are no point of the curve.
  static std::optional<verifying_key> p256(std::string_view x, std::string_view y);

  signature_kind kind() const { return kind_; }
  /// Whether the private half signed `bytes`. The signature is as RFC 7518 says: for ES256 two numbers of 32 bytes.
  bool verifies(std::string_view bytes, std::string_view signature) const;

private:
  verifying_key(signature_kind kind, std::shared_ptr<evp_pkey_st> key) : kind_{kind}, key_{std::move(key)} {}

  signature_kind kind_;
  std::shared_ptr<evp_pkey_st> key_;
};

} // namespace fairuse
