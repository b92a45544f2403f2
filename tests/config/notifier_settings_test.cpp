// SPDX-License-Identifier: Apache-2.0

#include "config/notifier_settings.hpp"

#include <boost/test/unit_test.hpp>

#include "config/deployment.hpp"
#include "tests/config/policy_samples.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;
using samples::holds;
using samples::least;

namespace {

const std::string needed = "url: 'https://mailer.example/hook', product: Listener, appeal: 'https://l.example/appeal'";

struct notifier_fixture {
  notifier_fixture() { folder.write("live.yaml", least + "plans: {}\n"); }

  std::optional<loaded_deployment> loaded(const std::string& section, const std::string& streams = "") {
    yaml::diagnostics problems{"d.yaml"};
    const auto text = "policies: {live: live.yaml}\n" + streams + "notifier: {" + section + "}\n";
    auto all = load_deployment(folder.write("d.yaml", text), {}, problems);
    said = problems.text();
    return all;
  }

  notifier_settings accepted(const std::string& section) {
    const auto all = loaded(section);
    BOOST_REQUIRE_MESSAGE(all, said);
    return all->settings.notifier;
  }

  std::string refused(const std::string& section) {
    BOOST_TEST(not loaded(section).has_value(), section);
    return said;
  }

  test_folder folder;
  std::string said;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(notifier_sections, notifier_fixture)

BOOST_AUTO_TEST_CASE(a_deployment_without_the_section_notifies_nobody) {
  yaml::diagnostics problems{"d.yaml"};
  const auto all = load_deployment(folder.write("d.yaml", "policies: {live: live.yaml}\n"), {}, problems);
  BOOST_REQUIRE(all.has_value());
  BOOST_TEST(all->settings.notifier.url == "");
}

BOOST_AUTO_TEST_CASE(what_is_not_written_has_its_default) {
  const auto settings = accepted(needed);
  BOOST_TEST(said == "");
  BOOST_TEST(
      (settings.send == std::vector{notice_about::stage, notice_about::budget_low, notice_about::budget_exhausted}));
  BOOST_TEST(settings.default_locale == "en");
  BOOST_TEST(settings.messages.contains("de"));
  BOOST_TEST(settings.timeout_ms == 15'000);
  BOOST_TEST(settings.give_up_after_ms == day_ms);
  BOOST_TEST(settings.retry_first_ms == 5'000);
  BOOST_TEST(settings.retry_most_ms == hour_ms);
  BOOST_TEST(settings.concurrency == 16U);
  BOOST_TEST(not settings.with_engine);
}

BOOST_AUTO_TEST_CASE(every_key_is_read) {
  folder.write("hook.secret", "whsec_x");
  folder.write("ca.pem", "x");
  const auto settings = accepted(needed
                                 + ", secret_file: hook.secret, send: [exemption_ended], default_locale: de, timeout: 2s, "
                                   "give_up_after: 2d, concurrency: 3, retry: {first: 1s, most: 2s}, proxy: 'http://p:1', "
                                   "ca_file: ca.pem, listen: '[::1]:9464', with_engine: true");
  BOOST_TEST(settings.url == "https://mailer.example/hook");
  BOOST_TEST(settings.secret_file == folder.path() / "hook.secret");
  BOOST_TEST((settings.send == std::vector{notice_about::exemption_ended}));
  BOOST_TEST(settings.default_locale == "de");
  BOOST_TEST(settings.product == "Listener");
  BOOST_TEST(settings.appeal == "https://l.example/appeal");
  BOOST_TEST(settings.timeout_ms == 2'000);
  BOOST_TEST(settings.give_up_after_ms == 2 * day_ms);
  BOOST_TEST((settings.retry_first_ms == 1'000 and settings.retry_most_ms == 2'000));
  BOOST_TEST(settings.concurrency == 3U);
  BOOST_TEST(settings.proxy == "http://p:1");
  BOOST_TEST(settings.ca_file == folder.path() / "ca.pem");
  BOOST_TEST(settings.listen == "[::1]:9464");
  BOOST_TEST(settings.with_engine);
}

BOOST_AUTO_TEST_CASE(a_folder_of_messages_takes_the_place_of_those_that_ship) {
  std::filesystem::create_directory(folder.path() / "texts");
  std::filesystem::copy(samples::source_folder() / "config/messages/de.yaml", folder.path() / "texts/fr.yaml");
  const auto settings = accepted(needed + ", messages: texts, default_locale: fr");
  BOOST_TEST(settings.messages.size() == 1U);
  BOOST_TEST(holds(refused(needed + ", messages: texts"),
                   "notifier.default_locale: there are no messages in 'en', only in fr"));
  folder.write("texts/fr.yaml", "words: {}\n");
  const auto text = refused(needed + ", messages: texts, default_locale: fr");
  BOOST_TEST(holds(text, "texts/fr.yaml:1:1: error: missing key 'misuse'"), text);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_meant_is_refused_at_its_place) {
  const std::pair<std::string, std::string> rows[] = {
      {"product: p, appeal: a", "d.yaml:2:11: error: missing key 'url' in notifier"},
      {"url: 'https://x.example'", "missing key 'product' in notifier"},
      {"url: 'https://x.example', product: '', appeal: a", "notifier.product: is empty"},
      {"url: mailer.example, product: p, appeal: a", "notifier.url: expected the address of a webhook"},
      {"url: 'ftp://x.example', product: p, appeal: a", "notifier.url: expected the address of a webhook"},
      {"url: 'https:///x', product: p, appeal: a", "notifier.url: expected the address of a webhook"},
      {"url: 'http://x:99999', product: p, appeal: a", "notifier.url: expected the address of a webhook"},
      {"url: 'http://[::1', product: p, appeal: a", "notifier.url: expected the address of a webhook"},
      {"url: 'https://:443', product: p, appeal: a", "notifier.url: expected the address of a webhook"},
      {"url: 'https://x:/', product: p, appeal: a", "notifier.url: expected the address of a webhook"},
      {"url: 'https://x:+5/', product: p, appeal: a", "notifier.url: expected the address of a webhook"},
      {"url: 'http://x\\n/', product: p, appeal: a", "notifier.url: expected the address of a webhook"},
      {"url: \"https://x/\\x7f\", product: p, appeal: a", "notifier.url: expected the address of a webhook"},
      {"url: 'https://u:p@x.example/', product: p, appeal: a", "notifier.url: holds a login"},
      {needed + ", secret_file: none", "notifier.secret_file: no such file: "},
      {needed + ", ca_file: none", "notifier.ca_file: no such file: "},
      {needed + ", messages: none", "d.yaml:2:113: error: notifier.messages: no such folder: "},
      {needed + ", messages: live.yaml", "notifier.messages: no such folder: "},
      {needed + ", send: [stages]", "notifier.send: there is no 'stages'; did you mean 'stage'?"},
      {needed + ", send: []", "notifier.send: is empty"},
      {needed + ", default_locale: e", "notifier.default_locale: 'e' is no language"},
      {needed + ", default_locale: fr", "there are no messages in 'fr', only in de, en"},
      {needed + ", retry: {first: 2m, most: 1m}", "notifier.retry.most: is shorter than retry.first"},
      {needed + ", ends_topic: ''", "notifier.ends_topic: '' is not the name of a topic: 1 to 249 letters"},
      {needed + ", ends_topic: 'a b'", "notifier.ends_topic: 'a b' is not the name of a topic"},
      {needed + ", ends_topic: ../x", "notifier.ends_topic: '../x' is not the name of a topic"},
      {needed + ", listen: 9464",
       "notifier.listen: expected address:port with a port up to 65535, such as 127.0.0.1:9464, not '9464'"},
      {needed + ", listen: 'localhost:http'", "notifier.listen: expected address:port"},
      {needed + ", give_up_after: 31d", "notifier.give_up_after: '31d' is out of range"},
      {needed + ", secret: whsec_x", "unknown key 'secret' in notifier"},
  };
  for (const auto& [section, message] : rows) {
    const auto text = refused(section);
    BOOST_TEST(holds(text, message), text);
  }
}

BOOST_AUTO_TEST_CASE(a_webhook_in_the_clear_is_warned_of) {
  const std::string rest = ", product: p, appeal: a";
  accepted("url: 'http://mailer.example/'" + rest);
  BOOST_TEST(holds(said, "warning: notifier.url: users and messages to them can be read on the way"), said);
  accepted("url: 'http://127.0.0.1:8080/'" + rest);
  BOOST_TEST(said == "");
}

BOOST_AUTO_TEST_CASE(a_thread_of_the_engine_is_for_local_mode) {
  loaded(needed + ", with_engine: true", "streams: {kind: kafka, bootstrap: 'b:9092'}\n");
  BOOST_TEST(holds(said, "notifier.with_engine: is for local mode"), said);
}

BOOST_AUTO_TEST_CASE(how_notices_ended_goes_to_a_topic_of_its_own) {
  for (const auto* topic : {"fairuse.events.v1", "fairuse.decisions.v1"}) {
    loaded(needed + ", ends_topic: " + topic, "streams: {kind: kafka, bootstrap: 'b:9092'}\n");
    BOOST_TEST(holds(said, "notifier.ends_topic: '" + std::string{topic} + "' is already a topic of the engine"), said);
  }
}

BOOST_AUTO_TEST_SUITE_END()
