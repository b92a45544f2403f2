// SPDX-License-Identifier: Apache-2.0

#include "api/service/service.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "api/http/gzip.hpp"
#include "api/http/problem.hpp"
#include "api/service/lease_operation.hpp"
#include "api/service/replies.hpp"

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

/// For all of a call, a hop included. A gateway waits for no longer.
constexpr std::int64_t lease_deadline_ms = 2'000;
/// An epoch of a backlog may take 3 s.
constexpr std::int64_t status_deadline_ms = 5'000;

http_reply no_owner() {
  return retry_later("no_owner",
                     "the instance that decides on this user does not answer now, or another one is taking over");
}

http_reply json_reply(std::string body) {
  return {.status = 200, .content_type = "application/json", .headers = {}, .body = std::move(body)};
}

} // namespace

service::service(service_options options) : options_{std::move(options)}, router_{routes()} {}

std::vector<router<service::operation>::route> service::routes() {
  return {{http_method::get, "/openapi.yaml", {{}, &service::show_openapi}},
          {http_method::get, "/v1/fair-use/status", {{role::user}, &service::show_status, true}},
          {http_method::post, "/v1/events", {{role::producer, role::reviewer}, &service::take_events, true}},
          {http_method::post, "/v1/gate", {{role::gateway}, &service::ask_gate}}};
}

void service::handle(http_request request, http_responder respond) {
  auto found = router_.find(request);
  if (not found) return respond(std::move(found.error()));
  auto who = caller_of(request, found->target);
  if (not who) return respond(std::move(who.error()));
  const bool was_forwarded = is_forwarded(request);
  service_call call{std::move(request), std::move(*who), std::move(found->values), was_forwarded};
  const auto& target = found->target;
  if (target.apart) return run_apart(target.run, std::move(call), std::move(respond));
  run(target.run, std::move(call), std::move(respond));
}

void service::run(void (service::*what)(const service_call&, http_responder), service_call call,
                  http_responder respond) {
  if (auto wrong = inflate_body(call.request)) return respond(std::move(*wrong));
  (this->*what)(call, std::move(respond));
}

// As the server's own threads answer a handler that throws.
void service::run_apart(void (service::*what)(const service_call&, http_responder), service_call call,
                        http_responder respond) {
  struct task {
    service_call call;
    http_responder respond;
  };
  // A request without a body takes memory, too.
  const auto bytes = std::max<std::size_t>(call.request.body.size(), 1'024);
  const auto given = std::make_shared<task>(task{std::move(call), std::move(respond)});
  const auto run_it = [this, what, given] {
    const auto trace_id = given->call.request.trace_id;
    try {
      run(what, std::move(given->call), std::move(given->respond));
    } catch (const std::exception& failure) {
      failed(trace_id, failure.what());
    }
  };
  if (not options_.apart.give(bytes, run_it))
    given->respond(retry_later("overloaded", "too much waits to be read; ask again"));
}

void service::failed(std::string_view trace_id, std::string_view what) {
  options_.log(log_level::error,
               std::string{"a request was answered by 500: "}.append(what).append(", trace ").append(trace_id));
}

bool service::is_forwarded(const http_request& request) const {
  return options_.forwarded != nullptr and request.header(forwarded_header).has_value();
}

result<principal, http_reply> service::caller_of(const http_request& request, const operation& wanted) const {
  if (wanted.roles.empty()) return principal{};
  auto who = is_forwarded(request) ? forwarded_caller(request) : known_caller(request);
  if (who and not who->roles.has_any(wanted.roles))
    return problem(
        403, "role_missing",
        fmt::format("this needs one of the roles {}, and who asks has {}", to_text(wanted.roles), to_text(who->roles)));
  return who;
}

result<principal, http_reply> service::forwarded_caller(const http_request& request) const {
  auto who = options_.forwarded->unseal(*request.header(forwarded_header), request, options_.now());
  if (who) return std::move(*who);
  options_.limits.failed(options_.limits.address_of(request), options_.steady_us());
  return unknown_caller(
      request,
      invalid_identity("what another instance passed on is not sealed with a key of this one, or a minute old"));
}

// A wrong key of an instance, or an expired token of a gateway, is for an operator to see.
http_reply service::unknown_caller(const http_request& request, const identity_refusal& why) const {
  if (unknown_told_.is_over(options_.steady_us() / 1'000))
    options_.log(log_level::warning, fmt::format("a request from {} was answered by 401: {}, trace {}", request.peer,
                                                 why.detail, request.trace_id));
  return unauthorized(why.why);
}

result<principal, http_reply> service::known_caller(const http_request& request) const {
  const auto header = [&](const std::string& name) {
    return name.empty() ? std::optional<std::string_view>{} : request.header(name);
  };
  const auto now_us = options_.steady_us();
  const auto address = options_.limits.address_of(request);
  const bool verifies = options_.limits.may_name(address, now_us);
  auto who = options_.who.check({.authorization = request.header("authorization").value_or(""),
                                 .peer = request.peer,
                                 .uid_header = header(options_.uid_header),
                                 .roles_header = header(options_.roles_header),
                                 .verifies = verifies},
                                options_.now());
  if (not who) {
    if (not verifies) return options_.limits.refusal_of_address(address, now_us);
    if (who.error().why != no_identity::missing) options_.limits.failed(address, now_us);
    return unknown_caller(request, who.error());
  }
  if (auto refused = options_.limits.refusal_of(*who, now_us)) return std::move(*refused);
  return std::move(*who);
}

void service::show_openapi(const service_call&, http_responder respond) {
  respond({.status = 200, .content_type = "application/yaml", .headers = {}, .body = std::string{openapi_text()}});
}

void service::ask_gate(const service_call& call, http_responder respond) {
  const auto asked = gate_question_from(call.request);
  if (not asked) return respond(asked.error());
  const auto facts = gate_facts_of(options_.gate, asked->uid);
  const auto answer = answer_gate(asked->purpose, facts);
  if (call.was_forwarded or needs_lease(*asked, answer, facts))
    return ask_for_lease(call, std::move(*asked), std::move(respond));
  answers_.add(answer);
  respond(json_reply(gate_answer_json(answer, facts)));
}

void service::ask_for_lease(const service_call& call, gate_question asked, http_responder respond) {
  const auto answer_to = std::make_shared<http_responder>(std::move(respond));
  options_.owners.run({.uid = asked.uid,
                       .as_owner = true,
                       .deadline_ms = lease_deadline_ms,
                       .request = call.request,
                       .who = call.who,
                       .was_forwarded = call.was_forwarded,
                       .answer =
                           [this, asked](const committed_user& user) {
                             return leased_answer_json(user, asked, {options_.leases, answers_}, options_.gate.now());
                           },
                       .done =
                           [this, asked, answer_to, hopped = call.was_forwarded](std::optional<std::string> body) {
                             if (not body and hopped) return (*answer_to)(no_owner());
                             if (not body)
                               body = unleased_answer_json(gate_facts_of(options_.gate, asked.uid), answers_);
                             (*answer_to)(json_reply(std::move(*body)));
                           }});
}

void service::show_status(const service_call& call, http_responder respond) {
  const auto answer_to = std::make_shared<http_responder>(std::move(respond));
  options_.owners.run(
      {.uid = call.who.uid,
       .deadline_ms = status_deadline_ms,
       .request = call.request,
       .who = call.who,
       .was_forwarded = call.was_forwarded,
       .answer =
           [this, uid = call.who.uid,
            language = std::string{call.request.header("accept-language").value_or("")}](const committed_user& user) {
             return status_json(user, {uid, language, std::max(user.now, options_.gate.now())}, options_.words);
           },
       .done =
           [answer_to](std::optional<std::string> body) {
             (*answer_to)(body ? json_reply(std::move(*body)) : no_owner());
           }});
}

void service::take_events(const service_call& call, http_responder respond) {
  if (auto wrong = options_.no_events()) return respond(std::move(*wrong));
  options_.events.take(call.request, call.who, std::move(respond));
}

} // namespace fairuse
