// SPDX-License-Identifier: Apache-2.0
//
// The first half of a run_session: everything that must be agreed on before the first line is read.

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/pure/numbers.hpp"
#include "cli/client_library.hpp"
#include "cli/command.hpp"
#include "cli/config_commands.hpp"
#include "cli/log.hpp"
#include "cli/run_session.hpp"
#include "config/overrides.hpp"
#include "storage/case_reference.hpp"
#include "streams/failpoint.hpp"
#include "streams/policy_choice.hpp"

namespace fairuse::cli {

namespace {

// How old the first event of an input may be before it is taken for a file of the past.
constexpr std::int64_t first_event_age_max_ms = day_ms;

environment overrides_from_environment() {
  environment found;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view text = *each;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos and is_override(text.substr(0, equals)))
      found.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return found;
}

} // namespace

time_ms wall_clock_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

bool run_session::load_configuration() {
  stop_signal::block();
  set_up_log({});
  if (const char* place = std::getenv("FAIRUSE_FAIL"); place != nullptr and *place != '\0')
    if (const auto armed = failpoint::arm(place); not armed) return fail(exit_usage, armed.error().message);
  yaml::diagnostics problems{settings_.config_file};
  auto loaded = load_deployment(settings_.config_file, kafka_client_library(), problems);
  for (const auto& each : problems.list())
    fmt::print(stderr, "{}\n", to_text(each));
  if (not loaded) return fail(exit_usage, fmt::format("{} is refused", settings_.config_file));
  deployment_ = std::move(*loaded);
  set_up_log(deployment_.settings.log);
  const auto report = apply_overrides(deployment_, overrides_from_environment());
  for (const auto& each : report.problems)
    fail(exit_usage, each);
  for (const auto& each : report.notes)
    spdlog::info("{} overrides {}: {} -> {}", each.variable, each.changed, each.before, each.after);
  active_users_max_ = settings_.max_active_users.value_or(deployment_.settings.active_users_max);
  return report.problems.empty();
}

// Before anything is created: is there something to read?
bool run_session::check_input() {
  if (settings_.input.empty()) {
    if (::isatty(STDIN_FILENO) == 1)
      return fail(exit_usage, "nothing to read: name a file with --input, or - for standard input");
    settings_.input = "-";
  }
  input_name_ = input_name(settings_.input);
  return true;
}

bool run_session::open_store() {
  const auto& retention = deployment_.settings.retention;
  std::error_code problem;
  store_options options{.case_key = case_key_,
                        .usage_retention_ms = retention.usage_ms,
                        .input_retention_ms = retention.input_ms,
                        .decision_retention_ms = retention.decisions_ms,
                        // A file can be read again from where the store is, and decides the same again.
                        .accept_lost_tail = settings_.clock == clock_kind::events
                                            and std::filesystem::is_regular_file(settings_.input, problem)};
  options.failpoint = [](std::string_view place) {
    constexpr std::string_view prefix = "storage.";
    failpoint::pass(place.substr(place.find(prefix) == 0 ? prefix.size() : 0));
  };
  auto opened = local_store::open(settings_.state_folder, options);
  if (not opened) return fail(opened.error());
  store_ = std::move(*opened);
  if (store_->case_key_changed())
    spdlog::warn("the case key is another one than last time: references of earlier cases cannot be told any more");
  return true;
}

// One store, one clock: instants of events and of the wall cannot be compared.
bool run_session::agree_on_clock() {
  auto& meta = store_->meta();
  const auto stored = setting_of(meta.settings, "clock");
  if (meta.epoch == 0) {
    clock_ = settings_.clock.value_or(clock_kind::wall);
  } else {
    clock_ = stored == to_text(clock_kind::events) ? clock_kind::events : clock_kind::wall;
    if (settings_.clock and *settings_.clock != clock_)
      return fail(exit_usage, fmt::format("the store in {} runs by `--clock {}`; for `--clock {}` use another --state",
                                          settings_.state_folder, to_text(clock_), to_text(*settings_.clock)));
  }
  meta.settings["clock"] = to_text(clock_);
  meta.settings["retention_ms"] = std::to_string(deployment_.settings.retention.usage_ms);
  meta.settings["case_key"] = case_namer{case_key_}.check();
  return true;
}

// What was promoted stays promoted, until the configuration names other policies.
bool run_session::agree_on_policies() {
  auto& meta = store_->meta();
  const auto read = [&](const std::string& digest) {
    yaml::diagnostics problems{"policy " + digest};
    return parse_policy(store_->policy_text(digest), problems);
  };
  const auto stored = meta.controls;
  auto choice = choose_policies(deployment_.live, deployment_.shadows, deployment_.settings.retention.usage_ms, stored,
                                meta.settings, meta.epoch == 0, meta.now, read);
  if (choice.policies == nullptr)
    return fail(exit_failed, "the store does not have the text of a policy that was promoted: it is damaged");
  policies_ = std::move(choice.policies);
  if (choice.changed) spdlog::info("the policies were changed since the last run: the new ones hold from here on");
  if (choice.promoted)
    spdlog::info("policy {} was promoted and stays live; the configuration has not changed since",
                 policies_->live().rules.name);
  meta.controls = stored_from({.enabled = stored.enabled, .killed = stored.killed, .policies = policies_.get()});
  for (const auto& slot : policies_->slots()) {
    store_->keep_policy(slot.label.digest, canonical(slot.rules));
    if (slot.kind != slot_kind::off)
      spdlog::info("policy {} in slot {}, digest {}", slot.rules.name, slot.label.slot,
                   slot.label.digest.substr(0, 12));
  }
  return true;
}

bool run_session::read_sealer_state(sealer_state& state) {
  const auto& meta = store_->meta();
  if (meta.epoch == 0) return true;
  const auto read = decode_sealer_state(setting_of(meta.settings, "sealer"));
  if (not read or read->epoch != meta.epoch)
    return fail(exit_failed, fmt::format("the store in {} is damaged: what it says about its last epoch does not fit "
                                         "together. Restore it from a copy, or begin a new one",
                                         settings_.state_folder));
  state = *read;
  return true;
}

// Where the last life stopped in this file, if it is still the same file.
read_position run_session::find_position() {
  if (not reader_->has_position()) return {};
  for (const auto& each : store_->meta().inputs) {
    if (each.input != input_name_) continue;
    const read_position position{each.bytes, each.lines, parse_number<std::uint64_t>(each.fingerprint, 16).value_or(0)};
    if (still_matches(reader_->descriptor(), position)) return position;
    spdlog::warn(
        "{} is another file than the one that was read before: reading it from its beginning; events that "
        "were seen already change nothing",
        input_name_);
  }
  return {};
}

bool run_session::open_input() {
  queue_ = std::make_unique<batch_queue>(16);
  std::string problem;
  reader_ = input_reader::open({.file = settings_.input,
                                .until_end = settings_.until_end,
                                .chunk_bytes = settings_.chunk_bytes,
                                .notice = [](const std::string& what) { spdlog::warn("{}", what); }},
                               *queue_, problem);
  if (reader_ == nullptr) return fail(exit_usage, problem);
  const auto from = find_position();
  reader_->go_on_from(from);
  start_bytes_ = from.offset;
  start_lines_ = from.lines;
  sealer_state state;
  if (not read_sealer_state(state)) return false;
  const auto last_now = state.now;
  make_source(std::move(state));
  make_sink();
  make_worker(last_now);
  progress_ = std::make_unique<progress>(settings_.until_end ? reader_->size() : 0, "events");
  signal_ = std::make_unique<stop_signal>([this] {
    reader_->stop();
    queue_->wake();
  });
  return true;
}

// How far ahead of `now` an event may be.
std::int64_t run_session::horizon_ms() const {
  if (clock_ == clock_kind::wall) return horizon_wall_ms;
  return settings_.max_gap_ms.value_or(deployment_.settings.max_gap_ms);
}

void run_session::make_source(sealer_state state) {
  // A file of the past is told by its first event; a file that is gone on with has been accepted before.
  const bool may_be_past = clock_ == clock_kind::wall and not settings_.clock and start_bytes_ == 0;
  source_ = std::make_unique<local_source>(
      local_source_options{
          .sealing = {.clock = clock_,
                      .retention_ms = deployment_.settings.retention.usage_ms,
                      .horizon_ms = horizon_ms()},
          .state = std::move(state),
          // What comes through a pipe cannot be read again, so its end is the end.
          .until_end = settings_.until_end or not reader_->has_position(),
          .first_not_before = may_be_past ? std::optional{wall_clock_ms() - first_event_age_max_ms} : std::nullopt,
          .clock = wall_clock_ms},
      *queue_);
}

void run_session::make_sink() {
  sink_ = std::make_unique<local_sink>(local_sink_options{.decision_source = deployment_.settings.source,
                                                          .input = reader_->has_position() ? input_name_ : "-",
                                                          .has_position = reader_->has_position()},
                                       *store_, *source_, case_namer{case_key_});
  auto own = make_config_commands(deployment_.settings, store_->meta().settings);
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

void run_session::make_worker(time_ms last_now) {
  const auto& meta = store_->meta();
  worker_ = std::make_unique<worker>();
  shard_ = worker_->open_shard(
      *store_,
      shard_options{
          .start = {.enabled = meta.controls.enabled, .killed = meta.controls.killed, .policies = policies_.get()},
          .horizon_ms = horizon_ms(),
          .policies = policies_,
          .command_ids = command_ids_from(setting_of(meta.settings, "command_ids")),
          .last_now = last_now,
          // Room between what is let go and what forces a commit, or every new user would force one.
          .max_active_users = active_users_max_ - active_users_max_ / 4});
}

} // namespace fairuse::cli
