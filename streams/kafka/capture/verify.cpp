// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/capture/verify.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/pure/result.hpp"
#include "streams/kafka/capture/captured_rules.hpp"
#include "streams/kafka/capture/input_cursor.hpp"

namespace fairuse::kafka {

namespace {

constexpr std::size_t shown_bytes = 100;
constexpr std::size_t shown_before = 40;

/// Why a partition is not verified.
struct verify_failure {
  verify_outcome what = verify_outcome::failed;
  std::string message;
  std::optional<first_difference> where;
};
using verified = result<void, verify_failure>;

verified verified_if(const result<void, store_error>& read) {
  if (read) return {};
  return verify_failure{verify_outcome::damaged, read.error().message, {}};
}

/// The part of a text around `byte`, one line.
std::string excerpt(const std::optional<std::string>& text, std::size_t byte) {
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

/// Identifies a record of an output topic.
std::string identity(const captured_record& of) {
  if (const auto id = header_of(of, "fairuse.error.offset"); not id.empty())
    return fmt::format("{} {}", header_of(of, "fairuse.error.topic"), id);
  return std::string(header_of(of, "ce_id"));
}

std::size_t first_byte(const std::optional<std::string>& one, const std::optional<std::string>& other) {
  if (not one or not other) return 0;
  return static_cast<std::size_t>(std::mismatch(one->begin(), one->end(), other->begin(), other->end()).first
                                  - one->begin());
}

std::string text_of(const std::vector<input_range>& ranges) {
  std::string text;
  for (const auto& each : ranges)
    text += fmt::format("{}input {} [{}, {}) {} records", text.empty() ? "" : "; ", each.topic, each.from, each.next,
                        each.count);
  return text;
}

std::string text_of(const std::vector<refused_input>& refused) {
  std::string text;
  for (const auto& each : refused)
    text += fmt::format("{}input {} at {}: {} {}", text.empty() ? "" : "; ", each.topic, each.offset,
                        fairuse::to_text(each.why), each.place);
  return text.substr(0, 4 * shown_bytes);
}

/// What production wrote to one output topic of a partition, beside what a replay makes. advance() comes first.
class output_cursor {
public:
  output_cursor(const capture_reader& from, const capture_section* of, bool compacted)
    : compacted_(compacted), lost_head_(of != nullptr and of->low > 0) {
    if (of != nullptr) cursor_.emplace(from.records(*of));
  }

  bool has_next() const { return has_next_; }
  const captured_record& next() const { return record_; }
  std::uint64_t number() const { return number_; }
  /// A record that the replay makes may be missing: compaction keeps the newest of a key, retention the newest of all.
  bool may_lack_one() const { return compacted_ or (lost_head_ and number_ == 0); }
  verified advance() {
    if (has_next_) ++number_;
    has_next_ = cursor_ and cursor_->next(record_);
    return cursor_ ? verified_if(cursor_->failure()) : verified();
  }

private:
  std::optional<capture_cursor> cursor_;
  bool compacted_;
  bool lost_head_;
  bool has_next_ = false;
  std::uint64_t number_ = 0;
  captured_record record_;
};

class partition_verifier {
public:
  partition_verifier(const capture_reader& capture, const replay_tools& with, const captured_partition& partition,
                     const std::filesystem::path& folder, verify_counts& counts, const std::function<bool()>& go_on)
    : capture_(capture),
      all_(capture.contents()),
      partition_(partition),
      counts_(counts),
      go_on_(go_on),
      replay_(tools(with, folder), all_.outputs, partition.partition) {}

  verified run() {
    if (auto read = read_policies(); not read) return read;
    if (auto opened = open_outputs(); not opened) return opened;
    if (auto begun = begin(); not begun) return begun;
    const auto* journal = all_.find(partition_.partition, section_kind::journal);
    if (journal == nullptr) {
      if (partition_.epochs != 0) return damage("it has no journal");
      return check_ends();
    }
    auto rows = capture_.records(*journal);
    captured_record row;
    std::uint64_t epochs = 0;
    for (; rows.next(row); ++epochs)
      if (auto equal = verify_epoch(row); not equal) return equal;
    if (auto read = verified_if(rows.failure()); not read) return read;
    if (epochs != partition_.epochs)
      return damage(fmt::format("its journal has {} epochs and not {}", epochs, partition_.epochs));
    return check_ends();
  }

private:
  verify_failure damage(const std::string& what) const {
    return {verify_outcome::damaged, fmt::format("partition {}: {}", partition_.partition, what), {}};
  }

  verify_failure differ(first_difference where) const {
    where.partition = partition_.partition;
    where.epoch = epoch_;
    auto message = fmt::format("partition {}, epoch {}, {}", where.partition, where.epoch,
                               where.topic.empty() ? std::string("the journal") : where.topic);
    if (where.offset >= 0) message += fmt::format(", record {} at offset {}", where.number, where.offset);
    return {verify_outcome::differs, message, std::move(where)};
  }

  /// A result of the replay's store.
  verified of_store(const result<void, store_error>& done) const {
    if (done) return {};
    const auto& why = done.error();
    const auto what = why.fault == store_fault::wrong_key ? verify_outcome::refused
                      : why.fault == store_fault::damaged ? verify_outcome::damaged
                                                          : verify_outcome::failed;
    return verify_failure{
        what, fmt::format("partition {}, epoch {}: {}", partition_.partition, epoch_, why.message), {}};
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

  verified read_policies() {
    const auto* section = all_.find(partition_.partition, section_kind::policies);
    if (section == nullptr) return {};
    auto records = capture_.records(*section);
    captured_record one;
    while (records.next(one))
      if (one.key and one.value) policies_.insert_or_assign(*one.key, *one.value);
    return verified_if(records.failure());
  }

  verified open_outputs() {
    const auto& names = all_.outputs;
    for (const auto& topic :
         {names.decisions, names.notifications, names.enforcement, names.review_requests, names.dead_letters}) {
      const auto* section = all_.find(partition_.partition, section_kind::output, topic);
      auto& output = outputs_.try_emplace(topic, capture_, section, topic == names.enforcement).first->second;
      if (auto read = output.advance(); not read) return read;
    }
    return {};
  }

  verified begin() {
    epoch_ = partition_.first_epoch;
    const auto* state = all_.find(partition_.partition, section_kind::state);
    if (state == nullptr) {
      if (partition_.first_epoch != 0)
        return damage(fmt::format("it begins with epoch {} and has no state", partition_.first_epoch));
      return {};
    }
    const auto meta = decode_partition_meta(partition_.state_meta);
    const auto setup = decode_epoch_record(partition_.state_setup);
    if (not meta or not setup or not setup->setup or meta->epoch + 1 != partition_.first_epoch)
      return damage("its state does not say of which epoch it is");
    chain_ = meta->chain;
    auto rows = capture_.records(*state);
    if (auto restored =
            of_store(replay_.restore(*setup->setup, [&rows](captured_record& to) { return rows.next(to); }));
        not restored)
      return restored;
    return verified_if(rows.failure());
  }

  verified verify_epoch(const captured_record& row) {
    const auto told = row.value ? decode_epoch_record(*row.value) : std::nullopt;
    if (not told) return damage(fmt::format("the journal at {} does not decode", row.offset));
    if (told->epoch != epoch_)
      return differ(
          {.what = "number of the epoch", .captured = std::to_string(told->epoch), .replayed = std::to_string(epoch_)});
    if (not follows(*row.value, chain_))
      return differ({.what = "chain", .captured = "does not follow on the epoch before", .replayed = "follows"});
    chain_ = told->chain;
    if (auto ran = replay(*told); not ran) return ran;
    for (auto& [topic, output] : outputs_)
      if (auto equal = compare(topic, output); not equal) return equal;
    if (auto equal = compare_policies(); not equal) return equal;
    if (auto equal = compare_journal(*told); not equal) return equal;
    if (auto confirmed = of_store(replay_.confirm()); not confirmed) return confirmed;
    ++epoch_;
    ++counts_.epochs;
    if (go_on_()) return {};
    return verify_failure{verify_outcome::failed, "an earlier partition differs", {}};
  }

  verified replay(const epoch_record& told) {
    std::optional<verify_failure> missing;
    const auto take_inputs = [&](const std::string& topic, const input_range& range) -> taken_inputs {
      auto taken = take(topic, range);
      if (taken) return std::move(*taken);
      missing = std::move(taken).error();
      return store_error{store_fault::damaged, missing->message};
    };
    const auto ran = replay_.run(told, take_inputs);
    if (missing) return std::move(*missing);
    return of_store(ran);
  }

  result<std::vector<captured_record>, verify_failure> take(const std::string& topic, const input_range& range) {
    auto found = inputs_.find(topic);
    if (found == inputs_.end()) {
      const auto* section = all_.find(partition_.partition, section_kind::input, topic);
      if (section == nullptr) return damage(fmt::format("it has no records of {}", topic));
      found = inputs_.try_emplace(topic, capture_, *section).first;
    }
    if (range.from < found->second.reached())
      return differ(
          {.what = "inputs",
           .captured = fmt::format("{} again from offset {}, as after `fairuse state adopt`", topic, range.from),
           .replayed = fmt::format("on from offset {}", found->second.reached())});
    auto some = found->second.take(range.from, range.next);
    if (not some) return verify_failure{verify_outcome::damaged, some.error().message, {}};
    if (some->size() != range.count)
      return verify_failure{
          verify_outcome::lost,
          fmt::format("partition {}: epoch {} took {} records of {} between offsets {} and {}, and {} of "
                      "them are here; the first epoch that can be replayed is {}, with its checkpoint",
                      partition_.partition, epoch_, range.count, topic, range.from, range.next, some->size(),
                      epoch_ + 1),
          {}};
    counts_.records += some->size();
    return std::move(*some);
  }

  verified compare(const std::string& topic, output_cursor& output) {
    for (const auto& made : replay_.made().of(topic)) {
      ++counts_.outputs;
      if (topic == all_.outputs.dead_letters) ++counts_.dead_letters;
      const bool same_one = output.has_next() and identity(output.next()) == identity(made);
      if (not same_one and output.may_lack_one()) continue;
      if (not output.has_next())
        return differ({.topic = topic,
                       .number = output.number(),
                       .what = "missing",
                       .captured = "no record",
                       .replayed = excerpt(made.value, 0)});
      if (auto equal = compare_record(topic, output, made); not equal) return equal;
      if (auto read = output.advance(); not read) return read;
      ++counts_.compared;
    }
    return {};
  }

  verified compare_record(const std::string& topic, const output_cursor& output, const captured_record& made) const {
    const auto& is = output.next();
    const auto differ_in = [&](const std::string& what, const std::optional<std::string>& captured,
                               const std::optional<std::string>& replayed) {
      const auto byte = first_byte(captured, replayed);
      return differ({.topic = topic,
                     .number = output.number(),
                     .offset = is.offset,
                     .what = what,
                     .byte = byte,
                     .captured = excerpt(captured, byte),
                     .replayed = excerpt(replayed, byte)});
    };
    if (is.key != made.key) return differ_in("key", is.key, made.key);
    for (std::size_t i = 0; i < std::max(is.headers.size(), made.headers.size()); ++i) {
      const auto name = [i](const captured_record& of) {
        return i < of.headers.size() ? std::optional(of.headers[i].first) : std::nullopt;
      };
      if (name(is) != name(made)) return differ_in("header's name", name(is), name(made));
      const auto& [header, captured] = is.headers[i];
      if (captured != made.headers[i].second) return differ_in("header " + header, captured, made.headers[i].second);
    }
    if (is.value != made.value) return differ_in("value", is.value, made.value);
    return {};
  }

  // Compaction may have kept another copy of the same record.
  verified compare_policies() {
    for (const auto& made : replay_.made().of(all_.outputs.policies)) {
      const auto found = policies_.find(made.key.value_or(""));
      const auto captured = found == policies_.end() ? std::nullopt : std::optional(found->second);
      ++counts_.policies;
      if (captured == made.value) continue;
      const auto byte = first_byte(captured, made.value);
      return differ({.topic = all_.outputs.policies,
                     .what = "value",
                     .byte = byte,
                     .captured = excerpt(captured, byte),
                     .replayed = excerpt(made.value, byte)});
    }
    return {};
  }

  verified compare_journal(const epoch_record& told) const {
    const auto made = replay_.journal();
    const auto differ_in = [this](const char* what, std::string captured, std::string replayed) {
      return differ({.what = what, .captured = std::move(captured), .replayed = std::move(replayed)});
    };
    if (told.now != made.now) return differ_in("now", std::to_string(told.now), std::to_string(made.now));
    if (told.inputs != made.inputs) return differ_in("inputs", text_of(told.inputs), text_of(made.inputs));
    if (told.skipped != made.skipped) return differ_in("skipped offsets", text_of(told.skipped), text_of(made.skipped));
    if (told.refused != made.refused) return differ_in("dead letters", text_of(told.refused), text_of(made.refused));
    if (told.outputs != made.outputs)
      return differ_in("number of outputs", std::to_string(told.outputs), std::to_string(made.outputs));
    if (told.outputs_digest != made.outputs_digest)
      return differ_in("digest of the outputs", "another one", "not of what a replay makes");
    if (told.setup and made.setup) return compare_setup(*told.setup, *made.setup);
    return {};
  }

  verified compare_setup(partition_setup captured, const partition_setup& replayed) const {
    // Older versions did not write this field.
    if (captured.dead_letter_bytes_max == 0) captured.dead_letter_bytes_max = replayed.dead_letter_bytes_max;
    if (captured == replayed) return {};
    return differ({.what = captured.profiles != replayed.profiles ? "profiles of the setup" : "setup",
                   .captured = captured.profiles,
                   .replayed = replayed.profiles});
  }

  verified check_ends() const {
    for (const auto& [topic, output] : outputs_)
      if (output.has_next())
        return differ({.topic = topic,
                       .number = output.number(),
                       .offset = output.next().offset,
                       .what = "extra",
                       .captured = excerpt(output.next().value, 0),
                       .replayed = "no record"});
    return {};
  }

  const capture_reader& capture_;
  const capture_contents& all_;
  const captured_partition& partition_;
  verify_counts& counts_;
  /// Asked after each epoch; false: what is found would not be told.
  const std::function<bool()>& go_on_;
  std::map<std::string, std::string> policies_;
  partition_replay replay_;
  std::map<std::string, output_cursor> outputs_;
  std::map<std::string, input_cursor> inputs_;
  std::string chain_;
  std::uint64_t epoch_ = 0;
};

/// All partitions, each by one thread; the first one that is not equal, by its number, is what is told.
class whole_verification {
public:
  whole_verification(const capture_reader& capture, const verify_wish& wish)
    : capture_(capture), wish_(wish), done_(capture.contents().per_partition.size()) {}

  verify_result run() {
    const auto threads = std::min<std::size_t>(wish_.workers, done_.size());
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < threads; ++i)
      others.emplace_back([this] { work(); });
    work();
    for (auto& each : others)
      each.join();
    return told();
  }

private:
  struct partition_done {
    verify_counts counts;
    verified equal;
  };

  void work() {
    for (auto i = next_++; i < done_.size() and i < failed_; i = next_++)
      if (verify_one(i); not done_[i].equal) note_failure(i);
  }

  void verify_one(std::size_t i) {
    const auto& partition = capture_.contents().per_partition[i];
    const auto folder = wish_.scratch / fmt::format("p{:05}", partition.partition);
    auto& one = done_[i];
    std::uint64_t records = 0;
    const std::function<bool()> go_on = [&, this] {
      tell(one.counts.records - std::exchange(records, one.counts.records));
      return i <= failed_;
    };
    one.equal = partition_verifier(capture_, wish_.with, partition, folder, one.counts, go_on).run();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  void tell(std::uint64_t records) {
    if (not wish_.progress) return;
    const std::lock_guard guard(mutex_);
    records_ += records;
    wish_.progress(++epochs_, records_);
  }

  void note_failure(std::size_t i) {
    auto known = failed_.load();
    while (i < known and not failed_.compare_exchange_weak(known, i)) {
    }
  }

  verify_result told() {
    verify_result made;
    for (auto& each : done_) {
      made.counts += each.counts;
      if (each.equal) {
        ++made.counts.partitions;
        continue;
      }
      made.what = each.equal.error().what;
      made.message = std::move(each.equal.error().message);
      made.where = std::move(each.equal.error().where);
      break;
    }
    return made;
  }

  const capture_reader& capture_;
  const verify_wish& wish_;
  std::vector<partition_done> done_;
  std::atomic<std::size_t> next_ = 0;
  /// The first partition that is not equal, of those that are done. What comes behind it is not told, and stops.
  std::atomic<std::size_t> failed_ = SIZE_MAX;
  std::mutex mutex_;
  std::uint64_t epochs_ = 0;
  std::uint64_t records_ = 0;
};

} // namespace

verify_counts& verify_counts::operator+=(const verify_counts& other) {
  partitions += other.partitions;
  epochs += other.epochs;
  records += other.records;
  outputs += other.outputs;
  compared += other.compared;
  dead_letters += other.dead_letters;
  policies += other.policies;
  return *this;
}

std::string_view to_text(verify_outcome value) {
  switch (value) {
    case verify_outcome::equal:
      return "equal";
    case verify_outcome::differs:
      return "differs";
    case verify_outcome::lost:
      return "lost";
    case verify_outcome::refused:
      return "refused";
    case verify_outcome::damaged:
      return "damaged";
    case verify_outcome::failed:
      break;
  }
  return "failed";
}

verify_result verify(const capture_reader& capture, const verify_wish& wish) {
  for (const auto& partition : capture.contents().per_partition)
    if (auto message = other_rules(capture, partition); not message.empty())
      return {.what = verify_outcome::refused, .message = std::move(message), .where = {}, .counts = {}};
  return whole_verification(capture, wish).run();
}

} // namespace fairuse::kafka
