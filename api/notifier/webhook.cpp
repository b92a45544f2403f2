// SPDX-License-Identifier: Apache-2.0
#include "api/notifier/webhook.hpp"

#include <optional>

#include "base/pure/base64.hpp"
#include "base/pure/text.hpp"
#include "base/system/files.hpp"
#include "base/system/hmac.hpp"
#include "base/system/sha256.hpp"
#include "config/notifier_settings.hpp"
#include "events/json_text.hpp"

namespace fairuse {

namespace {

constexpr std::string_view secret_prefix = "whsec_";
constexpr std::size_t secret_bytes_min = 24;
constexpr std::size_t secret_bytes_max = 64;
constexpr std::size_t id_digits = 32;

std::optional<std::string> secret_from(std::string_view word) {
  // Keys of another kind of signature.
  if (word.starts_with("whsk_") or word.starts_with("whpk_")) return std::nullopt;
  auto bytes = word.starts_with(secret_prefix) ? from_base64(word.substr(secret_prefix.size()))
                                               : std::optional{std::string{word}};
  if (bytes and (bytes->size() < secret_bytes_min or bytes->size() > secret_bytes_max)) bytes.reset();
  return bytes;
}

std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  std::vector<std::string_view> words;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
    if (text.empty()) return words;
    words.push_back(text.substr(0, text.find_first_of(space)));
    text.remove_prefix(words.back().size());
  }
}

std::string signature(std::string_view id, std::string_view timestamp, std::string_view body, const std::string& key) {
  hmac_sha256 code{key};
  for (const auto part : {id, std::string_view{"."}, timestamp, std::string_view{"."}, body})
    code.add(part);
  return "v1," + to_base64(as_bytes(code.finish()));
}

void append_sums(std::string& out, const notice& what) {
  char separator = '{';
  for (const auto& [window, ms] : what.sums_ms) {
    out += separator;
    separator = ',';
    append_json(out, window);
    out += ':';
    append_json(out, ms);
  }
  out += '}';
}

void append_data(std::string& out, const notice& what, const notice_text& words) {
  out += '{';
  json_members to{out};
  to.text("id", what.id);
  to.text("decision", what.decision);
  to.text("user", what.uid);
  to.text("about", to_text(what.about));
  const bool is_stage = what.about == notice_about::stage;
  if (is_stage or what.at != stage::none) to.text("stage", to_text(what.at));
  if (is_stage) to.text("wording", to_text(what.words));
  if (what.type != usage_type::none) to.text("usage_type", to_text(what.type));
  to.optional_text("case", what.case_reference);
  to.optional_time("until", what.until);
  if (not what.sums_ms.empty()) append_sums(to.member("sums_ms"), what);
  if (what.about == notice_about::budget_low or what.about == notice_about::budget_exhausted) {
    to.integer("used_ms", what.used_ms);
    to.integer("budget_ms", what.budget_ms);
  }
  to.text("locale", words.locale);
  to.optional_text("time_zone", what.time_zone);
  to.text("subject", words.subject);
  to.text("text", words.text);
  out += '}';
}

} // namespace

result<webhook_secrets> webhook_secrets_from(std::string_view text, std::string_view where) {
  webhook_secrets secrets;
  for (const auto word : words_of(value_alone(text))) {
    auto secret = secret_from(word);
    if (not secret)
      return error{std::string{where}
                   + " holds no webhook secret: write whsec_ and the base64 of 24 to 64 bytes, or as many characters"};
    secrets.push_back(std::move(*secret));
  }
  if (secrets.empty()) return error{std::string{where} + " holds no webhook secret: it is empty"};
  if (secrets.size() > 2) return error{std::string{where} + " holds more than two webhook secrets"};
  return secrets;
}

result<webhook_secrets> find_webhook_secrets(const std::filesystem::path& file, std::string_view variable) {
  if (not file.empty()) {
    const auto text = read_file(file);
    if (not text) return text.error();
    return webhook_secrets_from(*text, file.string());
  }
  if (variable.empty())
    return error{std::string{"there is no webhook secret: name a file in notifier.secret_file, or set "}
                 + webhook_secret_variable};
  return webhook_secrets_from(variable, webhook_secret_variable);
}

std::string webhook_id(std::string_view source, const notice& of) {
  std::string all{source};
  for (const std::string_view part : {std::string_view{of.decision}, std::string_view{of.uid}})
    all.append(1, '\0').append(part);
  all.append(1, '\0').append(std::to_string(of.decided_at));
  return "ntf_" + sha256_hex(all).substr(0, id_digits);
}

std::string webhook_body(const notice& what, const notice_text& words) {
  std::string out = "{";
  json_members to{out};
  to.text("type", "fairuse.notification");
  to.time("timestamp", what.decided_at);
  append_data(to.member("data"), what, words);
  out += '}';
  return out;
}

std::vector<std::string> webhook_headers(std::string_view id, time_ms at, std::string_view body,
                                         const webhook_secrets& secrets) {
  const auto timestamp = std::to_string(at / 1'000);
  std::string signatures;
  for (const auto& each : secrets)
    signatures.append(signatures.empty() ? "" : " ").append(signature(id, timestamp, body, each));
  return {"content-type: application/json", "webhook-id: " + std::string{id}, "webhook-timestamp: " + timestamp,
          "webhook-signature: " + signatures};
}

} // namespace fairuse
