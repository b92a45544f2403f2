// SPDX-License-Identifier: Apache-2.0
//
// Reading a local store beside the engine that writes it (or after it): a RocksDB secondary with a temporary folder of
// its own. Shows what was published, never more.
// Threads: one.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/policy_set.hpp"
#include "core/user.hpp"
#include "storage/checkpoint.hpp"
#include "storage/local_store.hpp"
#include "storage/store_error.hpp"
#include "storage/stored_logs.hpp"

namespace fairuse {

class local_reader {
public:
  static result<std::unique_ptr<local_reader>, store_error> open(const std::filesystem::path& folder);
  ~local_reader();
  local_reader(const local_reader&) = delete;
  local_reader& operator=(const local_reader&) = delete;

  /// Read what was published since. Called once by open().
  result<void, store_error> catch_up();
  /// Of the newest commit, which may be one ahead of what was published.
  const store_meta& meta() const;
  /// Valid until the next catch_up().
  const stored_logs& logs() const;
  /// The oldest checkpoint that published commits follow without a gap; nullptr: there is none. Errors (damaged, newer)
  /// name a file that would be it.
  result<std::unique_ptr<checkpoint_reader>, store_error> oldest_checkpoint() const;
  /// nullptr: unknown. With the case key, an erased user's tombstone is found too.
  result<std::unique_ptr<user>, store_error> load(std::string_view uid, const policy_set& policies, time_ms now,
                                                  std::string_view case_key = {}) const;
  result<std::string, store_error> policy_text(std::string_view digest) const;

private:
  struct body;
  explicit local_reader(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

} // namespace fairuse
