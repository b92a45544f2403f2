// SPDX-License-Identifier: Apache-2.0
//
// SHA-256. Cannot fail: if OpenSSL has no such digest or there is no memory for it, the process ends.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace fairuse {

using sha256_hash = std::array<unsigned char, 32>;

sha256_hash sha256(std::string_view bytes);
/// 64 lower-case digits.
std::string sha256_hex(std::string_view bytes);

/// The bytes of a hash, valid as long as the hash.
inline std::string_view as_bytes(const sha256_hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

/// SHA-256 of bytes that come in pieces. A copy continues on its own. Threads: one.
class running_sha256 {
public:
  running_sha256();
  ~running_sha256();
  running_sha256(const running_sha256& other);
  running_sha256& operator=(const running_sha256& other);
  void add(std::string_view bytes);
  /// REQUIRES: no byte is added afterwards, until restart() or an assignment.
  sha256_hash finish();
  /// As if no byte had been added.
  void restart();

private:
  struct freed {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, freed> context_;
  bool finished_ = false;
};

} // namespace fairuse
