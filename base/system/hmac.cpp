// SPDX-License-Identifier: Apache-2.0
#include "base/system/hmac.hpp"

#include <string>

namespace fairuse {

namespace {

constexpr std::size_t block_bytes = 64;

} // namespace

hmac_sha256::hmac_sha256(std::string_view key) {
  const auto hashed = sha256(key);
  std::string pad(key.size() > block_bytes ? as_bytes(hashed) : key);
  pad.resize(block_bytes);
  for (auto& byte : pad)
    byte = static_cast<char>(byte ^ 0x36);
  inner_.add(pad);
  for (auto& byte : pad)
    byte = static_cast<char>(byte ^ 0x36 ^ 0x5C);
  outer_.add(pad);
  work_ = inner_;
}

sha256_hash hmac_sha256::finish() {
  const auto hash = work_.finish();
  work_ = outer_;
  work_.add(as_bytes(hash));
  const auto code = work_.finish();
  work_ = inner_;
  return code;
}

} // namespace fairuse
