// SPDX-License-Identifier: Apache-2.0
//
// The API of api/openapi.yaml: finds the operation, asks who wants it, and whether they may. A table says which roles
// open which operation.
// Threads: handle() from any.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_server.hpp"
#include "api/http/router.hpp"
#include "api/identity/identity.hpp"
#include "api/owners/owner_calls.hpp"
#include "api/service/event_operation.hpp"
#include "api/service/event_thread.hpp"
#include "api/service/gate_operation.hpp"
#include "api/service/request_limits.hpp"
#include "api/service/status_operation.hpp"

namespace fairuse {

struct service_options {
  const identity& who;
  request_limits& limits;
  /// Lower-case names of headers that listed proxies use; empty: none.
  std::string uid_header;
  std::string roles_header;
  gate_source gate;
  lease_table& leases;
  owner_calls& owners;
  /// nullptr: no other instance forwards anything.
  const forwarded_identity* forwarded = nullptr;
  status_words words;
  event_intake& events;
  event_thread& apart;
  /// Why no event is taken now; nullopt: they are.
  std::function<std::optional<http_reply>()> no_events;
  /// From any thread.
  std::function<void(log_level, const std::string&)> log;
  /// The wall clock.
  std::function<time_ms()> now;
  /// A steady one.
  std::function<std::int64_t()> steady_us;
};

/// What was asked, by whom.
struct service_call {
  http_request request;
  /// Of nobody for an operation that is open to all.
  principal who;
  /// Of the path's names, in order.
  std::vector<std::string> values;
  /// Another instance has passed it on.
  bool was_forwarded = false;
};

class service final : public http_handler {
public:
  /// REQUIRES: what the options name outlives it.
  explicit service(service_options options);

  void handle(http_request request, http_responder respond) override;
  void failed(std::string_view trace_id, std::string_view what) override;
  const gate_counts& answers() const { return answers_; }

private:
  struct operation {
    /// Empty: open to all.
    role_set roles;
    void (service::*run)(const service_call& call, http_responder respond);
    /// By the events' thread: it may take long.
    bool apart = false;
  };

  static std::vector<router<operation>::route> routes();
  result<principal, http_reply> caller_of(const http_request& request, const operation& wanted) const;
  bool is_forwarded(const http_request& request) const;
  result<principal, http_reply> forwarded_caller(const http_request& request) const;
  result<principal, http_reply> known_caller(const http_request& request) const;
  http_reply unknown_caller(const http_request& request, const identity_refusal& why) const;
  void run(void (service::*what)(const service_call&, http_responder), service_call call, http_responder respond);
  void run_apart(void (service::*what)(const service_call&, http_responder), service_call call, http_responder respond);
  void show_openapi(const service_call& call, http_responder respond);
  void ask_gate(const service_call& call, http_responder respond);
  void ask_for_lease(const service_call& call, gate_question asked, http_responder respond);
  void take_events(const service_call& call, http_responder respond);
  void show_status(const service_call& call, http_responder respond);

  const service_options options_;
  gate_counts answers_;
  mutable log_interval unknown_told_;
  const router<operation> router_;
};

/// api/openapi.yaml.
std::string_view openapi_text();

} // namespace fairuse
