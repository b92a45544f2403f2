// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. What a decision of this engine says, in either form of the wire.
// Threads: one reader per thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "events/wire.hpp"
#include "streams/history/packer.hpp"

namespace fairuse::history {

/// As far as a history needs it.
struct told_decision {
  std::string_view uid;
  time_ms time = 0;
  std::string_view kind;
  std::string_view slot;
  /// `live-3`; empty: none.
  std::string_view request;
  /// Id of the event that caused it; empty: a timer, or nothing that is told.
  std::string_view cause;
  std::uint64_t epoch = 0;
};

class decision_reader {
public:
  decision_reader();
  ~decision_reader();
  decision_reader(const decision_reader&) = delete;
  decision_reader& operator=(const decision_reader&) = delete;

  /// Nullopt: it is none. `headers`: of a record; none: the value is all of it. The texts are valid until the next
  /// call, and as long as the headers.
  std::optional<told_decision> read(std::span<const wire_header> headers, std::string_view value);

private:
  struct parser;
  std::unique_ptr<parser> parser_;
};

/// What a replay compares: the line of append_decision_chain(), made of the decision's own bytes. REQUIRES: `of` is
/// what decision_reader says of it.
std::string chain_line(const told_decision& of, std::span<const wire_header> headers, std::string_view value);

/// The request that was made, or that timed out at the decision's time, without its epoch. Nullopt: the decision is
/// about neither.
struct told_request {
  incoming_request what;
  bool timed_out = false;
};
std::optional<told_request> request_in(const told_decision& from);

} // namespace fairuse::history
