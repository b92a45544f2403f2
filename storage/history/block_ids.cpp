// SPDX-License-Identifier: Apache-2.0
#include "storage/history/block_ids.hpp"

#include <algorithm>

#include "storage/history/byte_reader.hpp"

namespace fairuse::history {

std::uint64_t block_ids::key(std::size_t i) const {
  if (has_text(i)) {
    const auto of = text(i);
    return event_key(of.source, of.id);
  }
  std::uint64_t key = 0;
  for (std::size_t byte = 0; byte < sizeof key; ++byte)
    key |= static_cast<std::uint64_t>(static_cast<unsigned char>(ids_[places_[i].at + byte])) << (8 * byte);
  return key;
}

event_text block_ids::text(std::size_t i) const {
  const auto& at = places_[i];
  if (at.source == 0) return {};
  return {sources_[at.source - 1], ids_.substr(at.at, at.size)};
}

result<void> decode_ids(std::string_view from, block_ids& out) {
  byte_reader all{from};
  out.sources_ = all.texts();
  auto sources = all.column();
  auto sizes = all.column();
  out.ids_ = all.text();
  if (not all.done()) return impossible("its ids");
  out.places_.clear();
  out.places_.reserve(sources.size());
  std::uint64_t at = 0;
  while (not sources.at_end()) {
    const auto source = sources.take();
    const auto size = source == 0 ? sizeof(std::uint64_t) : sizes.take();
    if (not sources.ok() or not sizes.ok() or source > out.sources_.size()) return impossible("the source of an event");
    if (size > out.ids_.size() - at) return impossible("the id of an event");
    out.places_.push_back(
        {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(source)});
    at += size;
  }
  if (not sizes.at_end() or at != out.ids_.size()) return impossible("the end of its ids");
  return {};
}

} // namespace fairuse::history
