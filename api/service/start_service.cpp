// SPDX-License-Identifier: Apache-2.0

#include "api/service/start_service.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "api/gate/gate_view.hpp"
#include "api/gate/kafka_gate.hpp"
#include "api/owners/owner_calls.hpp"
#include "api/service/event_request.hpp"
#include "api/service/kafka_sink.hpp"
#include "api/service/replies.hpp"
#include "api/service/service.hpp"
#include "api/service/service_metrics.hpp"
#include "api/service/spool_sink.hpp"
#include "engine/clocks.hpp"
#include "engine/kafka_options.hpp"

namespace fairuse {

namespace {

/// For requests under way when the process stops.
constexpr std::int64_t grace_ms = 2'000;

/// Local mode: the engine says by which clock it runs once it has begun.
std::optional<http_reply> no_local_events(const gate_view& view) {
  if (view.caught_up_at() == INT64_MIN) return retry_later("starting", "the engine has not begun yet");
  if (view.events_now())
    return problem(409, "events_clock", "this engine reads a file of the past; events belong into that file");
  return std::nullopt;
}

intake_rules rules_for(const deployment& settings) {
  intake_rules rules{.retention_ms = settings.retention.usage_ms};
  // Beside the line a record has its key and headers.
  constexpr std::uint64_t room = 1'024;
  if (settings.streams == stream_kind::kafka)
    rules.line_bytes_max = std::min<std::size_t>(rules.line_bytes_max, settings.kafka.record_bytes_max - room);
  return rules;
}

} // namespace

struct running_service::body {
  body(const deployment& wanted, const setup& with)
    : is_local{wanted.streams == stream_kind::local},
      settings{wanted.api},
      words{wanted.notifier},
      case_key{with.case_key},
      log{with.log} {}

  run_result<void> open_sources(const deployment& all, const setup& with);
  run_result<void> open_owners(const deployment& all, const setup& with, const std::string& instance);
  service_options options_of(const setup& with);

  const bool is_local;
  const api_settings settings;
  const notifier_settings words;
  const std::string case_key;
  const std::function<void(log_level, const std::string&)> log;
  gate_view view;
  lease_table leases;
  attached_engine here;
  std::unique_ptr<identity> who;
  std::optional<request_limits> limits;
  std::unique_ptr<kafka::cluster> brokers;
  /// nullptr in local mode.
  std::unique_ptr<kafka_gate> reading;
  /// Both nullptr where no other instance is asked.
  std::unique_ptr<partition_owners> owners;
  std::unique_ptr<forwarded_identity> forwarded;
  std::unique_ptr<owner_calls> calls;
  /// nullptr: nobody is notified.
  std::unique_ptr<sent_notices> sent;
  std::unique_ptr<event_sink> sink;
  std::optional<event_intake> intake;
  // Ends before what it uses, and after the server.
  std::optional<event_thread> apart;
  std::optional<service> operations;
  // Ends first: its handlers use all of this. nullptr: it does not listen yet.
  std::unique_ptr<http_server> server;
};

run_result<void> running_service::body::open_sources(const deployment& all, const setup& with) {
  const bool notifies = not all.notifier.url.empty();
  if (is_local) {
    if (notifies) sent = std::make_unique<sent_notices>(with.state);
    sink = std::make_unique<spool_sink>(with.state);
    return {};
  }
  const auto& of = all.kafka;
  const auto instance = instance_of(of, with.instance, host_name());
  if (not instance) return run_error{run_fault::refused, instance.error().message};
  auto opened = open_brokers(of, with.log);
  if (not opened) return std::move(opened.error());
  brokers = std::move(*opened);
  if (notifies) sent = std::make_unique<sent_notices>(*brokers, all.notifier.ends_topic, with.log);
  reading = std::make_unique<kafka_gate>(*brokers, of.outputs.enforcement, view, with.log);
  sink =
      std::make_unique<kafka_sink>(kafka_sink_options{.topic = of.inputs.front(),
                                                      .transactional_id = fmt::format("{}.{}.api", of.app, *instance),
                                                      .partition_of = own_partition_function(of.partitioner),
                                                      .log = with.log},
                                   *brokers);
  return open_owners(all, with, *instance);
}

run_result<void> running_service::body::open_owners(const deployment& all, const setup& with,
                                                    const std::string& instance) {
  const auto& of = all.kafka;
  if (settings.advertise.empty()) return {};
  auto opened = forwarded_identity::open(settings.forward_key, with.log);
  if (not opened) return run_error{run_fault::refused, opened.error().message};
  forwarded = std::move(*opened);
  owners = std::make_unique<partition_owners>(
      partition_owners_options{.topic = settings.instances_topic,
                               .input = of.inputs.front(),
                               .partition_of = own_partition_function(of.partitioner),
                               .instance = instance,
                               .url = settings.advertise,
                               .transactional_id = fmt::format("{}.{}.owners", of.app, instance),
                               .owned = [this] { return here.owned(); },
                               .log = with.log},
      *brokers);
  return {};
}

service_options running_service::body::options_of(const setup& with) {
  return {.who = *who,
          .limits = *limits,
          .uid_header = settings.proxies.uid_header,
          .roles_header = settings.proxies.roles_header,
          .gate = {.view = view,
                   .is_local = is_local,
                   .now = [this] { return view.events_now().value_or(wall_clock_ms()); }},
          .leases = leases,
          .owners = *calls,
          .forwarded = forwarded.get(),
          .words = {.settings = words, .case_key = case_key, .sent = sent.get()},
          .events = *intake,
          .apart = *apart,
          .no_events = [this] { return is_local ? no_local_events(view) : std::nullopt; },
          .log = with.log,
          .now = wall_clock_ms,
          .steady_us = steady_clock_us};
}

running_service::running_service(std::unique_ptr<body> all) : body_{std::move(all)} {}

// Events under way are written before their answers are due.
running_service::~running_service() {
  if (body_->server != nullptr) body_->server->stop(grace_ms);
  body_->apart.reset();
  body_->sink.reset();
}

run_result<std::unique_ptr<running_service>> running_service::open(const deployment& settings, const setup& with) {
  auto all = std::make_unique<body>(settings, with);
  auto who = identity::open(settings.api, with.log);
  if (not who) return run_error{run_fault::refused, who.error().message};
  all->who = std::move(*who);
  all->limits.emplace(settings.api.limits, settings.api.proxies.addresses);
  if (auto opened = all->open_sources(settings, with); not opened) return opened.error();
  all->calls = std::make_unique<owner_calls>(
      owner_calls::options{all->here, all->owners.get(), all->forwarded.get(), wall_clock_ms, with.log});
  all->intake.emplace(*all->sink, rules_for(settings), with.log);
  all->apart.emplace();
  all->operations.emplace(all->options_of(with));
  return std::unique_ptr<running_service>{new running_service{std::move(all)}};
}

run_result<void> running_service::listen() {
  const auto& api = body_->settings;
  // What a client adds to a proxy's header would be read with it.
  std::vector<std::string> single{api.proxies.uid_header, api.proxies.roles_header};
  single.insert(single.end(), event_headers.begin(), event_headers.end());
  auto server =
      http_server::start({.listen = api.listen, .bounds = {.single_headers = std::move(single)}}, *body_->operations);
  if (not server) return run_error{run_fault::refused, server.error().message};
  body_->server = std::move(*server);
  body_->log(log_level::info, fmt::format("the API listens on {} (port {})", api.listen, body_->server->port()));
  return {};
}

void running_service::show(shown_metrics& to) const {
  body_->operations->answers().show(to);
  fairuse::show(body_->view, body_->is_local, to);
  fairuse::show(body_->leases.counts(), to);
  body_->intake->show(to);
  body_->limits->show(to);
  if (body_->server != nullptr) fairuse::show(body_->server->counters(), to);
}

// A view that is late answers, and says so: then all instances are late, and none is better than another.
std::vector<std::string> running_service::missing() const {
  if (body_->view.caught_up_at() != INT64_MIN) return {};
  return {"the gate still reads what was committed before the start"};
}

std::function<void(const enforcement_changes&)> running_service::enforcement() {
  if (not body_->is_local) return {};
  return [&view = body_->view](const enforcement_changes& changes) {
    view.put(changes);
    if (changes.complete) view.caught_up(steady_clock_ms());
  };
}

std::function<void(std::span<const lease_use>)> running_service::leases_used() {
  return [&leases = body_->leases](std::span<const lease_use> used) {
    for (const auto& each : used)
      leases.end(each.uid, each.lease);
  };
}

void running_service::attach(engine& running) { body_->here.attach(running); }

void running_service::detach() { body_->here.detach(); }

} // namespace fairuse
