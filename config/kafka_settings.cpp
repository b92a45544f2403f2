// SPDX-License-Identifier: Apache-2.0

#include "config/kafka_settings.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/pure/text.hpp"
#include "config/web_address.hpp"
#include "events/time_text.hpp"

namespace fairuse {

namespace {

using yaml::format_duration;
using yaml::map_reader;
using yaml::need;
using yaml::node;

constexpr std::string_view name_characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
constexpr std::size_t topic_length_max = 249;
constexpr std::size_t name_length_max = 64;

bool is_name(std::string_view text, std::size_t longest) {
  return not text.empty() and text.size() <= longest
         and text.find_first_not_of(name_characters) == std::string_view::npos;
}

// Whole bytes, or a number with KiB, MiB or GiB.
std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  std::uint64_t unit = 1;
  for (const auto& [name, size] : {std::pair{"KiB", 1ULL << 10U}, {"MiB", 1ULL << 20U}, {"GiB", 1ULL << 30U}})
    if (text.ends_with(name)) {
      text.remove_suffix(std::string_view{name}.size());
      unit = size;
      break;
    }
  const auto count = yaml::parse_decimal(text, 0);
  if (not count or *count < 0 or text.starts_with('+') or *count > (1LL << 40U)) return std::nullopt;
  return static_cast<std::uint64_t>(*count) * unit;
}

std::string_view property_of(const kafka_settings& settings, const std::string& name, std::string_view otherwise) {
  const auto found = settings.properties.find(name);
  return found == settings.properties.end() ? otherwise : std::string_view{found->second};
}

class kafka_binder {
public:
  kafka_binder(map_reader& from, const std::filesystem::path& folder, const client_library& library,
               kafka_settings& into)
    : from_{from}, folder_{folder}, library_{library}, into_{into} {}

  void bind() {
    bind_bootstrap();
    from_.name("app", into_.app);
    from_.name("instance", into_.instance);
    from_.count("workers", into_.workers, {1, 64});
    bind_topics();
    bind_partitioner();
    bind_start();
    bind_times();
    from_.count("epoch_events_max", into_.epoch_events_max, {1, 10'000'000});
    bytes(from_, "record_bytes_max", into_.record_bytes_max, {1'024, 512LL << 20U});
    bind_pending();
    bind_dead_letters();
    bind_token_file();
    if (const auto* given = from_.any("properties"); given != nullptr) {
      if (given->kind == yaml::node_kind::map)
        bind_kafka_properties(*given, from_.called("properties"), folder_, library_, into_.properties, from_.out());
      else
        from_.error("properties", "expected a map of librdkafka's properties");
    }
    check_token();
  }

private:
  void bytes(map_reader& from, std::string_view key, std::uint64_t& value, yaml::bounds range) {
    std::string text;
    if (not from.text(key, text)) return;
    const auto read = parse_bytes(text);
    if (not read)
      from.error(key, "expected bytes, such as 1048588, 64KiB or 16MiB, not '" + text + "'");
    else if (*read < static_cast<std::uint64_t>(range.min) or *read > static_cast<std::uint64_t>(range.max))
      from.error(key, "'" + text + "' is out of range; " + std::to_string(range.min) + " to "
                          + std::to_string(range.max) + " bytes");
    else
      value = *read;
  }

  void bind_bootstrap() {
    const auto* given = from_.any("bootstrap", need::required);
    if (given == nullptr) return;
    std::vector<const node*> hosts;
    if (given->kind == yaml::node_kind::list)
      for (const auto& each : given->items)
        hosts.push_back(&each);
    else
      hosts.push_back(given);
    if (hosts.empty()) from_.error("bootstrap", "names no broker; write host:port");
    for (const auto* each : hosts) {
      const auto text = yaml::read_text(*each, from_.called("bootstrap"), from_.out());
      if (not text) continue;
      if (is_host_and_port(*text))
        into_.bootstrap.push_back(*text);
      else
        from_.out().error(each->at, from_.called("bootstrap") + ": '" + *text
                                        + "' is not host:port; several brokers are a list, TLS is "
                                          "properties: {security.protocol: ssl}");
    }
  }

  void check_topic(const std::string& topic, const yaml::place& at, const std::string& called) {
    if (const auto problem = topic_problem(topic); not problem.empty())
      from_.out().error(at, called + ": " + problem);
    else if (not topics_.insert(topic).second)
      from_.out().error(at, called + ": '" + topic + "' is already another topic of this engine; each needs its own");
  }

  void bind_topics() {
    from_.texts("inputs", into_.inputs);
    if (into_.inputs.empty()) from_.error("inputs", "names no topic");
    const auto* inputs = from_.of().find("inputs");
    for (std::size_t i = 0; i < into_.inputs.size(); ++i)
      check_topic(into_.inputs[i],
                  inputs != nullptr and i < inputs->items.size() ? inputs->items[i].at : from_.at("inputs"),
                  from_.called("inputs"));
    auto outputs = from_.map("outputs");
    for (const auto& [role, topic] : into_.outputs.named()) {
      const auto key = to_text(role);
      if (outputs) outputs->text(key, *topic);
      check_topic(*topic, outputs ? outputs->at(key) : from_.at("outputs"),
                  outputs ? outputs->called(key) : from_.called("outputs") + "." + std::string{key});
    }
    if (outputs) outputs->finish();
  }

  void bind_partitioner() {
    std::string chosen;
    if (from_.text("partitioner", chosen) and (chosen == "random"))
      return from_.error("partitioner",
                         "'random' scatters a user over partitions, and one user has one owner; let the "
                         "producers use murmur2 (Java's default) or consistent (librdkafka's)");
    from_.choose("partitioner", into_.partitioner,
                 {{"murmur2", key_partitioner::murmur2},
                  {"murmur2_random", key_partitioner::murmur2},
                  {"consistent", key_partitioner::consistent},
                  {"consistent_random", key_partitioner::consistent},
                  {"crc32", key_partitioner::consistent},
                  {"fnv1a", key_partitioner::fnv1a},
                  {"fnv1a_random", key_partitioner::fnv1a},
                  {"none", key_partitioner::unchecked}});
  }

  void bind_start() {
    std::string start;
    if (not from_.text("start", start) or start == "earliest") return;
    if (start == "latest") {
      into_.start.where = start_place::latest;
    } else if (const auto at = time_from(start); at and *at >= 0) {
      into_.start = {start_place::time, *at};
    } else {
      constexpr auto words = std::to_array<std::string_view>({"earliest", "latest"});
      from_.error("start", "expected earliest, latest or a time such as 2026-11-22T00:00:00Z, not '" + start + "'"
                               + yaml::did_you_mean(start, words));
    }
  }

  void bind_times() {
    auto& to = into_;
    from_.duration("epoch", to.epoch_ms, {1, 10'000});
    from_.duration("transaction_timeout", to.transaction_timeout_ms, {1'000, 120'000});
    from_.duration("session_timeout", to.session_timeout_ms, {1'000, 300'000});
    from_.duration("abort_scan", to.abort_scan_ms, {0, 60'000});
    if (3 * to.epoch_ms > to.transaction_timeout_ms)
      from_.error("epoch", "an epoch of " + format_duration(to.epoch_ms) + " needs a transaction_timeout of at least "
                               + format_duration(3 * to.epoch_ms) + "; it is "
                               + format_duration(to.transaction_timeout_ms));
    const auto least = to.transaction_timeout_ms + to.abort_scan_ms;
    if (least > to.session_timeout_ms)
      from_.error(from_.has("session_timeout") ? "session_timeout" : "transaction_timeout",
                  "session_timeout has to be at least transaction_timeout ("
                      + format_duration(to.transaction_timeout_ms) + ") + " + format_duration(to.abort_scan_ms)
                      + ", in which brokers end what timed out, so " + format_duration(least) + "; it is "
                      + format_duration(to.session_timeout_ms));
  }

  // Not read now: the file has another token by the time that one is needed.
  void bind_token_file() {
    std::string text;
    if (not from_.text("token_file", text)) return;
    std::error_code failed;
    into_.token_file = std::filesystem::absolute(folder_ / text, failed).lexically_normal();
    if (text.empty() or not std::filesystem::is_regular_file(into_.token_file, failed))
      from_.error("token_file", "no such file: " + into_.token_file.string());
  }

  void check_token() {
    const auto mechanism = property_of(into_, "sasl.mechanism", property_of(into_, "sasl.mechanisms", ""));
    if (not into_.token_file.empty() and mechanism != "OAUTHBEARER")
      from_.error("token_file", "is the login of properties: {sasl.mechanism: OAUTHBEARER}, which is not set");
    else if (not into_.token_file.empty() and into_.properties.contains("enable.sasl.oauthbearer.unsecure.jwt"))
      from_.error("token_file", "and enable.sasl.oauthbearer.unsecure.jwt are two logins; remove one");
  }

  void bind_pending() {
    auto pending = from_.map("pending");
    if (not pending) return;
    pending->duration("write_every", into_.pending.write_every_ms, {10, 60'000});
    pending->count("rows_max", into_.pending.rows_max, {1'000, 100'000'000});
    bytes(*pending, "bytes_max", into_.pending.bytes_max, {1LL << 20U, 64LL << 30U});
    pending->finish();
  }

  void bind_dead_letters() {
    auto share = from_.map("dead_letter_share");
    if (not share) return;
    share->ratio("alarm", into_.dead_letters.alarm_nano);
    if (share->ratio("stop", into_.dead_letters.stop_nano) and into_.dead_letters.stop_nano != 0
        and into_.dead_letters.stop_nano < into_.dead_letters.alarm_nano)
      share->error("stop", "is below alarm: it would stop before there is an alarm");
    share->finish();
  }

  map_reader& from_;
  const std::filesystem::path& folder_;
  const client_library& library_;
  kafka_settings& into_;
  std::set<std::string> topics_;
};

} // namespace

std::string topic_problem(std::string_view topic) {
  if (is_name(topic, topic_length_max) and topic != "." and topic != "..") return {};
  return "'" + std::string{topic}
         + "' is not the name of a topic: 1 to 249 letters, digits, dots, hyphens or underscores";
}

std::string_view to_text(key_partitioner value) {
  switch (value) {
    case key_partitioner::murmur2:
      return "murmur2";
    case key_partitioner::consistent:
      return "consistent";
    case key_partitioner::fnv1a:
      return "fnv1a";
    case key_partitioner::unchecked:
      break;
  }
  return "none";
}

void bind_kafka(map_reader& streams, const std::filesystem::path& folder, const client_library& library,
                kafka_settings& into) {
  kafka_binder{streams, folder, library, into}.bind();
}

result<std::string> instance_of(const kafka_settings& settings, std::string_view variable, std::string_view host) {
  const auto chosen = not settings.instance.empty() ? std::string_view{settings.instance}
                      : not variable.empty()        ? variable
                                                    : host;
  if (not is_name(chosen, name_length_max))
    return error{std::string{"an instance needs a name that is stable over restarts: set streams.instance or "}
                 + instance_variable + " to 1 to 64 letters, digits, dots, hyphens or underscores"};
  return std::string{chosen};
}

std::string worker_name(const kafka_settings& settings, std::string_view instance, std::uint32_t worker) {
  return settings.app + "." + std::string{instance} + "." + std::to_string(worker);
}

std::string reviewer_group(const kafka_settings& settings) { return settings.app + ".reviewer"; }

std::string notifier_group(const kafka_settings& settings) { return settings.app + ".notifier"; }

std::string bootstrap_servers(const kafka_settings& settings) {
  std::string all;
  for (const auto& each : settings.bootstrap)
    all += (all.empty() ? "" : ",") + each;
  return all;
}

std::string client_id(const kafka_settings& settings) {
  return std::string{property_of(settings, "client.id", settings.app)};
}

std::map<std::string, std::string> client_properties(const kafka_settings& settings) {
  auto all = settings.properties;
  all.erase("client.id");
  all["message.max.bytes"] = std::to_string(settings.record_bytes_max + kafka_settings::dead_letter_extra_bytes);
  return all;
}

std::vector<std::string> transport_warnings(const kafka_settings& settings, const client_library& library) {
  std::vector<std::string> found;
  const auto protocol = property_of(settings, "security.protocol", "plaintext");
  const bool login = equal_ignoring_case(protocol, "sasl_plaintext");
  if (login or equal_ignoring_case(protocol, "plaintext")) {
    const auto remote = std::find_if_not(settings.bootstrap.begin(), settings.bootstrap.end(),
                                         [](const std::string& each) { return is_loopback(each); });
    if (remote != settings.bootstrap.end())
      found.push_back("the connection to " + *remote + " is not encrypted: user ids and conversation texts"
                      + (login ? ", and the login," : "")
                      + " can be read on the way; set streams.properties security.protocol to "
                      + (login ? "sasl_ssl" : "ssl or sasl_ssl"));
  }
  if (equal_ignoring_case(property_of(settings, "enable.ssl.certificate.verification", "true"), "false"))
    found.emplace_back(
        "enable.ssl.certificate.verification is false: anybody can pretend to be the broker; name the "
        "authority in ssl.ca.location instead");
  else if (equal_ignoring_case(property_of(settings, "ssl.endpoint.identification.algorithm", "https"), "none"))
    found.emplace_back(
        "ssl.endpoint.identification.algorithm is none: any certificate of the same authority can "
        "pretend to be the broker; give brokers certificates with their names");
  const auto mechanism = property_of(settings, "sasl.mechanism", property_of(settings, "sasl.mechanisms", ""));
  if (mechanism.starts_with("SCRAM-") and not library.right_scram)
    found.emplace_back("librdkafka " + library.version
                       + " repeats a nonce that SCRAM wants to be continued: Kafka 3 lets it pass, Kafka 4 refuses it as "
                         "a wrong password; use certificates, PLAIN over TLS or a token there, or librdkafka 2.6.1");
  if (equal_ignoring_case(property_of(settings, "enable.sasl.oauthbearer.unsecure.jwt", "false"), "true"))
    found.emplace_back("enable.sasl.oauthbearer.unsecure.jwt is true: the tokens are not signed");
  return found;
}

} // namespace fairuse
