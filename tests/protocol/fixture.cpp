// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol/fixture.hpp"

#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include "events/wire.hpp"
#include "streams/kafka/broker/partitioner.hpp"
#include "tests/model/scenario.hpp"

namespace fairuse::protocol {

namespace {

constexpr std::size_t trace_lines = 400;

model::choices draw_policy(random_draws& from) {
  model::choices all{};
  for (auto& each : all)
    each = from.below(std::uint8_t{60});
  return all;
}

/// As much of a canonical text as readers of the topic look at.
std::string text_of(const policy& what) {
  return fmt::format(R"({{"name":"{}","digest":"{}"}})", what.name, what.digest);
}

std::int32_t murmur2_partition(std::string_view key, std::int32_t count) {
  return kafka::partition_of(kafka::key_hash::murmur2, key, count);
}

void append_command(kafka::configured_rules::config_commands& to, const std::string& subject, const std::string& id,
                    admin_command what) {
  event_arena arena;
  event command{.instant = wire_time_min, .time = wire_time_min, .kind = event_kind::admin};
  command.text = arena.keep("fairuse", id);
  command.key = event_key(command.text->source, command.text->id);
  what.actor = "fairuse";
  command.detail = arena.keep(event_detail{std::move(what)});
  append_event(to.lines.emplace_back(subject, "").second, subject, command);
}

// The promotion of the configuration's live policy, and, if `exempts`, a command about one user, once.
kafka::configured_rules::config_commands config_commands(const std::map<std::string, std::string>& remembered,
                                                         const std::string& promotes, bool exempts) {
  kafka::configured_rules::config_commands made;
  if (exempts and not remembered.contains("config.exempt")) {
    append_command(made, "user-0", "exempt-1-on", {.verb = admin_verb::exempt, .on = true});
    made.settings["config.exempt"] = "user-0";
  }
  if (not promotes.empty()) {
    const auto before = remembered.find("config.generation");
    const auto generation = std::to_string(before == remembered.end() ? 1 : std::stoi(before->second) + 1);
    append_command(made, "*", "promote-" + generation,
                   {.verb = admin_verb::promote_policy, .reason = "configuration", .policy = promotes});
    made.settings["config.generation"] = generation;
  }
  return made;
}

std::filesystem::path fast_folder() {
  std::error_code error;
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::is_directory(memory, error) ? memory : std::filesystem::temp_directory_path();
}

} // namespace

run_settings::run_settings(std::uint64_t number) : seed(number) {
  random_draws draw(number);
  partitions = 1 + draw.below(4);
  inputs = draw.chance(250) ? 2 : 1;
  instances = 1 + draw.below(3);
  users = 3 + draw.below(6);
  calls_per_fault = draw.pick({100U, 200U, 400U, 1'000U});
  crashes = 3 + draw.below(3);
  compacts = draw.chance(250);
  promotes = draw.chance(200);
  starts_off = draw.chance(100);
  lazy_writer = draw.chance(600);
  config_commands = draw.chance(300);
  incidents = draw.pick({20U, 60U, 120U});
  traffic = draw.pick({100U, 300U, 600U});
  clocks_jump = number % 5 == 4;
}

fixture::fixture(const run_settings& chosen)
  : settings(chosen),
    log({.scan = simlog::milliseconds{500}}),
    draws(chosen.seed ^ 0xfa17),
    topics(),
    root_(fast_folder(), "fairuse-protocol") {
  for (int i = 0; i < settings.inputs; ++i)
    inputs_.push_back("in." + std::to_string(i));
  for (const auto& each : inputs_)
    log.make_topic(each, settings.partitions);
  for (const auto& each : topics.all())
    log.make_topic(each, settings.partitions);
  if (root_.path().empty()) throw std::runtime_error("cannot make a folder for state");
  auto live = model::make_policy(draw_policy(draws), "fair");
  std::vector<policy> shadows;
  if (settings.promotes) {
    shadows.push_back(model::make_policy(draw_policy(draws), "a"));
    shadows.back().off = live.off;
  }
  configure(std::move(live), std::move(shadows));
}

void fixture::configure(policy live, std::vector<policy> shadows) {
  known_policies_[text_of(live)] = live;
  for (const auto& each : shadows)
    known_policies_[text_of(each)] = each;
  live_ = std::move(live);
  shadows_ = std::move(shadows);
}

std::filesystem::path fixture::fresh_folder() { return root_.path() / ("state-" + std::to_string(folders_++)); }

kafka::engine_rules fixture::rules_for(const std::string& instance, const std::filesystem::path& state, time_ms skew) {
  kafka::engine_rules rules;
  rules.worker_name = instance;
  rules.inputs = inputs_;
  rules.partition_of = murmur2_partition;
  rules.partitioner = "murmur2";
  rules.bounds.epoch = kafka::milliseconds{20};
  rules.bounds.epoch_events = 20;
  rules.bounds.epoch_timers = 2;
  rules.bounds.write_every = kafka::milliseconds{300};
  rules.bounds.pending_rows = 400;
  rules.bounds.heartbeat = kafka::milliseconds{1'000};
  rules.bounds.active_users = 2;
  rules.bounds.expiry_rows = 20;
  rules.bounds.group_heartbeat = kafka::milliseconds{100};
  // A takeover waits for the changelog as long as the run needs; cluster_simulation::finish has an end.
  rules.bounds.takeover_patience = kafka::milliseconds{1'000 * day_ms};
  rules.configured.live = live_;
  rules.configured.shadows = shadows_;
  rules.configured.enabled = not settings.starts_off;
  rules.configured.text_of = text_of;
  rules.configured.parse = [this](const std::string& text) -> std::optional<policy> {
    const auto found = known_policies_.find(text);
    return found == known_policies_.end() ? std::nullopt : std::optional(found->second);
  };
  rules.configured.commands_for = [exempts = settings.config_commands](const auto& remembered, const auto& promotes) {
    return config_commands(remembered, promotes, exempts);
  };
  rules.state = state;
  rules.case_key = case_key;
  rules.environment.wall = [this, skew] { return now() + skew + wall_jump; };
  rules.environment.steady = [this] { return now(); };
  rules.environment.log = [this, instance](log_level level, const std::string& text) {
    note(instance + ": " + text);
    if (level == log_level::error) errors.push_back(instance + ": " + text);
    if (level == log_level::warning) warnings.push_back(text);
  };
  rules.environment.dead_letter = [this](const std::string& topic, std::int32_t partition, const refused_input& what,
                                         const std::string&) { dead_letters.emplace_back(topic, partition, what); };
  return rules;
}

std::vector<kafka::position> fixture::input_ends() const {
  std::vector<kafka::position> ends;
  for (const auto& topic : inputs_)
    for (std::int32_t p = 0; p < settings.partitions; ++p) {
      const auto seen = log.records({topic, p}, kafka::isolation::committed);
      ends.push_back({{topic, p}, seen.empty() ? 0 : seen.back().offset + 1});
    }
  return ends;
}

void fixture::check_errors() {
  for (const auto& each : errors)
    if (each.find("wall clock") == std::string::npos
        and (expected_error.empty() or each.find(expected_error) == std::string::npos))
      fail("I9: refused without a reason: {}", each);
  errors.clear();
}

void fixture::note(const std::string& what) {
  trace_.push_back(std::to_string(log.now() % 1'000'000'000) + " " + what);
  if (trace_.size() > trace_lines) trace_.pop_front();
  static const bool aloud = std::getenv("FAIRUSE_TRACE") != nullptr;
  if (aloud) std::fprintf(stderr, "%s\n", trace_.back().c_str());
}

std::string fixture::trace() const {
  std::string all;
  const std::size_t from = trace_.size() > 60 ? trace_.size() - 60 : 0;
  for (std::size_t i = from; i < trace_.size(); ++i)
    all += "    " + trace_[i] + "\n";
  return all;
}

} // namespace fairuse::protocol
