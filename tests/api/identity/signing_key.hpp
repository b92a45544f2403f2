// SPDX-License-Identifier: Apache-2.0
//
// The private half of a key, for tokens that tests make. It signs whatever it is told to.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_pkey_st;

namespace fairuse {

class signing_key {
public:
  static signing_key rsa(unsigned bits = 2'048);
  static signing_key p256();

  /// The public half as a JWK: {"kty":...} with `more` as its last members, such as `,"kid":"a"`.
  std::string jwk(std::string_view more = "") const;
  /// Of `bytes`, as RFC 7518 says.
  std::string signature(std::string_view bytes) const;
  /// ECDSA's form in certificates, which is not that of tokens.
  std::string der_signature(std::string_view bytes) const;
  /// base64url(header).base64url(payload).base64url(signature).
  std::string token(std::string_view header, std::string_view payload) const;

private:
  explicit signing_key(evp_pkey_st* key);
  std::string number(const char* name, std::size_t bytes) const;

  std::shared_ptr<evp_pkey_st> key_;
  bool is_rsa_ = false;
};

/// base64url(header).base64url(payload), what is signed.
std::string signed_part(std::string_view header, std::string_view payload);

/// One of each kind, made once: an RSA key takes a while.
const signing_key& an_rsa_key();
const signing_key& an_ec_key();

} // namespace fairuse
