// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api. Members of a parsed object that may be missing, or of another type than ours.
// Pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "events/time_text.hpp"

namespace fairuse {

/// Empty: there is no such text.
template <class Json>
std::string text_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() and found->is_string() ? found->template get<std::string>() : std::string{};
}

/// 0: there is no such whole number.
template <class Json>
std::int64_t number_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() and found->is_number_integer() ? found->template get<std::int64_t>() : 0;
}

/// False: there is no such truth value.
template <class Json>
bool truth_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() and found->is_boolean() and found->template get<bool>();
}

template <class Json>
time_ms time_in(const Json& object, const char* name, time_ms otherwise) {
  return time_from(text_in(object, name)).value_or(otherwise);
}

} // namespace fairuse
