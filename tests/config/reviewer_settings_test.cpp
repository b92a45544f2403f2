// SPDX-License-Identifier: Apache-2.0

#include "config/reviewer_settings.hpp"

#include <boost/test/unit_test.hpp>

#include "config/deployment.hpp"
#include "tests/config/policy_samples.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;
using samples::holds;

namespace {

struct reviewer_fixture {
  reviewer_fixture() {
    folder.write("live.yaml", samples::least);
    folder.write("key", "secret\n");
    folder.write("ca.pem", "x");
    std::filesystem::create_directory(folder.file("mine"));
  }

  /// `keys` stands below `reviewer:`, in one line.
  std::filesystem::path file_of(const std::string& keys, const std::string& streams = "{kind: local}") {
    return folder.write("d.yaml", "policies: {live: live.yaml}\nstreams: " + streams + "\nreviewer: {" + keys + "}\n");
  }

  reviewer_settings accepted(const std::string& keys) {
    yaml::diagnostics problems{"d"};
    auto all = load_deployment(file_of(keys), {}, problems);
    BOOST_REQUIRE_MESSAGE(all, problems.text());
    return all->settings.reviewer;
  }

  std::string refused(const std::string& keys, const std::string& streams = "{kind: local}") {
    yaml::diagnostics problems{"d"};
    BOOST_TEST(not load_deployment(file_of(keys, streams), {}, problems).has_value(), keys);
    return problems.text();
  }

  test_folder folder;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(reviewer_of_a_deployment, reviewer_fixture)

BOOST_AUTO_TEST_CASE(what_is_not_written_has_its_default) {
  const auto settings = accepted("");
  BOOST_TEST((settings.model == "gpt-5.1" and settings.endpoint.empty() and settings.key_file.empty()));
  BOOST_TEST(settings.prompts == folder.file("prompts"));
  BOOST_TEST(settings.prompt_version == "v1");
  BOOST_TEST((settings.format == answer_format::json_schema and not settings.temperature_nano));
  BOOST_TEST((settings.timeout_ms == 60'000 and settings.retries == 4U and settings.concurrency == 8U));
  BOOST_TEST((settings.per_hour.requests == 0U and settings.per_hour.money_micro == 0));
  BOOST_TEST((settings.evidence_max == 10U and settings.listen.empty() and not settings.with_engine));
}

BOOST_AUTO_TEST_CASE(a_deployment_without_a_reviewer_finds_the_prompts_beside_it_too) {
  yaml::diagnostics problems{"d"};
  const auto all = load_deployment(folder.write("d.yaml", "policies: {live: live.yaml}\n"), {}, problems);
  BOOST_REQUIRE(all.has_value());
  BOOST_TEST(all->settings.reviewer.prompts == folder.file("prompts"));
}

BOOST_AUTO_TEST_CASE(every_key_of_the_reviewer_is_read) {
  const auto settings = accepted(
      "model: m, endpoint: 'https://example.org/v1//', key_file: key, key_header: api-key, query: api-version=1, "
      "prompts: mine, prompt_version: v7, response_format: text, temperature: 0.25, timeout: 5s, retries: 0, "
      "concurrency: 3, waiting_max: 9, evidence_max: 4, per_hour: {requests: 100, money: 2.5}, "
      "price: {input_per_million: 1.25, output_per_million: 10}, breaker: {failures: 2, pause: 1m}, "
      "proxy: 'http://proxy:3128', ca_file: ca.pem, listen: '127.0.0.1:9464', with_engine: true");
  BOOST_TEST((settings.model == "m" and settings.endpoint == "https://example.org/v1"));
  BOOST_TEST(settings.key_file == folder.file("key"));
  BOOST_TEST((settings.key_in == key_header::api_key and settings.query == "api-version=1"));
  BOOST_TEST((settings.prompts == folder.file("mine") and settings.prompt_version == "v7"));
  BOOST_TEST(to_text(settings.format) == "text");
  BOOST_TEST((settings.temperature_nano == 250'000'000));
  BOOST_TEST((settings.timeout_ms == 5'000 and settings.retries == 0U and settings.concurrency == 3U));
  BOOST_TEST((settings.waiting_max == 9U and settings.evidence_max == 4U));
  BOOST_TEST((settings.per_hour.requests == 100U and settings.per_hour.money_micro == 2'500'000));
  BOOST_TEST((settings.price.input_micro == 1'250'000 and settings.price.output_micro == 10'000'000));
  BOOST_TEST((settings.breaker.failures == 2U and settings.breaker.pause_ms == 60'000));
  BOOST_TEST((settings.proxy == "http://proxy:3128" and settings.ca_file == folder.file("ca.pem")));
  BOOST_TEST((settings.listen == "127.0.0.1:9464" and settings.with_engine));
}

BOOST_AUTO_TEST_CASE(what_cannot_work_is_refused_with_its_place_and_a_remedy) {
  struct row {
    const char* keys;
    const char* message;
  };
  constexpr row table[] = {
      {"model: ''", "d:3:19: error: reviewer.model: is empty"},
      {"endpoint: example.org", "reviewer.endpoint: expected a base URL such as https://"},
      {"endpoint: 'ftp://example.org'", "expected a base URL"},
      {"endpoint: 'https://'", "expected a base URL"},
      {"endpoint: 'http://x:99999'", "expected a base URL"},
      {"endpoint: 'http://[::1'", "expected a base URL"},
      {"endpoint: 'https://:443'", "expected a base URL"},
      {"endpoint: 'https://key@example.org/v1'", "holds a login; a key stands in key_file"},
      {"endpoint: 'https://example.org/v1?api-version=1'", "what stands behind it is `query`"},
      {"endpoint: 'https://example.org/v1/chat/completions'", "/chat/completions is added to it"},
      {"key_file: nowhere", "reviewer.key_file: no such file: "},
      {"key_header: x-key", "expected authorization or api-key, not 'x-key'"},
      {"query: '?api-version=1'", "is written without the '?'"},
      {"query: 'a=b c'", "holds a character that no address has"},
      {"prompts: nowhere", "reviewer.prompts: no such folder: "},
      {"prompt_version: ../v1", "is not a name"},
      {"response_format: json", "expected json_schema, json_object or text, not 'json'"},
      {"temperature: 3", "the most is 2"},
      {"timeout: 500ms", "the least is 1s"},
      {"timeout: 60", "needs a unit"},
      {"retries: -1", "the least is 0"},
      {"concurrency: 0", "the least is 1"},
      {"evidence_max: 11", "the most is 10"},
      {"per_hour: {requests: 0}", "the least is 1"},
      {"per_hour: {money: 5}", "no price is known; write price: {input_per_million"},
      {"price: {input_per_million: 0.0000001}", "has more than 6 decimals"},
      {"breaker: {pause: 0}", "the least is 1s"},
      {"ca_file: nowhere", "reviewer.ca_file: no such file: "},
      {"listen: '9464'", "expected address:port with a port up to 65535, such as 127.0.0.1:9464"},
      {"listen: 'a:70000'", "expected address:port"},
      {"modle: m", "unknown key 'modle' in reviewer; did you mean 'model'?"},
      {"per_hour: {request: 1}", "unknown key 'request' in reviewer.per_hour; did you mean 'requests'?"},
  };
  for (const auto& each : table)
    BOOST_TEST(holds(refused(each.keys), each.message), each.keys << ": " << refused(each.keys));
}

BOOST_AUTO_TEST_CASE(on_kafka_the_reviewer_is_a_process_of_its_own) {
  BOOST_TEST(holds(refused("with_engine: true", "{kind: kafka, bootstrap: localhost}"),
                   "reviewer.with_engine: works in local mode only"));
}

BOOST_AUTO_TEST_CASE(a_connection_in_the_clear_is_warned_of_unless_the_model_is_on_the_machine) {
  const auto warned = [&](const std::string& endpoint) {
    const auto found = reviewer_warnings(accepted("endpoint: '" + endpoint + "'"));
    return found.empty() ? std::string{} : found.front();
  };
  for (const auto* fine : {"https://example.org/v1", "http://localhost:11434/v1", "http://127.0.0.1:8000/v1",
                           "http://[::1]:8000/v1", "http://localhost"})
    BOOST_TEST(warned(fine) == "", fine);
  BOOST_TEST(holds(warned("http://example.org:8000/v1"), "the connection to example.org:8000 is not encrypted"));
  BOOST_TEST(holds(warned("http://localhost.example.org/v1"), "is not encrypted"));
}

BOOST_AUTO_TEST_SUITE_END()
