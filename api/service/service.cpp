// SPDX-License-Identifier: Apache-2.0

#include "api/service/service.hpp"

#include <utility>

#include "api/http/problem.hpp"

namespace fairuse {

namespace {

http_reply unauthorized(no_identity why) {
  auto reply = why == no_identity::missing ? problem(401, "token_missing", "say who asks: Authorization: Bearer TOKEN")
               : why == no_identity::expired ? problem(401, "token_expired", "the token has expired")
                                             : problem(401, "token_invalid", "the token is not known here");
  reply.headers.emplace_back("WWW-Authenticate", why == no_identity::missing
                                                     ? "Bearer realm=\"fairuse\""
                                                     : "Bearer realm=\"fairuse\", error=\"invalid_token\"");
  return reply;
}

http_reply json_reply(std::string body) {
  return {.status = 200, .content_type = "application/json", .headers = {}, .body = std::move(body)};
}

} // namespace

service::service(service_options options) : options_{std::move(options)}, router_{routes()} {}

std::vector<router<service::operation>::route> service::routes() {
  return {{http_method::get, "/openapi.yaml", {{}, &service::show_openapi}},
          {http_method::post, "/v1/events", {{role::producer, role::reviewer}, &service::take_events}},
          {http_method::post, "/v1/gate", {{role::gateway}, &service::ask_gate}}};
}

void service::handle(http_request request, http_responder respond) {
  auto found = router_.find(request);
  if (not found) return respond(std::move(found.error()));
  auto who = caller_of(request, found->target);
  if (not who) return respond(std::move(who.error()));
  (this->*found->target.run)({std::move(request), std::move(*who), std::move(found->values)}, std::move(respond));
}

void service::failed(std::string_view trace_id, std::string_view what) {
  options_.log(log_level::error,
               std::string{"a request was answered by 500: "}.append(what).append(", trace ").append(trace_id));
}

result<principal, http_reply> service::caller_of(const http_request& request, const operation& wanted) const {
  if (wanted.roles.empty()) return principal{};
  const auto header = [&](const std::string& name) {
    return name.empty() ? std::optional<std::string_view>{} : request.header(name);
  };
  auto who = options_.who.check({.authorization = request.header("authorization").value_or(""),
                                 .peer = request.peer,
                                 .uid_header = header(options_.uid_header),
                                 .roles_header = header(options_.roles_header)},
                                options_.now());
  if (not who) return unauthorized(who.error().why);
  if (not who->roles.has_any(wanted.roles)) return problem(403, "role_missing", "this needs another role");
  return std::move(*who);
}

void service::show_openapi(const service_call&, http_responder respond) {
  respond({.status = 200, .content_type = "application/yaml", .headers = {}, .body = std::string{openapi_text()}});
}

void service::ask_gate(const service_call& call, http_responder respond) {
  const auto asked = gate_question_from(call.request);
  if (not asked) return respond(asked.error());
  const auto facts = gate_facts_of(options_.gate, asked->uid);
  respond(json_reply(gate_answer_json(answer_gate(asked->purpose, facts), facts)));
}

void service::take_events(const service_call& call, http_responder respond) {
  if (auto wrong = options_.no_events()) return respond(std::move(*wrong));
  options_.events.take(call.request, call.who, std::move(respond));
}

} // namespace fairuse
