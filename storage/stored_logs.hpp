// SPDX-License-Identifier: Apache-2.0
//
// The committed logs, for reading: decisions, dead letters, journal with inputs. In order, a page at a time.
// Threads: const, usable from any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/refusal.hpp"
#include "storage/local_store.hpp"
#include "storage/store_error.hpp"

namespace fairuse {

/// Where a reader stands; opaque, survives restarts. Empty: before the first that is retained.
using log_cursor = std::string;

struct stored_dead_letter {
  std::uint64_t epoch = 0;
  time_ms now = 0;
  dead_letter what;
};

struct journal_epoch {
  std::uint64_t number = 0;
  time_ms now = 0;
  std::uint32_t lines = 0;
};

struct journal_refusal {
  std::uint32_t commit_line = 0;
  refusal why = refusal::not_json;
  std::string place;
};

/// One commit, as the journal has it. `input` holds its lines, each with its newline.
struct stored_commit {
  std::uint64_t number = 0;
  std::vector<journal_epoch> epochs;
  std::vector<journal_refusal> refusals;
  /// Before the first epoch.
  stored_controls controls;
  std::uint64_t decisions = 0;
  /// SHA-256, raw: over the commit's decisions, each with a newline; over the chain so far and this block.
  std::string decision_digest;
  std::string chain;
  /// Number of the rules that decided it (core/rules.hpp).
  std::uint32_t rules = 1;
  std::string input;
};

class stored_logs {
public:
  virtual ~stored_logs() = default;
  /// Up to `most` decisions (exact bytes, no newline) after `from`, which moves on. None: the end so far.
  virtual result<std::vector<std::string>, store_error> decisions(log_cursor& from, std::size_t most) const = 0;
  /// The epoch of the decision that a cursor stands behind, 0 if it is empty. Nullopt: it never was one of these
  /// decisions, and what is read from there on would miss some.
  virtual std::optional<std::uint64_t> epoch_of(const log_cursor& decisions) const = 0;
  virtual result<std::vector<stored_dead_letter>, store_error> dead_letters(log_cursor& from,
                                                                            std::size_t most) const = 0;
  virtual result<std::vector<stored_commit>, store_error> commits(log_cursor& from, std::size_t most) const = 0;
};

} // namespace fairuse
