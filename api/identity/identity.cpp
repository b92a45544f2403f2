// SPDX-License-Identifier: Apache-2.0
#include "api/identity/identity.hpp"

#include <algorithm>
#include <utility>

#include "api/identity/jwk_set.hpp"
#include "api/identity/jws.hpp"
#include "api/identity/jwt.hpp"
#include "api/identity/token.hpp"
#include "api/identity/token_file.hpp"
#include "api/identity/verified_tokens.hpp"
#include "api/identity/watched_file.hpp"
#include "base/pure/text.hpp"
#include "base/system/ip_range.hpp"

namespace fairuse {

namespace {

/// A principal, and whom it is about: a user, a person of the staff or a service. Two kinds of credentials agree iff
/// they say the same of it.
struct recognized {
  principal who;
  std::string subject;
};
using recognition = result<recognized, identity_refusal>;

recognized named(std::string_view kind, std::string name, role_set roles) {
  return {.who = {.actor = std::string{kind} + name, .uid = roles.has(role::user) ? name : "", .roles = roles},
          .subject = std::move(name)};
}

/// Of `Bearer TOKEN`; nullopt: it is something else.
std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "Bearer ";
  if (not equal_ignoring_case(authorization.substr(0, scheme.size()), scheme)) return std::nullopt;
  auto token = authorization.substr(scheme.size());
  token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
  if (token.empty()) return std::nullopt;
  return token;
}

} // namespace

struct identity::body {
  std::unique_ptr<watched_file<token_file>> tokens;
  std::unique_ptr<watched_file<jwk_set>> keys;
  mutable verified_tokens verified;
  jwt_settings jwt;
  proxy_settings proxies;

  recognition by_token(std::string_view token, time_ms now) const {
    if (not is_token(token))
      return invalid_identity("it is no token of ours: 43 to 512 characters of base64url, and no JWT");
    if (not tokens) return invalid_identity("it looks like a token of a file, and api.tokens names none");
    const auto known = tokens->content(now);
    const auto* found = known->find(token);
    if (found == nullptr) return invalid_identity("no such token is in the file");
    return recognized{.who = {.actor = found->name, .uid = found->uid, .roles = found->roles},
                      .subject = found->uid.empty() ? found->name : found->uid};
  }

  recognition by_jwt(std::string_view token, bool verifies, time_ms now) const {
    if (not keys) return invalid_identity("it looks like a JWT, and there is no api.jwt");
    auto known = keys->content(now);
    auto claims = verified.find(token, known, now);
    if (not claims) {
      if (not verifies) return invalid_identity("its signature was not checked");
      auto payload = read_jws(token, *known);
      if (not payload and payload.error().is_unknown_key)
        if (auto newer = keys->newer_than(known, now)) {
          known = std::move(newer);
          payload = read_jws(token, *known);
        }
      if (not payload) return invalid_identity(payload.error().detail);
      const auto read = read_claims(*payload, jwt, now);
      if (not read) return read.error();
      verified.add(token, *read, known, now);
      claims = *read;
    }
    return named("jwt:", std::move(claims->name), claims->roles);
  }

  recognition by_authorization(const credentials& of, time_ms now) const {
    const auto token = bearer_token(of.authorization);
    if (not token) return invalid_identity("Authorization is not `Bearer TOKEN`");
    return token->find('.') == std::string_view::npos ? by_token(*token, now) : by_jwt(*token, of.verifies, now);
  }

  bool is_proxy(std::string_view peer) const {
    const auto address = ip_address_from(peer);
    return address and std::any_of(proxies.addresses.begin(), proxies.addresses.end(), [&](const ip_range& each) {
             return each.contains(*address);
           });
  }

  /// Nullopt: no proxy says anything. Headers of anybody else are not looked at.
  std::optional<recognition> by_proxy(const credentials& of) const {
    const auto uid = of.uid_header.value_or("");
    if (uid.empty() or not is_proxy(of.peer)) return std::nullopt;
    if (not is_asking_uid(uid))
      return invalid_identity("the proxy's header of the user is no id: 1 to 250 bytes of text");
    auto roles = known_roles_in(of.roles_header.value_or(""));
    if (roles.empty()) roles.add(role::user);
    return named("proxy:", std::string{uid}, roles);
  }
};

identity::identity(std::unique_ptr<body> all) : body_{std::move(all)} {}
identity::~identity() = default;

result<std::unique_ptr<identity>> identity::open(const api_settings& settings, const log_function& log) {
  auto made = std::make_unique<body>();
  made->jwt = settings.jwt;
  made->proxies = settings.proxies;
  if (not settings.tokens.empty()) {
    auto opened = watched_file<token_file>::open(settings.tokens, token_file::parse, log);
    if (not opened) return opened.error();
    made->tokens = std::move(*opened);
  }
  if (not settings.jwt.jwks.empty()) {
    auto opened = watched_file<jwk_set>::open(settings.jwt.jwks, jwk_set::parse, log);
    if (not opened) return opened.error();
    made->keys = std::move(*opened);
  }
  return std::unique_ptr<identity>{new identity{std::move(made)}};
}

result<principal, identity_refusal> identity::check(const credentials& of, time_ms now) const {
  auto proxied = body_->by_proxy(of);
  if (of.authorization.empty() and not proxied)
    return identity_refusal{no_identity::missing, "there is neither Authorization nor a header of a listed proxy"};
  if (proxied and not *proxied) return proxied->error();
  if (of.authorization.empty()) return std::move((*proxied)->who);
  auto asked = body_->by_authorization(of, now);
  if (not asked) return asked.error();
  if (proxied and ((*proxied)->subject != asked->subject or (*proxied)->who.roles != asked->who.roles))
    return invalid_identity("Authorization and the proxy's headers name two");
  return std::move(asked->who);
}

} // namespace fairuse
