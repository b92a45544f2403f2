// SPDX-License-Identifier: Apache-2.0
#include "events/event.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

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
/// CloudEvents types; a kind's own name stands between `fairuse.` and `.v1`.
constexpr names<event_kind, event_kind_count> event_types{{"fairuse.speech.v1", "fairuse.stt.v1", "fairuse.account.v1",
                                                           "fairuse.conversation.v1", "fairuse.review.v1",
                                                           "fairuse.admin.v1", "fairuse.erasure.v1"}};
static_assert(not event_types.texts.back().empty(), "each event_kind has a type");
constexpr std::string_view type_prefix = "fairuse.";
constexpr std::string_view type_suffix = ".v1";
constexpr names<admin_verb, 11> verb_names{{"set_stage", "reset", "resolve", "clear_strike", "exempt", "enable",
                                            "kill_switch", "promote_policy", "restore_strike", "reopen", "appeal"}};

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

std::uint32_t command_content(const admin_command& what) {
  std::string all;
  for (const auto text :
       {to_text(what.verb), to_text(what.to), std::string_view(what.on ? "on" : "off"), std::string_view(what.actor),
        std::string_view(what.reason), std::string_view(what.notes), std::string_view(what.policy)})
    all.append(text).push_back('\0');
  if (what.until != never) all.append(std::to_string(what.until)).push_back('\0');
  for (const auto& text : {what.digest, what.text})
    if (not text.empty()) all.append(text).push_back('\0');
  // What the command says, and not which number was found for it.
  all += what.reference.empty() ? std::to_string(what.strike) : what.reference;
  return std::max(static_cast<std::uint32_t>(XXH3_64bits(all.data(), all.size())), std::uint32_t{1});
}

shared_details details_of(const review_answer& answer) {
  review_details said{answer.confidence_nano, answer.evidence, answer.model, answer.prompt_version, answer.cost_micro};
  return said == review_details{} ? nullptr : std::make_shared<const review_details>(std::move(said));
}

bool is_case_reference(std::string_view text) {
  constexpr std::string_view prefix = "FU-";
  constexpr std::size_t digits = 12;
  return text.size() == prefix.size() + digits and text.starts_with(prefix)
         and text.find_first_not_of("0123456789ABCDEF", prefix.size()) == std::string_view::npos;
}

bool is_digest_prefix(std::string_view text) {
  constexpr std::size_t whole = 64;
  return text.size() >= digest_digits_min and text.size() <= whole
         and text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_locale(std::string_view text) {
  constexpr std::size_t shortest = 2;
  constexpr std::size_t longest = 35;
  const auto fits = [](char c) {
    return (c >= 'a' and c <= 'z') or (c >= 'A' and c <= 'Z') or (c >= '0' and c <= '9') or c == '-';
  };
  return text.size() >= shortest and text.size() <= longest and std::all_of(text.begin(), text.end(), fits);
}

std::string event_id(const event& what) { return what.text != nullptr ? std::string(what.text->id) : to_hex(what.key); }

bool before(const event& left, const event& right) {
  if (left.instant != right.instant) return left.instant < right.instant;
  if (left.text == nullptr or right.text == nullptr) return left.key < right.key;
  return std::tie(left.text->source, left.text->id) < std::tie(right.text->source, right.text->id);
}

char* event_arena::place_for(std::size_t size, std::size_t alignment) {
  const auto aligned = [alignment](std::size_t used) { return (used + alignment - 1) / alignment * alignment; };
  while (filling_ < blocks_.size() and aligned(blocks_[filling_].used) + size > blocks_[filling_].size)
    ++filling_;
  // The blocks were moved away.
  if (filling_ >= blocks_.size()) {
    filling_ = blocks_.size();
    const auto whole = std::max(block_bytes, size);
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(whole), 0, whole});
  }
  auto& filling = blocks_[filling_];
  const auto from = aligned(filling.used);
  filling.used = from + size;
  return filling.bytes.get() + from;
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
std::string_view to_text(event_kind value) {
  auto name = event_type(value);
  name.remove_prefix(type_prefix.size());
  name.remove_suffix(type_suffix.size());
  return name;
}
std::string_view event_type(event_kind value) { return event_types.of(value); }
std::string_view to_text(admin_verb value) { return verb_names.of(value); }
std::optional<lane> lane_from(std::string_view text) { return lane_names.from(text); }
std::optional<usage_type> usage_type_from(std::string_view text) { return usage_type_names.from(text); }
std::optional<stage> stage_from(std::string_view text) { return stage_names.from(text); }
std::optional<event_kind> event_kind_from_type(std::string_view text) { return event_types.from(text); }
std::optional<admin_verb> admin_verb_from(std::string_view text) { return verb_names.from(text); }

} // namespace fairuse
