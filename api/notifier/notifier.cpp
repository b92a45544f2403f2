// SPDX-License-Identifier: Apache-2.0
#include "api/notifier/notifier.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include <fmt/format.h>

#include "api/http_client.hpp"
#include "api/notifier/deliverer.hpp"
#include "api/notifier/kafka_notices.hpp"
#include "api/notifier/local_notices.hpp"
#include "api/status_listener.hpp"
#include "config/web_address.hpp"
#include "engine/clocks.hpp"
#include "engine/kafka_options.hpp"

namespace fairuse {

namespace {

/// Shorter than what supervisors wait before they kill.
constexpr std::int64_t end_within_ms = 5'000;

run_error refused_by(const error& why) { return {run_fault::refused, why.message}; }
run_error failed_by(const error& why) { return {run_fault::failed, why.message}; }

std::uint64_t count_of(const prometheus::Counter& figure) { return static_cast<std::uint64_t>(figure.Value()); }

} // namespace

struct notifier::body {
  body(notifier_options given, std::unique_ptr<notice_source> source, std::unique_ptr<http_client> http)
    : options{std::move(given)},
      from{std::move(source)},
      client{std::move(http)},
      delivering{options.settings,
                 options.secrets,
                 *from,
                 figures,
                 [this](outgoing_request request) { return client->send(std::move(request)); },
                 options.log} {}

  result<void> turn() {
    beat.touch();
    for (const auto& [ticket, answer] : client->poll(delivering.idle_ms(wall_clock_ms())))
      if (auto done = delivering.answered(ticket, answer, wall_clock_ms()); not done) return done;
    return delivering.turn(wall_clock_ms());
  }

  result<void> run() {
    options.log(log_level::info, fmt::format("notifying at {}", authority_of(options.settings.url)));
    while (not stopped)
      if (auto done = turn(); not done) return done;
    delivering.stop();
    const auto last = steady_clock_ms() + end_within_ms;
    do {
      if (auto done = turn(); not done) return done;
    } while (delivering.under_way() > 0 and steady_clock_ms() < last);
    if (delivering.under_way() > 0)
      options.log(log_level::info,
                  fmt::format("{} requests are broken off: their notices are sent again at the next start",
                              delivering.under_way()));
    return {};
  }

  const notifier_options options;
  process_metrics metrics;
  notifier_figures figures{metrics};
  heartbeat beat;
  std::unique_ptr<notice_source> from;
  std::unique_ptr<http_client> client;
  deliverer delivering;
  std::unique_ptr<status_listener> listener;
  std::atomic<bool> stopped{false};
};

notifier::notifier(std::unique_ptr<body> all) : body_{std::move(all)} {}
notifier::~notifier() = default;

run_result<std::unique_ptr<notifier>> notifier::make(notifier_options options, std::unique_ptr<notice_source> from) {
  auto client = http_client::make({.proxy = options.settings.proxy, .ca_file = options.settings.ca_file});
  if (not client) return refused_by(client.error());
  auto all = std::make_unique<body>(std::move(options), std::move(from), std::move(*client));
  if (const auto& listen = all->options.settings.listen; not listen.empty()) {
    all->beat.wait();
    auto started = status_listener::start(listen, all->metrics, all->beat);
    if (not started) return failed_by(started.error());
    all->listener = std::move(*started);
    all->options.log(log_level::info, fmt::format("/livez, /readyz and /metrics on port {}", all->listener->port()));
  }
  return std::unique_ptr<notifier>{new notifier{std::move(all)}};
}

run_result<void> notifier::run() {
  if (const auto done = body_->run(); not done) return failed_by(done.error());
  return {};
}

void notifier::stop() {
  body_->stopped = true;
  body_->client->wake();
}

notifier_counts notifier::counts() const {
  const auto& figures = body_->figures;
  return {.sent = count_of(figures.sent),
          .gave_up = count_of(figures.gave_up),
          .dropped = count_of(figures.dropped),
          .attempts = count_of(figures.taken) + count_of(figures.refused) + count_of(figures.unanswered)};
}

namespace {

run_result<std::unique_ptr<notice_source>> local_source_of(const deployment& settings, const notifier_setup& setup) {
  auto from = local_notices::open({.state_folder = setup.state,
                                   .case_key = setup.case_key,
                                   .send = settings.notifier.send,
                                   .kept_ms = settings.retention.decisions_ms});
  if (not from) return from.error();
  return std::unique_ptr<notice_source>{std::move(*from)};
}

run_result<std::unique_ptr<notice_source>> kafka_source_of(const deployment& settings, const notifier_setup& setup,
                                                           std::unique_ptr<kafka::cluster>& brokers) {
  const auto& of = settings.kafka;
  const auto instance = instance_of(of, setup.instance, host_name());
  if (not instance) return refused_by(instance.error());
  auto made = open_brokers(of, setup.log);
  if (not made) return std::move(made.error());
  brokers = std::move(*made);
  auto from = kafka_notices::open({.group = notifier_group(of),
                                   .instance = fmt::format("{}.{}", notifier_group(of), *instance),
                                   .notifications = of.outputs.notifications,
                                   .enforcement = of.outputs.enforcement,
                                   .ends = settings.notifier.ends_topic,
                                   .send = settings.notifier.send,
                                   .log = setup.log},
                                  *brokers);
  if (not from) return failed_by(from.error());
  return std::unique_ptr<notice_source>{std::move(*from)};
}

} // namespace

run_result<started_notifier> start_notifier(const deployment& settings, const notifier_setup& setup) {
  const auto& given = settings.notifier;
  if (given.url.empty())
    return run_error{run_fault::refused, settings.file.string() + " has no section `notifier`: nobody is to be told"};
  auto secrets = find_webhook_secrets(given.secret_file, setup.secret);
  if (not secrets) return refused_by(secrets.error());
  started_notifier started;
  auto from = settings.streams == stream_kind::local ? local_source_of(settings, setup)
                                                     : kafka_source_of(settings, setup, started.brokers);
  if (not from) return from.error();
  auto made = notifier::make({given, std::move(*secrets), setup.log}, std::move(*from));
  if (not made) return made.error();
  started.running = std::move(*made);
  return started;
}

} // namespace fairuse
