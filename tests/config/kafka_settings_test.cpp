// SPDX-License-Identifier: Apache-2.0

#include "config/kafka_settings.hpp"

#include <algorithm>

#include <boost/test/unit_test.hpp>

#include "config/deployment.hpp"
#include "config/kafka_properties.hpp"
#include "engine/client_library.hpp"
#include "tests/config/policy_samples.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;
using samples::holds;

namespace {

struct kafka_fixture {
  kafka_fixture() { folder.write("live.yaml", samples::least); }

  std::string file_of(const std::string& streams) const {
    return "policies: {live: live.yaml}\nstreams:\n  kind: kafka\n" + streams;
  }

  /// `streams` is what stands below `kind: kafka`, indented by two.
  kafka_settings accepted(const std::string& streams) {
    yaml::diagnostics problems{"d"};
    auto all = load_deployment(folder.write("d.yaml", file_of(streams)), kafka_client_library(), problems);
    BOOST_REQUIRE_MESSAGE(all, problems.text());
    BOOST_TEST((all->settings.streams == stream_kind::kafka));
    return all->settings.kafka;
  }

  std::string refused(const std::string& streams) {
    yaml::diagnostics problems{"d"};
    BOOST_TEST(
        not load_deployment(folder.write("d.yaml", file_of(streams)), kafka_client_library(), problems).has_value(),
        streams);
    return problems.text();
  }

  test_folder folder;
};

const std::string least_streams = "  bootstrap: localhost:9092\n";

} // namespace

BOOST_FIXTURE_TEST_SUITE(kafka_deployments, kafka_fixture)

BOOST_AUTO_TEST_CASE(the_shipped_kafka_deployment_loads_with_its_policies) {
  yaml::diagnostics problems{"kafka.yaml"};
  const auto all = load_deployment(samples::source_folder() / "config/kafka.yaml", kafka_client_library(), problems);
  BOOST_REQUIRE_MESSAGE(all, problems.text());
  BOOST_TEST(to_text(all->settings.streams) == "kafka");
  BOOST_TEST(all->settings.kafka.bootstrap.front() == "127.0.0.1:9092");
  BOOST_TEST(all->shadows.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_not_written_has_the_documented_default) {
  const auto settings = accepted(least_streams);
  BOOST_TEST(settings.app == "fairuse");
  BOOST_TEST(settings.instance.empty());
  BOOST_TEST(settings.workers == 1U);
  BOOST_TEST((settings.inputs == std::vector<std::string>{"fairuse.events.v1"}));
  std::string outputs;
  for (const auto& [role, topic] : settings.outputs.named())
    outputs += std::string{to_text(role)} + "=" + *topic + " ";
  BOOST_TEST(outputs
             == "decisions=fairuse.decisions.v1 notifications=fairuse.notifications.v1 "
                "enforcement=fairuse.enforcement.v1 review_requests=fairuse.review-requests.v1 "
                "dead_letters=fairuse.dlq.v1 policies=fairuse.policies.v1 journal=fairuse.journal.v1 "
                "changelog=fairuse.changelog.v1 ");
  BOOST_TEST((settings.partitioner == key_partitioner::murmur2 and settings.start.where == start_place::earliest));
  BOOST_TEST((settings.epoch_ms == 50 and settings.epoch_events_max == 400'000U));
  BOOST_TEST((settings.transaction_timeout_ms == 30'000 and settings.session_timeout_ms == 45'000));
  BOOST_TEST(settings.abort_scan_ms == 10'000);
  BOOST_TEST((settings.pending.write_every_ms == 3'000 and settings.pending.rows_max == 250'000U));
  BOOST_TEST(settings.pending.bytes_max == 64U << 20U);
  BOOST_TEST((settings.dead_letters.alarm_nano == 10'000'000 and settings.dead_letters.stop_nano == 0));
  BOOST_TEST(settings.record_bytes_max == 1'048'588U);
  BOOST_TEST(settings.properties.empty());
}

BOOST_AUTO_TEST_CASE(every_kafka_key_is_read) {
  const auto settings = accepted(
      "  bootstrap: ['a.example:9092', '[::1]:9093', b]\n"
      "  app: fu\n  instance: engine-1\n  workers: 4\n  inputs: [speech, 'admin']\n"
      "  outputs: {decisions: d, notifications: n, enforcement: e, review_requests: r,\n"
      "            dead_letters: dlq, policies: p, journal: j, changelog: c}\n"
      "  partitioner: consistent_random\n  start: 2026-11-22T00:00:00Z\n"
      "  epoch: 100ms\n  epoch_events_max: 1000\n  transaction_timeout: 1s500ms\n"
      "  session_timeout: 3s\n  abort_scan: 500ms\n  record_bytes_max: 2MiB\n"
      "  pending: {write_every: 2s, rows_max: 5000, bytes_max: 16MiB}\n"
      "  dead_letter_share: {alarm: 0.02, stop: 0.5}\n"
      "  properties: {linger.ms: 20, compression.type: lz4}\n");
  BOOST_TEST((settings.bootstrap == std::vector<std::string>{"a.example:9092", "[::1]:9093", "b"}));
  BOOST_TEST((settings.app == "fu" and settings.instance == "engine-1" and settings.workers == 4U));
  BOOST_TEST((settings.inputs == std::vector<std::string>{"speech", "admin"}));
  BOOST_TEST((settings.outputs.dead_letters == "dlq" and settings.outputs.changelog == "c"));
  BOOST_TEST((settings.partitioner == key_partitioner::consistent));
  BOOST_TEST((settings.start.where == start_place::time and settings.start.at == 1'795'305'600'000));
  BOOST_TEST((settings.transaction_timeout_ms == 1'500 and settings.session_timeout_ms == 3'000));
  BOOST_TEST((settings.pending.bytes_max == 16U << 20U and settings.record_bytes_max == 2U << 20U));
  BOOST_TEST((settings.dead_letters.alarm_nano == 20'000'000 and settings.dead_letters.stop_nano == 500'000'000));
  BOOST_TEST(settings.properties.at("linger.ms") == "20");
  const auto all = client_properties(settings);
  BOOST_TEST(bootstrap_servers(settings) == "a.example:9092,[::1]:9093,b");
  BOOST_TEST(all.at("message.max.bytes") == "2162688");
  BOOST_TEST(all.at("compression.type") == "lz4");
  BOOST_TEST(client_id(settings) == "fu");
  BOOST_TEST(client_id(accepted(least_streams + "  properties: {client.id: quota-7}\n")) == "quota-7");
}

BOOST_AUTO_TEST_CASE(what_kafka_could_not_run_with_is_refused_where_it_stands) {
  const struct {
    const char* streams;
    const char* said;
  } rows[] = {
      {"  app: x\n", "d:3:3: error: missing key 'bootstrap' in streams"},
      {"  bootstrap: []\n", "d:4:14: error: streams.bootstrap: names no broker; write host:port"},
      {"  bootstrap: 'a:9092,b:9092'\n", "d:4:14: error: streams.bootstrap: 'a:9092,b:9092' is not host:port; several"},
      {"  bootstrap: SSL://a:9092\n", "is not host:port; several brokers are a list, TLS is properties: {security"},
      {"  bootstrap: a:99999\n", "'a:99999' is not host:port"},
      {"  bootstrap: a\n  app: a b\n", "d:5:8: error: streams.app: 'a b' is not a name"},
      {"  bootstrap: a\n  workers: 0\n", "the least is 1"},
      {"  bootstrap: a\n  input: [a]\n", "d:5:3: error: unknown key 'input' in streams; did you mean 'inputs'?"},
      {"  bootstrap: a\n  inputs: []\n", "d:5:11: error: streams.inputs: names no topic"},
      {"  bootstrap: a\n  inputs: [x, 'a/b']\n", "d:5:15: error: streams.inputs: 'a/b' is not the name of a topic"},
      {"  bootstrap: a\n  outputs: {dlq: x}\n", "d:5:13: error: unknown key 'dlq' in streams.outputs"},
      {"  bootstrap: a\n  outputs: {decision: x}\n", "did you mean 'decisions'?"},
      {"  bootstrap: a\n  outputs: {journal: fairuse.events.v1}\n",
       "d:5:22: error: streams.outputs.journal: 'fairuse.events.v1' is already another topic of this engine"},
      {"  bootstrap: a\n  outputs: {journal: x, changelog: x}\n", "d:5:36: error: streams.outputs.changelog: 'x' is"},
      {"  bootstrap: a\n  partitioner: murmur\n",
       "d:5:16: error: streams.partitioner: expected murmur2, murmur2_random, consistent, consistent_random, crc32, "
       "fnv1a, fnv1a_random or none, not 'murmur'; did you mean 'murmur2'?"},
      {"  bootstrap: a\n  partitioner: random\n", "'random' scatters a user over partitions"},
      {"  bootstrap: a\n  start: earlyest\n",
       "d:5:10: error: streams.start: expected earliest, latest or a time such as 2026-11-22T00:00:00Z, not "
       "'earlyest'; did you mean 'earliest'?"},
      {"  bootstrap: a\n  epoch: 50\n", "d:5:10: error: streams.epoch: '50' needs a unit"},
      {"  bootstrap: a\n  epoch: 1s\n  transaction_timeout: 2s\n",
       "d:5:10: error: streams.epoch: an epoch of 1s needs a transaction_timeout of at least 3s; it is 2s"},
      {"  bootstrap: a\n  session_timeout: 39s\n",
       "d:5:20: error: streams.session_timeout: session_timeout has to be at least transaction_timeout (30s) + 10s, in "
       "which brokers end what timed out, so 40s; it is 39s"},
      {"  bootstrap: a\n  transaction_timeout: 40s\n",
       "d:5:24: error: streams.transaction_timeout: session_timeout has"},
      {"  bootstrap: a\n  record_bytes_max: 1MB\n", "d:5:21: error: streams.record_bytes_max: expected bytes, such as"},
      {"  bootstrap: a\n  pending: {bytes_max: 10}\n", "'10' is out of range; 1048576 to 68719476736 bytes"},
      {"  bootstrap: a\n  pending: {rows: 10}\n", "unknown key 'rows' in streams.pending"},
      {"  bootstrap: a\n  dead_letter_share: {alarm: 0.2, stop: 0.1}\n", "is below alarm"},
      {"  bootstrap: a\n  dead_letter_share: {alarm: 1%}\n", "write a fraction of 1"},
      {"  bootstrap: a\n  properties: [x]\n", "d:5:15: error: streams.properties: expected a map"},
  };
  for (const auto& row : rows) {
    const auto said = refused(row.streams);
    BOOST_TEST(holds(said, row.said), row.streams << " -> " << said);
  }
}

BOOST_AUTO_TEST_CASE(kafka_keys_are_unknown_in_local_mode) {
  yaml::diagnostics problems{"d"};
  BOOST_TEST(
      not load_deployment(folder.write("d.yaml", "policies: {live: live.yaml}\nstreams: {kind: local, bootstrap: a}\n"),
                          kafka_client_library(), problems));
  BOOST_TEST(holds(problems.text(), "d:2:24: error: unknown key 'bootstrap' in streams"));
}

BOOST_AUTO_TEST_CASE(a_property_that_the_protocol_needs_is_refused_with_its_reason) {
  const auto names = denied_properties();
  BOOST_TEST(names.size() > 40U);
  BOOST_TEST(std::is_sorted(names.begin(), names.end()));
  for (const auto name : names) {
    const auto said = refused(least_streams + "  properties:\n    " + std::string{name} + ": 1\n");
    BOOST_TEST(holds(said, "d:6:5: error: streams.properties." + std::string{name} + " "
                               + may_set_property(name).error().message),
               said);
  }
  BOOST_TEST(holds(refused(least_streams + "  properties: {group.id_file: d.yaml}\n"), "is written as streams.app"));
}

BOOST_AUTO_TEST_CASE(every_denied_property_is_documented) {
  const auto page = samples::content(samples::source_folder() / "docs/kafka-setup.md");
  for (const auto name : denied_properties())
    BOOST_TEST(holds(page, "`" + std::string{name} + "`"), name);
}

BOOST_AUTO_TEST_CASE(names_and_values_are_those_of_librdkafka) {
  BOOST_TEST(holds(refused(least_streams + "  properties: {linger.msec: 5}\n"),
                   "d:5:16: error: librdkafka " + kafka_client_library().version
                       + " has no property 'linger.msec'; did you mean 'linger.ms'?"));
  BOOST_TEST(holds(refused(least_streams + "  properties: {linger.ms: soon}\n"),
                   "d:5:27: error: streams.properties.linger.ms: librdkafka says: Invalid value"));
  BOOST_TEST(holds(refused(least_streams + "  properties: {error_cb: x}\n"), "must be set through dedicated"));
  BOOST_TEST(holds(refused(least_streams + "  properties: {debug: 'broker,security'}\n"),
                   "d:5:23: error: streams.properties.debug: 'security' writes user ids or steps of the"));
  BOOST_TEST(holds(refused(least_streams + "  properties: {debug: brokr}\n"), "librdkafka says"));
  BOOST_TEST(accepted(least_streams + "  properties: {debug: 'broker,cgrp'}\n").properties.at("debug")
             == "broker,cgrp");
}

BOOST_AUTO_TEST_CASE(secrets_come_from_files_only) {
  folder.write("kafka.password", "\xEF\xBB\xBFopen sesame\n");
  folder.write("empty", "\n");
  const std::string scram = "security.protocol: sasl_ssl, sasl.mechanism: SCRAM-SHA-512, sasl.username: u";
  const auto settings = accepted(least_streams + "  properties: {" + scram + ", sasl.password_file: kafka.password}\n");
  BOOST_TEST(settings.properties.at("sasl.password") == "open sesame");
  BOOST_TEST(not settings.properties.contains("sasl.password_file"));
  const auto inline_one = refused(least_streams + "  properties: {" + scram + ", sasl.password: open sesame}\n");
  BOOST_TEST(holds(inline_one, "streams.properties.sasl.password is a secret and does not stand in this file"));
  BOOST_TEST(holds(inline_one, "name that as sasl.password_file"));
  BOOST_TEST(not holds(inline_one, "sesame"));
  BOOST_TEST(holds(refused(least_streams + "  properties: {" + scram + ", sasl.password_file: nowhere}\n"),
                   "streams.properties.sasl.password_file: no such file: "));
  BOOST_TEST(holds(refused(least_streams + "  properties: {" + scram + ", sasl.password_file: empty}\n"), "is empty"));
  for (const auto* name :
       {"ssl.key.pem", "ssl.key.password", "ssl.keystore.password", "sasl.oauthbearer.client.secret"})
    BOOST_TEST(holds(refused(least_streams + "  properties: {" + name + ": x}\n"), "is a secret"), name);
  // What a file holds is not repeated, whatever is wrong with it.
  folder.write("linger", "not a number\n");
  const auto bad = refused(least_streams + "  properties: {linger.ms_file: linger}\n");
  BOOST_TEST((holds(bad, "librdkafka does not take what the file holds") and not holds(bad, "not a number")));
}

BOOST_AUTO_TEST_CASE(a_login_that_is_half_written_is_refused) {
  folder.write("p", "secret");
  folder.write("ca.pem", "x");
  BOOST_TEST(holds(refused(least_streams + "  properties: {sasl.mechanism: PLAIN}\n"),
                   "sasl.mechanism is set, but security.protocol plaintext has no login; write security.protocol: "
                   "sasl_ssl"));
  BOOST_TEST(
      holds(refused(least_streams + "  properties: {security.protocol: sasl_plaintext, ssl.ca.location: ca.pem}\n"),
            "ssl.ca.location is set, but security.protocol sasl_plaintext has no TLS; write security.protocol: "
            "sasl_ssl"));
  BOOST_TEST(holds(refused(least_streams + "  properties: {security.protocol: SASL_SSL}\n"),
                   "sasl.mechanism is missing: SCRAM-SHA-512, PLAIN, OAUTHBEARER or GSSAPI"));
  BOOST_TEST(holds(
      refused(least_streams + "  properties: {security.protocol: sasl_ssl, sasl.mechanism: PLAIN, sasl.username: u}\n"),
      "sasl.mechanism PLAIN needs sasl.password_file"));
}

BOOST_AUTO_TEST_CASE(a_token_comes_from_a_file_that_is_kept_fresh) {
  folder.write("token", "not read yet");
  const std::string oauth = "  properties: {security.protocol: sasl_ssl, sasl.mechanism: OAUTHBEARER";
  BOOST_TEST(accepted(least_streams + "  token_file: token\n" + oauth + "}\n").token_file == folder.path() / "token");
  BOOST_TEST(holds(refused(least_streams + "  token_file: nowhere\n" + oauth + "}\n"),
                   "d:5:15: error: streams.token_file: no such file: "));
  BOOST_TEST(holds(refused(least_streams + "  token_file: token\n"), "sasl.mechanism: OAUTHBEARER}, which is not set"));
  BOOST_TEST(holds(
      refused(least_streams + "  token_file: token\n" + oauth + ", enable.sasl.oauthbearer.unsecure.jwt: true}\n"),
      "are two logins; remove one"));
}

BOOST_AUTO_TEST_CASE(files_of_properties_are_found_beside_the_deployment) {
  folder.write("ca.pem", "x");
  const auto settings = accepted(least_streams + "  properties: {security.protocol: ssl, ssl.ca.location: ca.pem}\n");
  BOOST_TEST(settings.properties.at("ssl.ca.location") == (folder.path() / "ca.pem").string());
  BOOST_TEST(holds(refused(least_streams + "  properties: {security.protocol: ssl, ssl.key.location: key.pem}\n"),
                   "streams.properties.ssl.key.location: no such file: "));
  BOOST_TEST(accepted(least_streams + "  properties: {security.protocol: ssl, ssl.ca.location: probe}\n")
                 .properties.at("ssl.ca.location")
             == "probe");
}

BOOST_AUTO_TEST_CASE(a_connection_in_the_clear_is_warned_of_unless_it_stays_on_the_machine) {
  auto library = kafka_client_library();
  const auto warned = [&](const std::string& bootstrap, const std::string& properties) {
    const auto found =
        transport_warnings(accepted("  bootstrap: " + bootstrap + "\n  properties: {" + properties + "}\n"), library);
    std::string text;
    for (const auto& each : found)
      text += each + "\n";
    return text;
  };
  for (const auto* loopback : {"localhost", "localhost:9092", "127.0.0.1:9092", "'[::1]:9092'"})
    BOOST_TEST(warned(loopback, "") == "", loopback);
  BOOST_TEST(
      holds(warned("[localhost, 'kafka.example:9092']", ""), "the connection to kafka.example:9092 is not encrypted"));
  BOOST_TEST(holds(warned("localhost.example", ""), "is not encrypted"));
  folder.write("p", "secret");
  BOOST_TEST(holds(warned("a",
                          "security.protocol: SASL_PLAINTEXT, sasl.mechanism: PLAIN, sasl.username: u, "
                          "sasl.password_file: p"),
                   "and the login,"));
  BOOST_TEST(warned("a", "security.protocol: ssl") == "");
  const std::string scram =
      "security.protocol: sasl_ssl, sasl.mechanism: SCRAM-SHA-512, sasl.username: u, "
      "sasl.password_file: p";
  library.right_scram = false;
  BOOST_TEST(holds(warned("a", scram), "Kafka 4 refuses it as a wrong password"));
  library.right_scram = true;
  BOOST_TEST(warned("a", scram) == "");
  BOOST_TEST(holds(warned("a", "security.protocol: ssl, enable.ssl.certificate.verification: false"),
                   "anybody can pretend to be the broker"));
  BOOST_TEST(holds(warned("a", "security.protocol: ssl, ssl.endpoint.identification.algorithm: none"),
                   "ssl.endpoint.identification.algorithm is none"));
}

BOOST_AUTO_TEST_CASE(the_instance_is_named_by_the_file_then_the_environment_then_the_host) {
  kafka_settings settings;
  BOOST_TEST(instance_of(settings, "", "host-7").value() == "host-7");
  BOOST_TEST(instance_of(settings, "engine-2", "host-7").value() == "engine-2");
  settings.instance = "engine-1";
  BOOST_TEST(instance_of(settings, "engine-2", "host-7").value() == "engine-1");
  BOOST_TEST(worker_name(settings, "engine-1", 3) == "fairuse.engine-1.3");
  settings.instance.clear();
  BOOST_TEST(not instance_of(settings, "two words", "host-7"));
  BOOST_TEST(not instance_of(settings, "", ""));
}

BOOST_AUTO_TEST_SUITE_END()
