// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/identity. JSON that decides who somebody is: what two readers could take for different things is
// refused.
// Threads: a parser belongs to one.
#pragma once

#include <optional>
#include <string_view>

#include <simdjson.h>

namespace fairuse {

/// The object that `text` is; nullopt: it is no JSON object, a name is twice in one object, a text is no UTF-8 (half of
/// a surrogate pair included), a byte order mark is before it, or it is nested deeper than 16. Lives as long as the
/// parser does not read another.
std::optional<simdjson::dom::object> read_strict_object(simdjson::dom::parser& parser, std::string_view text);

/// A member that is a text; nullopt: there is none, or it is something else.
std::optional<std::string_view> strict_text(const simdjson::dom::object& of, std::string_view name);

inline bool has_member(const simdjson::dom::object& of, std::string_view name) {
  return of.at_key(name).error() == simdjson::SUCCESS;
}

} // namespace fairuse
