// SPDX-License-Identifier: Apache-2.0
#include "api/identity/jwt.hpp"

#include <cmath>
#include <optional>

#include "api/identity/strict_json.hpp"

namespace fairuse {

namespace {

namespace dom = simdjson::dom;

/// 9999-12-31: later ones are milliseconds that were taken for seconds.
constexpr double jwt_seconds_max = 253'402'300'799;

/// A claim that is a time, which may have a fraction of a second; nullopt: it is something else.
std::optional<time_ms> jwt_time(const dom::object& claims, std::string_view name) {
  double seconds = 0;
  if (claims.at_key(name).get(seconds) != simdjson::SUCCESS or not(seconds >= 0 and seconds <= jwt_seconds_max))
    return std::nullopt;
  return static_cast<time_ms>(std::floor(seconds * 1'000));
}

/// When it ends.
result<time_ms, identity_refusal> check_times(const dom::object& claims, time_ms now) {
  const auto ends = jwt_time(claims, "exp");
  if (not ends) return invalid_identity("there is no `exp`, or it is no time in seconds");
  if (now >= *ends + jwt_skew_ms) return identity_refusal{no_identity::expired, "`exp` is over"};
  for (const std::string_view name : {"nbf", "iat"}) {
    if (not has_member(claims, name)) continue;
    const auto begins = jwt_time(claims, name);
    if (not begins) return invalid_identity("`nbf` or `iat` is no time in seconds");
    if (now < *begins - jwt_skew_ms) return invalid_identity("`nbf` or `iat` is to come");
  }
  return *ends + jwt_skew_ms;
}

bool is_for(const dom::object& claims, std::string_view audience) {
  dom::array all;
  if (claims.at_key("aud").get(all) != simdjson::SUCCESS) return strict_text(claims, "aud") == audience;
  bool is_there = false;
  for (const auto& each : all) {
    std::string_view text;
    if (each.get(text) != simdjson::SUCCESS) return false;
    is_there = is_there or text == audience;
  }
  return is_there;
}

/// Nullopt: the claim is neither a list of texts nor a text.
std::optional<role_set> roles_in(const dom::object& claims, const std::string& claim) {
  if (not has_member(claims, claim)) return role_set{};
  if (const auto text = strict_text(claims, claim)) return known_roles_in(*text);
  dom::array all;
  if (claims.at_key(claim).get(all) != simdjson::SUCCESS) return std::nullopt;
  role_set roles;
  for (const auto& each : all) {
    std::string_view text;
    if (each.get(text) != simdjson::SUCCESS) return std::nullopt;
    if (const auto which = role_from(text)) roles.add(*which);
  }
  return roles;
}

} // namespace

result<jwt_claims, identity_refusal> read_claims(std::string_view payload, const jwt_settings& settings, time_ms now) {
  dom::parser parser;
  const auto claims = read_strict_object(parser, payload);
  if (not claims) return invalid_identity("the payload is no JSON object, or has a name twice");
  if (strict_text(*claims, "iss") != settings.issuer) return invalid_identity("`iss` is not the configured one");
  if (not is_for(*claims, settings.audience)) return invalid_identity("`aud` is not the configured one");
  const auto ends_at = check_times(*claims, now);
  if (not ends_at) return ends_at.error();
  auto roles = roles_in(*claims, settings.roles_claim);
  if (not roles) return invalid_identity("the claim of the roles is neither a list of texts nor a text");
  if (roles->empty()) roles->add(role::user);
  // A service's token may lack the claim that names users.
  const bool names_user = has_member(*claims, settings.uid_claim);
  if (roles->has(role::user) and not names_user) return invalid_identity("there is no claim that names the user");
  const auto name = strict_text(*claims, names_user ? settings.uid_claim : "sub");
  if (not name or not is_asking_uid(*name))
    return invalid_identity("what names the user is no id: 1 to 250 bytes of text");
  return jwt_claims{std::string{*name}, *roles, *ends_at};
}

} // namespace fairuse
