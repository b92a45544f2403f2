// SPDX-License-Identifier: Apache-2.0
//
// A part of the input as the reader hands it over: whole lines, their bytes, and what they decoded to.
// Threads: filled by the reader's thread, then read-only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/epoch.hpp"
#include "events/wire.hpp"

namespace fairuse {

enum class line_kind : std::uint8_t {
  event,   ///< `index` into events
  command, ///< to all users; `index` into commands
  refused, ///< by the wire; `index` into refusals
  empty,   ///< nothing but white space: skipped and counted
};

/// A line is bytes [begin, begin + size) of its batch, without its end (LF or CRLF).
struct input_line {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
  std::uint32_t index = 0;
  line_kind kind = line_kind::empty;
};

/// Of a line of STT: the lease under which it was used.
struct leased_line {
  std::uint32_t line = 0;
  std::string_view lease;
};

struct input_batch {
  /// Number of the first line in its input, counted from 1.
  std::uint64_t first_line = 1;
  /// Where the batch begins and ends in its input. Differs from size() only after a line that was cut.
  std::uint64_t offset = 0;
  std::uint64_t end_offset = 0;
  /// The deployment's own lines (source fairuse/config), which stand in no file.
  bool own = false;
  /// Name of the file of the second input (streams/local/spool.hpp) that the lines stand in; empty: of the input.
  std::string spooled;
  /// What was read up to here can no longer be read under the input's name: the file was replaced, moved away, cut
  /// short or rewritten. What follows begins at line 1.
  bool ends_content = false;
  /// The bytes of the input before `offset` and (if its last line was cut) before `end_offset`; at most
  /// fingerprint_bytes.
  std::string before;
  std::string before_end;
  std::unique_ptr<char[]> memory;
  std::size_t size = 0;
  std::vector<input_line> lines;
  std::vector<addressed_event> events;
  std::vector<event> commands;
  std::vector<refused> refusals;
  /// In the order of lines.
  std::vector<leased_line> leases;
  event_arena arena;

  std::string_view bytes() const { return {memory.get(), size}; }
  std::string_view text(std::size_t line) const { return bytes().substr(lines[line].begin, lines[line].size); }
  /// As it came: a line that ends with CRLF has its CR.
  std::string_view original(std::size_t line) const {
    const auto whole = bytes().substr(lines[line].begin, begin_of(line + 1) - lines[line].begin);
    return whole.substr(0, whole.size() - (whole.ends_with('\n') ? 1 : 0));
  }
  /// Where a line begins; where the last one ends for lines.size().
  std::size_t begin_of(std::size_t line) const { return line < lines.size() ? lines[line].begin : size; }
  std::uint64_t offset_of(std::size_t line) const {
    return line < lines.size() ? offset + lines[line].begin : end_offset;
  }
};

/// Decode the lines of `batch.bytes()`, which ends with a line end or is taken to. At the beginning of an input a byte
/// order mark is skipped. `cut_place`: not empty if the last
/// line is the beginning of one that was too long to keep. REQUIRES: wire_padding readable bytes behind.
void decode_lines(input_batch& batch, wire_decoder& decoder, const std::string& cut_place = {});

/// A batch of lines that stand in no file; the deployment's own, for one.
std::unique_ptr<input_batch> batch_from(std::string_view text, wire_decoder& decoder);

/// The event or command of a line; nullptr: it is none.
const event* event_of(const input_batch& batch, std::size_t line);

/// Its user; `*` for a command. REQUIRES: event_of() is not nullptr.
std::string_view uid_of(const input_batch& batch, std::size_t line);

/// read_position::fingerprint of the place where `line` begins.
std::uint64_t fingerprint_at(const input_batch& batch, std::size_t line);

} // namespace fairuse
