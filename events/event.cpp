// SPDX-License-Identifier: Apache-2.0
#include "events/event.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <tuple>
#include <type_traits>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/pure/hex.hpp"

namespace fairuse {

namespace {

constexpr std::size_t block_bytes = 64 * 1024;
constexpr std::size_t blocks_kept = 64;

template <class Enum, std::size_t N>
struct names {
  std::array<std::string_view, N> texts;
  std::string_view of(Enum value) const { return texts.at(static_cast<std::size_t>(value)); }
  std::optional<Enum> from(std::string_view text) const {
    const auto found = std::find(texts.begin(), texts.end(), text);
    if (found == texts.end()) return std::nullopt;
    return static_cast<Enum>(found - texts.begin());
  }
};

constexpr names<lane, 4> lane_names{{"realtime", "sync", "backfill", "custom"}};
constexpr names<usage_type, 8> usage_type_names{
    {"none", "audiobook", "podcast", "prerecorded", "tv_movie", "commercial", "unknown", "free_exhausted"}};
constexpr names<stage, 4> stage_names{{"none", "warning", "throttle", "restrict"}};
constexpr names<event_kind, 7> kind_names{{"speech", "stt", "account", "conversation", "review", "admin", "erasure"}};
constexpr names<admin_verb, 8> verb_names{
    {"set_stage", "reset", "resolve", "clear_strike", "exempt", "enable", "kill_switch", "promote_policy"}};

} // namespace

std::uint64_t event_key(std::string_view source, std::string_view id) {
  constexpr std::size_t on_stack = 256;
  const auto size = source.size() + 1 + id.size();
  if (size <= on_stack) {
    char joined[on_stack];
    std::memcpy(joined, source.data(), source.size());
    joined[source.size()] = '\0';
    std::memcpy(joined + source.size() + 1, id.data(), id.size());
    return XXH3_64bits(joined, size);
  }
  std::string joined(source);
  joined.push_back('\0');
  joined.append(id);
  return XXH3_64bits(joined.data(), joined.size());
}

std::string event_id(const event& e) { return e.text != nullptr ? std::string(e.text->id) : to_hex(e.key); }

bool before(const event& a, const event& b) {
  if (a.instant != b.instant) return a.instant < b.instant;
  if (a.text == nullptr or b.text == nullptr) return a.key < b.key;
  return std::tie(a.text->source, a.text->id) < std::tie(b.text->source, b.text->id);
}

char* event_arena::place_for(std::size_t size, std::size_t alignment) {
  const auto aligned = [alignment](std::size_t used) { return (used + alignment - 1) / alignment * alignment; };
  while (filling_ < blocks_.size() and aligned(blocks_[filling_].used) + size > blocks_[filling_].size)
    ++filling_;
  // Beyond the end: the blocks were moved away.
  if (filling_ >= blocks_.size()) {
    filling_ = blocks_.size();
    const auto whole = std::max(block_bytes, size);
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(whole), 0, whole});
  }
  auto& b = blocks_[filling_];
  const auto from = aligned(b.used);
  b.used = from + size;
  return b.bytes.get() + from;
}

std::string_view event_arena::keep(std::string_view text) {
  if (text.empty()) return {};
  char* place = place_for(text.size(), 1);
  std::memcpy(place, text.data(), text.size());
  return {place, text.size()};
}

const event_text* event_arena::keep(std::string_view source, std::string_view id) {
  static_assert(std::is_trivially_destructible_v<event_text>);
  // Senders rarely change from line to line: keep their name once.
  if (blocks_.empty() or last_source_ != source) last_source_ = keep(source);
  const auto kept_id = keep(id);
  return new (place_for(sizeof(event_text), alignof(event_text))) event_text{last_source_, kept_id};
}

void event_arena::clear() {
  last_source_ = {};
  details_.clear();
  blocks_.resize(std::min(blocks_.size(), blocks_kept));
  for (auto& each : blocks_)
    each.used = 0;
  filling_ = 0;
}

const event_detail* event_arena::keep(event_detail detail) {
  details_.push_back(std::move(detail));
  return &details_.back();
}

std::string_view to_text(lane value) { return lane_names.of(value); }
std::string_view to_text(usage_type value) { return usage_type_names.of(value); }
std::string_view to_text(stage value) { return stage_names.of(value); }
std::string_view to_text(event_kind value) { return kind_names.of(value); }
std::string_view to_text(admin_verb value) { return verb_names.of(value); }
std::optional<lane> lane_from(std::string_view text) { return lane_names.from(text); }
std::optional<usage_type> usage_type_from(std::string_view text) { return usage_type_names.from(text); }
std::optional<stage> stage_from(std::string_view text) { return stage_names.from(text); }
std::optional<admin_verb> admin_verb_from(std::string_view text) { return verb_names.from(text); }

} // namespace fairuse
