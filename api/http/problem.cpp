// SPDX-License-Identifier: Apache-2.0
#include "api/http/problem.hpp"

#include <boost/beast/http/status.hpp>

#include "events/json_text.hpp"

namespace fairuse {

namespace {

struct append_value {
  json_members& into;
  std::string_view name;

  void operator()(std::int64_t value) const { into.integer(name, value); }
  void operator()(const std::string& value) const { into.text(name, value); }
  void operator()(const problem_time& value) const { into.time(name, value.at); }
};

} // namespace

std::string_view status_phrase(int status) {
  namespace http = boost::beast::http;
  const auto phrase = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  return {phrase.data(), phrase.size()};
}

http_reply problem(int status, std::string_view reason, std::string_view detail,
                   const std::vector<problem_member>& members) {
  http_reply made{.status = status, .content_type = std::string{problem_type}, .headers = {}, .body = "{"};
  json_members into{made.body};
  into.text("type", "about:blank");
  into.text("title", status_phrase(status));
  into.integer("status", status);
  into.text("detail", detail);
  into.text("reason", reason);
  for (const auto& each : members)
    std::visit(append_value{into, each.name}, each.value);
  made.body += '}';
  return made;
}

http_reply internal_problem() {
  return problem(500, "internal_error", "the server could not answer; its operator finds the reason by the trace id");
}

void add_trace_id(http_reply& reply, std::string_view trace_id) {
  if (reply.content_type != problem_type or not reply.body.ends_with('}')) return;
  reply.body.pop_back();
  json_members{reply.body, false}.text("trace_id", trace_id);
  reply.body += '}';
}

} // namespace fairuse
