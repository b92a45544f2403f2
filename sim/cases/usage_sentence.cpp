// SPDX-License-Identifier: Apache-2.0
#include "sim/cases/usage_sentence.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/pure/numbers.hpp"
#include "config/yaml.hpp"

namespace fairuse::sim {

namespace {

constexpr std::int64_t amount_ms_max = day_ms;
constexpr std::int64_t repeats_max = 400;

struct unit_word {
  std::string_view text;
  std::int64_t ms;
};
constexpr std::array<unit_word, 15> units{{{"d", day_ms},
                                           {"day", day_ms},
                                           {"days", day_ms},
                                           {"h", hour_ms},
                                           {"hour", hour_ms},
                                           {"hours", hour_ms},
                                           {"m", minute_ms},
                                           {"min", minute_ms},
                                           {"minute", minute_ms},
                                           {"minutes", minute_ms},
                                           {"s", second_ms},
                                           {"second", second_ms},
                                           {"seconds", second_ms},
                                           {"ms", 1},
                                           {"milliseconds", 1}}};
constexpr std::array<std::string_view, 4> lane_names{"realtime", "sync", "backfill", "custom"};
constexpr std::array<std::string_view, 9> clause_words{"at",   "from",     "daily", "for", "every",
                                                       "lane", "uploaded", "twice", "over"};
constexpr std::array<std::string_view, 4> verbs{"speaks", "sends", "is", "has"};

struct word {
  std::string_view text;
  std::size_t at = 0;
};

std::vector<word> words_of(std::string_view text) {
  std::vector<word> all;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ' or text[at] == ',') {
      ++at;
      continue;
    }
    const auto end = std::min(text.find_first_of(" ,", at), text.size());
    all.push_back({text.substr(at, end - at), at});
    at = end;
  }
  return all;
}

bool is_name(std::string_view text) {
  return not text.empty() and text.size() <= 64 and std::all_of(text.begin(), text.end(), [](char each) {
    return (each >= 'a' and each <= 'z') or (each >= 'A' and each <= 'Z') or (each >= '0' and each <= '9')
           or std::string_view("._-@").find(each) != std::string_view::npos;
  });
}

/// Reads one sentence. After the first fault there is nothing more to take, and whatever follows says nothing.
class sentence_reader {
public:
  explicit sentence_reader(std::string_view text) : text_(text), words_(words_of(text)) {}

  result<usage_sentence, sentence_fault> read() {
    made_.user = name("a user");
    const auto verb = take("a verb");
    if (verb == "speaks")
      speaks();
    else if (verb == "sends")
      sends();
    else if (verb == "is")
      is();
    else if (verb == "has")
      has();
    else
      unknown(verb, verbs);
    if (fault_) return std::move(*fault_);
    return std::move(made_);
  }

private:
  void fail(std::size_t at, std::string message) {
    if (not fault_) fault_ = sentence_fault{at, std::move(message)};
    next_ = words_.size();
  }
  void unknown(std::string_view text, std::span<const std::string_view> known) {
    if (next_ == 0) return;
    fail(words_[next_ - 1].at, fmt::format("'{}' is not known here{}", text, yaml::did_you_mean_one_of(text, known)));
  }

  bool at_end() const { return next_ == words_.size(); }
  std::size_t here() const { return at_end() ? text_.size() : words_[next_].at; }
  std::string_view peek() const { return at_end() ? std::string_view() : words_[next_].text; }
  std::string_view take(std::string_view expected) {
    if (not at_end()) return words_[next_++].text;
    fail(text_.size(), fmt::format("{} is missing", expected));
    return {};
  }
  bool take_if(std::string_view text) {
    if (peek() != text) return false;
    ++next_;
    return true;
  }
  void need(std::string_view text) {
    const auto at = here();
    if (not take_if(text)) fail(at, fmt::format("'{}' is missing", text));
  }
  std::string name(std::string_view what) {
    const auto at = here();
    const auto text = take(what);
    if (not is_name(text)) fail(at, fmt::format("'{}' is no name of {}", text, what));
    return std::string(text);
  }

  /// `2 h 30 min`, `2h30m`.
  std::int64_t duration() {
    const auto at = here();
    std::int64_t sum = 0;
    bool any = false;
    while (not at_end()) {
      if (const auto whole = yaml::parse_duration(peek()); whole and peek() != "0") {
        sum += *whole;
        any = true;
        ++next_;
        continue;
      }
      const auto number = parse_number<std::int64_t>(peek());
      if (not number or *number < 0 or *number > 1'000'000 or next_ + 1 == words_.size()) break;
      const auto unit = std::find_if(units.begin(), units.end(),
                                     [this](const unit_word& each) { return each.text == words_[next_ + 1].text; });
      if (unit == units.end()) {
        const auto& wrong = words_[next_ + 1];
        constexpr std::array<std::string_view, 5> short_units{"d", "h", "min", "s", "ms"};
        fail(wrong.at,
             fmt::format("'{}' is no unit{}", wrong.text, yaml::did_you_mean_one_of(wrong.text, short_units)));
        break;
      }
      sum += *number * unit->ms;
      any = true;
      next_ += 2;
    }
    if (not any) fail(at, "an amount such as `40 min` or `2 h 30 min` is missing");
    return sum;
  }
  std::int64_t amount() {
    const auto at = here();
    const auto ms = duration();
    if (ms > amount_ms_max) fail(at, "one recording lasts 24 hours at most");
    return ms;
  }

  std::int64_t count(std::int64_t most) {
    const auto at = here();
    const auto text = take("a number");
    const auto number = parse_number<std::int64_t>(text);
    if (number and *number >= 1 and *number <= most) return *number;
    fail(at, fmt::format("'{}' is no number from 1 to {}", text, most));
    return 1;
  }

  /// `09:00`, `day 2 09:00`, `day 2`, an instant.
  case_time moment() {
    const auto at = here();
    const auto first = take("a time");
    if (const auto clock = clock_from(first)) return {*clock, true};
    std::string text(first);
    if (first == "day") {
      text.append(" ").append(take("a number of a day"));
      if (clock_from(peek())) text.append(" ").append(take("a time"));
    }
    const auto read = case_time_from(text);
    if (not read) fail(at, fmt::format("'{}' is no time such as 09:00 or day 2 09:00", text));
    return read.value_or(case_time{});
  }
  void days() {
    made_.days = count(repeats_max);
    if (not take_if("days")) need("day");
  }
  void optional_moment() {
    if (take_if("at") or take_if("from")) made_.at = moment();
    end();
  }
  void end() {
    if (at_end()) return;
    fail(here(), fmt::format("the sentence is over before '{}'", peek()));
  }

  void speaks() {
    made_.what = usage_kind::speech;
    made_.ms = made_.over_ms = amount();
    clauses();
  }
  void sends() {
    made_.what = usage_kind::stt;
    made_.ms = amount();
    need("of");
    need("STT");
    clauses();
  }
  void is() {
    const bool on = not take_if("not");
    const auto text = take("what the user is");
    if (text == "on" and on) {
      need("plan");
      made_.what = usage_kind::plan;
      made_.plan = name("a plan");
    } else if (text == "exempt") {
      made_.what = usage_kind::exemption;
      made_.on = on;
    } else if (text == "reset" and on) {
      made_.what = usage_kind::reset;
    } else if (text == "erased" and on) {
      made_.what = usage_kind::erasure;
    } else {
      constexpr std::array<std::string_view, 4> known{"on", "exempt", "reset", "erased"};
      unknown(text, known);
    }
    optional_moment();
    const bool has_moment = made_.what == usage_kind::plan or made_.what == usage_kind::exemption or made_.at;
    if (not has_moment) fail(text_.size(), "'at' and a time are missing");
  }
  void has() {
    made_.what = usage_kind::credits;
    made_.on = not take_if("no");
    need("credits");
    (void)(take_if("left") or take_if("again"));
    optional_moment();
  }

  void clauses() {
    while (not at_end()) {
      const auto text = take("");
      if (text == "at" or text == "from")
        made_.at = moment();
      else if (text == "daily")
        made_.every_days = 1;
      else if (text == "every")
        every();
      else if (text == "for")
        days();
      else if (text == "twice")
        made_.twice = true;
      else if (text == "lane")
        lane_clause();
      else if (text == "over" and made_.what == usage_kind::speech)
        over();
      else if (text == "uploaded" and made_.what == usage_kind::speech)
        uploaded();
      else
        unknown(text, clause_words);
    }
    if (not made_.at) fail(text_.size(), "'at' and a time are missing");
  }
  void every() {
    made_.every_days = count(repeats_max);
    if (not take_if("days")) need("day");
  }
  void lane_clause() {
    const auto text = take("a lane");
    const auto read = lane_from(text);
    if (not read or made_.what != usage_kind::speech) unknown(text, lane_names);
    made_.from = read.value_or(lane::realtime);
  }
  void over() {
    const auto at = here();
    made_.over_ms = amount();
    if (made_.over_ms < made_.ms) fail(at, "speech lies in at least as much time as it takes");
  }
  void uploaded() {
    if (take_if("at")) {
      made_.uploaded_at = moment();
      return;
    }
    made_.uploaded_after_ms = duration();
    need("later");
  }

  std::string_view text_;
  std::vector<word> words_;
  std::size_t next_ = 0;
  usage_sentence made_;
  std::optional<sentence_fault> fault_;
};

constexpr std::string_view case_source = "case";

/// Speech of minute `index` if it lies evenly over all of them.
std::int64_t share_of(const usage_sentence& from, std::int64_t index) {
  const auto until = std::min((index + 1) * minute_ms, from.over_ms);
  const auto spoken = [&](std::int64_t at) { return from.over_ms == 0 ? 0 : from.ms * at / from.over_ms; };
  return spoken(until) - spoken(index * minute_ms);
}

class event_maker {
public:
  event_maker(const usage_sentence& from, time_ms start, std::size_t number, case_traffic& to)
    : from_(from), start_(start), number_(number), to_(to) {}

  void make() {
    const auto first = from_.at ? from_.at->instant(start_) : start_ - minute_ms;
    for (std::int64_t day = 0; day < from_.days; ++day)
      make_at(first + day * from_.every_days * day_ms);
  }

private:
  void make_at(time_ms at) {
    switch (from_.what) {
      case usage_kind::speech:
        return from_.from == lane::sync or is_late() ? recording(at) : minutes(at);
      case usage_kind::stt:
        return add(event_kind::stt, at, at, static_cast<std::int32_t>(from_.ms), std::nullopt);
      case usage_kind::plan:
        return add(event_kind::account, at, at, 0, account_fact{.plan = from_.plan});
      case usage_kind::credits:
        return add(event_kind::account, at, at, 0, account_fact{.credits_exhausted = not from_.on});
      case usage_kind::exemption:
        return add(event_kind::admin, at, at, 0, command(admin_verb::exempt));
      case usage_kind::reset:
        return add(event_kind::admin, at, at, 0, command(admin_verb::reset));
      case usage_kind::erasure:
        return add(event_kind::erasure, at, at, 0, erasure_request{std::string(case_source), {}});
    }
  }

  bool is_late() const { return from_.uploaded_after_ms or from_.uploaded_at; }

  admin_command command(admin_verb verb) const {
    admin_command made;
    made.verb = verb;
    made.actor = case_source;
    made.on = verb == admin_verb::exempt and from_.on;
    return made;
  }

  // As a device streams it: an event a minute, at its end.
  void minutes(time_ms at) {
    for (std::int64_t index = 0; index == 0 or index * minute_ms < from_.over_ms; ++index) {
      const auto begin = at + index * minute_ms;
      const auto end = std::min(begin + minute_ms, at + from_.over_ms);
      add(event_kind::speech, begin, end, static_cast<std::int32_t>(share_of(from_, index)), std::nullopt);
    }
  }

  // One file with all of it.
  void recording(time_ms at) {
    speech_segments made;
    for (std::int64_t index = 0; index * minute_ms < from_.over_ms; ++index) {
      const auto begin = static_cast<std::uint32_t>(index * minute_ms);
      const auto end = begin + static_cast<std::uint32_t>(share_of(from_, index));
      const bool goes_on = not made.segments.empty() and made.segments.back().end_ms == begin;
      if (goes_on)
        made.segments.back().end_ms = end;
      else if (end > begin)
        made.segments.push_back({begin, end});
    }
    auto now = at + from_.over_ms;
    if (from_.uploaded_after_ms) now += *from_.uploaded_after_ms;
    if (from_.uploaded_at) now = from_.uploaded_at->instant(start_);
    add(event_kind::speech, at, now, 0, std::move(made));
  }

  void add(event_kind what_kind, time_ms time, time_ms now, std::int32_t ms, std::optional<event_detail> detail) {
    case_event made;
    made.uid = from_.user;
    made.now = now;
    auto& what = made.what;
    what.kind = what_kind;
    what.time = what.instant = time;
    what.ms = ms;
    what.from = from_.from;
    if (detail) {
      if (const auto* spoken = std::get_if<speech_segments>(&*detail);
          spoken != nullptr and not spoken->segments.empty())
        what.instant = time + spoken->segments.back().end_ms;
      what.detail = to_.arena.keep(std::move(*detail));
    }
    // Ids sort as the sentences do: of facts at one instant the one that is said first holds first.
    const auto id = fmt::format("{:04}/{:06}", number_, ids_++);
    what.text = to_.arena.keep(case_source, id);
    what.key = event_key(case_source, id);
    to_.events.push_back(made);
    if (from_.twice) to_.events.push_back(made);
  }

  const usage_sentence& from_;
  time_ms start_;
  std::size_t number_;
  case_traffic& to_;
  std::size_t ids_ = 0;
};

} // namespace

result<usage_sentence, sentence_fault> read_sentence(std::string_view text) { return sentence_reader(text).read(); }

void add_events(const usage_sentence& from, time_ms start, std::size_t number, case_traffic& to) {
  event_maker(from, start, number, to).make();
}

} // namespace fairuse::sim
