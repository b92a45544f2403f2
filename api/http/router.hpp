// SPDX-License-Identifier: Apache-2.0
//
// Which target a request is for: a table of methods and path templates. Built once, then read by any thread.
//
//   const router<operation> routes{{{http_method::get, "/v1/cases/{reference}", operation::show_case},
//                                   {http_method::post, "/v1/gate", operation::ask_gate}}};
//   const auto found = routes.find(request);
//   if (not found) return respond(found.error());
//   perform(found->target, found->values);
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http/http_message.hpp"
#include "base/pure/result.hpp"

namespace fairuse {

/// INTERNAL. The segments of `path` that stand where `path_template` has `{name}`, in order; nullopt: it does not
/// match. An empty segment fits no name.
std::optional<std::vector<std::string>> match_path(std::string_view path_template, std::string_view path);

/// INTERNAL. 404, or 405 with `Allow` if `allowed` has any method.
http_reply no_route(const http_request& request, const std::vector<http_method>& allowed);

template <class Target>
class router {
public:
  struct route {
    http_method method;
    /// `{name}` is a whole segment. Nobody reads the name: values come in order.
    std::string path_template;
    Target target;
  };
  struct match {
    Target target;
    std::vector<std::string> values;
  };

  /// The first route that fits counts, so those without names stand before those with names.
  explicit router(std::vector<route> routes) : routes_{std::move(routes)} {}

  /// HEAD finds the route of GET. The error is the reply: 404, or 405 with `Allow`.
  result<match, http_reply> find(const http_request& request) const {
    const auto method = request.method == http_method::head ? http_method::get : request.method;
    std::vector<http_method> allowed;
    for (const auto& each : routes_) {
      auto values = match_path(each.path_template, request.path);
      if (not values) continue;
      if (each.method == method) return match{each.target, std::move(*values)};
      allowed.push_back(each.method);
    }
    return no_route(request, allowed);
  }

private:
  std::vector<route> routes_;
};

} // namespace fairuse
