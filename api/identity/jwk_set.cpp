// SPDX-License-Identifier: Apache-2.0
#include "api/identity/jwk_set.hpp"

#include <algorithm>
#include <utility>

#include "api/identity/strict_json.hpp"
#include "base/pure/base64.hpp"
#include "base/pure/text.hpp"

namespace fairuse {

namespace {

namespace dom = simdjson::dom;

/// Members of a private or a secret key.
constexpr std::string_view secret_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

/// Absent is what it would be.
bool says(const dom::object& key, std::string_view name, std::string_view wanted) {
  return not has_member(key, name) or strict_text(key, name) == wanted;
}

/// Empty: a key for other ends.
std::optional<signature_kind> kind_of(const dom::object& key) {
  const auto kty = strict_text(key, "kty");
  const auto kind = kty == "RSA" ? signature_kind::rs256 : signature_kind::es256;
  if (kty != "RSA" and (kty != "EC" or strict_text(key, "crv") != "P-256")) return std::nullopt;
  if (not says(key, "use", "sig") or not says(key, "alg", to_text(kind))) return std::nullopt;
  dom::array uses;
  if (key.at_key("key_ops").get(uses) != simdjson::SUCCESS) return kind;
  const bool is_for_us = std::any_of(uses.begin(), uses.end(), [](const dom::element& each) {
    std::string_view text;
    return each.get(text) == simdjson::SUCCESS and text == "verify";
  });
  return is_for_us ? std::optional{kind} : std::nullopt;
}

/// Bytes of a member; empty: there is none, or it is no base64url.
std::string bytes_in(const dom::object& key, std::string_view name) {
  return from_base64url(strict_text(key, name).value_or("")).value_or("");
}

result<verifying_key> key_from(const dom::object& from, signature_kind kind) {
  if (kind == signature_kind::rs256) {
    const auto key = verifying_key::rsa(bytes_in(from, "n"), bytes_in(from, "e"));
    if (key) return *key;
    return error{"n and e are no RSA key of 2048 to 8192 bits in base64url; ask the issuer for such a one"};
  }
  const auto key = verifying_key::p256(bytes_in(from, "x"), bytes_in(from, "y"));
  if (key) return *key;
  return error{"x and y are no point of P-256, each 32 bytes in base64url"};
}

result<dom::array> keys_in(dom::parser& parser, std::string_view text) {
  dom::array keys;
  const auto root = read_strict_object(parser, text);
  if (not root) return error{"is no JSON object, or has a name twice"};
  if (root->at_key("keys").get(keys) != simdjson::SUCCESS)
    return error{"has no list `keys`; expected a JWK set (RFC 7517)"};
  return keys;
}

} // namespace

result<void> jwk_set::add(const dom::object& from) {
  for (const auto name : secret_members)
    if (has_member(from, name))
      return error{"holds a secret (`" + std::string{name} + "`); keep only the public half here, and change the key"};
  const auto id = strict_text(from, "kid");
  if (has_member(from, "kid") and not id) return error{"`kid` is no text"};
  const auto kind = kind_of(from);
  if (not kind) return {};
  auto key = key_from(from, *kind);
  if (not key) return key.error();
  if (id and find(id) != nullptr) return error{"has the `kid` of another key"};
  all_.push_back({id ? std::optional<std::string>{*id} : std::nullopt, std::move(*key)});
  return {};
}

result<jwk_set> jwk_set::parse(std::string_view text, const std::string& file) {
  dom::parser parser;
  const auto keys = keys_in(parser, without_byte_order_mark(text));
  if (not keys) return error{file + ": " + keys.error().message};
  jwk_set made;
  std::size_t index = 0;
  for (const auto& each : *keys) {
    dom::object from;
    const auto added = each.get(from) == simdjson::SUCCESS ? made.add(from) : error{"is no object"};
    if (not added) return error{file + ": keys[" + std::to_string(index) + "]: " + added.error().message};
    ++index;
  }
  if (made.all_.empty()) return error{file + ": has no key for RS256 or ES256 signatures"};
  return made;
}

const verifying_key* jwk_set::find(std::optional<std::string_view> id) const {
  if (not id) return all_.size() == 1 ? &all_.front().key : nullptr;
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const named_key& each) { return each.id == id; });
  return found == all_.end() ? nullptr : &found->key;
}

} // namespace fairuse
