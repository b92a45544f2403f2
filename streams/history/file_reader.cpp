// SPDX-License-Identifier: Apache-2.0
#include "streams/history/file_reader.hpp"

#include <algorithm>
#include <future>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include "streams/unusable_input.hpp"

namespace fairuse::history {

namespace {

constexpr std::uint32_t speech_bit = 1U << static_cast<unsigned>(event_kind::speech);
constexpr std::uint32_t all_bits = (1U << event_kind_count) - 1;

file_failure failure_of(const error& why) { return {file_fault::failed, why.message}; }
file_failure failure_of(const store_error& why) { return {file_fault::failed, why.message}; }

bool is_binary(char byte) { return static_cast<unsigned char>(byte) < 0x20 and byte != '\t'; }

/// A header can only be text.
bool could_be_header(std::string_view line) {
  return not line.starts_with('{') and not line.starts_with('[') and std::none_of(line.begin(), line.end(), is_binary)
         and simdjson::validate_utf8(line.data(), line.size());
}

} // namespace

file_reader::file_reader(const pack_files_wish& wish, packer& to, bool takes_arrivals)
  : wish_(wish), to_(to), arrivals_(takes_arrivals ? arrivals::undecided : arrivals::unknown) {}

result<files_read, file_failure> file_reader::read() {
  for (const auto& file : wish_.files) {
    if (auto ended = read_file(file); not ended) return ended.error();
    ++input_;
  }
  all_.arrivals_known = arrivals_ == arrivals::known;
  return all_;
}

file_reader::done file_reader::read_file(const std::string& file) {
  const auto opened = input_lines::open(file, wish_.stopped);
  if (not opened) return file_failure{file_fault::unusable, opened.error().message};
  auto& from = **opened;
  auto ended = read_lines(from);
  bytes_before_ += from.bytes_read();
  all_.bytes = bytes_before_;
  all_.lines += from.number();
  if (not ended) return ended;
  return end_of(from);
}

file_reader::done file_reader::end_of(const input_lines& from) {
  if (from.was_stopped()) return file_failure{file_fault::stopped, std::string(pack_stopped)};
  return {};
}

result<bool, file_failure> file_reader::next_line(input_lines& from) {
  for (;;) {
    const auto there = from.next();
    if (not there) return failure_of(there.error());
    if (wish_.reading) wish_.reading(bytes_before_ + from.bytes_read(), to_.rows());
    if (not *there or not from.is_blank()) return *there;
    to_.add_empty_line();
  }
}

file_failure file_reader::unusable(const input_lines& from) const {
  const auto line = from.line();
  if (line.starts_with("FUHIST\x1a"))
    return {file_fault::unusable, fmt::format("{} is a history already", from.name())};
  if (not wish_.csv.is_given() and line.find(',') != std::string_view::npos and could_be_header(line)) {
    csv_splitter header;
    header.begin();
    if (header.take(line) == csv_splitter::state::whole)
      return {file_fault::unusable,
              fmt::format("{} is a CSV: say which columns hold what, --columns uid=...,time=...,ms=... (lane, id and "
                          "source are optional). Its header has {}",
                          from.name(), fmt::join(header.fields(), ", "))};
  }
  return {file_fault::unusable,
          fmt::format("line {} of {} is no event, no record of `kcat -C -J` and no header of a CSV. {}", from.number(),
                      from.name(),
                      describe_unusable_input(line.substr(0, sample_bytes), "fairuse history pack - -o X.history"))};
}

file_reader::done file_reader::read_lines(input_lines& from) {
  const auto there = next_line(from);
  if (not there) return there.error();
  if (not *there) {
    all_.empty_files.push_back(from.name());
    return {};
  }
  switch (from.is_cut() ? kcat_decoder::shape::none : records_.shape_of(from.line())) {
    case kcat_decoder::shape::event:
      all_.kinds |= all_bits;
      return read_ndjson(from);
    case kcat_decoder::shape::record:
      all_.kinds |= all_bits;
      return read_kcat(from);
    case kcat_decoder::shape::none:
      break;
  }
  if (not wish_.csv.is_given() or not could_be_header(from.line())) return unusable(from);
  all_.kinds |= speech_bit;
  all_.has_csv = true;
  return read_csv(from);
}

// Events and records -------------------------------------------------------------------------------------------------

// While some lines are taken, the next ones are decoded.
file_reader::done file_reader::read_ndjson(input_lines& from) {
  decoded_lines taken;
  decoded_lines read;
  done ended;
  for (bool there = true; there or not taken.empty(); std::swap(taken, read)) {
    read.clear();
    while (there and not read.full()) {
      read.add(from.line(), from.number(), from.is_cut());
      const auto next = next_line(from);
      if (not next) ended = next.error();
      there = next and *next;
    }
    auto decoding = std::async(std::launch::async, [&read] { read.decode(); });
    if (auto added = take_lines(taken, from.name()); not added) return added;
    decoding.get();
  }
  return ended;
}

file_reader::done file_reader::take_lines(const decoded_lines& some, const std::string& file) {
  for (const auto& each : some.all()) {
    const line_place at{file, each.number};
    if (each.is_cut) {
      refuse(at, {refusal::too_large, ""});
    } else if (each.made) {
      event_ = {};
      if (auto added = take(*each.made, at); not added) return added;
    } else if (const auto told =
                   each.made.error().why == refusal::unknown_type ? decisions_.read({}, each.text) : std::nullopt) {
      if (auto taken = take_decision(*told); not taken) return taken;
    } else {
      refuse(at, each.made.error());
    }
  }
  return {};
}

file_reader::done file_reader::read_kcat(input_lines& from) {
  for (bool there = true; there;) {
    arena_.clear();
    if (from.is_cut())
      refuse(place_of(from), {refusal::too_large, ""});
    else if (auto taken = take_record(from); not taken)
      return taken;
    const auto next = next_line(from);
    if (not next) return next.error();
    there = *next;
  }
  return {};
}

file_reader::done file_reader::take_record(const input_lines& from) {
  if (const auto read = records_.decode(from.line(), record_); not read) {
    refuse(place_of(from), read.error());
    return {};
  }
  const std::span<const wire_header> headers(record_.headers);
  const auto made = decoder_.decode_record(headers, record_.payload, arena_);
  if (not made) {
    const auto told =
        made.error().why == refusal::unknown_type ? decisions_.read(headers, *record_.payload) : std::nullopt;
    if (told) return take_decision(*told);
    refuse(place_of(from), made.error());
    return {};
  }
  auto& topics = places_[record_.partition];
  auto found = topics.find(record_.topic);
  if (found == topics.end()) found = topics.emplace(std::string(record_.topic), place{}).first;
  auto& at = found->second;
  // A dump that overlaps with the one before begins at an earlier time.
  if (record_.offset <= at.offset) at.now = 0;
  at.offset = record_.offset;
  at.now = std::max(at.now, record_.ts);
  event_ = {};
  event_.partition = record_.partition;
  if (record_.is_append_time) event_.now = at.now;
  return take(*made, place_of(from));
}

file_reader::done file_reader::take_decision(const told_decision& what) {
  const auto made = request_in(what);
  if (not made) {
    ++all_.other_decisions;
    return {};
  }
  ++all_.review_decisions;
  const auto added = made->timed_out ? to_.add_timeout(made->what, what.time) : to_.add_request(made->what);
  if (not added) return failure_of(added.error());
  return {};
}

// event_: partition, and `now` where the record has its arrival.
file_reader::done file_reader::take(const wire_event& what, const line_place& at) {
  if (auto known = need_arrivals(event_.now != 0, at); not known) return known;
  event_.uid = what.subject;
  event_.what = what.what;
  return add();
}

file_reader::done file_reader::need_arrivals(bool is_known, const line_place& at) {
  if (arrivals_ == arrivals::undecided) arrivals_ = is_known ? arrivals::known : arrivals::unknown;
  lost_arrivals_ = arrivals_ == arrivals::known and not is_known;
  if (not lost_arrivals_) return {};
  return file_failure{file_fault::unusable,
                      fmt::format("{}:{}: this event has no arrival (tstype logappend), and those before have one; "
                                  "standard input and pipes cannot be read again without: give files",
                                  at.file, at.number)};
}

file_reader::done file_reader::add() {
  const bool is_known = arrivals_ == arrivals::known;
  if (not is_known) event_.now = event_.what.instant;
  event_.epoch = is_known ? static_cast<std::uint64_t>(event_.now) : 0;
  event_.input = input_;
  if (const auto added = to_.add(event_); not added) return failure_of(added.error());
  return {};
}

// Rows ---------------------------------------------------------------------------------------------------------------

file_reader::done file_reader::read_csv(input_lines& from) {
  csv_records rows(from);
  const auto header = rows.next(true);
  if (not header) return failure_of(header.error());
  if (*header != csv_records::state::record) return unusable(from);
  const auto columns = csv_events::make(wish_.csv, rows.fields());
  if (not columns)
    return file_failure{file_fault::unusable, fmt::format("{}: {}", from.name(), columns.error().message)};
  for (;;) {
    const auto next = rows.next();
    if (not next) return failure_of(next.error());
    if (wish_.reading) wish_.reading(bytes_before_ + from.bytes_read(), to_.rows());
    if (from.was_stopped()) return {};
    switch (*next) {
      case csv_records::state::record:
        if (auto taken = take_row(rows, *columns, from); not taken) return taken;
        break;
      case csv_records::state::blank:
        to_.add_empty_line();
        break;
      case csv_records::state::invalid:
        refuse({from.name(), rows.line()}, refusal::bad_value, "a quote stands where none may, or is not doubled");
        break;
      case csv_records::state::unclosed:
        refuse({from.name(), rows.line()}, refusal::truncated, "a quote is not closed, in this row or within 1 MiB");
        break;
      case csv_records::state::too_large:
        refuse({from.name(), rows.line()}, refusal::too_large, "the row is too large");
        break;
      case csv_records::state::end:
        return {};
    }
  }
}

file_reader::done file_reader::take_row(const csv_records& rows, const csv_events& columns, const input_lines& from) {
  arena_.clear();
  if (const auto read = columns.read(rows.fields(), arena_, event_); not read) {
    refuse({from.name(), rows.line()}, read.error().why, read.error().says);
    return {};
  }
  if (auto known = need_arrivals(false, place_of(from)); not known) return known;
  return add();
}

// Refusals -----------------------------------------------------------------------------------------------------------

void file_reader::refuse(const line_place& at, refusal why, std::string says) {
  to_.add_refused(why);
  auto& known = was_refused_.at(static_cast<std::size_t>(why));
  if (known) return;
  known = true;
  all_.refusals.push_back({why, fmt::format("{}:{}", at.file, at.number), std::move(says)});
}

void file_reader::refuse(const line_place& at, const refused& what) {
  const auto member = what.place.empty() ? std::string() : what.place + ": ";
  refuse(at, what.why, member + std::string(remedy(what.why, what.place)));
}

} // namespace fairuse::history
