// SPDX-License-Identifier: Apache-2.0
//
// HMAC-SHA-256. Cannot fail, as SHA-256 does not.
#pragma once

#include <string_view>

#include "base/system/sha256.hpp"

namespace fairuse {

/// Codes of one message after the other under one key. Both pads are hashed once: OpenSSL's own set-up of a MAC costs
/// several times the hash. Threads: one.
class hmac_sha256 {
public:
  explicit hmac_sha256(std::string_view key);
  /// More of the message.
  void add(std::string_view bytes) { work_.add(bytes); }
  /// The code of the message; the next one begins.
  sha256_hash finish();

private:
  running_sha256 inner_;
  running_sha256 outer_;
  running_sha256 work_;
};

} // namespace fairuse
