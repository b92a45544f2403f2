// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. A record as `kcat -C -J` prints it: one JSON object a line.
// Threads: one decoder per thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/pure/result.hpp"
#include "events/wire.hpp"

namespace fairuse::history {

struct kcat_record {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  /// `ts` is when the broker got the record.
  bool is_append_time = false;
  time_ms ts = 0;
  std::vector<wire_header> headers;
  /// Nullopt: a tombstone.
  std::optional<std::string_view> payload;
};

/// A decision of this engine, as far as a history needs it.
struct told_decision {
  std::string_view uid;
  time_ms time = 0;
  std::string_view kind;
  /// `live-3`; empty: none.
  std::string_view request;
};

class kcat_decoder {
public:
  kcat_decoder();
  ~kcat_decoder();
  kcat_decoder(const kcat_decoder&) = delete;
  kcat_decoder& operator=(const kcat_decoder&) = delete;

  /// What the lines of a file are, by its first one.
  enum class shape : std::uint8_t { none, event, record };
  shape shape_of(std::string_view line);

  /// The texts are valid until the next call. REQUIRES: wire_padding readable bytes behind the line.
  result<void, refused> decode(std::string_view line, kcat_record& out);

  /// Nullopt: it is none. The texts are valid until the next call, and as long as the value and the headers.
  std::optional<told_decision> decision_in(std::span<const wire_header> headers, std::string_view value);

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace fairuse::history
