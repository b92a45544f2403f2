// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <utility>

#include "storage/history/block_format.hpp"
#include "storage/history/block_ids.hpp"
#include "storage/history/byte_reader.hpp"
#include "storage/history/details.hpp"
#include "storage/history/history_block.hpp"

namespace fairuse::history {

namespace {

/// Instants and durations beyond these are damage: sums of them must not overflow.
constexpr std::int64_t time_bound = std::int64_t{1} << 53;
static_assert((time_bound & (time_bound - 1)) == 0);

bool is_sane(std::int64_t value) { return value > -time_bound and value < time_bound; }

struct facts_columns {
  byte_reader heads;
  std::string_view kinds;
  column_reader nows, lags, amounts, segments;
  byte_reader details;
  byte_reader reviews;
  /// Of blocks with states: a byte a user.
  std::string_view idle;
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

} // namespace

class block_decoder {
public:
  block_decoder(event_form form, history_block& out) : form_(form), out_(out) {}
  result<void> decode(const block_bytes& from);

private:
  /// Of a user: where its parts begin and how many there are, while the vectors that spans will point into grow.
  struct places {
    std::size_t uid_at, uid_size, entry, entries, whole, wholes, review, reviews, step, steps;
  };
  struct head {
    std::uint64_t events = 0;
    std::uint64_t reviews = 0;
    time_ms now = 0;
  };

  result<void> open(const block_bytes& from);
  result<void> read_user();
  result<head> read_head();
  result<void> read_entries(const head& of);
  result<void> read_other(unsigned bits, std::size_t index);
  result<event_detail> read_detail(unsigned bits, event& what);
  result<event_detail> read_segments(event& what);
  void keep_whole(event what, std::size_t index);
  result<void> make_events();
  result<void> make_event(const block_user& who, std::size_t entry, std::size_t place);
  bool read_id(event& what);
  bool at_end() const;
  void point();
  result<void> take_states(std::string_view from);
  void leave_out_idle_users();

  event_form form_;
  history_block& out_;
  facts_columns facts_;
  byte_reader conversations_;
  std::optional<text_items> texts_;
  const block_ids* ids_ = nullptr;
  std::size_t next_id_ = 0;
  std::string uid_;
  std::size_t next_entry_ = 0;
  /// Of the user that is read, in out_.whole_.
  std::size_t whole_begins_ = 0;
  /// Of changes for all users, which have no ids.
  std::size_t marks_ = 0;
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
  if (from.holds_states) facts_.idle = all.text();
  if (not all.done() or users > facts_.heads.from.size() or (from.holds_states and users != facts_.idle.size()))
    return impossible("its facts");
  places_.reserve(users);
  const auto entries = facts_.kinds.size();
  out_.nows_.resize(entries);
  out_.instants_.resize(entries);
  out_.amounts_.resize(entries);
  out_.tags_.resize(entries);
  text_items conversations;
  if (not conversations.open(from.conversations)) return impossible("its conversations");
  out_.conversation_strings_ = std::move(conversations.strings);
  conversations_ = conversations.items;
  if (from.texts and not texts_.emplace().open(*from.texts)) return impossible("its texts");
  ids_ = from.ids;
  for (std::uint64_t i = 0; i < users; ++i)
    if (auto done = read_user(); not done) return done;
  if (not at_end()) return impossible("the end of its columns");
  return {};
}

/// Texts and ids are read behind it.
bool block_decoder::at_end() const {
  return facts_.heads.done() and next_entry_ == facts_.kinds.size() and facts_.nows.at_end() and facts_.lags.at_end()
         and facts_.amounts.at_end() and facts_.segments.at_end() and facts_.details.done() and facts_.reviews.done()
         and conversations_.done();
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
      or out.events > facts_.kinds.size() - next_entry_ or not is_sane(out.now))
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
  places place{out_.uids_.size(),
               uid_.size(),
               next_entry_,
               begins->events,
               out_.whole_.size(),
               0,
               out_.reviews_.size(),
               begins->reviews,
               0,
               0};
  out_.uids_ += uid_;
  whole_begins_ = place.whole;
  out_.users_.back().first_id = next_entry_ - marks_;
  if (auto done = read_entries(*begins); not done) return done;
  for (std::uint64_t i = 0; i < begins->reviews; ++i) {
    auto made = decode_review(facts_.reviews.text());
    if (not facts_.reviews.ok or not made) return impossible("a review");
    out_.reviews_.push_back(std::move(*made));
  }
  place.wholes = out_.whole_.size() - place.whole;
  places_.push_back(place);
  return {};
}

// Numbers that cannot be are looked for once, behind the last entry. Columns are read by copies on the stack: nothing
// that is written can change them there.
result<void> block_decoder::read_entries(const head& of) {
  auto now = of.now;
  bool sane = true;
  auto nows = facts_.nows;
  auto lags = facts_.lags;
  auto amounts = facts_.amounts;
  const auto* const kinds = facts_.kinds.data() + next_entry_;
  auto* const out_now = out_.nows_.data() + next_entry_;
  auto* const out_instant = out_.instants_.data() + next_entry_;
  auto* const out_amount = out_.amounts_.data() + next_entry_;
  auto* const out_tag = out_.tags_.data() + next_entry_;
  for (std::uint64_t i = 0; i < of.events; ++i) {
    const auto bits = static_cast<unsigned char>(kinds[i]);
    if ((bits & kind_new_step) != 0) {
      const auto gap = nows.take();
      sane = sane and gap < time_bound;
      if (not is_sane(now)) return impossible("the time of a step");
      now += static_cast<std::int64_t>(gap & (time_bound - 1));
    } else if (i == 0)
      return impossible("a user's first step");
    out_now[i] = now;
    const auto kind = bits & kind_mask;
    const auto lag = kind != kind_broadcast ? unzigzag(lags.take()) : 0;
    sane = sane and is_sane(lag);
    out_instant[i] = now - (is_sane(lag) ? lag : 0);
    if (kind > static_cast<unsigned>(event_kind::stt) or (bits & kind_has_detail) != 0) [[unlikely]] {
      facts_.amounts = amounts;
      if (auto done = read_other(bits, next_entry_ + i); not done) return done;
      amounts = facts_.amounts;
      continue;
    }
    const auto ms = amounts.take();
    sane = sane and ms <= UINT32_MAX;
    out_amount[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(ms));
    out_tag[i] = {static_cast<event_kind>(kind), static_cast<lane>(bits >> kind_lane_shift & 3)};
  }
  next_entry_ += of.events;
  facts_.nows = nows;
  facts_.lags = lags;
  facts_.amounts = amounts;
  if (not sane or not is_sane(now) or not nows.ok() or not lags.ok() or not amounts.ok())
    return impossible("the numbers of a user's events");
  return {};
}

void block_decoder::keep_whole(event what, std::size_t index) {
  out_.amounts_[index] = static_cast<std::int32_t>(out_.whole_.size() - whole_begins_);
  out_.tags_[index] = {what.kind, what.from, true};
  const bool drops = what.kind == event_kind::review or what.kind == event_kind::admin;
  out_.users_.back().answers_and_commands += drops;
  out_.whole_.push_back(what);
}

/// What is not speech in `ms` and not STT.
result<void> block_decoder::read_other(unsigned bits, std::size_t index) {
  event what;
  what.from = static_cast<lane>(bits >> kind_lane_shift & 3);
  const auto kind = bits & kind_mask;
  if (kind == kind_broadcast) {
    const auto number = facts_.amounts.take();
    if (not facts_.amounts.ok() or number > std::numeric_limits<std::int32_t>::max()) return impossible("a command");
    what.kind = event_kind::admin;
    what.ms = static_cast<std::int32_t>(number);
    ++marks_;
    keep_whole(what, index);
    return {};
  }
  what.kind = static_cast<event_kind>(kind);
  what.instant = what.time = out_.instants_[index];
  if (what.kind == event_kind::conversation and (bits & kind_has_detail) == 0) {
    out_.amounts_[index] = static_cast<std::int32_t>(out_.conversations_.size());
    out_.tags_[index] = {what.kind, what.from};
    out_.conversations_.push_back(conversations_.text());
    return conversations_.ok ? result<void>() : impossible("a conversation");
  }
  auto detail = read_detail(bits, what);
  if (not detail) return detail.error();
  what.detail = out_.arena_.keep(std::move(*detail));
  keep_whole(what, index);
  return {};
}

result<event_detail> block_decoder::read_detail(unsigned bits, event& what) {
  if ((bits & kind_has_detail) != 0) return read_segments(what);
  auto made = decode_detail(what.kind, facts_.details.text());
  if (not facts_.details.ok or not made) return impossible("a fact");
  return std::move(*made);
}

result<event_detail> block_decoder::read_segments(event& what) {
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
  return event_detail(std::move(read));
}

bool block_decoder::read_id(event& what) {
  if (not ids_->holds(next_id_)) return false;
  what.key = ids_->key(next_id_);
  if (ids_->has_text(next_id_)) {
    const auto text = ids_->text(next_id_);
    what.text = out_.arena_.keep(text.source, text.id);
  }
  ++next_id_;
  return true;
}

// The vectors do not grow any more.
void block_decoder::point() {
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const auto& at = places_[i];
    auto& who = out_.users_[i];
    who.uid = std::string_view(out_.uids_).substr(at.uid_at, at.uid_size);
    who.reviews = std::span(out_.reviews_).subspan(at.review, at.reviews);
    who.run.now = out_.nows_.data() + at.entry;
    who.run.instant = out_.instants_.data() + at.entry;
    who.run.ms = out_.amounts_.data() + at.entry;
    who.run.tag = out_.tags_.data() + at.entry;
    who.run.first_key = 1;
    who.run.whole = std::span(out_.whole_).subspan(at.whole, at.wholes);
    who.run.conversations = &out_;
    who.run.count = at.entries;
  }
}

/// Event number `place` of a user, and the step that it begins.
result<void> block_decoder::make_event(const block_user& who, std::size_t entry, std::size_t place) {
  if ((static_cast<unsigned char>(facts_.kinds[entry]) & kind_new_step) != 0)
    out_.steps_.push_back({who.run.now[place], static_cast<std::uint32_t>(place), 0});
  auto what = who.run.at(place);
  if (what.kind == event_kind::conversation) {
    if (out_.damaged_) return impossible("a conversation");
    auto& said = std::get<conversation_fact>(out_.read_conversation_);
    if (texts_ and not(decode_text(texts_->items.text(), texts_->strings, said) and texts_->items.ok))
      return impossible("the text of a conversation");
    what.detail = out_.arena_.keep(out_.read_conversation_);
  }
  if (ids_ != nullptr and not is_broadcast_mark(what) and not read_id(what)) return impossible("the id of an event");
  out_.events_.push_back(what);
  ++out_.steps_.back().count;
  return {};
}

result<void> block_decoder::make_events() {
  out_.events_.reserve(facts_.kinds.size());
  for (std::size_t user = 0; user < places_.size(); ++user) {
    auto& at = places_[user];
    at.step = out_.steps_.size();
    for (std::size_t i = 0; i < at.entries; ++i)
      if (auto done = make_event(out_.users_[user], at.entry + i, i); not done) return done;
    at.steps = out_.steps_.size() - at.step;
  }
  for (std::size_t user = 0; user < places_.size(); ++user) {
    const auto& at = places_[user];
    out_.users_[user].steps = std::span(out_.steps_).subspan(at.step, at.steps);
    out_.users_[user].events = std::span(out_.events_).subspan(at.entry, at.entries);
  }
  const bool done = (not texts_ or texts_->items.done()) and (ids_ == nullptr or next_id_ == ids_->end());
  return done ? result<void>() : impossible("the end of its texts and ids");
}

result<void> block_decoder::take_states(std::string_view from) {
  byte_reader all{from};
  for (auto& who : out_.users_)
    who.state = all.text();
  return all.done() ? result<void>() : impossible("its states");
}

void block_decoder::leave_out_idle_users() {
  std::size_t place = 0;
  std::erase_if(out_.users_, [&](const block_user&) { return facts_.idle[place++] != '\0'; });
}

result<void> block_decoder::decode(const block_bytes& from) {
  out_.users_.clear();
  out_.steps_.clear();
  out_.events_.clear();
  out_.reviews_.clear();
  out_.whole_.clear();
  out_.conversations_.clear();
  out_.arena_.clear();
  out_.uids_.clear();
  out_.damaged_ = false;
  auto done = open(from);
  if (done) {
    point();
    if (form_ == event_form::events) done = make_events();
  }
  if (done and from.states) done = take_states(*from.states);
  if (done and from.holds_states and not from.states) leave_out_idle_users();
  if (not done) out_.users_.clear();
  return done;
}

result<void> decode_block(const block_bytes& from, event_form form, history_block& out) {
  return block_decoder(form, out).decode(from);
}

conversation_outline history_block::outline(std::size_t place) const {
  const auto made = decode_conversation(conversations_[place], conversation_strings_);
  if (not made) damaged_ = true;
  return made ? made->outline : conversation_outline();
}

event history_block::conversation(std::size_t place, event entry) const {
  const auto made = decode_conversation(conversations_[place], conversation_strings_);
  if (not made) damaged_ = true;
  conversation_fact fact;
  if (made) {
    fact.conversation = made->outline.id;
    fact.category = made->outline.category;
    fact.duration_ms = made->outline.duration_ms;
    fact.from = made->from;
  }
  read_conversation_ = std::move(fact);
  entry.detail = &read_conversation_;
  return entry;
}

} // namespace fairuse::history
