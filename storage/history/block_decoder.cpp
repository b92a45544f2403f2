// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <utility>

#include "storage/bytes.hpp"
#include "storage/history/block_format.hpp"
#include "storage/history/columns.hpp"
#include "storage/history/details.hpp"
#include "storage/history/history_block.hpp"

namespace fairuse::history {

namespace {

/// Instants and durations beyond these are damage: sums of them must not overflow.
constexpr std::int64_t time_bound = std::int64_t{1} << 53;

bool is_sane(std::int64_t value) { return value > -time_bound and value < time_bound; }

/// What has been taken is gone; `ok` is false from the first thing that is not there.
struct byte_reader {
  std::string_view from;
  bool ok = true;

  std::uint64_t number() {
    std::uint64_t value = 0;
    if (not take_varint(from, value)) ok = false;
    return value;
  }
  std::string_view bytes(std::uint64_t size) {
    if (size > from.size()) {
      ok = false;
      return {};
    }
    const auto taken = from.substr(0, size);
    from.remove_prefix(size);
    return taken;
  }
  std::string_view text() {
    std::string_view taken;
    if (not take_text(from, taken)) ok = false;
    return taken;
  }
  column_reader column() {
    const auto count = number();
    if (count > from.size() / 2) ok = false;
    const auto words = ok ? bytes(count * 2) : std::string_view();
    return {words, text()};
  }
  std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (auto left = number(); ok and left > 0; --left)
      out.emplace_back(text());
    return out;
  }
  bool done() const { return ok and from.empty(); }
};

error impossible(std::string_view what) { return {std::string(what) + " cannot be read"}; }

struct facts_columns {
  byte_reader heads;
  std::string_view kinds;
  column_reader nows, lags, amounts, segments;
  byte_reader details;
  byte_reader reviews;
};

struct text_items {
  std::vector<std::string> strings;
  byte_reader items;

  /// False: it is not one.
  bool open(std::string_view from) {
    byte_reader all{from};
    strings = all.texts();
    items.from = all.text();
    return all.done();
  }
};

struct id_columns {
  std::vector<std::string> sources;
  column_reader places, sizes;
  byte_reader ids;
};

} // namespace

class block_decoder {
public:
  explicit block_decoder(history_block& out) : out_(out) {}
  result<void> decode(const block_bytes& from);

private:
  /// A user while the vectors that its spans point into grow.
  struct places {
    std::size_t uid_at, uid_size, step, steps, event, events, review, reviews;
  };
  struct head {
    std::uint64_t events = 0;
    std::uint64_t reviews = 0;
    time_ms now = 0;
  };

  result<void> open(const block_bytes& from);
  result<void> read_user();
  result<head> read_head();
  result<void> read_event(std::size_t place, time_ms& now);
  result<void> read_facts(event& what);
  result<void> read_segments(event& what);
  result<void> read_conversation(event& what);
  result<void> read_id(event& what);
  result<void> read_broadcast(event& what);
  void begin_step(time_ms now);
  bool at_end() const;
  void point();

  history_block& out_;
  facts_columns facts_;
  text_items conversations_;
  std::optional<text_items> texts_;
  std::optional<id_columns> ids_;
  std::string uid_;
  std::size_t next_kind_ = 0;
  std::vector<places> places_;
};

result<void> block_decoder::open(const block_bytes& from) {
  byte_reader all{from.facts};
  const auto users = all.number();
  facts_.heads.from = all.text();
  facts_.kinds = all.text();
  for (auto* column : {&facts_.nows, &facts_.lags, &facts_.amounts, &facts_.segments})
    *column = all.column();
  facts_.details.from = all.text();
  facts_.reviews.from = all.text();
  if (not all.done() or users > facts_.heads.from.size()) return impossible("its facts");
  places_.reserve(users);
  out_.events_.reserve(facts_.kinds.size());
  if (not conversations_.open(from.conversations)) return impossible("its conversations");
  if (from.texts and not texts_.emplace().open(*from.texts)) return impossible("its texts");
  if (from.ids) {
    byte_reader ids{*from.ids};
    ids_.emplace();
    ids_->sources = ids.texts();
    ids_->places = ids.column();
    ids_->sizes = ids.column();
    ids_->ids.from = ids.text();
    if (not ids.done()) return impossible("its ids");
  }
  for (std::uint64_t i = 0; i < users; ++i)
    if (auto done = read_user(); not done) return done;
  if (not at_end()) return impossible("the end of its columns");
  return {};
}

bool block_decoder::at_end() const {
  const bool facts = facts_.heads.done() and next_kind_ == facts_.kinds.size() and facts_.nows.at_end()
                     and facts_.lags.at_end() and facts_.amounts.at_end() and facts_.segments.at_end()
                     and facts_.details.done() and facts_.reviews.done();
  return facts and conversations_.items.done() and (not texts_ or texts_->items.done())
         and (not ids_ or (ids_->places.at_end() and ids_->sizes.at_end() and ids_->ids.done()));
}

result<block_decoder::head> block_decoder::read_head() {
  auto& from = facts_.heads;
  auto& who = out_.users_.emplace_back();
  const auto shared = from.number();
  const auto rest = from.text();
  const auto partition = from.number();
  const auto label = from.number();
  head out;
  out.events = from.number();
  out.now = unzigzag(from.number());
  out.reviews = from.number();
  for (auto& peak : who.peaks.speech_ms)
    peak = static_cast<std::int64_t>(from.number());
  who.peaks.stt_day_ms = static_cast<std::int64_t>(from.number());
  if (not from.ok or shared > uid_.size() or partition > std::numeric_limits<std::int32_t>::max() or label > UINT32_MAX
      or out.events > facts_.kinds.size() - next_kind_ or not is_sane(out.now))
    return impossible("a user");
  uid_.resize(shared);
  uid_.append(rest);
  who.partition = static_cast<std::int32_t>(partition);
  if (label > 0) who.label = static_cast<std::uint32_t>(label - 1);
  return out;
}

result<void> block_decoder::read_user() {
  const auto begins = read_head();
  if (not begins) return begins.error();
  places place{out_.uids_.size(), uid_.size(), out_.steps_.size(), 0, out_.events_.size(), 0, out_.reviews_.size(), 0};
  out_.uids_ += uid_;
  auto now = begins->now;
  for (std::uint64_t i = 0; i < begins->events; ++i)
    if (auto done = read_event(i, now); not done) return done;
  for (std::uint64_t i = 0; i < begins->reviews; ++i) {
    auto made = decode_review(facts_.reviews.text());
    if (not facts_.reviews.ok or not made) return impossible("a review");
    out_.reviews_.push_back(std::move(*made));
  }
  place.steps = out_.steps_.size() - place.step;
  place.events = out_.events_.size() - place.event;
  place.reviews = out_.reviews_.size() - place.review;
  places_.push_back(place);
  return {};
}

void block_decoder::begin_step(time_ms now) {
  const auto first = places_.empty() ? 0 : places_.back().event + places_.back().events;
  out_.steps_.push_back({now, static_cast<std::uint32_t>(out_.events_.size() - first), 0});
}

result<void> block_decoder::read_event(std::size_t place, time_ms& now) {
  const auto bits = static_cast<unsigned char>(facts_.kinds[next_kind_++]);
  if ((bits & kind_new_step) != 0) {
    now += static_cast<std::int64_t>(facts_.nows.take());
    if (not facts_.nows.ok() or not is_sane(now)) return impossible("the time of a step");
    begin_step(now);
  } else if (place == 0)
    return impossible("a user's first step");
  event what;
  const auto kind = bits & kind_mask;
  what.from = static_cast<lane>(bits >> kind_lane_shift & 3);
  if (kind == kind_broadcast) {
    if (auto done = read_broadcast(what); not done) return done;
  } else {
    const auto lag = unzigzag(facts_.lags.take());
    if (not facts_.lags.ok() or not is_sane(lag)) return impossible("an instant");
    what.kind = static_cast<event_kind>(kind);
    what.instant = what.time = now - lag;
    what.key = place + 1;
    auto done = (bits & kind_has_detail) != 0 ? read_segments(what) : read_facts(what);
    if (done and ids_) done = read_id(what);
    if (not done) return done;
  }
  out_.events_.push_back(what);
  ++out_.steps_.back().count;
  return {};
}

result<void> block_decoder::read_broadcast(event& what) {
  const auto index = facts_.amounts.take();
  if (not facts_.amounts.ok() or index > std::numeric_limits<std::int32_t>::max()) return impossible("a command");
  what.kind = event_kind::admin;
  what.ms = static_cast<std::int32_t>(index);
  return {};
}

result<void> block_decoder::read_segments(event& what) {
  const auto count = facts_.amounts.take();
  if (what.kind != event_kind::speech or not facts_.amounts.ok() or count == 0 or count > part_bytes_max)
    return impossible("the segments of an event");
  speech_segments read;
  std::int64_t end = 0;
  std::int64_t last = 0;
  for (std::uint64_t i = 0; i < count and facts_.segments.ok(); ++i) {
    const auto begin = end + unzigzag(facts_.segments.take());
    const auto size = facts_.segments.take();
    if (begin < 0 or begin > UINT32_MAX or size > UINT32_MAX - static_cast<std::uint64_t>(begin))
      return impossible("a segment");
    end = begin + static_cast<std::int64_t>(size);
    last = std::max(last, end);
    read.segments.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
  }
  if (not facts_.segments.ok()) return impossible("the segments of an event");
  what.time = what.instant - last;
  what.detail = out_.arena_.keep(event_detail(std::move(read)));
  return {};
}

result<void> block_decoder::read_facts(event& what) {
  switch (what.kind) {
    case event_kind::speech:
    case event_kind::stt: {
      const auto ms = facts_.amounts.take();
      if (not facts_.amounts.ok() or ms > UINT32_MAX) return impossible("an amount");
      what.ms = static_cast<std::int32_t>(static_cast<std::uint32_t>(ms));
      return {};
    }
    case event_kind::conversation:
      return read_conversation(what);
    case event_kind::account:
    case event_kind::review:
    case event_kind::admin:
    case event_kind::erasure:
      break;
  }
  auto made = decode_detail(what.kind, facts_.details.text());
  if (not facts_.details.ok or not made) return impossible("a fact");
  what.detail = out_.arena_.keep(std::move(*made));
  return {};
}

result<void> block_decoder::read_conversation(event& what) {
  auto made = decode_conversation(conversations_.items.text(), conversations_.strings);
  if (not conversations_.items.ok or not made) return impossible("a conversation");
  if (texts_ and not(decode_text(texts_->items.text(), texts_->strings, *made) and texts_->items.ok))
    return impossible("the text of a conversation");
  what.detail = out_.arena_.keep(event_detail(std::move(*made)));
  return {};
}

result<void> block_decoder::read_id(event& what) {
  const auto source = ids_->places.take();
  if (not ids_->places.ok() or source > ids_->sources.size()) return impossible("the source of an event");
  if (source == 0) {
    const auto bytes = ids_->ids.bytes(sizeof what.key);
    if (not ids_->ids.ok) return impossible("the key of an event");
    what.key = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      what.key |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    return {};
  }
  const auto id = ids_->ids.bytes(ids_->sizes.take());
  if (not ids_->sizes.ok() or not ids_->ids.ok) return impossible("the id of an event");
  const auto& name = ids_->sources[source - 1];
  what.text = out_.arena_.keep(name, id);
  what.key = event_key(name, id);
  return {};
}

// The vectors do not grow any more.
void block_decoder::point() {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const auto& at = places_[i];
    auto& who = out_.users_[i];
    who.uid = std::string_view(out_.uids_).substr(at.uid_at, at.uid_size);
    who.steps = std::span(out_.steps_).subspan(at.step, at.steps);
    who.events = std::span(out_.events_).subspan(at.event, at.events);
    who.reviews = std::span(out_.reviews_).subspan(at.review, at.reviews);
  }
}

result<void> block_decoder::decode(const block_bytes& from) {
  out_.users_.clear();
  out_.steps_.clear();
  out_.events_.clear();
  out_.reviews_.clear();
  out_.arena_.clear();
  out_.uids_.clear();
  if (auto done = open(from); not done) {
    out_.users_.clear();
    return done;
  }
  point();
  return {};
}

result<void> decode_block(const block_bytes& from, history_block& out) { return block_decoder(out).decode(from); }

} // namespace fairuse::history
