// SPDX-License-Identifier: Apache-2.0
//
// Who asks: by a token of the file of tokens, by a JSON Web Token, or by what a listed proxy says in its headers.
//
//   auto known = identity::open(settings.api, log_line);
//   const auto who = (*known)->check({.authorization = ..., .peer = "127.0.0.1", .uid_header = ...}, now);
//   if (not who) ... 401: who.error().why, and nothing else
//
// Both files are looked at again at most once a second, when somebody asks. An unknown `kid` has the file of keys read
// at once, at most once a minute. A file that is damaged then leaves what it said before in force.
// Threads: check() from any.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/identity/principal.hpp"
#include "base/pure/log_level.hpp"
#include "base/pure/result.hpp"
#include "config/api_settings.hpp"
#include "events/event.hpp"

namespace fairuse {

/// What a request says of who asks. Nothing of a URL or a body is among it.
struct credentials {
  /// Value of the header; empty: there is none.
  std::string_view authorization;
  /// The other end of the connection, without port.
  std::string_view peer;
  /// Values of the headers that `proxies` names. REQUIRES: a header that is there twice was refused.
  std::optional<std::string_view> uid_header;
  std::optional<std::string_view> roles_header;
  /// False: no signature is checked, because this one has brought too many wrong ones; tokens that are known are taken.
  bool verifies = true;
};

class identity {
public:
  /// From any thread.
  using log_function = std::function<void(log_level, const std::string&)>;

  /// An error: a file cannot be read or is refused, with its place and the remedy.
  static result<std::unique_ptr<identity>> open(const api_settings& settings, const log_function& log);
  ~identity();
  identity(const identity&) = delete;
  identity& operator=(const identity&) = delete;

  /// `Authorization` counts first. Where a listed proxy names somebody, too, it must be the same user with the same
  /// roles. `now`: the wall clock.
  result<principal, identity_refusal> check(const credentials& of, time_ms now) const;

private:
  struct body;
  explicit identity(std::unique_ptr<body> all);
  std::unique_ptr<body> body_;
};

} // namespace fairuse
