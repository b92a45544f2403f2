// SPDX-License-Identifier: Apache-2.0
#include "cli/history/recorded_replay.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/pure/text_table.hpp"
#include "base/system/files.hpp"
#include "base/system/scratch_folder.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/progress.hpp"
#include "cli/stop_signal.hpp"
#include "sim/recorded_comparison.hpp"
#include "storage/case_key.hpp"
#include "storage/case_reference.hpp"
#include "storage/local_store.hpp"
#include "streams/history/pack_deployment.hpp"
#include "streams/history/sorted_decisions.hpp"

namespace fairuse::cli {

namespace {

using json = nlohmann::ordered_json;
using difference_kind = sim::recorded_difference::kind;

std::string_view to_text(difference_kind what) {
  switch (what) {
    case difference_kind::other:
      return "other";
    case difference_kind::missing:
      return "missing";
    case difference_kind::extra:
      return "extra";
  }
  return {};
}

std::string sentence_of(difference_kind what) {
  switch (what) {
    case difference_kind::other:
      return "is another one";
    case difference_kind::missing:
      return "is not made again";
    case difference_kind::extra:
      return "was not made by production";
  }
  return {};
}

class verify_state_session {
public:
  explicit verify_state_session(const verify_state_settings& wanted)
    : wanted_(wanted),
      scratch_(wanted.scratch.empty() ? std::filesystem::temp_directory_path() : wanted.scratch, "fairuse-verify"),
      decisions_(scratch_.path()) {}

  command_result<int> run() {
    if (scratch_.path().empty())
      return command_error{exit_failed, "no folder can be made for the history: --scratch names another"};
    const auto packed = pack();
    if (not packed) return packed.error();
    if (*packed != exit_done) return int{*packed};
    if (auto done = decisions_.begin(); not done) return command_error{exit_failed, done.error().message};
    sim::recorded_comparison compared([this] { return next_of_production(); });
    auto made = replay_recorded({.history = history(), .case_key = wanted_.case_key},
                                [&compared](const user_decisions& each) { return compared.add(each); });
    if (not made) return command_error{made.error().code, told(std::move(made).error().text)};
    if (not compared.difference() and made->partial) return int{exit_interrupted};
    if (not compared.difference()) (void)compared.finish();
    if (not failure_.empty()) return command_error{exit_failed, failure_};
    wanted_.as_json ? print_json(*made, compared) : print_text(*made, compared);
    return int{compared.difference() ? exit_differs : exit_done};
  }

private:
  std::filesystem::path history() const { return scratch_.path() / "recorded.history"; }

  /// Names the store, not the history that was made of it.
  std::string told(std::string text) const {
    const auto made = history().string();
    if (const auto at = text.find(made); at != std::string::npos) text.replace(at, made.size(), wanted_.state.string());
    return text;
  }

  command_result<int> pack() {
    const stop_signal stop{[] {}};
    std::optional<progress> shown;
    history::pack_deployment_wish wish;
    wish.from = wanted_.state;
    wish.to = history();
    wish.program = program_text;
    auto key = find_case_key(wanted_.case_key.empty() ? std::nullopt : std::optional(wanted_.case_key));
    if (not key) return command_error{exit_usage, key.error().message};
    wish.reading.case_key = std::move(key->bytes);
    wish.reading.stopped = [&stop] { return stop.came(); };
    wish.reading.progress = [&shown](std::uint64_t done, std::uint64_t all) {
      if (not shown) shown.emplace(all, "epochs read");
      shown->show(done, done);
    };
    wish.reading.decision = [this](std::span<const wire_header> headers, std::string_view value) {
      return decisions_.add(headers, value);
    };
    const auto packed = history::pack_deployment(wish);
    if (packed and packed->contents.holds_states()) from_epoch_ = packed->contents.checkpoints.front().epoch + 1;
    if (packed) return int{exit_done};
    if (packed.error().fault == history::file_fault::stopped) return int{exit_interrupted};
    const bool unusable = packed.error().fault == history::file_fault::unusable;
    return command_error{unusable ? exit_usage : exit_failed, packed.error().message};
  }

  std::optional<user_decisions> next_of_production() {
    auto next = decisions_.next();
    if (next) return std::move(*next);
    failure_ = next.error().message;
    return std::nullopt;
  }

  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count(); }

  void print_text(const sim::recorded_result& made, const sim::recorded_comparison& compared) const {
    print_result(made, compared);
    if (from_epoch_ > 1)
      print_out("from epoch {} on: older input has left, and the state before is that of a checkpoint\n", from_epoch_);
  }

  void print_result(const sim::recorded_result& made, const sim::recorded_comparison& compared) const {
    if (const auto& where = compared.difference()) {
      print_out("differs: user {}, slot {}: decision {} {}\n", where->uid, where->slot, where->number,
                sentence_of(where->what));
      print_out("  what        {}, byte {}\n  production  {}\n  replay      {}\n",
                where->what == difference_kind::other ? "decision" : to_text(where->what), where->byte,
                where->production, where->replay);
      print_out("{} decisions before it are equal, in the order of users and slots\n", compared.equal());
      return;
    }
    print_out("equal: {} users, {} events, {} decisions in {:.1f} s; by slot: {}\n", made.users, made.events,
              compared.equal(), seconds(), counts_of(made));
  }

  void print_json(const sim::recorded_result& made, const sim::recorded_comparison& compared) const {
    const auto& where = compared.difference();
    json whole = {{"verdict", where ? "differs" : "equal"},
                  {"from_epoch", from_epoch_},
                  {"users", made.users},
                  {"events", made.events},
                  {"decisions", compared.equal()},
                  {"seconds", seconds()}};
    if (where)
      whole["difference"] = {{"user", where->uid},           {"slot", where->slot}, {"number", where->number},
                             {"what", to_text(where->what)}, {"byte", where->byte}, {"production", where->production},
                             {"replay", where->replay}};
    print_out("{}\n", whole.dump(-1, ' ', false, json::error_handler_t::replace));
  }

  const verify_state_settings& wanted_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  scratch_folder scratch_;
  history::sorted_decisions decisions_;
  std::string failure_;
  std::uint64_t from_epoch_ = 1;
};

} // namespace

command_result<sim::recorded_result> replay_recorded(const recorded_settings& settings,
                                                     const sim::recorded_sink& sink) {
  auto key = find_case_key(settings.case_key.empty() ? std::nullopt : std::optional(settings.case_key));
  if (not key) return command_error{exit_usage, key.error().message};
  const auto name = settings.history.string();
  const auto from = history::history_reader::open(settings.history);
  if (not from) return command_error{exit_failed, from.error().message};
  const auto under = sim::recorded_controls::make((*from)->contents());
  if (not under) return command_error{exit_usage, fmt::format("{}: {}", name, under.error().message)};
  std::atomic<bool> stop{false};
  const stop_signal signal{[&stop] { stop = true; }};
  const auto& counts = (*from)->contents().counts;
  progress shown{counts.users + counts.idle_users, "events"};
  sim::recorded_replay_options how;
  how.workers = settings.workers > 0 ? settings.workers : std::max(1U, std::thread::hardware_concurrency());
  how.stop = &stop;
  how.progress = [&shown](std::uint64_t users, std::uint64_t events) { shown.show(users, events); };
  how.case_of = case_naming_of(key->bytes);
  auto made = sim::replay_as_recorded(**from, **under, how, sink);
  shown.clear();
  if (made) return std::move(*made);
  const bool damaged = made.error().what == sim::recorded_failure::kind::damaged;
  return command_error{damaged ? exit_failed : exit_usage, fmt::format("{}: {}", name, made.error().message)};
}

std::string counts_of(const sim::recorded_result& from) {
  std::string text;
  for (const auto& [name, slot] : from.slots)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, slot.decisions);
  return text.empty() ? "none" : text;
}

namespace {

/// All decisions, there whole or not at all; nowhere if no file is named.
class decisions_file {
public:
  result<void> open(const std::filesystem::path& file) {
    if (file.empty()) return {};
    auto made = file_replacement::open(file);
    if (not made) return made.error();
    file_.emplace(std::move(*made));
    return {};
  }
  /// False: no more is taken.
  bool write(const user_decisions& of) {
    for (const auto& slot : of.slots)
      for (const auto& line : slot.lines)
        if (file_ and done_) done_ = file_->write(line + "\n");
    return done_.has_value();
  }
  /// An error: why no more is taken.
  const result<void>& failure() const { return done_; }
  result<void> finish() { return file_ and done_ ? file_->commit() : done_; }

private:
  std::optional<file_replacement> file_;
  result<void> done_;
};

std::uint64_t decisions_of(const sim::recorded_result& made) {
  std::uint64_t sum = 0;
  for (const auto& [name, slot] : made.slots)
    sum += slot.decisions;
  return sum;
}

std::string text_of(const sim::recorded_result& made) {
  text_table table({{"slot", text_table::align::left}, {"decisions"}, {"digest", text_table::align::left}});
  for (const auto& [name, slot] : made.slots)
    table.add({name, fmt::format("{}", slot.decisions), slot.digest});
  table.add({"all", fmt::format("{}", decisions_of(made)), made.digest});
  return fmt::format("decided as recorded: {} users, {} events\n{}", made.users, made.events, table.text(out_width()));
}

json json_of(const sim::recorded_result& made) {
  json whole = {{"users", made.users},
                {"events", made.events},
                {"decisions", decisions_of(made)},
                {"digest", made.digest},
                {"slots", json::array()}};
  for (const auto& [name, slot] : made.slots)
    whole["slots"].push_back({{"slot", name}, {"decisions", slot.decisions}, {"digest", slot.digest}});
  return whole;
}

} // namespace

command_result<int> show_recorded(const replay_recorded_settings& settings) {
  decisions_file file;
  if (const auto opened = file.open(settings.decisions); not opened)
    return command_error{exit_failed, opened.error().message};
  const auto made = replay_recorded(settings.what, [&file](const user_decisions& each) { return file.write(each); });
  if (not made) return made.error();
  const auto written = made->partial ? file.failure() : file.finish();
  if (not written) return command_error{exit_failed, written.error().message};
  if (made->partial) return command_error{exit_interrupted, "interrupted; nothing is shown of a part"};
  settings.as_json ? print_out("{}\n", json_of(*made).dump()) : write_out(text_of(*made));
  return int{exit_done};
}

command_result<int> verify_state(const verify_state_settings& settings) {
  stop_signal::block();
  if (not holds_local_store(settings.state))
    return command_error{exit_usage, fmt::format("there is no store of local mode in {}. On Kafka, `fairuse capture "
                                                 "export` makes a capture that can be verified",
                                                 settings.state.string())};
  return verify_state_session(settings).run();
}

} // namespace fairuse::cli
