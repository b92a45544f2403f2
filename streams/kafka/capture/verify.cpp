// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/capture/verify.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace fairuse::kafka {

namespace {

constexpr std::size_t shown_bytes = 100;
constexpr std::size_t shown_before = 40;

/// The part of a text around `byte`, one line.
std::string around(const std::optional<std::string>& text, std::size_t byte) {
  if (not text) return "null";
  const auto from = byte > shown_before ? byte - shown_before : 0;
  std::string shown = from > 0 ? "..." : "";
  for (const char each : std::string_view(*text).substr(std::min(from, text->size()), shown_bytes)) {
    const auto code = static_cast<unsigned char>(each);
    shown += code >= 0x20 and code < 0x7f ? std::string(1, each) : fmt::format("\\x{:02x}", code);
  }
  return text->size() > from + shown_bytes ? shown + "..." : shown;
}

std::string_view header_of(const captured_record& of, std::string_view name) {
  for (auto each = of.headers.rbegin(); each != of.headers.rend(); ++each)
    if (each->first == name) return each->second ? std::string_view(*each->second) : std::string_view();
  return {};
}

/// What makes a record of an output topic that record and no other.
std::string identity(const captured_record& of) {
  if (const auto id = header_of(of, "fairuse.error.offset"); not id.empty())
    return fmt::format("{} {}", header_of(of, "fairuse.error.topic"), id);
  return std::string(header_of(of, "ce_id"));
}

std::size_t first_byte(const std::optional<std::string>& a, const std::optional<std::string>& b) {
  if (not a or not b) return 0;
  return static_cast<std::size_t>(std::mismatch(a->begin(), a->end(), b->begin(), b->end()).first - a->begin());
}

/// Ends the trial of a capture.
struct stopped {
  verdict what;
  std::string says;
  std::optional<first_difference> where;
};

/// What production wrote to one output topic of a partition, beside what a replay makes.
class told_output {
public:
  told_output(const capture_reader& from, const capture_section* of, bool compacted)
    : compacted_(compacted), lost_head_(of != nullptr and of->low > 0) {
    if (of != nullptr) cursor_.emplace(from.records(*of));
    advance();
  }

  bool has_next() const { return there_; }
  const captured_record& next() const { return record_; }
  std::uint64_t number() const { return number_; }
  /// A record that the replay makes may be gone: compaction keeps the newest of a key, retention the newest of all.
  bool may_lack_one() const { return compacted_ or (lost_head_ and number_ == 0); }
  void advance() {
    if (there_) ++number_;
    there_ = cursor_ and cursor_->next(record_);
    if (cursor_ and not cursor_->failure()) throw stopped{verdict::damaged, cursor_->failure().error().message, {}};
  }

private:
  std::optional<capture_cursor> cursor_;
  bool compacted_;
  bool lost_head_;
  bool there_ = false;
  std::uint64_t number_ = 0;
  captured_record record_;
};

/// The records of one input of a partition.
class told_input {
public:
  told_input(const capture_reader& from, const capture_section& of) : cursor_(from.records(of)) { advance(); }

  /// Behind what was taken.
  std::int64_t reached() const { return reached_; }
  /// REQUIRES: from >= reached().
  std::vector<captured_record> take(std::int64_t from, std::int64_t next) {
    std::vector<captured_record> some;
    reached_ = next;
    while (there_ and record_.offset < from)
      advance();
    for (; there_ and record_.offset < next; advance())
      some.push_back(std::move(record_));
    return some;
  }

private:
  void advance() {
    there_ = cursor_.next(record_);
    if (not cursor_.failure()) throw stopped{verdict::damaged, cursor_.failure().error().message, {}};
  }

  capture_cursor cursor_;
  bool there_ = false;
  std::int64_t reached_ = 0;
  captured_record record_;
};

class trial {
public:
  trial(const capture_reader& capture, const replay_tools& with, const capture_part& part,
        const std::filesystem::path& folder, verify_counts& counts,
        const std::function<void(std::uint64_t, std::uint64_t)>& progress)
    : capture_(capture),
      all_(capture.contents()),
      part_(part),
      counts_(counts),
      progress_(progress),
      replay_(tools(with, folder), all_.outputs, part.partition) {}

  /// Throws stopped.
  void run() {
    read_policies();
    open_outputs();
    begin();
    const auto* journal = all_.find(part_.partition, section_kind::journal);
    if (journal == nullptr) {
      if (part_.epochs != 0) damage("it has no journal");
      return check_ends();
    }
    auto rows = capture_.records(*journal);
    captured_record row;
    std::uint64_t epochs = 0;
    for (; rows.next(row); ++epochs)
      try_epoch(row);
    if (not rows.failure()) throw stopped{verdict::damaged, rows.failure().error().message, {}};
    if (epochs != part_.epochs) damage(fmt::format("its journal has {} epochs and not {}", epochs, part_.epochs));
    check_ends();
  }

private:
  [[noreturn]] void damage(const std::string& what) const {
    throw stopped{verdict::damaged, fmt::format("partition {}: {}", part_.partition, what), {}};
  }

  [[noreturn]] void differ(first_difference where) const {
    where.partition = part_.partition;
    where.epoch = epoch_;
    auto says = fmt::format("partition {}, epoch {}, {}", where.partition, where.epoch,
                            where.topic.empty() ? std::string("the journal") : where.topic);
    if (where.offset >= 0) says += fmt::format(", record {} at offset {}", where.number, where.offset);
    throw stopped{verdict::differs, says, std::move(where)};
  }

  void hold(const result<void, store_error>& done) const {
    if (done) return;
    const auto& why = done.error();
    const auto what = why.fault == store_fault::wrong_key ? verdict::refused
                      : why.fault == store_fault::damaged ? verdict::damaged
                                                          : verdict::failed;
    throw stopped{what, fmt::format("partition {}, epoch {}: {}", part_.partition, epoch_, why.message), {}};
  }

  replay_tools tools(const replay_tools& with, const std::filesystem::path& folder) {
    auto made = with;
    made.folder = folder;
    made.policy_text = [this](const std::string& digest) -> std::optional<std::string> {
      const auto found = policies_.find(digest);
      return found == policies_.end() ? std::nullopt : std::optional(found->second);
    };
    return made;
  }

  void read_policies() {
    const auto* section = all_.find(part_.partition, section_kind::policies);
    if (section == nullptr) return;
    auto records = capture_.records(*section);
    captured_record one;
    while (records.next(one))
      if (one.key and one.value) policies_.insert_or_assign(*one.key, *one.value);
    if (not records.failure()) throw stopped{verdict::damaged, records.failure().error().message, {}};
  }

  std::vector<std::string> output_topics() const {
    const auto& names = all_.outputs;
    return {names.decisions, names.notifications, names.enforcement, names.review_requests, names.dead_letters};
  }

  void open_outputs() {
    for (const auto& topic : output_topics())
      outputs_.try_emplace(topic, capture_, all_.find(part_.partition, section_kind::output, topic),
                           topic == all_.outputs.enforcement);
  }

  void begin() {
    epoch_ = part_.first_epoch;
    const auto* state = all_.find(part_.partition, section_kind::state);
    if (state == nullptr) {
      if (part_.first_epoch != 0) damage(fmt::format("it begins with epoch {} and has no state", part_.first_epoch));
      return;
    }
    const auto meta = decode_partition_meta(part_.state_meta);
    const auto setup = decode_epoch_record(part_.state_setup);
    if (not meta or not setup or not setup->setup or meta->epoch + 1 != part_.first_epoch)
      damage("its state does not say of which epoch it is");
    chain_ = meta->chain;
    auto rows = capture_.records(*state);
    hold(replay_.restore(*setup->setup, [&rows](captured_record& to) { return rows.next(to); }));
    if (not rows.failure()) throw stopped{verdict::damaged, rows.failure().error().message, {}};
  }

  void try_epoch(const captured_record& row) {
    const auto told = row.value ? decode_epoch_record(*row.value) : std::nullopt;
    if (not told) damage(fmt::format("the journal at {} does not decode", row.offset));
    if (told->epoch != epoch_)
      differ({.what = "number of the epoch", .theirs = std::to_string(told->epoch), .ours = std::to_string(epoch_)});
    if (not follows(*row.value, chain_))
      differ({.what = "chain", .theirs = "does not follow on the epoch before", .ours = "follows"});
    chain_ = told->chain;
    hold(replay_.run(*told, [this](const std::string& topic, const input_range& range) { return take(topic, range); }));
    for (auto& [topic, output] : outputs_)
      compare(topic, output);
    compare_policies();
    compare_journal(*told);
    hold(replay_.confirm());
    ++epoch_;
    ++counts_.epochs;
    if (progress_) progress_(counts_.epochs, counts_.records);
  }

  std::vector<captured_record> take(const std::string& topic, const input_range& range) {
    auto found = inputs_.find(topic);
    if (found == inputs_.end()) {
      const auto* section = all_.find(part_.partition, section_kind::input, topic);
      if (section == nullptr) damage(fmt::format("it has no records of {}", topic));
      found = inputs_.try_emplace(topic, capture_, *section).first;
    }
    if (range.from < found->second.reached())
      differ({.what = "inputs",
              .theirs = fmt::format("{} again from offset {}, as after `fairuse state adopt`", topic, range.from),
              .ours = fmt::format("on from offset {}", found->second.reached())});
    auto some = found->second.take(range.from, range.next);
    if (some.size() != range.count)
      throw stopped{
          verdict::lost,
          fmt::format("partition {}: epoch {} took {} records of {} between offsets {} and {}, and {} of "
                      "them are here; the first epoch that can be replayed is {}, with its checkpoint",
                      part_.partition, epoch_, range.count, topic, range.from, range.next, some.size(), epoch_ + 1),
          {}};
    counts_.records += some.size();
    return some;
  }

  void compare(const std::string& topic, told_output& told) {
    for (const auto& made : replay_.made().of(topic)) {
      ++counts_.outputs;
      if (topic == all_.outputs.dead_letters) ++counts_.dead_letters;
      const bool same_one = told.has_next() and identity(told.next()) == identity(made);
      if (not same_one and told.may_lack_one()) continue;
      if (not told.has_next())
        differ({.topic = topic,
                .number = told.number(),
                .what = "missing",
                .theirs = "no record",
                .ours = around(made.value, 0)});
      compare_record(topic, told, made);
      told.advance();
      ++counts_.compared;
    }
  }

  void compare_record(const std::string& topic, const told_output& told, const captured_record& made) const {
    const auto& is = told.next();
    if (is.key == made.key and is.headers == made.headers and is.value == made.value) return;
    const auto check = [&](const std::string& what, const auto& theirs, const auto& ours) {
      if (theirs == ours) return;
      const auto byte = first_byte(theirs, ours);
      differ({.topic = topic,
              .number = told.number(),
              .offset = is.offset,
              .what = what,
              .byte = byte,
              .theirs = around(theirs, byte),
              .ours = around(ours, byte)});
    };
    check("key", is.key, made.key);
    for (std::size_t i = 0; i < std::max(is.headers.size(), made.headers.size()); ++i) {
      const std::optional<std::string> none;
      const auto name = [&](const captured_record& of) {
        return i < of.headers.size() ? std::optional(of.headers[i].first) : none;
      };
      check("header's name", name(is), name(made));
      check("header " + is.headers[i].first, is.headers[i].second, made.headers[i].second);
    }
    check("value", is.value, made.value);
  }

  // Compaction may have kept another copy of the same.
  void compare_policies() {
    for (const auto& made : replay_.made().of(all_.outputs.policies)) {
      const auto found = policies_.find(made.key.value_or(""));
      const auto theirs = found == policies_.end() ? std::nullopt : std::optional(found->second);
      ++counts_.policies;
      if (theirs == made.value) continue;
      const auto byte = first_byte(theirs, made.value);
      differ({.topic = all_.outputs.policies,
              .what = "value",
              .byte = byte,
              .theirs = around(theirs, byte),
              .ours = around(made.value, byte)});
    }
  }

  void compare_journal(const epoch_record& told) const {
    const auto made = replay_.journal();
    // Texts are made for what differs, not for every epoch.
    const auto check = [&](const char* what, const auto& theirs, const auto& ours, const auto& text) {
      if (theirs != ours) differ({.what = what, .theirs = text(theirs), .ours = text(ours)});
    };
    const auto number = [](const auto& value) { return std::to_string(value); };
    const auto list = [](const std::vector<input_range>& ranges) {
      std::string text;
      for (const auto& each : ranges)
        text += fmt::format("{}input {} [{}, {}) {} records", text.empty() ? "" : "; ", each.topic, each.from,
                            each.next, each.count);
      return text;
    };
    const auto dead_letters = [](const std::vector<refused_input>& refused) {
      std::string text;
      for (const auto& each : refused)
        text += fmt::format("{}input {} at {}: {} {}", text.empty() ? "" : "; ", each.topic, each.offset,
                            fairuse::to_text(each.why), each.place);
      return text.substr(0, 4 * shown_bytes);
    };
    check("now", told.now, made.now, number);
    check("inputs", told.inputs, made.inputs, list);
    check("skipped offsets", told.skipped, made.skipped, list);
    check("dead letters", told.refused, made.refused, dead_letters);
    check("number of outputs", told.outputs, made.outputs, number);
    if (told.outputs_digest != made.outputs_digest)
      differ({.what = "digest of the outputs", .theirs = "another one", .ours = "not of what a replay makes"});
    if (told.setup and made.setup) check_setup(*told.setup, *made.setup);
  }

  void check_setup(partition_setup theirs, const partition_setup& ours) const {
    // A field that was not written down then.
    if (theirs.dead_letter_bytes_max == 0) theirs.dead_letter_bytes_max = ours.dead_letter_bytes_max;
    if (theirs == ours) return;
    differ({.what = theirs.profiles != ours.profiles ? "profiles of the setup" : "setup",
            .theirs = theirs.profiles,
            .ours = ours.profiles});
  }

  void check_ends() const {
    for (const auto& [topic, output] : outputs_)
      if (output.has_next())
        differ({.topic = topic,
                .number = output.number(),
                .offset = output.next().offset,
                .what = "extra",
                .theirs = around(output.next().value, 0),
                .ours = "no record"});
  }

  const capture_reader& capture_;
  const capture_contents& all_;
  const capture_part& part_;
  verify_counts& counts_;
  const std::function<void(std::uint64_t, std::uint64_t)>& progress_;
  std::map<std::string, std::string> policies_;
  partition_replay replay_;
  std::map<std::string, told_output> outputs_;
  std::map<std::string, told_input> inputs_;
  std::string chain_;
  std::uint64_t epoch_ = 0;
};

} // namespace

std::string_view to_text(verdict value) {
  switch (value) {
    case verdict::equal:
      return "equal";
    case verdict::differs:
      return "differs";
    case verdict::lost:
      return "lost";
    case verdict::refused:
      return "refused";
    case verdict::damaged:
      return "damaged";
    case verdict::failed:
      break;
  }
  return "failed";
}

verify_result verify(const capture_reader& capture, const replay_tools& with, const std::filesystem::path& scratch,
                     const std::function<void(std::uint64_t epochs, std::uint64_t records)>& progress) {
  verify_result made;
  for (const auto& part : capture.contents().parts) {
    const auto folder = scratch / fmt::format("p{:05}", part.partition);
    try {
      trial(capture, with, part, folder, made.counts, progress).run();
    } catch (stopped& why) {
      made.what = why.what;
      made.says = std::move(why.says);
      made.where = std::move(why.where);
      return made;
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    ++made.counts.partitions;
  }
  return made;
}

} // namespace fairuse::kafka
