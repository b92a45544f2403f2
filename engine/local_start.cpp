// SPDX-License-Identifier: Apache-2.0
//
// The first half of a local_engine: all checks and choices before the first line is read.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/pure/numbers.hpp"
#include "config/policy_file.hpp"
#include "config/yaml.hpp"
#include "engine/clocks.hpp"
#include "engine/config_commands.hpp"
#include "engine/local_engine.hpp"
#include "events/time_text.hpp"
#include "events/wire.hpp"
#include "storage/case_reference.hpp"
#include "streams/failpoint.hpp"
#include "streams/notices.hpp"
#include "streams/policy_choice.hpp"

namespace fairuse {

namespace {

// How old the first event of an input may be before it is taken for a file of the past.
constexpr std::int64_t first_event_age_max_ms = day_ms;

std::string describe(const judged_jump& jump) {
  const auto& made = jump.outcome;
  const auto minutes = (jump.instant - made.now) / minute_ms;
  const auto begin = fmt::format("line {}: its time {} is {} ahead of {}; ", jump.line, to_time_text(jump.instant),
                                 yaml::format_duration(minutes * minute_ms), to_time_text(made.now));
  if (made.ruling == jump_ruling::refused)
    return begin
           + fmt::format(
               "the lines behind it stay there ({} to {}), so it is a dead letter (`future`). Check the clock "
               "of its sender",
               made.votes_against, made.votes_for);
  return begin
         + fmt::format("the lines behind it do not contradict ({} with it, {} against), so time goes on from there",
                       made.votes_for, made.votes_against);
}

} // namespace

local_engine::local_engine(run_settings settings, loaded_deployment all, std::string case_key, engine_callbacks told)
  : settings_{std::move(settings)},
    all_{std::move(all)},
    case_key_{std::move(case_key)},
    told_{std::move(told)},
    active_users_max_{settings_.max_active_users.value_or(all_.settings.active_users_max)},
    begun_{steady_now()},
    notices_{[this](const std::string& text) { told_.log(log_level::warning, text); }},
    input_name_{input_name(settings_.input)} {}

// The store's thread tells the teller of a commit that is under way.
local_engine::~local_engine() {
  if (store_ != nullptr) static_cast<void>(store_->wait());
}

run_result<void> local_engine::open() {
  for (const auto part : {&local_engine::choose_folder, &local_engine::open_store, &local_engine::agree_on_clock,
                          &local_engine::agree_on_policies, &local_engine::open_input})
    if (auto done = (this->*part)(); not done) return withdrawn_if_refused(std::move(done));
  return {};
}

// A run that is refused leaves nothing behind.
run_result<void> local_engine::withdrawn_if_refused(run_result<void> done) {
  const bool refused = not done and done.error().kind == run_fault::refused;
  if (refused and store_ != nullptr and store_->committed() == 0) folder_.withdraw();
  return done;
}

run_result<void> local_engine::choose_folder() {
  auto chosen = folder_.choose(settings_.state_folder, stream_kind::local);
  return chosen ? told_.folder_taken() : chosen;
}

run_result<void> local_engine::open_store() {
  const auto& retention = all_.settings.retention;
  store_options options{.case_key = case_key_,
                        .usage_retention_ms = retention.usage_ms,
                        .input_retention_ms = retention.input_ms,
                        .decision_retention_ms = retention.decisions_ms};
  options.failpoint = [](std::string_view place) {
    constexpr std::string_view prefix = "storage.";
    failpoint::pass(place.substr(place.find(prefix) == 0 ? prefix.size() : 0));
  };
  auto opened = local_store::open(settings_.state_folder, options);
  if (not opened) return run_error{run_fault::failed, opened.error().message};
  store_ = std::move(*opened);
  settings_found_ = store_->meta().settings;
  if (store_->case_key_changed()) notices_.case_key_changed();
  return {};
}

// One store, one clock: instants of events and of the wall cannot be compared.
run_result<void> local_engine::agree_on_clock() {
  auto& meta = store_->meta();
  const auto stored = setting_of(meta.settings, "clock");
  if (meta.epoch == 0) {
    clock_ = settings_.clock.value_or(clock_kind::wall);
  } else {
    clock_ = stored == to_text(clock_kind::events) ? clock_kind::events : clock_kind::wall;
    if (settings_.clock and *settings_.clock != clock_)
      return run_error{run_fault::refused,
                       fmt::format("the store in {} runs by `--clock {}`; for `--clock {}` use another --state",
                                   settings_.state_folder, to_text(clock_), to_text(*settings_.clock))};
  }
  meta.settings["clock"] = to_text(clock_);
  meta.settings["case_key"] = case_namer{case_key_}.check();
  return {};
}

// A promotion stays in force until the live policy of the configuration changes.
run_result<void> local_engine::agree_on_policies() {
  auto& meta = store_->meta();
  const auto read = [&](const std::string& digest) { return parse_canonical(store_->policy_text(digest)); };
  const auto stored = meta.controls;
  auto choice = choose_policies({all_.live, all_.shadows, all_.settings.retention.usage_ms},
                                {.controls = stored,
                                 .settings = meta.settings,
                                 .first = meta.epoch == 0,
                                 .now = meta.now,
                                 .read = read,
                                 .has_usage = [this](hour_number from) { return store_->has_usage(from); }});
  if (not choice) {
    const bool damaged = choice.error().what == choice_error::kind::unreadable;
    return run_error{damaged ? run_fault::failed : run_fault::refused,
                     choice.error().message + (damaged ? ": the store is damaged" : "")};
  }
  if (const auto text = text_of(*choice); not text.empty()) told_.log(log_level::info, text);
  policies_ = std::move(choice->policies);
  promotes_ = std::move(choice->promotes);
  meta.controls = stored_from({.enabled = stored.enabled, .killed = stored.killed, .policies = policies_.get()});
  for (const auto& slot : policies_->slots()) {
    store_->keep_policy(slot.label.digest, canonical(slot.rules));
    if (slot.kind != slot_kind::off)
      told_.log(log_level::info, fmt::format("policy {} in slot {}, digest {}", slot.rules.name, slot.label.slot,
                                             slot.label.digest.substr(0, 12)));
  }
  return {};
}

// As the last run left it; in an empty store as it begins.
run_result<sealer_state> local_engine::read_sealer_state() const {
  const auto& meta = store_->meta();
  if (meta.epoch == 0) return sealer_state{};
  const auto read = decode_sealer_state(setting_of(meta.settings, "sealer"));
  if (read and read->epoch == meta.epoch) return *read;
  return run_error{run_fault::failed,
                   fmt::format("the store in {} is damaged: what it says about its last epoch does not "
                               "fit together. Restore it from a copy, or begin a new one",
                               settings_.state_folder)};
}

// Where the last run stopped in this file, if it is still the same file.
read_position local_engine::find_position() {
  if (not reader_->has_position()) return {};
  for (const auto& each : store_->meta().inputs) {
    if (each.input != input_name_) continue;
    const read_position position{each.bytes, each.lines, parse_number<std::uint64_t>(each.fingerprint, 16).value_or(0)};
    if (still_matches(reader_->descriptor(), position)) return position;
    told_.log(log_level::warning,
              fmt::format("{} is another file than the one that was read before: reading it from its beginning; events "
                          "that were seen already change nothing",
                          input_name_));
  }
  return {};
}

run_result<void> local_engine::open_input() {
  queue_ = std::make_unique<batch_queue>(16);
  auto opened = input_reader::open({.file = settings_.input,
                                    .until_end = settings_.until_end,
                                    .chunk_bytes = settings_.chunk_bytes,
                                    .notice = [this](const std::string& what) { told_.log(log_level::warning, what); }},
                                   *queue_);
  if (not opened) return run_error{run_fault::refused, std::move(opened.error().message)};
  reader_ = std::move(*opened);
  start_ = find_position();
  reader_->go_on_from(start_);
  total_bytes_ = settings_.until_end ? reader_->size() : 0;
  auto state = read_sealer_state();
  if (not state) return std::move(state.error());
  const auto last_now = state->now;
  if (auto done = open_spool(); not done) return done;
  make_source(std::move(*state));
  make_teller();
  make_sink();
  add_config_commands();
  make_shard(last_now);
  return {};
}

// How far ahead of `now` an event may be.
std::int64_t local_engine::horizon_ms() const {
  if (clock_ == clock_kind::wall) return horizon_wall_ms;
  return settings_.max_gap_ms.value_or(all_.settings.max_gap_ms);
}

// What other processes deliver is of now.
run_result<void> local_engine::open_spool() {
  if (clock_ == clock_kind::wall) {
    spool_ = std::make_unique<spool>(settings_.state_folder, setting_of(store_->meta().settings, spool_setting),
                                     [this](const std::string& what) { told_.log(log_level::warning, what); });
    return {};
  }
  std::error_code unknown;
  const auto folder = spool_folder(settings_.state_folder);
  if (not std::filesystem::exists(folder, unknown) or std::filesystem::is_empty(folder, unknown)) return {};
  return run_error{run_fault::refused,
                   fmt::format("{} has events for a store that runs by the wall clock, and this one runs by `--clock "
                               "events`: recorded verdicts belong into the file that is read. Move them there, or away",
                               folder.string())};
}

void local_engine::make_source(sealer_state state) {
  // The first event shows a file of the past; a file that is continued has been accepted before.
  const bool may_be_past = clock_ == clock_kind::wall and not settings_.clock and start_.offset == 0;
  source_ = std::make_unique<local_source>(
      local_source_options{
          .sealing = {.clock = clock_, .retention_ms = all_.settings.retention.usage_ms, .horizon_ms = horizon_ms()},
          .state = std::move(state),
          // A pipe cannot be read again, so its end is the end of the input.
          .until_end = settings_.until_end or not reader_->has_position(),
          .first_not_before = may_be_past ? std::optional{wall_clock_ms() - first_event_age_max_ms} : std::nullopt,
          .clock = wall_clock_ms,
          .told_jump = [this](const judged_jump& jump) { told_.log(log_level::warning, describe(jump)); },
          .told_too_old =
              [this](std::uint64_t line) {
                warn_of_old_lines(fmt::format("line {}: this and the 999 events before it", line));
              },
          .told_clock_without_speech =
              [this](std::uint64_t line, time_ms now) {
                told_.log(
                    log_level::warning,
                    fmt::format("no speech yet: the clock stands at {}, because of line {}; speech that is older "
                                "than that by more than {} will be `too_old`",
                                to_time_text(now), line, yaml::format_duration(all_.settings.retention.usage_ms)));
              }},
      *queue_);
  if (store_->meta().epoch > 0 and store_->meta().settings != settings_found_) source_->owe_epoch();
}

void local_engine::make_teller() {
  if (not told_.enforcement) return;
  const auto& meta = store_->meta();
  enforcement_changes first{.epoch = meta.epoch, .now = meta.now, .by_events_clock = clock_ == clock_kind::events};
  if (meta.epoch > 0)
    first.controls = controls_row{
        .epoch = meta.epoch, .now = meta.now, .enabled = meta.controls.enabled, .killed = meta.controls.killed};
  teller_ = std::make_unique<enforcement_teller>(
      std::move(first), store_->scan_users(*policies_), told_.enforcement, [this](const std::string& why) {
        told_.log(log_level::error, "the gate allows everything, because the users cannot be read: " + why);
      });
}

void local_engine::make_sink() {
  std::function<void(const enforcement_changes&)> told_enforcement;
  std::function<void(const published_commit&)> told_commit;
  if (teller_ != nullptr) {
    told_enforcement = [this](const enforcement_changes& changes) { teller_->tell(changes); };
    told_commit = [this](const published_commit& commit) { keep_published(commit); };
  }
  sink_ = std::make_unique<local_sink>(local_sink_options{.decision_source = all_.settings.source,
                                                          .input = reader_->has_position() ? input_name_ : "-",
                                                          .has_position = reader_->has_position(),
                                                          .second_input = spool_.get(),
                                                          .told_dead_letter = told_dead_letter(),
                                                          .told_enforcement = std::move(told_enforcement),
                                                          .told_commit = std::move(told_commit)},
                                       *store_, *source_, case_namer{case_key_});
}

std::function<void(const dead_letter&)> local_engine::told_dead_letter() const {
  const auto reader = fmt::format("`fairuse decisions --state {} --dead-letters`", settings_.state_folder);
  return [this, reader](const dead_letter& what) {
    told_.log(log_level::warning,
              first_dead_letter_text(fmt::format("{} line {}", what.input, what.line), what.why, what.place, reader));
  };
}

void local_engine::add_config_commands() {
  auto own = make_config_commands(all_.settings, store_->meta().settings, promotes_);
  if (own.lines.empty()) return;
  std::string text;
  for (const auto& [subject, line] : own.lines)
    text.append(line).push_back('\n');
  wire_decoder decoder;
  auto batch = batch_from(text, decoder);
  batch->own = true;
  source_->put_first(std::move(batch));
  sink_->remember_with_config_commands(std::move(own.settings));
}

void local_engine::make_shard(time_ms last_now) {
  const auto& meta = store_->meta();
  worker_ = std::make_unique<worker>();
  shard_ = worker_->open_shard(
      *store_,
      shard_options{
          .start = {.enabled = meta.controls.enabled, .killed = meta.controls.killed, .policies = policies_.get()},
          .horizon_ms = horizon_ms(),
          .policies = policies_,
          .command_ids = command_ids_from(meta.settings),
          .last_now = last_now,
          // A margin between the users kept and those that force a commit, or every new user would force one.
          .max_active_users = active_users_max_ - active_users_max_ / 4,
          .case_of = case_naming_of(case_key_)});
  publish_found();
}

// Under the wall clock a store without an epoch is asked, too: nothing is known of anybody, and the first epoch will
// switch on what the deployment says.
void local_engine::publish_found() {
  const auto& meta = store_->meta();
  const bool is_fresh = meta.epoch == 0;
  if (teller_ == nullptr or (is_fresh and clock_ == clock_kind::events)) return;
  published_commit found{
      .epoch = meta.epoch, .now = is_fresh ? wall_clock_ms() : meta.now, .in_force = shard_->in_force(), .leases = {}};
  if (is_fresh) found.in_force.enabled = all_.settings.enabled;
  keep_published(found);
}

} // namespace fairuse
