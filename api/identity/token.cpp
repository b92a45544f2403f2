// SPDX-License-Identifier: Apache-2.0
#include "api/identity/token.hpp"

#include <algorithm>
#include <array>

#include <openssl/rand.h>

#include "base/pure/base64.hpp"

namespace fairuse {

namespace {

constexpr std::size_t token_bytes = 32;
/// base64url of so many bytes; of hexadecimal digits it takes more.
constexpr std::size_t token_characters_min = 43;
constexpr std::size_t token_characters_max = 512;

bool is_token_character(char c) {
  return (c >= '0' and c <= '9') or (c >= 'a' and c <= 'z') or (c >= 'A' and c <= 'Z') or c == '-' or c == '_';
}

} // namespace

bool is_token(std::string_view text) {
  return text.size() >= token_characters_min and text.size() <= token_characters_max
         and std::all_of(text.begin(), text.end(), is_token_character);
}

result<std::string> make_token() {
  std::array<unsigned char, token_bytes> bytes{};
  if (RAND_priv_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    return error{"no token can be made: the system gives no random bytes"};
  return to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

} // namespace fairuse
