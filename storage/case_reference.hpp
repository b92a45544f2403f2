// SPDX-License-Identifier: Apache-2.0
//
// Names that do not show a uid: `FU-` references of strikes, keyed hashes of erased users. HMAC-SHA-256, each use with
// its own prefix, so that their messages differ.
// Threads: one object per thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/system/hmac.hpp"

namespace fairuse {

using keyed_hash = sha256_hash;

class case_namer {
public:
  explicit case_namer(std::string_view key) : mac_(key) {}

  /// `FU-` + 12 upper-case hex digits of the user's strike.
  std::string reference(std::string_view uid, std::uint32_t strike);
  /// The keyed hash of an erased user.
  keyed_hash erased(std::string_view uid);
  /// A check value: it differs between keys and does not reveal them.
  std::string check();

private:
  keyed_hash hash(std::string_view use, std::string_view message, std::string_view suffix);

  hmac_sha256 mac_;
};

/// case_namer::reference as a function of its own, to be handed to what knows nothing of keys.
std::function<std::string(std::string_view uid, std::uint32_t strike)> case_naming_of(std::string_view key);

} // namespace fairuse
