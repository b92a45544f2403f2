// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cassert>
#include <utility>

#include <xxhash.h>
#include <zstd.h>

#include "storage/bytes.hpp"
#include "storage/history/block_format.hpp"
#include "storage/history/columns.hpp"
#include "storage/history/details.hpp"
#include "storage/history/history_block.hpp"

namespace fairuse::history {

namespace {

constexpr int zstd_level = 3;

void append_column(std::string& out, const column_writer& column) {
  append_varint(out, column.size());
  out.append(column.words);
  append_text(out, column.large);
}

} // namespace

struct block_builder::body {
  // Of the user who is open.
  user_head head;
  std::string user_reviews;
  std::uint64_t user_events = 0;
  std::uint64_t user_review_count = 0;
  time_ms first_now = 0;
  time_ms last_now = 0;

  std::string heads;
  std::string last_uid;
  std::string kinds;
  column_writer nows;
  column_writer lags;
  column_writer amounts;
  column_writer segments;
  std::string details;
  std::string reviews;
  string_table categories;
  std::string conversations;
  string_table strings;
  std::string texts;
  string_table sources;
  column_writer source_places;
  column_writer id_sizes;
  std::string ids;
  std::uint64_t pieces_count = 0;
  std::string piece_index;
  built_block::part pieces;
  bool holds_states = false;
  bool user_is_idle = true;
  std::string user_state;
  std::string idle;
  std::string states;
  built_block built;
  ZSTD_CCtx* packer = ZSTD_createCCtx();

  explicit body(bool with_states) : holds_states(with_states) {}
  ~body() { ZSTD_freeCCtx(packer); }
  void add_kind(time_ms now, bool new_step, unsigned kind, bool has_detail, lane from);
  void add_id(const event& what);
  void add_segments(const speech_segments& what);
  void add_detail(const event& what);
  std::string facts() const;
  static std::string with_strings(const string_table& strings, const std::string& items);
  void end_piece();
  std::string id_index_bytes() const;
  built_block::part pack(const std::string& bytes) const;
  void clear();
};

block_builder::block_builder(bool holds_states) : body_{std::make_unique<body>(holds_states)} {}
block_builder::~block_builder() = default;

void block_builder::begin_user(const user_head& who) {
  auto& all = *body_;
  assert((all.built.sizes.users == 0 and all.built.sizes.idle_users == 0) or all.last_uid < who.uid);
  all.head = who;
  all.user_events = all.user_review_count = 0;
  all.first_now = all.last_now = 0;
  all.user_is_idle = all.holds_states;
  all.user_state.clear();
}

void block_builder::body::add_kind(time_ms now, bool new_step, unsigned kind, bool has_detail, lane from) {
  const bool first = user_events++ == 0;
  if (first) first_now = last_now = now;
  assert(now >= last_now);
  const bool begins = first or new_step;
  assert(begins or now == last_now);
  if (begins) nows.add(static_cast<std::uint64_t>(now - last_now));
  last_now = now;
  kinds.push_back(static_cast<char>(kind | static_cast<unsigned>(from) << kind_lane_shift
                                    | (has_detail ? kind_has_detail : 0U) | (begins ? kind_new_step : 0U)));
}

void block_builder::body::add_segments(const speech_segments& what) {
  amounts.add(what.segments.size());
  std::int64_t end = 0;
  for (const auto& each : what.segments) {
    segments.add(zigzag(std::int64_t{each.begin_ms} - end));
    segments.add(each.end_ms - each.begin_ms);
    end = each.end_ms;
  }
}

void block_builder::body::add_detail(const event& what) {
  switch (what.kind) {
    case event_kind::speech:
      if (what.detail != nullptr)
        add_segments(detail_of<speech_segments>(what));
      else
        amounts.add(static_cast<std::uint32_t>(what.ms));
      return;
    case event_kind::stt:
      amounts.add(static_cast<std::uint32_t>(what.ms));
      return;
    case event_kind::conversation:
      append_text(conversations, encode_conversation(detail_of<conversation_fact>(what), categories));
      append_text(texts, encode_text(detail_of<conversation_fact>(what), strings));
      return;
    case event_kind::account:
    case event_kind::review:
    case event_kind::admin:
    case event_kind::erasure:
      append_text(details, encode_detail(what));
      return;
  }
}

void block_builder::body::add_id(const event& what) {
  if (what.text == nullptr) {
    source_places.add(0);
    append_little_endian(ids, what.key);
  } else {
    source_places.add(sources.place_of(what.text->source) + std::uint64_t{1});
    id_sizes.add(what.text->id.size());
    ids.append(what.text->id);
  }
  if (source_places.size() == piece_ids) end_piece();
}

void block_builder::body::end_piece() {
  if (source_places.size() == 0) return;
  std::string bytes;
  append_column(bytes, source_places);
  append_column(bytes, id_sizes);
  append_text(bytes, ids);
  const auto packed = pack(bytes);
  append_varint(piece_index, packed.stored.size());
  append_varint(piece_index, packed.bytes);
  append_little_endian(piece_index, packed.checksum);
  ++pieces_count;
  pieces.stored += packed.stored;
  pieces.bytes += packed.bytes;
  source_places.clear();
  id_sizes.clear();
  ids.clear();
}

void block_builder::add(time_ms now, bool new_step, const event& what) {
  auto& all = *body_;
  all.user_is_idle = false;
  all.add_kind(now, new_step, static_cast<unsigned>(what.kind),
               what.kind == event_kind::speech and what.detail != nullptr, what.from);
  all.lags.add(zigzag(now - what.instant));
  all.add_detail(what);
  all.add_id(what);
}

void block_builder::add_broadcast(time_ms now, bool new_step, std::uint32_t index) {
  body_->add_kind(now, new_step, kind_broadcast, false, lane::realtime);
  body_->amounts.add(index);
}

void block_builder::add_review(const recorded_review& what) {
  append_text(body_->user_reviews, encode_review(what));
  ++body_->user_review_count;
}

void block_builder::set_state(std::string_view state) {
  assert(body_->holds_states);
  body_->user_state = state;
}

void block_builder::end_user(const user_peaks& peaks) {
  auto& all = *body_;
  auto& sizes = all.built.sizes;
  const auto& uid = all.head.uid;
  if (sizes.users == 0 and sizes.idle_users == 0) all.built.first_uid = uid;
  const auto shared = static_cast<std::size_t>(
      std::mismatch(uid.begin(), uid.end(), all.last_uid.begin(), all.last_uid.end()).first - uid.begin());
  append_varint(all.heads, shared);
  append_text(all.heads, std::string_view(uid).substr(shared));
  append_varint(all.heads, static_cast<std::uint32_t>(all.head.partition));
  append_varint(all.heads, all.head.label ? std::uint64_t{*all.head.label} + 1 : 0);
  append_varint(all.heads, all.user_events);
  append_varint(all.heads, zigzag(all.first_now));
  append_varint(all.heads, all.user_review_count);
  for (const auto peak : peaks.speech_ms)
    append_varint(all.heads, static_cast<std::uint64_t>(peak));
  append_varint(all.heads, static_cast<std::uint64_t>(peaks.stt_day_ms));
  all.reviews += all.user_reviews;
  all.user_reviews.clear();
  all.last_uid = uid;
  if (all.holds_states) {
    all.idle.push_back(all.user_is_idle ? '\1' : '\0');
    append_text(all.states, all.user_state);
  }
  ++(all.user_is_idle ? sizes.idle_users : sizes.users);
  sizes.events += all.user_events;
}

std::size_t block_builder::state_bytes() const { return body_->states.size(); }

const block_sizes& block_builder::sizes() const { return body_->built.sizes; }

std::string block_builder::body::facts() const {
  std::string out;
  append_varint(out, std::uint64_t{built.sizes.users} + built.sizes.idle_users);
  append_text(out, heads);
  append_text(out, kinds);
  for (const auto* column : {&nows, &lags, &amounts, &segments})
    append_column(out, *column);
  append_text(out, details);
  append_text(out, reviews);
  if (holds_states) append_text(out, idle);
  return out;
}

std::string block_builder::body::with_strings(const string_table& strings, const std::string& items) {
  std::string out;
  append_varint(out, strings.all().size());
  for (const auto& each : strings.all())
    append_text(out, each);
  append_text(out, items);
  return out;
}

std::string block_builder::body::id_index_bytes() const {
  std::string out;
  append_varint(out, sources.all().size());
  for (const auto& each : sources.all())
    append_text(out, each);
  append_varint(out, piece_ids);
  append_varint(out, pieces_count);
  out.append(piece_index);
  return out;
}

built_block::part block_builder::body::pack(const std::string& bytes) const {
  assert(bytes.size() <= part_bytes_max);
  built_block::part out;
  out.bytes = static_cast<std::uint32_t>(bytes.size());
  out.stored.resize(ZSTD_compressBound(bytes.size()));
  const auto size =
      ZSTD_compressCCtx(packer, out.stored.data(), out.stored.size(), bytes.data(), bytes.size(), zstd_level);
  assert(not ZSTD_isError(size));
  out.stored.resize(size);
  out.checksum = XXH3_64bits(out.stored.data(), out.stored.size());
  return out;
}

void block_builder::body::clear() {
  for (auto* text : {&heads, &kinds, &details, &reviews, &conversations, &texts, &ids, &piece_index, &idle, &states})
    text->clear();
  for (auto* column : {&nows, &lags, &amounts, &segments, &source_places, &id_sizes})
    column->clear();
  categories.clear();
  strings.clear();
  sources.clear();
  pieces_count = 0;
  pieces = {};
  built = {};
}

built_block block_builder::finish() {
  auto& all = *body_;
  assert(all.built.sizes.users + all.built.sizes.idle_users > 0);
  all.built.last_uid = all.last_uid;
  all.end_piece();
  all.built.parts = {all.pack(all.facts()),
                     all.pack(body::with_strings(all.categories, all.conversations)),
                     all.pack(body::with_strings(all.strings, all.texts)),
                     all.pack(all.id_index_bytes()),
                     std::move(all.pieces),
                     all.holds_states ? all.pack(all.states) : built_block::part()};
  auto out = std::move(all.built);
  all.clear();
  // The first uid of a block is whole.
  all.last_uid.clear();
  return out;
}

} // namespace fairuse::history
