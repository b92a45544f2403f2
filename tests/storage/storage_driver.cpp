// SPDX-License-Identifier: Apache-2.0
//
// A small engine for tests: made-up events, real rules, the real store. What an epoch does follows from its number and
// from the state alone, and every decision names sums of its user; so a store that lost, kept or invented anything
// writes other decisions.
//
//   storage_driver run DIR EPOCHS [--every N] [--users N] [--kill-at FAILPOINT:N] [--pad BYTES] [--buffer BYTES]
//   storage_driver decisions DIR    through the reader
//   storage_driver check DIR        journal, inputs and decisions against each other; checkpoints are whole
//   storage_driver tamper DIR OLD NEW
//                                   replaces a text in the first decision of any store that has it
//
// Exit codes: 0 done, 10 refused, 11 refused because the disk is full.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include "base/pure/hex.hpp"
#include "base/system/sha256.hpp"
#include "core/query.hpp"
#include "core/rules.hpp"
#include "events/decision_json.hpp"
#include "storage/case_reference.hpp"
#include "storage/keys.hpp"
#include "storage/local_reader.hpp"
#include "storage/local_store.hpp"
#include "storage/rocks.hpp"
#include "storage/stored_logs.hpp"

namespace {

using namespace fairuse;

constexpr time_ms start = 1'700'000'000'000;
constexpr std::string_view key = "the driver's case key";

std::uint64_t mix(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15U;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31);
}

std::shared_ptr<const policy_set> make_policies() {
  policy live;
  live.name = "fair";
  live.digest = std::string(64, 'a');
  live.windows = {{"daily", day_ms, 20 * minute_ms}, {"weekly", 7 * day_ms, hour_ms}};
  live.steps = {{stage::warning, true, 0, 0, 30 * day_ms, stage::none, false, false, 0}};
  policy shadow = live;
  shadow.name = "hourly";
  shadow.digest = std::string(64, 'b');
  shadow.metering.bucket_s = 300;
  shadow.windows = {{"hour", hour_ms, 10 * minute_ms}};
  return policy_set::make(live, {shadow});
}

struct arguments {
  /// What stands behind the folder.
  std::vector<std::string> words;
  std::string verb;
  std::string folder;
  std::uint64_t epochs = 0;
  std::uint64_t every = 10;
  std::uint64_t users = 50;
  std::size_t pad = 0;
  std::uint64_t buffer = 0;
  std::string kill_at;
};

/// Thrown up to `main`, so that an open store closes: `std::exit` beside the threads of RocksDB may crash.
struct store_refused {
  store_error error;
};

[[noreturn]] void refuse(const store_error& error) { throw store_refused{error}; }

class engine {
public:
  engine(const arguments& given, std::unique_ptr<local_store> store)
    : args_(given), store_(std::move(store)), policies_(make_policies()), in_force_{true, false, policies_.get()} {
    for (auto& [due, uid] : store_->due_users())
      due_[uid] = due;
  }

  void run() {
    auto& meta = store_->meta();
    meta.controls = {true, false, std::string(64, 'a'), {std::string(64, 'b')}};
    store_->keep_policy(std::string(64, 'a'), "name: fair");
    if (meta.inputs.empty()) meta.inputs.push_back({"made-up", 0, 0, "driver"});
    while (meta.epoch < args_.epochs) {
      epoch(meta.epoch + 1);
      if (meta.epoch % args_.every == 0 or meta.epoch == args_.epochs) commit();
    }
    if (auto status = store_->wait(); not status) refuse(status.error());
    store_->wait_for_checkpoint();
    std::printf("%llu commits, %llu epochs\n", static_cast<unsigned long long>(store_->committed()),
                static_cast<unsigned long long>(store_->committed_epoch()));
  }

private:
  void epoch(std::uint64_t number) {
    const auto now = start + static_cast<time_ms>(number) * 40 * minute_ms / 10;
    constexpr std::uint32_t lines = 5;
    std::string text;
    for (std::uint32_t i = 0; i < lines; ++i) {
      text.append("line ").append(std::to_string(number)).append(1, '.').append(std::to_string(i));
      // Padding that does not pack, so that disks fill.
      for (std::size_t left = args_.pad; left >= 8; left -= 8)
        text.append(to_hex(mix(number * 1'000'003 + i * 10'007 + left)).substr(0, 8));
      text.append(1, '\n');
    }
    store_->add_lines(text);
    store_->add_epoch(number, now, lines);
    auto& position = store_->meta().inputs[0];
    position.lines += lines;
    position.bytes += text.size();
    fire_due(now);
    for (std::uint32_t i = 0; i < lines; ++i)
      event_of(mix(number * 1000 + i), number, now);
    if (number % 17 == 0)
      store_->add_dead_letter({refusal::not_json, "byte 3", "made-up", position.lines, 2, "{no\xFF"});
  }

  void event_of(std::uint64_t random, std::uint64_t number, time_ms now) {
    const auto uid = "user-" + std::to_string(random % args_.users);
    const auto back = random >> 20 & 15;
    event what;
    what.time = now - (back < 12 ? 0 : back < 14 ? 2 * hour_ms : 30 * hour_ms);
    what.instant = what.time;
    what.key = random % 7 == 0 ? mix(number / 3) : random;
    what.ms = static_cast<std::int32_t>(random >> 32 & 0x3FFFF) + 1;
    const auto source = std::string("driver");
    const auto id = std::to_string(what.key);
    const event_text words{source, id};
    what.text = &words;
    event_detail detail;
    if (random >> 8 & 31 ? false : (random >> 16 & 3) == 0) {
      what.kind = event_kind::erasure;
      detail = erasure_request{"driver", "test"};
      what.detail = &detail;
    } else if ((random >> 8 & 15) == 1) {
      what.kind = event_kind::account;
      detail = account_fact{(random >> 16 & 1) != 0 ? "pro" : "basic", {}, {}};
      what.detail = &detail;
    } else if ((random >> 8 & 15) == 2) {
      what.kind = event_kind::admin;
      admin_command command;
      command.verb = admin_verb::set_stage;
      command.to = stage::warning;
      command.actor = "driver";
      detail = command;
      what.detail = &detail;
    }
    carry_out(uid, what, now);
  }

  void carry_out(const std::string& uid, const event& what, time_ms now) {
    if (what.instant <= store_->erased_at(uid)) {
      store_->add_dead_letter({refusal::erased, "time", "made-up", 1, 0, "gone"});
      return;
    }
    auto& who = present(uid, now);
    if (needs_older_ids(what, now)) {
      const auto older = store_->load_ids(uid, hour_of(what.instant));
      who->ids.load(older.hour, older.keys);
    }
    step_output out;
    advance(*who, in_force_, now, out);
    const auto how = apply(*who, in_force_, now, what, horizon_events_ms, out);
    write_down(uid, *who, out);
    std::string json;
    json.assign(uid).append(1, ' ').append(std::to_string(static_cast<int>(how)));
    for (std::size_t slot = 0; slot < policies_->slots().size(); ++slot)
      for (const auto& window : query_standing(*who, in_force_, slot, now).windows)
        json.append(1, ' ').append(std::to_string(window.sum_ms));
    json.append(" due ").append(std::to_string(who->next_due));
    json.append(" erased ").append(std::to_string(who->erased_at));
    store_->add_decision(json);
    // Passivate at odd moments, some in the middle of a commit.
    if (mix(static_cast<std::uint64_t>(now) + what.key) % 3 == 0) users_.erase(uid);
  }

  std::unique_ptr<user>& present(const std::string& uid, time_ms now) {
    auto& who = users_[uid];
    const std::string_view names[] = {uid};
    if (not who) who = std::move(store_->load(names, *policies_, now)[0]);
    return who;
  }

  void write_down(const std::string& uid, user& who, const step_output& out) {
    std::string json;
    for (const auto& each : out.decisions) {
      json.clear();
      append_decision_chain(json, each, uid);
      store_->add_decision(json);
    }
    store_->add_user(uid, who);
    due_[uid] = who.next_due;
  }

  void fire_due(time_ms now) {
    for (const auto& [uid, due] : due_) {
      if (due > now) continue;
      auto& who = present(uid, now);
      step_output out;
      advance(*who, in_force_, now, out);
      write_down(uid, *who, out);
    }
  }

  void commit() {
    if (auto status = store_->commit(); not status) refuse(status.error());
  }

  const arguments& args_;
  std::unique_ptr<local_store> store_;
  std::shared_ptr<const policy_set> policies_;
  controls in_force_;
  std::map<std::string, std::unique_ptr<user>> users_;
  std::map<std::string, time_ms> due_;
};

int run(const arguments& given) {
  store_options options;
  options.case_key = key;
  options.write_buffer_bytes = given.buffer;
  auto left = given.kill_at.empty() ? 0 : std::stoi(given.kill_at.substr(given.kill_at.find(':') + 1));
  const auto name = given.kill_at.substr(0, given.kill_at.find(':'));
  if (left > 0)
    options.failpoint = [&left, &name](std::string_view at) {
      if (at == name and --left == 0) ::kill(::getpid(), SIGKILL);
    };
  auto store = local_store::open(given.folder, options);
  if (not store) refuse(store.error());
  engine(given, std::move(*store)).run();
  return 0;
}

int decisions(const arguments& given) {
  auto reader = local_reader::open(given.folder);
  if (not reader) refuse(reader.error());
  log_cursor cursor;
  for (;;) {
    auto page = (*reader)->logs().decisions(cursor, 1000);
    if (not page) refuse(page.error());
    if (page->empty()) return 0;
    for (const auto& line : *page)
      std::printf("%s\n", line.c_str());
  }
}

/// Every commit's decisions have the digest that the journal says, its lines are those of its epochs, and nothing is
/// left over.
int check(const arguments& given) {
  auto reader = local_reader::open(given.folder);
  if (not reader) refuse(reader.error());
  const auto& logs = (*reader)->logs();
  log_cursor journal;
  log_cursor cursor;
  std::uint64_t expected = 1;
  for (;;) {
    auto page = logs.commits(journal, 16);
    if (not page) refuse(page.error());
    if (page->empty()) break;
    for (const auto& commit : *page) {
      auto made = logs.decisions(cursor, commit.decisions);
      if (not made) refuse(made.error());
      std::string bytes;
      for (const auto& line : *made)
        bytes += line + '\n';
      std::uint64_t lines = 0;
      for (const auto& each : commit.epochs)
        lines += each.lines;
      const auto there = static_cast<std::uint64_t>(std::count(commit.input.begin(), commit.input.end(), '\n'));
      if (commit.number != expected or as_bytes(sha256(bytes)) != commit.decision_digest or lines != there) {
        std::fprintf(stderr, "commit %llu does not check\n", static_cast<unsigned long long>(commit.number));
        return 2;
      }
      ++expected;
    }
  }
  for (const auto& each : checkpoints_of(given.folder))
    if (const auto made = checkpoint_reader::open(each); not made) refuse(made.error());
  auto rest = logs.decisions(cursor, 1);
  return rest and rest->empty() ? 0 : 3;
}

int tamper(const arguments& given) {
  rocksdb::DB* opened = nullptr;
  const auto folder = rocks_folder(given.folder).string();
  if (given.words.size() != 2 or not rocksdb::DB::Open({}, folder, &opened).ok()) return 1;
  const std::unique_ptr<rocksdb::DB> db(opened);
  const std::unique_ptr<rocksdb::Iterator> rows(db->NewIterator({}));
  for (rows->Seek(std::string(1, keys::decision_type)); rows->Valid(); rows->Next()) {
    auto value = rows->value().ToString();
    const auto at = value.find(given.words[0]);
    if (rows->key()[0] != keys::decision_type) break;
    if (at == std::string::npos) continue;
    value.replace(at, given.words[0].size(), given.words[1]);
    return db->Put({}, rows->key(), value).ok() ? 0 : 1;
  }
  return 1;
}

} // namespace

int main(int count, char** values) try {
  arguments given;
  std::vector<std::string> all(values + 1, values + count);
  for (std::size_t i = 0, place = 0; i < all.size(); ++i) {
    if (all[i] == "--every")
      given.every = std::stoull(all[++i]);
    else if (all[i] == "--users")
      given.users = std::stoull(all[++i]);
    else if (all[i] == "--pad")
      given.pad = std::stoull(all[++i]);
    else if (all[i] == "--kill-at")
      given.kill_at = all[++i];
    else if (all[i] == "--buffer")
      given.buffer = std::stoull(all[++i]);
    else if (place++ == 0)
      given.verb = all[i];
    else if (place == 2)
      given.folder = all[i];
    else
      given.words.push_back(all[i]);
  }
  if (given.verb == "tamper") return tamper(given);
  if (not given.words.empty()) given.epochs = std::stoull(given.words.front());
  return given.verb == "run" ? run(given) : given.verb == "check" ? check(given) : decisions(given);
} catch (const store_refused& why) {
  std::fprintf(stderr, "%s\n", why.error.message.c_str());
  return why.error.fault == store_fault::disk_full ? 11 : 10;
}
