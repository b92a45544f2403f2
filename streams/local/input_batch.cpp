// SPDX-License-Identifier: Apache-2.0

#include "streams/local/input_batch.hpp"

#include <algorithm>
#include <cstring>

#include "base/pure/text.hpp"
#include "streams/local/read_position.hpp"

namespace fairuse {

namespace {

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r") == std::string_view::npos; }

void decode_line(input_batch& batch, input_line& line, wire_decoder& decoder, const std::string& cut_place) {
  const auto text = batch.bytes().substr(line.begin, line.size);
  if (is_blank(text)) return;
  if (not cut_place.empty()) {
    line.kind = line_kind::refused;
    line.index = static_cast<std::uint32_t>(batch.refusals.size());
    batch.refusals.push_back({refusal::too_large, cut_place});
    return;
  }
  const auto decoded = decoder.decode_padded(text, batch.arena);
  if (not decoded) {
    line.kind = line_kind::refused;
    line.index = static_cast<std::uint32_t>(batch.refusals.size());
    batch.refusals.push_back(decoded.error());
  } else if (decoded->subject == "*") {
    line.kind = line_kind::command;
    line.index = static_cast<std::uint32_t>(batch.commands.size());
    batch.commands.push_back(decoded->what);
  } else {
    line.kind = line_kind::event;
    line.index = static_cast<std::uint32_t>(batch.events.size());
    batch.events.push_back({decoded->subject, decoded->what});
    if (not decoded->lease.empty())
      batch.leases.push_back({static_cast<std::uint32_t>(batch.lines.size()), decoded->lease});
  }
}

} // namespace

void decode_lines(input_batch& batch, wire_decoder& decoder, const std::string& cut_place) {
  const auto bytes = batch.bytes();
  // An editor's mark belongs to no line.
  std::size_t begin = batch.offset == 0 ? bytes.size() - without_byte_order_mark(bytes).size() : 0;
  while (begin < bytes.size()) {
    const auto* found = static_cast<const char*>(std::memchr(bytes.data() + begin, '\n', bytes.size() - begin));
    const auto end = found == nullptr ? bytes.size() : static_cast<std::size_t>(found - bytes.data());
    auto size = end - begin;
    if (size > 0 and bytes[end - 1] == '\r') --size;
    input_line line{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(size)};
    begin = end + 1;
    decode_line(batch, line, decoder, begin >= bytes.size() ? cut_place : std::string{});
    batch.lines.push_back(line);
  }
}

std::unique_ptr<input_batch> batch_from(std::string_view text, wire_decoder& decoder) {
  auto batch = std::make_unique<input_batch>();
  batch->memory = std::make_unique<char[]>(text.size() + wire_padding);
  std::memcpy(batch->memory.get(), text.data(), text.size());
  batch->size = text.size();
  batch->end_offset = text.size();
  decode_lines(*batch, decoder);
  return batch;
}

const event* event_of(const input_batch& batch, std::size_t line) {
  const auto& what = batch.lines[line];
  if (what.kind == line_kind::event) return &batch.events[what.index].what;
  return what.kind == line_kind::command ? &batch.commands[what.index] : nullptr;
}

std::string_view uid_of(const input_batch& batch, std::size_t line) {
  const auto& what = batch.lines[line];
  return what.kind == line_kind::event ? std::string_view{batch.events[what.index].uid} : "*";
}

std::uint64_t fingerprint_at(const input_batch& batch, std::size_t line) {
  if (line >= batch.lines.size() and not batch.before_end.empty()) return fingerprint_of(batch.before_end);
  auto before = batch.before;
  keep_last(before, batch.bytes().substr(0, batch.begin_of(line)));
  return fingerprint_of(before);
}

} // namespace fairuse
