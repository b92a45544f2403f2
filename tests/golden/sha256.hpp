// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 of fields, each behind its length, so that no two lists of fields have the same bytes. Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <openssl/evp.h>

namespace fairuse::golden {

class sha256 {
public:
  sha256() { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }

  void add(std::uint64_t number) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; ++i)
      bytes[i] = static_cast<unsigned char>(number >> (56 - 8 * i));
    EVP_DigestUpdate(context_.get(), bytes, sizeof(bytes));
  }
  void add(std::string_view field) {
    add(std::uint64_t{field.size()});
    EVP_DigestUpdate(context_.get(), field.data(), field.size());
  }
  /// An absent field is not an empty one.
  void add(const std::optional<std::string>& field) {
    add(std::uint64_t{field.has_value()});
    if (field) add(std::string_view(*field));
  }

  /// REQUIRES: the last call.
  std::string hex() {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), bytes, &size);
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
      constexpr std::string_view digits = "0123456789abcdef";
      text += digits[bytes[i] >> 4];
      text += digits[bytes[i] & 15];
    }
    return text;
  }

private:
  struct freed {
    void operator()(EVP_MD_CTX* each) const { EVP_MD_CTX_free(each); }
  };
  std::unique_ptr<EVP_MD_CTX, freed> context_{EVP_MD_CTX_new()};
};

} // namespace fairuse::golden
