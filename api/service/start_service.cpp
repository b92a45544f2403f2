// SPDX-License-Identifier: Apache-2.0

#include "api/service/start_service.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "api/gate/gate_view.hpp"
#include "api/gate/kafka_gate.hpp"
#include "api/service/kafka_sink.hpp"
#include "api/service/replies.hpp"
#include "api/service/service.hpp"
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

} // namespace

struct running_service::body {
  explicit body(const deployment& wanted) : is_local{wanted.streams == stream_kind::local} {}

  run_result<void> open_sources(const deployment& settings, const setup& with);
  service_options options_of(const deployment& settings, const setup& with);

  const bool is_local;
  gate_view view;
  std::unique_ptr<identity> who;
  std::unique_ptr<kafka::cluster> brokers;
  /// nullptr in local mode.
  std::unique_ptr<kafka_gate> reading;
  std::unique_ptr<event_sink> sink;
  std::optional<event_intake> intake;
  std::optional<service> operations;
  // Ends first: its handlers use all of this.
  std::unique_ptr<http_server> server;
};

run_result<void> running_service::body::open_sources(const deployment& settings, const setup& with) {
  if (is_local) {
    sink = std::make_unique<spool_sink>(with.state);
    return {};
  }
  const auto& of = settings.kafka;
  const auto instance = instance_of(of, with.instance, host_name());
  if (not instance) return run_error{run_fault::refused, instance.error().message};
  auto opened = open_brokers(of, with.log);
  if (not opened) return std::move(opened.error());
  brokers = std::move(*opened);
  reading = std::make_unique<kafka_gate>(*brokers, of.outputs.enforcement, view, with.log);
  const auto partition_of = partition_function_of(of.partitioner);
  sink = std::make_unique<kafka_sink>(
      kafka_sink_options{
          .topic = of.inputs.front(),
          .transactional_id = fmt::format("{}.{}.api", of.app, *instance),
          .partition_of = partition_of != nullptr ? partition_of : partition_function_of(key_partitioner::murmur2),
          .log = with.log},
      *brokers);
  return {};
}

service_options running_service::body::options_of(const deployment& settings, const setup& with) {
  return {.who = *who,
          .uid_header = settings.api.proxies.uid_header,
          .roles_header = settings.api.proxies.roles_header,
          .gate = {.view = view,
                   .is_local = is_local,
                   .now = [this] { return view.events_now().value_or(wall_clock_ms()); }},
          .events = *intake,
          .no_events = [this] { return is_local ? no_local_events(view) : std::nullopt; },
          .log = with.log,
          .now = wall_clock_ms};
}

running_service::running_service(std::unique_ptr<body> all) : body_{std::move(all)} {}

// Events under way are written before their answers are due.
running_service::~running_service() {
  body_->server->stop(grace_ms);
  body_->sink.reset();
}

run_result<std::unique_ptr<running_service>> running_service::open(const deployment& settings, const setup& with) {
  auto all = std::make_unique<body>(settings);
  auto who = identity::open(settings.api, with.log);
  if (not who) return run_error{run_fault::refused, who.error().message};
  all->who = std::move(*who);
  if (auto opened = all->open_sources(settings, with); not opened) return opened.error();
  all->intake.emplace(*all->sink);
  all->operations.emplace(all->options_of(settings, with));
  // What a client adds to a proxy's header would be read with it.
  const auto& proxies = settings.api.proxies;
  auto server = http_server::start(
      {.listen = settings.api.listen, .bounds = {.single_headers = {proxies.uid_header, proxies.roles_header}}},
      *all->operations);
  if (not server) return run_error{run_fault::refused, server.error().message};
  all->server = std::move(*server);
  with.log(log_level::info, fmt::format("the API listens on {} (port {})", settings.api.listen, all->server->port()));
  return std::unique_ptr<running_service>{new running_service{std::move(all)}};
}

std::function<void(const enforcement_changes&)> running_service::enforcement() {
  if (not body_->is_local) return {};
  return [&view = body_->view](const enforcement_changes& changes) {
    view.put(changes);
    if (changes.complete) view.caught_up(steady_clock_ms());
  };
}

} // namespace fairuse
