// SPDX-License-Identifier: Apache-2.0
//
// The public keys of an issuer of tokens, as a JWK set (RFC 7517). Keys for other ends (encryption, other kinds of
// signature) are left out; a key of ours that is damaged or weak refuses the file.
// Threads: plain values; const calls from any.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/identity/verifying_key.hpp"
#include "base/pure/result.hpp"

namespace simdjson::dom {
class object;
}

namespace fairuse {

class jwk_set {
public:
  /// An error names `file`, the key by its index, and the remedy.
  static result<jwk_set> parse(std::string_view text, const std::string& file);

  /// The key of this id; without an id the only key. Nullptr: there is none, or no id and several keys.
  const verifying_key* find(std::optional<std::string_view> id) const;
  std::size_t size() const { return all_.size(); }

private:
  struct named_key {
    /// Nullopt: it has none.
    std::optional<std::string> id;
    verifying_key key;
  };

  /// An error: the key refuses the file. One for other ends is left out.
  result<void> add(const simdjson::dom::object& from);

  std::vector<named_key> all_;
};

} // namespace fairuse
