// SPDX-License-Identifier: Apache-2.0

#include "config/kafka_properties.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "base/pure/text.hpp"

namespace fairuse {

namespace {

using yaml::diagnostics;
using yaml::node;

struct denial {
  std::string_view name;
  std::string_view reason;
};

constexpr std::string_view by_bootstrap = "is written as streams.bootstrap";
constexpr std::string_view by_identity =
    "is made of streams.app, streams.instance and the worker's number, so that a "
    "restarted engine ends the transaction of its earlier run";
constexpr std::string_view by_transaction =
    "is written as streams.transaction_timeout, which is checked against the "
    "epoch and the session";
constexpr std::string_view by_session =
    "is written as streams.session_timeout: a takeover must find the dead owner's "
    "transaction already ended";
constexpr std::string_view by_record_size =
    "follows streams.record_bytes_max: a dead letter is the whole record and "
    "64 KiB more";
constexpr std::string_view offsets =
    "has to stay as it is: offsets go through the transaction of their epoch; committed "
    "apart, a crash loses or repeats events";
constexpr std::string_view committed_only =
    "has to be read_committed: the engine would count records of aborted "
    "transactions, and takeovers would not wait for pending offsets";
constexpr std::string_view no_reset =
    "has to be error: a lost offset would jump over events or repeat them in silence; "
    "where a new group begins is written as streams.start";
constexpr std::string_view co_partitioned =
    "has to be range: it gives partition p of every input to one owner, and the "
    "cooperative assignor skips records with batch fetching";
constexpr std::string_view exactly_once =
    "follows from the transactions: without idempotent producers and all replicas "
    "acknowledging, a committed epoch can be lost or written twice";
constexpr std::string_view reports = "has to stay as it is: delivery reports are the only truth about what was written";
constexpr std::string_view bounded_wait =
    "is derived from streams.transaction_timeout: a request must not outlive the "
    "transaction that it belongs to";
constexpr std::string_view tries =
    "has to stay as it is: delivery is bounded by the transaction's time, not by attempts";
constexpr std::string_view own_partitions =
    "has no effect that can be wanted: outputs go to the partition of their "
    "input; how inputs are partitioned is written as streams.partitioner";
constexpr std::string_view queues =
    "is fixed at what was measured: smaller queues stall a consumer for a second at a "
    "time, and the documented memory bounds count on these";
constexpr std::string_view heartbeats = "follows streams.session_timeout";
constexpr std::string_view whole_logs =
    "has to stay as it is: a takeover reads a partition to an offset, and a damaged "
    "batch must not be taken for records";
constexpr std::string_view checked_topics =
    "has to stay as it is: topics need their own partitions, compaction and "
    "retention; `fairuse topics create` makes them";
constexpr std::string_view versions =
    "has to stay as it is: transactions need brokers that tell which requests they "
    "know";
constexpr std::string_view engine_handles_events =
    "belongs to the program: it decides which reports, statistics and log lines "
    "reach it";
constexpr std::string_view foreign_code =
    "loads code into the client that can change what the commit protocol counts "
    "on";

// In the order of their names.
constexpr auto denials = std::to_array<denial>({
    {"acks", exactly_once},
    {"allow.auto.create.topics", checked_topics},
    {"api.version.fallback.ms", versions},
    {"api.version.request", versions},
    {"auto.commit.enable", offsets},
    {"auto.commit.interval.ms", offsets},
    {"auto.offset.reset", no_reset},
    {"bootstrap.servers", by_bootstrap},
    {"broker.version.fallback", versions},
    {"check.crcs", whole_logs},
    {"delivery.report.only.error", reports},
    {"delivery.timeout.ms", bounded_wait},
    {"enable.auto.commit", offsets},
    {"enable.auto.offset.store", offsets},
    {"enable.gapless.guarantee", exactly_once},
    {"enable.idempotence", exactly_once},
    {"enable.partition.eof", whole_logs},
    {"enabled_events", engine_handles_events},
    {"group.id", "is written as streams.app"},
    {"group.instance.id", by_identity},
    {"group.protocol.type", co_partitioned},
    {"heartbeat.interval.ms", heartbeats},
    {"interceptors", foreign_code},
    {"isolation.level", committed_only},
    {"log.queue", engine_handles_events},
    {"max.in.flight", exactly_once},
    {"max.in.flight.requests.per.connection", exactly_once},
    {"max.poll.interval.ms", heartbeats},
    {"message.max.bytes", by_record_size},
    {"message.send.max.retries", tries},
    {"message.timeout.ms", bounded_wait},
    {"metadata.broker.list", by_bootstrap},
    {"msg_order_cmp", own_partitions},
    {"offset.store.method", offsets},
    {"offset.store.path", offsets},
    {"offset.store.sync.interval.ms", offsets},
    {"partition.assignment.strategy", co_partitioned},
    {"partitioner", own_partitions},
    {"plugin.library.paths", foreign_code},
    {"produce.offset.report", reports},
    {"queued.max.messages.kbytes", queues},
    {"queued.min.messages", queues},
    {"queuing.strategy", exactly_once},
    {"request.required.acks", exactly_once},
    {"request.timeout.ms", bounded_wait},
    {"retries", tries},
    {"session.timeout.ms", by_session},
    {"socket.timeout.ms", bounded_wait},
    {"statistics.interval.ms", engine_handles_events},
    {"topic.blacklist", checked_topics},
    {"transaction.timeout.ms", by_transaction},
    {"transactional.id", by_identity},
});

constexpr auto secrets = std::to_array<std::string_view>({
    "sasl.oauthbearer.client.secret",
    "sasl.password",
    "ssl.key.password",
    "ssl.key.pem",
    "ssl.keystore.password",
});

// Properties with a file or folder, which librdkafka resolves against the working directory.
constexpr auto paths = std::to_array<std::string_view>({
    "sasl.kerberos.keytab",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.crl.location",
    "ssl.key.location",
    "ssl.keystore.location",
});

constexpr std::string_view file_suffix = "_file";
constexpr std::size_t secret_bytes_max = 64U << 10U;

template <class List>
bool contains(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

class property_binder {
public:
  property_binder(std::string_view where, const std::filesystem::path& folder, const client_library& library,
                  std::map<std::string, std::string>& into, diagnostics& out)
    : where_{where}, folder_{folder}, library_{library}, into_{into}, out_{out} {}

  void bind(const node& given) {
    const auto errors_before = out_.error_count();
    for (std::size_t i = 0; i < given.keys.size(); ++i)
      bind_one(given.keys[i], given.items[i]);
    if (out_.error_count() == errors_before) check_security(given);
  }

private:
  void bind_one(const yaml::map_key& key, const node& value) {
    std::string name = key.text;
    const bool from_file = name.size() > file_suffix.size() and name.ends_with(file_suffix);
    if (from_file) name.resize(name.size() - file_suffix.size());
    if (const auto allowed = may_set_property(name); not allowed)
      return out_.error(key.at, called(name) + " " + allowed.error().message);
    if (not from_file and is_secret_property(name))
      return out_.error(key.at, called(name) + " is a secret and does not stand in this file: write it to a file of its "
                                               "own and name that as "
                                    + name + std::string{file_suffix});
    auto text = yaml::read_text(value, called(key.text), out_);
    if (not text) return;
    if (from_file) text = content_of(*text, value, called(key.text));
    if (text and contains(paths, name) and *text != "probe") text = absolute(*text, value, called(key.text));
    if (not text or not is_accepted(name, *text, key, value, from_file)) return;
    if (not into_.emplace(name, *text).second) out_.error(key.at, called(name) + " is there twice, once from a file");
  }

  bool is_accepted(const std::string& name, const std::string& text, const yaml::map_key& key, const node& value,
                   bool from_file) {
    if (name == "debug") return harmless_debug(text, value);
    if (not library_.knows(name)) {
      const auto names = library_.names();
      const std::vector<std::string_view> candidates{names.begin(), names.end()};
      out_.error(key.at, "librdkafka " + library_.version + " has no property '" + name + "'"
                             + yaml::did_you_mean(name, candidates));
      return false;
    }
    const auto accepted = library_.accepts(name, text);
    // The reason repeats the value, which must not be shown if it came from a file.
    if (not accepted)
      out_.error(value.at, called(name) + ": "
                               + (from_file ? "librdkafka does not take what the file holds"
                                            : "librdkafka says: " + accepted.error().message));
    return accepted.has_value();
  }

  // Some contexts write keys, values and the steps of an authentication to the log.
  bool harmless_debug(const std::string& text, const node& value) {
    constexpr auto telling = std::to_array<std::string_view>({"all", "msg", "protocol", "security"});
    std::string_view rest = text;
    while (not rest.empty()) {
      const auto end = std::min(rest.find(','), rest.size());
      const auto word = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (not contains(telling, word)) continue;
      out_.error(value.at, called("debug") + ": '" + std::string{word}
                               + "' writes user ids or steps of the authentication to the log; look with "
                                 "`kcat -X debug="
                               + std::string{word} + "` and the same properties instead");
      return false;
    }
    const auto accepted = library_.accepts("debug", text);
    if (not accepted) out_.error(value.at, called("debug") + ": librdkafka says: " + accepted.error().message);
    return accepted.has_value();
  }

  std::optional<std::string> content_of(const std::string& text, const node& value, const std::string& name) {
    const auto file = absolute(text, value, name);
    if (not file) return std::nullopt;
    std::ifstream in{*file, std::ios::binary};
    const std::string content{std::istreambuf_iterator<char>{in}, {}};
    std::string bytes{value_alone(content)};
    if (not in.is_open() or in.bad()) {
      out_.error(value.at, name + ": cannot read " + *file + "; the engine's user needs the right to");
    } else if (bytes.empty()) {
      out_.error(value.at, name + ": " + *file + " is empty");
    } else if (bytes.size() > secret_bytes_max or bytes.find('\0') != std::string::npos) {
      out_.error(value.at, name + ": " + *file + " is no text of at most 64 KiB");
    } else {
      return bytes;
    }
    return std::nullopt;
  }

  std::optional<std::string> absolute(const std::string& text, const node& value, const std::string& name) {
    std::error_code failed;
    const auto file = std::filesystem::absolute(folder_ / text, failed).lexically_normal();
    if (not text.empty() and not failed and std::filesystem::exists(file, failed)) return file.string();
    out_.error(value.at, name + ": no such file: " + file.string());
    return std::nullopt;
  }

  std::string value_of(const std::string& name, const std::string& otherwise) const {
    const auto found = into_.find(name);
    return found == into_.end() ? otherwise : lower(found->second);
  }

  const std::string* first_with(std::string_view prefix) const {
    const auto found = into_.lower_bound(std::string{prefix});
    return found != into_.end() and found->first.starts_with(prefix) ? &found->first : nullptr;
  }

  // An incomplete login fails at the broker without a clear reason, or not at all.
  void check_security(const node& given) {
    const auto protocol = value_of("security.protocol", "plaintext");
    const bool sasl = protocol.starts_with("sasl_");
    const bool ssl = protocol.ends_with("ssl");
    const auto mechanism = value_of("sasl.mechanism", value_of("sasl.mechanisms", ""));
    const auto refuse = [&](const std::string& message) { out_.error(given.at, std::string{where_} + ": " + message); };
    if (const auto* name = first_with("sasl."); name != nullptr and not sasl)
      refuse(*name + " is set, but security.protocol " + protocol
             + " has no login; write security.protocol: " + (ssl ? "sasl_ssl" : "sasl_ssl (or sasl_plaintext)"));
    if (const auto* name = first_with("ssl."); name != nullptr and not ssl)
      refuse(*name + " is set, but security.protocol " + protocol
             + " has no TLS; write security.protocol: " + (sasl ? "sasl_ssl" : "ssl"));
    if (not sasl) return;
    if (mechanism.empty()) return refuse("sasl.mechanism is missing: SCRAM-SHA-512, PLAIN, OAUTHBEARER or GSSAPI");
    if (mechanism != "plain" and not mechanism.starts_with("scram-")) return;
    for (const auto* name : {"sasl.username", "sasl.password"})
      if (not into_.contains(name))
        refuse("sasl.mechanism " + value_shown("sasl.mechanism", "sasl.mechanisms") + " needs " + name
               + (is_secret_property(name) ? std::string{file_suffix} : ""));
  }

  std::string value_shown(const std::string& name, const std::string& alias) const {
    const auto found = into_.find(name);
    return found != into_.end() ? found->second : into_.at(alias);
  }

  std::string called(std::string_view name) const { return std::string{where_} + "." + std::string{name}; }

  std::string_view where_;
  const std::filesystem::path& folder_;
  const client_library& library_;
  std::map<std::string, std::string>& into_;
  diagnostics& out_;
};

} // namespace

result<void> may_set_property(std::string_view name) {
  const auto found = std::lower_bound(denials.begin(), denials.end(), name,
                                      [](const denial& each, std::string_view wanted) { return each.name < wanted; });
  if (found != denials.end() and found->name == name) return error{std::string{found->reason}};
  return {};
}

std::vector<std::string_view> denied_properties() {
  std::vector<std::string_view> names;
  names.reserve(denials.size());
  for (const auto& each : denials)
    names.push_back(each.name);
  return names;
}

bool is_secret_property(std::string_view name) { return contains(secrets, name); }

void bind_kafka_properties(const node& given, std::string_view where, const std::filesystem::path& folder,
                           const client_library& library, std::map<std::string, std::string>& into, diagnostics& out) {
  property_binder{where, folder, library, into, out}.bind(given);
}

} // namespace fairuse
