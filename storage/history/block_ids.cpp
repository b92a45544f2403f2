// SPDX-License-Identifier: Apache-2.0
#include "storage/history/block_ids.hpp"

#include <algorithm>

#include "storage/history/block_format.hpp"
#include "storage/history/byte_reader.hpp"

namespace fairuse::history {

namespace {

bool take_checksum(byte_reader& from, std::uint64_t& out) {
  const auto bytes = from.bytes(sizeof out);
  out = from.ok ? little_endian_key(bytes) : 0;
  return from.ok;
}

} // namespace

std::uint64_t block_ids::key(std::size_t i) const {
  if (has_text(i)) {
    const auto of = text(i);
    return event_key(of.source, of.id);
  }
  return little_endian_key(std::string_view(bytes_).substr(at(i).at, sizeof(std::uint64_t)));
}

event_text block_ids::text(std::size_t i) const {
  const auto& of = at(i);
  if (of.source == 0) return {};
  return {index_.sources[of.source - 1], std::string_view(bytes_).substr(of.at, of.size)};
}

id_decoder::id_decoder(std::size_t first, block_ids& out) : out_(out) {
  out_.first_ = first;
  out_.places_.clear();
  out_.bytes_.clear();
}

result<void> id_decoder::add(std::string_view piece) {
  byte_reader all{piece};
  auto sources = all.column();
  auto sizes = all.column();
  const auto ids = all.text();
  if (not all.done()) return impossible("its ids");
  const auto begins = out_.bytes_.size();
  const auto most = std::min<std::uint64_t>(ids.size(), part_bytes_max - begins);
  std::uint64_t at = 0;
  while (not sources.at_end()) {
    const auto source = sources.take();
    const auto size = source == 0 ? sizeof(std::uint64_t) : sizes.take();
    if (not sources.ok() or not sizes.ok() or source > out_.index_.sources.size())
      return impossible("the source of an event");
    if (size > most - at) return impossible("the id of an event");
    out_.places_.push_back({static_cast<std::uint32_t>(begins + at), static_cast<std::uint32_t>(size),
                            static_cast<std::uint32_t>(source)});
    at += size;
  }
  if (not sizes.at_end() or at != ids.size()) return impossible("the end of its ids");
  out_.bytes_.append(ids);
  return {};
}

result<void> decode_id_index(std::string_view from, id_index& out) {
  byte_reader all{from};
  out = {};
  out.sources = all.texts();
  out.piece_ids = all.number();
  for (auto left = all.number(); all.ok and left > 0; --left) {
    auto& piece = out.pieces.emplace_back();
    const auto stored = all.number();
    const auto bytes = all.number();
    if (not take_checksum(all, piece.checksum) or stored > part_bytes_max or bytes > part_bytes_max) break;
    piece.at = out.stored_bytes;
    piece.stored_bytes = static_cast<std::uint32_t>(stored);
    piece.bytes = static_cast<std::uint32_t>(bytes);
    out.stored_bytes += stored;
  }
  return all.done() and out.piece_ids > 0 ? result<void>() : impossible("the index of its ids");
}

result<void> decode_ids(std::string_view from, block_ids& out) {
  byte_reader all{from};
  out.index_ = {};
  out.index_.sources = all.texts();
  if (not all.ok) return impossible("its ids");
  return id_decoder(0, out).add(all.from);
}

} // namespace fairuse::history
