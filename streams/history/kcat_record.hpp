// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. A record as `kcat -C -J` prints it: one JSON object a line.
// Threads: one decoder per thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace fairuse::history
