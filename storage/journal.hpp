// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. Journal block and chain, meta row, input block and dead letters of a commit, as structs and as
// bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/system/sha256.hpp"
#include "storage/local_store.hpp"
#include "storage/stored_logs.hpp"

namespace fairuse {

/// 2: one row per user and hour.
inline constexpr std::uint32_t schema_known = 2;

/// Where an entry of a log stands: its epoch, and its number among those of the epoch.
struct log_place {
  std::uint64_t epoch;
  time_ms now;
  std::uint32_t index;
};

/// A commit in the making, without user rows.
struct commit_log {
  struct decision_row {
    log_place place;
    /// In `decision_bytes`, without the newline.
    std::size_t at;
    std::size_t size;
  };
  struct dead_letter_row {
    log_place place;
    dead_letter what;
  };
  std::uint64_t first_epoch = 0;
  std::vector<time_ms> nows;
  std::vector<std::uint32_t> lines;
  std::string input;
  std::vector<decision_row> decisions;
  /// The decisions' bytes, each with a newline: what their digest is taken over.
  std::string decision_bytes;
  std::vector<dead_letter_row> dead_letters;
  /// Before the first epoch.
  stored_controls controls;
  store_meta after;

  std::size_t bytes() const;
  void clear();
};

/// The newest commit of a store, and where its logs begin.
struct commit_head {
  std::uint64_t commit = 0;
  sha256_hash chain{};
  /// Logs before these are expired.
  time_ms input_floor = INT64_MIN;
  time_ms decision_floor = INT64_MIN;
};

std::string encode_controls(const stored_controls& controls);
std::uint64_t controls_hash(std::string_view encoded);
std::optional<stored_controls> decode_controls(std::string_view row);

std::string encode_meta(const store_meta& meta, const commit_head& head, std::string_view key_check);
struct decoded_meta {
  std::uint32_t schema = 0;
  store_meta meta;
  commit_head head;
  std::string key_check;
};
std::optional<decoded_meta> decode_meta(std::string_view row);

/// The journal row of commit `before.commit + 1`; moves `before` to it.
std::string encode_journal(const commit_log& log, commit_head& before);
struct decoded_journal {
  stored_commit commit; ///< without controls and input
  std::uint64_t controls = 0;
  std::string input_digest;
  sha256_hash chain{};
  /// The bytes that the chain is over.
  std::string block;
};
std::optional<decoded_journal> decode_journal(std::string_view row);
/// What the chain is after `block`.
sha256_hash chained(const sha256_hash& before, std::string_view block);
std::string digest_of_input(std::string_view lines);

std::string encode_dead_letter(const dead_letter& dead_letter);
std::optional<dead_letter> decode_dead_letter(std::string_view row);

/// zstd, checksummed. One packer per thread.
class input_packer {
public:
  input_packer();
  ~input_packer();
  input_packer(const input_packer&) = delete;
  input_packer& operator=(const input_packer&) = delete;
  std::string pack(std::string_view lines);

private:
  void* context_;
};
std::optional<std::string> unpack_input(std::string_view row);

} // namespace fairuse
