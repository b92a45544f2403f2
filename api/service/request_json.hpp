// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. The members of a request's body, read strictly: what is missing, of another type or unknown
// is refused with its name.
//
//   request_json from{request};
//   from.uid("uid", asked.uid);
//   if (auto wrong = from.finish()) return std::move(*wrong);
//
// Threads: one; one at a time on a thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "api/http/http_message.hpp"

namespace fairuse {

class request_json {
public:
  /// `request` outlives this.
  explicit request_json(const http_request& request);

  /// An id of a user: not empty, not `*`, no control characters.
  void uid(std::string_view name, std::string& into);
  template <class Value>
  void one_of(std::string_view name, std::optional<Value> (*from)(std::string_view), std::string_view expected,
              Value& into) {
    const auto text = required_text(name);
    if (not text) return;
    if (const auto value = from(*text))
      into = *value;
    else
      refuse(name, std::string("must be ").append(expected));
  }
  /// A whole number from 0 on.
  void optional_count(std::string_view name, std::int64_t most, std::int64_t& into);
  void optional_text(std::string_view name, std::size_t bytes_max, std::string& into);

  /// A problem for the client, if something was wrong or a member is unknown.
  std::optional<http_reply> finish();

private:
  std::optional<simdjson::dom::element> find(std::string_view name);
  std::optional<std::string_view> required_text(std::string_view name);
  void refuse(std::string_view name, std::string_view why);

  simdjson::dom::object object_;
  bool is_object_ = false;
  std::vector<std::string_view> known_;
  std::optional<http_reply> wrong_;
};

} // namespace fairuse
