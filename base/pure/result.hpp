// SPDX-License-Identifier: Apache-2.0
//
// A value or an error. Every function that can fail returns one, and nothing else reports an error.
#pragma once

#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include <tl/expected.hpp>

namespace fairuse {

/// What went wrong, for a person. A module whose callers tell its errors apart has an error type of its own.
struct error {
  std::string message;
  /// The system's error; std::errc{}: it was not the system.
  std::errc cause{};
};

/// tl::expected that the caller must check, made from a value or from an error alike:
///
///   result<port> parse_port(std::string_view text) {
///     if (const auto number = parse_number<std::uint16_t>(text)) return port{*number};
///     return error{"not a port"};
///   }
///
/// A result<void> is made with `return {};`. REQUIRES of * and ->: it holds a value; of error(): it holds none.
/// Of tl::expected's chains, and_then() and or_else() do not take functions that return a result; write `if (not made)
/// return made.error();`.
template <class T, class E = error>
class [[nodiscard]] result : public tl::expected<T, E> {
  static_assert(not std::is_convertible_v<E, T>, "an error must not be mistaken for a value");

public:
  using tl::expected<T, E>::expected;
  result() = default;
  result(E why) : tl::expected<T, E>(tl::unexpect, std::move(why)) {}
  result(tl::expected<T, E> from) : tl::expected<T, E>(std::move(from)) {}
};

} // namespace fairuse
