// SPDX-License-Identifier: Apache-2.0
//
// The file of tokens, one a line, with comments behind `#`:
//
//   # NAME ROLE[,ROLE] sha256:HEX [uid:UID]
//   gateway-1 gateway sha256:9f86d0...
//   ann support,policy sha256:60303a...
//   alice user sha256:fd61a0... uid:u-17
//
// Threads: plain values; find() from any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "api/identity/role.hpp"
#include "base/pure/result.hpp"
#include "base/system/sha256.hpp"

namespace fairuse {

struct known_token {
  /// Of the person or service; [A-Za-z0-9._@+-], 1 to 64 characters.
  std::string name;
  role_set roles;
  /// Empty iff it is not a user's.
  std::string uid;
  sha256_hash digest{};
};

/// An error says what is wrong with the name, or with a uid that the roles do not fit.
result<void> check_token(const known_token& token);

/// As it stands in the file, without a line end. REQUIRES: check_token() has nothing against it.
std::string to_line(const known_token& token);

class token_file {
public:
  static constexpr std::size_t tokens_max = 1'000;

  /// An error names `file`, the line and the remedy, and holds nothing of a hash or a token.
  static result<token_file> parse(std::string_view text, const std::string& file);

  /// Nullptr: nobody has this token. Looks at every line, so the time that it takes says nothing of any hash.
  const known_token* find(std::string_view token) const;
  std::size_t size() const { return all_.size(); }

private:
  std::vector<known_token> all_;
};

} // namespace fairuse
