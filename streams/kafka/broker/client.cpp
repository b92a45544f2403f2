// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/broker/client.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "streams/kafka/broker/oauth_token.hpp"

namespace fairuse::kafka {

namespace {

listener& listener_of(void* opaque) { return *static_cast<listener*>(opaque); }

void log_callback(const rd_kafka_t* handle, int level, const char* facility, const char* text) {
  if (void* opaque = rd_kafka_opaque(handle)) listener_of(opaque).on_log(level, facility, text);
}

void error_callback(rd_kafka_t*, int error, const char* reason, void* opaque) {
  listener_of(opaque).on_error(static_cast<rd_kafka_resp_err_t>(error), reason);
}

int statistics_callback(rd_kafka_t*, char* json, std::size_t length, void* opaque) {
  listener_of(opaque).on_statistics({json, length});
  return 0; // librdkafka frees the text
}

void rebalance_callback(rd_kafka_t*, rd_kafka_resp_err_t what, rd_kafka_topic_partition_list_t* parts, void* opaque) {
  listener_of(opaque).on_rebalance(what, parts);
}

void delivery_callback(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  listener_of(opaque).on_delivery(*message);
}

void token_callback(rd_kafka_t* handle, const char*, void* opaque) { listener_of(opaque).refresh_token(handle); }

std::string text_of(milliseconds time) { return std::to_string(time.count()); }

// Best values measured; properties may change them.
properties tuned(client_role role, const real_cluster_options& options) {
  properties all{{"socket.nagle.disable", "true"}};
  const auto add = [&all](std::initializer_list<properties::value_type> more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  switch (role) {
    case client_role::member:
    case client_role::reader:
      // Both are needed: a full queue makes 2.0.2 leave the partition alone for about a second.
      add({{"queued.min.messages", "1000000"}, {"queued.max.messages.kbytes", "262144"}});
      add({{"fetch.wait.max.ms", role == client_role::member ? "100" : "20"}});
      break;
    case client_role::producer:
      add({{"linger.ms", "5"}, {"compression.type", "lz4"}});
      add({{"queue.buffering.max.messages", "1000000"}, {"queue.buffering.max.kbytes", "262144"}});
      break;
    case client_role::questions:
      break;
  }
  if (role == client_role::member or role == client_role::producer)
    add({{"statistics.interval.ms", text_of(options.statistics_interval)}});
  return all;
}

// Settings that the commit protocol needs.
properties needed(client_role role, const real_cluster_options& options) {
  properties all{{"client.id", options.client_id}};
  const auto add = [&all](std::initializer_list<properties::value_type> more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  if (not options.bootstrap.empty()) add({{"bootstrap.servers", options.bootstrap}});
  if (role == client_role::producer) {
    add({{"enable.idempotence", "true"}, {"acks", "all"}, {"delivery.report.only.error", "false"}});
    // message.timeout.ms and socket.timeout.ms follow from this one as long as they are not set.
    add({{"transaction.timeout.ms", text_of(options.transaction_timeout)}});
    return all;
  }
  add({{"enable.auto.commit", "false"}, {"enable.auto.offset.store", "false"}, {"auto.offset.reset", "error"}});
  add({{"check.crcs", "true"}, {"allow.auto.create.topics", "false"}});
  if (role == client_role::member) {
    add({{"isolation.level", "read_committed"}, {"partition.assignment.strategy", "range"}});
    add({{"session.timeout.ms", text_of(options.session_timeout)}});
    add({{"heartbeat.interval.ms", text_of(std::min(options.heartbeat_interval, options.session_timeout / 3))}});
    add({{"max.poll.interval.ms", text_of(std::max(options.max_poll_interval, options.session_timeout))}});
    add({{"enable.partition.eof", "false"}});
  }
  // The end event gives a reader's position also behind a batch that compaction has emptied.
  if (role == client_role::reader) add({{"enable.partition.eof", "true"}});
  return all;
}

result<void> apply(rd_kafka_conf_t* conf, const properties& all) {
  for (const auto& [name, value] : all) {
    std::array<char, 512> text{};
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text.data(), text.size()) == RD_KAFKA_CONF_OK) continue;
    return error{fmt::format("Kafka property {}: {}. librdkafka's CONFIGURATION page lists names and values.", name,
                             text.data())};
  }
  return {};
}

} // namespace

void listener::on_log(int level, std::string_view facility, std::string_view text) {
  // Every property goes to every client; a consumer ignores linger.ms, for one.
  if (facility == "CONFWARN" and text.find("will be ignored by this") != std::string_view::npos) return;
  log_level ours = log_level::debug;
  if (level <= 3)
    ours = log_level::error;
  else if (level == 4)
    ours = log_level::warning;
  else if (level <= 6)
    ours = log_level::info;
  log(ours, fmt::format("kafka {}: {}", facility, text));
}

void listener::on_error(rd_kafka_resp_err_t error, std::string_view reason) {
  log(error == RD_KAFKA_RESP_ERR__FATAL ? log_level::error : log_level::warning,
      fmt::format("kafka {}: {}", rd_kafka_err2name(error), reason));
}

void listener::refresh_token(rd_kafka_t* handle) const {
  const auto token = read_token(token_file_);
  std::array<char, 512> text{};
  if (token
      and rd_kafka_oauthbearer_set_token(handle, token->text.c_str(), token->expires_at, token->principal.c_str(),
                                         nullptr, 0, text.data(), text.size())
              == RD_KAFKA_RESP_ERR_NO_ERROR)
    return;
  const auto why = token ? fmt::format("the token file {}: {}", token_file_, text.data()) : token.error().message;
  rd_kafka_oauthbearer_set_token_failure(handle, why.c_str());
}

result<owned<rd_kafka_t>> open_client(const real_cluster_options& options, client_role role, const properties& own,
                                      listener& who) {
  owned<rd_kafka_conf_t> conf{rd_kafka_conf_new()};
  rd_kafka_conf_set_opaque(conf.get(), &who);
  rd_kafka_conf_set_log_cb(conf.get(), log_callback);
  for (const auto& layer : {tuned(role, options), options.properties, needed(role, options), own})
    if (auto applied = apply(conf.get(), layer); not applied) return std::move(applied).error();
  // A handle for questions is not polled: its errors are logged instead.
  if (role != client_role::questions) rd_kafka_conf_set_error_cb(conf.get(), error_callback);
  if (role == client_role::member) rd_kafka_conf_set_rebalance_cb(conf.get(), rebalance_callback);
  if (role == client_role::producer) rd_kafka_conf_set_dr_msg_cb(conf.get(), delivery_callback);
  if (role == client_role::member or role == client_role::producer)
    rd_kafka_conf_set_stats_cb(conf.get(), statistics_callback);

  // On librdkafka's own thread: a handle logs in before it is polled first.
  if (not options.token_file.empty()) {
    rd_kafka_conf_enable_sasl_queue(conf.get(), 1);
    rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf.get(), token_callback);
  }

  std::array<char, 512> text{};
  const auto kind = role == client_role::producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  owned<rd_kafka_t> handle{rd_kafka_new(kind, conf.get(), text.data(), text.size())};
  if (handle == nullptr)
    return error{fmt::format("Kafka client cannot be made: {}. Check kafka.properties.", text.data())};
  (void)conf.release(); // the handle owns it now
  if (not options.token_file.empty())
    if (const owned<rd_kafka_error_t> failed{rd_kafka_sasl_background_callbacks_enable(handle.get())})
      return error{fmt::format("Kafka client cannot use a token: {}.", rd_kafka_error_string(failed.get()))};
  if (kind == RD_KAFKA_CONSUMER) rd_kafka_poll_set_consumer(handle.get());
  return handle;
}

const std::string* reserved_property(const properties& all) {
  static constexpr std::array names{
      "acks",
      "allow.auto.create.topics",
      "auto.commit.enable",
      "auto.commit.interval.ms",
      "auto.offset.reset",
      "bootstrap.servers",
      "check.crcs",
      "client.id",
      "delivery.report.only.error",
      "delivery.timeout.ms",
      "enable.auto.commit",
      "enable.auto.offset.store",
      "enable.gapless.guarantee",
      "enable.idempotence",
      "enable.partition.eof",
      "group.id",
      "group.instance.id",
      "heartbeat.interval.ms",
      "isolation.level",
      "log.queue",
      "max.in.flight",
      "max.in.flight.requests.per.connection",
      "max.poll.interval.ms",
      "message.send.max.retries",
      "message.timeout.ms",
      "metadata.broker.list",
      "partition.assignment.strategy",
      "request.required.acks",
      "retries",
      "session.timeout.ms",
      "socket.timeout.ms",
      "transaction.timeout.ms",
      "transactional.id",
  };
  for (const auto& property : all)
    if (std::ranges::find(names, property.first) != names.end()) return &property.first;
  return nullptr;
}

bool is_transient(rd_kafka_resp_err_t error) {
  static constexpr std::array passing{
      RD_KAFKA_RESP_ERR__TRANSPORT,
      RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
      RD_KAFKA_RESP_ERR__RESOLVE,
      RD_KAFKA_RESP_ERR__TIMED_OUT,
      RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
      RD_KAFKA_RESP_ERR__WAIT_COORD,
      RD_KAFKA_RESP_ERR__WAIT_CACHE,
      RD_KAFKA_RESP_ERR__IN_PROGRESS,
      RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS,
      RD_KAFKA_RESP_ERR__RETRY,
      RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
      RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
      RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
      RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
      RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
      RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
      RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
      RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT,
  };
  return std::ranges::find(passing, error) != passing.end();
}

call_error error_of(rd_kafka_resp_err_t error, std::string_view text) {
  return {is_transient(error) ? next_action::again : next_action::broken, rd_kafka_err2name(error),
          fmt::format("{}: {}", text, rd_kafka_err2str(error))};
}

call_result<> result_of(rd_kafka_resp_err_t error, std::string_view text) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return error_of(error, text);
}

call_result<> result_of(owned<rd_kafka_error_t> error, std::string_view during) {
  if (error == nullptr) return {};
  next_action next = next_action::broken;
  if (rd_kafka_error_is_fatal(error.get()))
    next = next_action::broken;
  else if (rd_kafka_error_txn_requires_abort(error.get()))
    next = next_action::abort;
  else if (rd_kafka_error_is_retriable(error.get()))
    next = next_action::again;
  return call_error{next, rd_kafka_error_name(error.get()),
                    fmt::format("{}: {}", during, rd_kafka_error_string(error.get()))};
}

call_result<> fatal_result(rd_kafka_t* handle) {
  std::array<char, 512> text{};
  const auto error = rd_kafka_fatal_error(handle, text.data(), text.size());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return call_error{next_action::broken, rd_kafka_err2name(error), text.data()};
}

std::string place_of(std::string_view topic, std::int32_t partition) {
  return fmt::format("{} [{}]", topic, partition);
}

owned<rd_kafka_topic_partition_list_t> list_of(std::span<const position> from) {
  owned<rd_kafka_topic_partition_list_t> list{rd_kafka_topic_partition_list_new(static_cast<int>(from.size()))};
  for (const auto& place : from)
    rd_kafka_topic_partition_list_add(list.get(), place.of.topic.c_str(), place.of.partition)->offset = place.offset;
  return list;
}

} // namespace fairuse::kafka
