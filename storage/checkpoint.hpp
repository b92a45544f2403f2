// SPDX-License-Identifier: Apache-2.0
//
// Checkpoints of a local store: its users after a commit, in a file of their own, so that a replay can begin there when
// older input has left. A file is a table of RocksDB with the rows of users, what erasures left, the meta row of the
// commit, and last how many rows there are; hours that no window reads any more are not in it.
// Threads: one per reader.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/system/sha256.hpp"
#include "storage/local_store.hpp"
#include "storage/store_error.hpp"
#include "storage/stored_logs.hpp"
#include "storage/user_state.hpp"

namespace fairuse {

struct checkpoint_place {
  /// The last commit whose changes are in it.
  std::uint64_t commit = 0;
  std::filesystem::path file;
};

/// By commit. Files under other names are passed over.
std::vector<checkpoint_place> checkpoints_of(const std::filesystem::path& store);

class checkpoint_reader {
public:
  /// Reads all of it once, for its checksums. Errors (damaged, newer): name the file and say what to do.
  static result<std::unique_ptr<checkpoint_reader>, store_error> open(const checkpoint_place& of);
  ~checkpoint_reader();
  checkpoint_reader(const checkpoint_reader&) = delete;
  checkpoint_reader& operator=(const checkpoint_reader&) = delete;

  std::uint64_t commit() const;
  /// As that commit left it.
  const store_meta& meta() const;
  /// Of the case key under which users were erased.
  const std::string& key_check() const;
  /// Of the journal, up to that commit.
  const sha256_hash& chain() const;
  /// What stored_logs read behind it.
  log_cursor commits_behind() const;
  log_cursor decisions_behind() const;

  using visit_result = result<void, store_error>;
  /// The keyed hashes of erased users, with their rows.
  visit_result each_erased(const std::function<visit_result(std::string_view hash, std::string_view row)>& visit) const;
  /// Users in no order that says something; `state`: see user_state.hpp.
  visit_result each_user(const state_visit& visit) const;

  /// `what` in the file cannot be; with the remedy.
  store_error damage(std::string_view what) const;

private:
  struct body;
  explicit checkpoint_reader(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

} // namespace fairuse
