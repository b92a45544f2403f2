// SPDX-License-Identifier: Apache-2.0

#include "config/deployment.hpp"

#include <algorithm>

#include "config/lint.hpp"
#include "config/named_path.hpp"
#include "core/policy_set.hpp"

namespace fairuse {

namespace {

using yaml::diagnostics;
using yaml::format_duration;
using yaml::map_reader;
using yaml::need;

constexpr std::int64_t retention_max_ms = 3'650 * day_ms;

class deployment_binder {
public:
  deployment_binder(const yaml::node& root, const std::filesystem::path& file, const client_library& library,
                    diagnostics& out)
    : root_{root}, library_{library}, out_{out}, top_{root, "", out} {
    all_.settings.file = file;
  }

  std::optional<loaded_deployment> bind() {
    auto& settings = all_.settings;
    top_.flag("enabled", settings.enabled);
    top_.flag("kill_switch", settings.kill_switch);
    bind_exempt();
    bind_source();
    bind_streams();
    bind_case_key();
    bind_retention();
    bind_reviewer_settings();
    bind_notifier_settings();
    bind_api_settings();
    bind_log();
    top_.count("active_users_max", settings.active_users_max, {1'000, 10'000'000});
    top_.duration("max_gap", settings.max_gap_ms, {hour_ms, retention_max_ms});
    bind_policies();
    top_.finish();
    if (out_.error_count() + loaded_.error_count() == 0)
      for (const auto& each : contradictions(all_))
        out_.error(yaml::place_of(root_, each.at), yaml::join(each.at) + ": " + each.message);
    out_.sort();
    out_.add(loaded_);
    if (not out_.ok()) return std::nullopt;
    return std::move(all_);
  }

private:
  void bind_exempt() {
    auto& exempt = all_.settings.exempt;
    top_.texts("exempt", exempt);
    std::sort(exempt.begin(), exempt.end());
    if (not exempt.empty() and exempt.front().empty()) top_.error("exempt", "a user id cannot be empty");
    if (std::find(exempt.begin(), exempt.end(), "*") != exempt.end())
      top_.error("exempt", "'*' is everybody; to let everybody pass, set kill_switch: true");
  }

  void bind_source() {
    auto& source = all_.settings.source;
    if (top_.text("source", source) and (source.empty() or source.find_first_of(" \t\r\n") != std::string::npos))
      top_.error("source", "is the CloudEvents source of every decision: a URI reference, not empty, without spaces");
  }

  void bind_streams() {
    auto streams = top_.map("streams");
    if (not streams) return;
    auto& settings = all_.settings;
    streams->choose("kind", settings.streams, {{"local", stream_kind::local}, {"kafka", stream_kind::kafka}},
                    need::required);
    if (settings.streams == stream_kind::kafka)
      bind_kafka(*streams, settings.file.parent_path(), library_, settings.kafka);
    streams->finish();
  }

  std::filesystem::path resolved(const std::string& text) const {
    return (all_.settings.file.parent_path() / text).lexically_normal();
  }

  void bind_case_key() {
    auto key = top_.map("case_key");
    if (not key) return;
    bind_file(*key, "file", all_.settings.file.parent_path(), all_.settings.case_key_file, need::required);
    key->finish();
  }

  void bind_retention() {
    auto retention = top_.map("retention");
    if (not retention) return;
    auto& rule = all_.settings.retention;
    retention->duration("usage", rule.usage_ms, {day_ms, retention_max_ms});
    retention->duration("input", rule.input_ms, {hour_ms, retention_max_ms});
    retention->duration("decisions", rule.decisions_ms, {hour_ms, retention_max_ms});
    retention->finish();
  }

  void bind_reviewer_settings() {
    auto& settings = all_.settings;
    const auto folder = settings.file.parent_path();
    if (auto reviewer = top_.map("reviewer"))
      bind_reviewer(*reviewer, folder, settings.streams == stream_kind::local, settings.reviewer);
    else
      settings.reviewer.prompts = resolved("prompts");
  }

  void bind_notifier_settings() {
    auto notifier = top_.map("notifier");
    if (not notifier) return;
    auto& settings = all_.settings;
    diagnostics of_messages{""};
    bind_notifier(*notifier, settings.file.parent_path(), settings.notifier, of_messages);
    loaded_.add(of_messages);
    if (settings.notifier.with_engine and settings.streams == stream_kind::kafka)
      notifier->error("with_engine", "is for local mode; on Kafka the notifier is a process of its own");
    if (settings.streams == stream_kind::kafka) check_ends_topic(*notifier);
  }

  void bind_api_settings() {
    auto api = top_.map("api");
    if (not api) return;
    auto& settings = all_.settings;
    bind_api(*api, settings.file.parent_path(), settings.api);
    if (settings.streams == stream_kind::local and not settings.api.advertise.empty())
      api->error("advertise", "is for Kafka mode; local mode is one process");
  }

  void check_ends_topic(map_reader& notifier) {
    const auto& kafka = all_.settings.kafka;
    const auto& ends = all_.settings.notifier.ends_topic;
    auto taken = std::find(kafka.inputs.begin(), kafka.inputs.end(), ends) != kafka.inputs.end();
    for (const auto& [role, topic] : kafka.outputs.named())
      taken = taken or *topic == ends;
    if (taken) notifier.error("ends_topic", "'" + ends + "' is already a topic of the engine; it needs its own");
  }

  void bind_log() {
    auto log = top_.map("log");
    if (not log) return;
    log->choose("level", all_.settings.log.level,
                {{"trace", log_level::trace},
                 {"debug", log_level::debug},
                 {"info", log_level::info},
                 {"warn", log_level::warning},
                 {"error", log_level::error}});
    log->choose("format", all_.settings.log.format, {{"text", log_format::text}, {"json", log_format::json}});
    log->finish();
  }

  std::optional<policy> load_one(const std::filesystem::path& file) {
    diagnostics problems{file.string()};
    const auto root = yaml::load(file, problems);
    auto rules = root ? bind_policy(*root, problems) : std::nullopt;
    if (rules) lint(*rules, *root, problems);
    loaded_.add(problems);
    return rules;
  }

  void bind_policies() {
    auto policies = top_.map("policies", need::required);
    if (not policies) return;
    if (bind_file(*policies, "live", all_.settings.file.parent_path(), all_.settings.live_policy, need::required))
      if (auto live = load_one(all_.settings.live_policy)) all_.live = std::move(*live);
    std::vector<std::string> shadows;
    policies->texts("shadow", shadows);
    for (std::size_t i = 0; i < shadows.size(); ++i) {
      const auto file = resolved(shadows[i]);
      std::error_code failed;
      if (not std::filesystem::is_regular_file(file, failed)) {
        out_.error(yaml::place_of(root_, {"policies", "shadow", std::to_string(i)}),
                   "policies.shadow[" + std::to_string(i) + "]: no such file: " + file.string());
        continue;
      }
      all_.settings.shadow_policies.push_back(file);
      if (auto shadow = load_one(file)) all_.shadows.push_back(std::move(*shadow));
    }
    policies->finish();
  }

  const yaml::node& root_;
  const client_library& library_;
  diagnostics& out_;
  map_reader top_;
  loaded_deployment all_;
  // Diagnostics of the policies; the deployment's own come first.
  diagnostics loaded_{""};
};

void check_policy(const policy& rules, const yaml::path& at, std::int64_t usage_ms, std::vector<finding>& found) {
  // Also the live policy: when it changes, it runs as a shadow until it is promoted.
  if (rules.name == "live" or rules.name == "off")
    found.push_back({at, "a policy cannot be called '" + rules.name + "': that is the name of a slot"});
  for (const auto& window : rules.windows)
    if (window.span_ms > usage_ms)
      found.push_back({at, "window '" + window.name + "' of policy '" + rules.name + "' sums "
                               + format_duration(window.span_ms) + ", longer than retention.usage ("
                               + format_duration(usage_ms) + ")"});
  if (rules.ceiling.cap_ms > 0 and rules.ceiling.span_ms > usage_ms)
    found.push_back({at, "the ceiling of policy '" + rules.name + "' sums " + format_duration(rules.ceiling.span_ms)
                             + ", longer than retention.usage (" + format_duration(usage_ms) + ")"});
}

} // namespace

std::string_view to_text(stream_kind value) { return value == stream_kind::local ? "local" : "kafka"; }

std::optional<loaded_deployment> load_deployment(const std::filesystem::path& file, const client_library& library,
                                                 yaml::diagnostics& out) {
  const auto root = yaml::load(file, out);
  if (not root) return std::nullopt;
  auto all = deployment_binder{*root, file, library, out}.bind();
  if (all)
    std::sort(all->shadows.begin(), all->shadows.end(),
              [](const policy& left, const policy& right) { return left.name < right.name; });
  return all;
}

std::vector<finding> contradictions(const loaded_deployment& all) {
  std::vector<finding> found;
  check_policy(all.live, {"policies", "live"}, all.settings.retention.usage_ms, found);
  for (std::size_t i = 0; i < all.shadows.size(); ++i) {
    const auto& shadow = all.shadows[i];
    const yaml::path at{"policies", "shadow", std::to_string(i)};
    check_policy(shadow, at, all.settings.retention.usage_ms, found);
    bool taken = shadow.name == all.live.name;
    for (std::size_t j = 0; j < i; ++j)
      taken = taken or all.shadows[j].name == shadow.name;
    if (taken) found.push_back({at, "there is already a policy called '" + shadow.name + "'"});
  }
  if (const auto fits = policy_set::check(all.live, all.shadows); not fits)
    found.push_back({{"policies", "shadow"}, fits.error().message});
  return found;
}

} // namespace fairuse
