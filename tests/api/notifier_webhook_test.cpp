// SPDX-License-Identifier: Apache-2.0

#include <boost/test/unit_test.hpp>

#include "api/notifier/webhook.hpp"
#include "events/time_text.hpp"
#include "tests/test_folder.hpp"

using namespace fairuse;

namespace {

const std::string raw = "abcdefghijklmnopqrstuvwx";
const std::string encoded = "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4";

std::string refusal_of_secret(std::string_view text) {
  const auto read = webhook_secrets_from(text, "hook.secret");
  BOOST_REQUIRE_MESSAGE(not read, text);
  return read.error().message;
}

} // namespace

BOOST_AUTO_TEST_SUITE(webhooks)

// The sample of the specification's own libraries.
BOOST_AUTO_TEST_CASE(the_signature_is_that_of_standard_webhooks) {
  const auto secrets = *webhook_secrets_from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "x");
  const auto headers =
      webhook_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1'614'265'330'999, R"({"test": 2432232314})", secrets);
  const std::vector<std::string> wanted{"content-type: application/json", "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek",
                                        "webhook-timestamp: 1614265330",
                                        "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="};
  BOOST_TEST(headers == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(two_secrets_make_two_signatures) {
  const auto signature_by = [](const webhook_secrets& secrets) {
    return webhook_headers("ntf_1", 1'000, "{}", secrets).back().substr(std::string_view{"webhook-signature: "}.size());
  };
  const std::string other = "another-secret-that-is-long-enough";
  BOOST_TEST(signature_by({raw, other}) == signature_by({raw}) + " " + signature_by({other}));
}

BOOST_AUTO_TEST_CASE(a_secret_is_base64_or_a_text_as_it_is) {
  BOOST_TEST((*webhook_secrets_from(encoded, "x") == webhook_secrets{raw}));
  BOOST_TEST((*webhook_secrets_from("\xEF\xBB\xBF" + raw + "\r\n", "x") == webhook_secrets{raw}));
  const auto second = std::string(64, 'y');
  BOOST_TEST((*webhook_secrets_from(" " + encoded + "\n" + second + "\n", "x") == webhook_secrets{raw, second}));
}

BOOST_AUTO_TEST_CASE(what_is_no_secret_is_refused_without_being_shown) {
  const std::string no_secret =
      "hook.secret holds no webhook secret: write whsec_ and the base64 of 24 to 64 bytes, or as "
      "many characters";
  for (const auto& text : {std::string{"short"}, std::string{"whsec_"}, std::string{"whsec_YWJj"}, std::string(65, 'x'),
                           "whsk_" + raw, "whpk_" + raw, "whsec_" + std::string(40, '!')})
    BOOST_TEST(refusal_of_secret(text) == no_secret);
  BOOST_TEST(refusal_of_secret(" \n") == "hook.secret holds no webhook secret: it is empty");
  BOOST_TEST(refusal_of_secret(raw + "\n" + raw + "\n" + raw) == "hook.secret holds more than two webhook secrets");
}

BOOST_AUTO_TEST_CASE(a_file_comes_before_the_variable) {
  const test_folder folder;
  const auto file = folder.write("hook.secret", encoded + "\n");
  BOOST_TEST((*find_webhook_secrets(file, std::string(30, 'v')) == webhook_secrets{raw}));
  BOOST_TEST((*find_webhook_secrets({}, std::string(30, 'v')) == webhook_secrets{std::string(30, 'v')}));
  const auto none = find_webhook_secrets({}, "");
  BOOST_REQUIRE(not none);
  BOOST_TEST(none.error().message
             == "there is no webhook secret: name a file in notifier.secret_file, or set FAIRUSE_WEBHOOK_SECRET");
  BOOST_TEST(not find_webhook_secrets(folder.file("none"), encoded));
}

BOOST_AUTO_TEST_CASE(an_id_is_that_of_one_decision_whatever_store_made_it) {
  const notice one{.decision = "0-17-1", .uid = "u-17", .decided_at = 1'000};
  const auto id = webhook_id("fairuse/eu", one);
  BOOST_TEST(id == webhook_id("fairuse/eu", one));
  BOOST_TEST(id != webhook_id("fairuse/us", one));
  // A new store counts its decisions from the beginning.
  BOOST_TEST(id != webhook_id("fairuse/eu", {.decision = "0-17-2", .uid = "u-17", .decided_at = 1'000}));
  BOOST_TEST(id != webhook_id("fairuse/eu", {.decision = "0-17-1", .uid = "u-18", .decided_at = 1'000}));
  BOOST_TEST(id != webhook_id("fairuse/eu", {.decision = "0-17-1", .uid = "u-17", .decided_at = 1'001}));
  // Receivers remember it: never change how it is made.
  BOOST_TEST(id == "ntf_12ba86f59ebd78a14888eecadeb4387c");
}

BOOST_AUTO_TEST_CASE(the_body_says_all_that_is_known) {
  notice what{.id = "ntf_1",
              .decision = "0-17-1",
              .uid = "u-\"17",
              .at = stage::throttle,
              .words = wording::credits,
              .type = usage_type::free_exhausted,
              .sums_ms = {{"daily", 7'200'001}, {"weekly", 9}},
              .case_reference = "FU-0123456789AB",
              .decided_at = *time_from("2026-03-01T10:00:00Z"),
              .until = *time_from("2026-03-08T10:00:00Z"),
              .time_zone = "Europe/Berlin"};
  const notice_text words{.locale = "de", .subject = "S", .text = "A\n\nB"};
  BOOST_TEST(webhook_body(what, words)
             == R"({"type":"fairuse.notification","timestamp":"2026-03-01T10:00:00.000Z","data":{"id":"ntf_1",)"
                R"("decision":"0-17-1","user":"u-\"17","about":"stage","stage":"throttle","wording":"credits",)"
                R"("usage_type":"free_exhausted","case":"FU-0123456789AB","until":"2026-03-08T10:00:00.000Z",)"
                R"("sums_ms":{"daily":7200001,"weekly":9},"locale":"de","time_zone":"Europe/Berlin","subject":"S",)"
                R"("text":"A\n\nB"}})");
}

BOOST_AUTO_TEST_CASE(the_body_leaves_out_what_is_not_known) {
  const notice_text words{.locale = "en", .subject = "S", .text = "T"};
  const notice low{.id = "ntf_1",
                   .decision = "0-1-1",
                   .uid = "u",
                   .about = notice_about::budget_low,
                   .at = stage::restrict,
                   .used_ms = 1,
                   .budget_ms = 2};
  BOOST_TEST(webhook_body(low, words)
             == R"({"type":"fairuse.notification","timestamp":"1970-01-01T00:00:00.000Z","data":{"id":"ntf_1",)"
                R"("decision":"0-1-1","user":"u","about":"budget_low","stage":"restrict","used_ms":1,"budget_ms":2,)"
                R"("locale":"en","subject":"S","text":"T"}})");
  const notice ended{.id = "ntf_1", .decision = "0-1-1", .uid = "u", .about = notice_about::exemption_ended};
  BOOST_TEST(webhook_body(ended, words)
             == R"({"type":"fairuse.notification","timestamp":"1970-01-01T00:00:00.000Z","data":{"id":"ntf_1",)"
                R"("decision":"0-1-1","user":"u","about":"exemption_ended","locale":"en","subject":"S","text":"T"}})");
}

BOOST_AUTO_TEST_SUITE_END()
