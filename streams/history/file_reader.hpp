// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. Reads files into a packer.
// Threads: one; lines of NDJSON are decoded on another.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "events/wire.hpp"
#include "streams/history/csv_events.hpp"
#include "streams/history/csv_text.hpp"
#include "streams/history/decoded_lines.hpp"
#include "streams/history/input_lines.hpp"
#include "streams/history/kcat_record.hpp"
#include "streams/history/pack_files.hpp"
#include "streams/history/told_decision.hpp"

namespace fairuse::history {

class file_reader {
public:
  /// Without `takes_arrivals` they are unknown.
  file_reader(const pack_files_wish& wish, packer& to, bool takes_arrivals);

  /// All files of the wish. Once: the packer is not to be used after an error.
  result<files_read, file_failure> read();
  /// Of an error: an event without arrival came behind some with one, so that all have to be read again without.
  bool lost_arrivals() const { return lost_arrivals_; }

private:
  using done = result<void, file_failure>;
  enum class arrivals : std::uint8_t { undecided, known, unknown };
  /// Of a line, for people.
  struct line_place {
    const std::string& file;
    std::uint64_t number;
  };
  static line_place place_of(const input_lines& from) { return {from.name(), from.number()}; }
  /// Where reading stands in a partition of a topic.
  struct place {
    std::int64_t offset = -1;
    time_ms now = 0;
  };

  done read_file(const std::string& file);
  done read_lines(input_lines& from);
  done read_ndjson(input_lines& from);
  done read_kcat(input_lines& from);
  done read_csv(input_lines& from);
  /// False: the file has no (more) lines that are not blank.
  result<bool, file_failure> next_line(input_lines& from);
  file_failure unusable(const input_lines& from) const;
  done take_record(const input_lines& from);
  done take_decision(const told_decision& what);
  done take_lines(const decoded_lines& some, const std::string& file);
  done take(const wire_event& what, const line_place& at);
  done take_row(const csv_records& rows, const csv_events& columns, const input_lines& from);
  done add();
  done need_arrivals(bool is_known, const line_place& at);
  void refuse(const line_place& at, refusal why, std::string says);
  void refuse(const line_place& at, const refused& what);
  done end_of(const input_lines& from);

  const pack_files_wish& wish_;
  packer& to_;
  files_read all_;
  arrivals arrivals_;
  bool lost_arrivals_ = false;
  std::array<bool, refusal_count> was_refused_{};
  std::uint32_t input_ = 0;
  std::uint64_t bytes_before_ = 0;
  wire_decoder decoder_;
  kcat_decoder records_;
  decision_reader decisions_;
  kcat_record record_;
  event_arena arena_;
  incoming_event event_;
  /// By partition and topic.
  std::map<std::int32_t, std::map<std::string, place, std::less<>>> places_;
};

} // namespace fairuse::history
