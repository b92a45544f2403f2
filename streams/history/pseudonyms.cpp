// SPDX-License-Identifier: Apache-2.0
#include "streams/history/pseudonyms.hpp"

#include <utility>
#include <variant>

#include "base/pure/hex.hpp"
#include "storage/bytes.hpp"

namespace fairuse::history {

namespace {

constexpr std::size_t hash_bytes = 16;

/// A failure is one because it says why.
constexpr std::string_view some_failure = "failed";

} // namespace

// Nothing has no hash: that something was not known stays visible.
std::string pseudonyms::hash(std::string_view use, std::string_view text) {
  if (text.empty()) return {};
  mac_.add(use);
  mac_.add(std::string_view("\0", 1));
  mac_.add(text);
  const auto code = mac_.finish();
  return to_hex(as_bytes(code).substr(0, hash_bytes));
}

// The engine's own name is no one's.
std::string pseudonyms::source(std::string_view name) {
  if (name == config_source) return std::string(name);
  if (name != last_source_) {
    last_source_hash_ = hash("source", name);
    last_source_ = name;
  }
  return last_source_hash_;
}

conversation_fact pseudonyms::of(conversation_fact what) {
  what.conversation = hash("conversation", what.conversation);
  what.title.clear();
  what.overview.clear();
  if (not what.category.empty())
    what.category = std::to_string(categories_.try_emplace(what.category, categories_.size() + 1).first->second);
  return what;
}

review_answer pseudonyms::of(review_answer what) {
  if (not what.failed.empty()) what.failed = some_failure;
  what.evidence.clear();
  return what;
}

admin_command pseudonyms::of(admin_command what) {
  what.actor = hash("actor", what.actor);
  for (auto* text : {&what.reason, &what.reference, &what.notes})
    text->clear();
  return what;
}

event_detail pseudonyms::detail(const event_detail& what) {
  if (const auto* each = std::get_if<conversation_fact>(&what)) return of(*each);
  if (const auto* each = std::get_if<review_answer>(&what)) return of(*each);
  if (const auto* each = std::get_if<admin_command>(&what)) return of(*each);
  if (const auto* each = std::get_if<erasure_request>(&what)) return erasure_request{hash("actor", each->actor), {}};
  return what;
}

event pseudonyms::of(const event& what, event_arena& arena) {
  auto made = what;
  const bool says_more = what.kind != event_kind::speech and what.kind != event_kind::stt;
  if (says_more and what.detail != nullptr) made.detail = arena.keep(detail(*what.detail));
  if (what.text != nullptr) {
    const auto from = source(what.text->source);
    const auto id = hash("id", what.text->id);
    made.text = arena.keep(from, id);
    made.key = event_key(from, id);
    return made;
  }
  std::string key;
  append_big_endian(key, what.key);
  mac_.add("key");
  mac_.add(key);
  const auto code = mac_.finish();
  made.key = big_endian<std::uint64_t>(as_bytes(code).data());
  return made;
}

recorded_review pseudonyms::of(recorded_review what) {
  what.said = of(std::move(what.said));
  what.answer_source = source(what.answer_source);
  what.answer_id = hash("id", what.answer_id);
  return what;
}

broadcast_command pseudonyms::of(broadcast_command what) {
  what.source = source(what.source);
  what.id = hash("id", what.id);
  what.what = of(std::move(what.what));
  return what;
}

} // namespace fairuse::history
