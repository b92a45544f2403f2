// SPDX-License-Identifier: Apache-2.0
#include "api/identity/jws.hpp"

#include <array>
#include <optional>

#include "api/identity/strict_json.hpp"
#include "base/pure/base64.hpp"
#include "base/pure/text.hpp"

namespace fairuse {

namespace {

constexpr std::size_t header_characters_max = 2'048;

struct jws_header {
  std::string algorithm;
  std::optional<std::string> key_id;
};

/// HEADER, PAYLOAD and SIGNATURE; nullopt: they are not three.
std::optional<std::array<std::string_view, 3>> parts_of(std::string_view compact) {
  const auto first = compact.find('.');
  const auto last = compact.rfind('.');
  if (first == last or compact.find('.', first + 1) != last) return std::nullopt;
  return std::array{compact.substr(0, first), compact.substr(first + 1, last - first - 1), compact.substr(last + 1)};
}

/// What a token for somebody who asks is called, if it is called anything: others of the issuer's are for other ends,
/// such as the end of a session.
bool is_access_type(std::string_view type) {
  constexpr std::string_view prefix = "application/";
  if (equal_ignoring_case(type.substr(0, prefix.size()), prefix)) type.remove_prefix(prefix.size());
  return equal_ignoring_case(type, "JWT") or equal_ignoring_case(type, "at+jwt");
}

result<jws_header, jws_refusal> read_header(std::string_view part) {
  simdjson::dom::parser parser;
  const auto text = part.size() <= header_characters_max ? from_base64url(part) : std::nullopt;
  const auto header = text ? read_strict_object(parser, *text) : std::nullopt;
  if (not header) return jws_refusal{"the header is no JSON object in base64url, or too long"};
  // Extensions that must be understood; none is.
  if (has_member(*header, "crit")) return jws_refusal{"the header has `crit`"};
  if (has_member(*header, "typ") and not is_access_type(strict_text(*header, "typ").value_or("")))
    return jws_refusal{"the header's `typ` is neither JWT nor at+jwt"};
  const auto algorithm = strict_text(*header, "alg");
  if (not algorithm) return jws_refusal{"the header has no `alg`"};
  const auto id = strict_text(*header, "kid");
  if (has_member(*header, "kid") and not id) return jws_refusal{"the header's `kid` is no text"};
  return jws_header{std::string{*algorithm}, id ? std::optional<std::string>{*id} : std::nullopt};
}

} // namespace

result<std::string, jws_refusal> read_jws(std::string_view compact, const jwk_set& keys) {
  const auto parts = compact.size() <= jws_characters_max ? parts_of(compact) : std::nullopt;
  if (not parts) return jws_refusal{"it has not three parts, or is too long"};
  const auto header = read_header((*parts)[0]);
  if (not header) return header.error();
  if (header->algorithm != to_text(signature_kind::rs256) and header->algorithm != to_text(signature_kind::es256))
    return jws_refusal{"`alg` is neither RS256 nor ES256"};
  const auto* key = keys.find(header->key_id);
  if (key == nullptr)
    return header->key_id ? jws_refusal{"no key has its `kid`", true}
                          : jws_refusal{"it has no `kid`, and keys are many"};
  if (header->algorithm != to_text(key->kind())) return jws_refusal{"`alg` is not that of the key"};
  const auto payload = from_base64url((*parts)[1]);
  const auto signature = from_base64url((*parts)[2]);
  if (not payload or not signature) return jws_refusal{"payload or signature is no base64url"};
  if (not key->verifies(compact.substr(0, compact.rfind('.')), *signature))
    return jws_refusal{"the signature is wrong"};
  return *payload;
}

} // namespace fairuse
