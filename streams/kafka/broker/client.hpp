// SPDX-License-Identifier: Apache-2.0
//
// What the adapter's classes share: a librdkafka handle, its settings, its callbacks and its errors. The only header
// that shows librdkafka; nothing outside streams/kafka includes it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <librdkafka/rdkafka.h>

#include "base/pure/result.hpp"
#include "streams/kafka/broker/cluster.hpp"
#include "streams/kafka/broker/real_cluster.hpp"

namespace fairuse::kafka {

/// The callbacks of one client. All but on_log come from inside calls of the client's own thread.
class listener {
public:
  explicit listener(const real_cluster_options& options) : token_file_{options.token_file}, log_{options.log} {}
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;
  virtual ~listener() = default;

  virtual void on_log(int level, std::string_view facility, std::string_view text);
  /// Informational, but for a fatal one: librdkafka goes on by itself.
  virtual void on_error(rd_kafka_resp_err_t error, std::string_view reason);
  virtual void on_statistics(std::string_view /*json*/) {}
  virtual void on_rebalance(rd_kafka_resp_err_t /*what*/, const rd_kafka_topic_partition_list_t* /*parts*/) {}
  virtual void on_delivery(const rd_kafka_message_t& /*message*/) {}

  /// Hands the token over, or the reason why there is none; librdkafka asks again. Called from a thread of
  /// librdkafka's.
  void refresh_token(rd_kafka_t* handle) const;

  void log(log_level level, const std::string& text) const {
    if (log_) log_(level, text);
  }

private:
  const std::string token_file_;
  std::function<void(log_level, const std::string&)> log_;
};

struct kafka_deleter {
  void operator()(rd_kafka_t* it) const { rd_kafka_destroy(it); }
  void operator()(rd_kafka_queue_t* it) const { rd_kafka_queue_destroy(it); }
  void operator()(rd_kafka_conf_t* it) const { rd_kafka_conf_destroy(it); }
  void operator()(rd_kafka_topic_t* it) const { rd_kafka_topic_destroy(it); }
  void operator()(rd_kafka_topic_partition_list_t* it) const { rd_kafka_topic_partition_list_destroy(it); }
  void operator()(rd_kafka_error_t* it) const { rd_kafka_error_destroy(it); }
  void operator()(rd_kafka_consumer_group_metadata_t* it) const { rd_kafka_consumer_group_metadata_destroy(it); }
  void operator()(const rd_kafka_metadata_t* it) const { rd_kafka_metadata_destroy(it); }
};
template <class T>
using owned = std::unique_ptr<T, kafka_deleter>;

using properties = std::vector<std::pair<std::string, std::string>>;

enum class client_role : std::uint8_t {
  member,    ///< of a group
  producer,  ///< transactional
  reader,    ///< assigns by itself
  questions, ///< neither fetches nor writes
};

/// A handle with the settings of its role (`own` last: ids, isolation). `who` gets its callbacks and must outlive it.
/// An empty bootstrap makes a handle that connects to no broker.
result<owned<rd_kafka_t>> open_client(const real_cluster_options& options, client_role role, const properties& own,
                                      listener& who);

/// The property of `all` that only the engine may set; nullptr: none.
const std::string* reserved_property(const properties& all);

/// Errors that pass by themselves: the call may be made again.
bool is_transient(rd_kafka_resp_err_t error);
/// `again` for a transient error, else broken. REQUIRES: not RD_KAFKA_RESP_ERR_NO_ERROR.
call_error error_of(rd_kafka_resp_err_t error, std::string_view text);
/// The same, or done.
call_result<> result_of(rd_kafka_resp_err_t error, std::string_view text);
/// From librdkafka's own classification (transactions). Nullptr is done.
call_result<> result_of(owned<rd_kafka_error_t> error, std::string_view during);
/// An error if the handle has had a fatal one.
call_result<> fatal_result(rd_kafka_t* handle);
/// What every call on a client answers that could not be opened.
inline call_error unopened(const error& why) { return {next_action::broken, "_INVALID_ARG", why.message}; }

/// "topic [3]"
std::string place_of(std::string_view topic, std::int32_t partition);
owned<rd_kafka_topic_partition_list_t> list_of(std::span<const position> from);
inline int timeout_of(milliseconds time) { return static_cast<int>(time.count()); }

/// A group member, for the producer.
class member_client : public group_consumer {
public:
  /// As it is now, or as it was when the member was closed; nullptr: it never had any.
  virtual std::shared_ptr<rd_kafka_consumer_group_metadata_t> identity() const = 0;
};

std::unique_ptr<group_consumer> make_real_consumer(const real_cluster_options& options, const member& who,
                                                   membership& told);
std::unique_ptr<transactional_producer> make_real_producer(const real_cluster_options& options,
                                                           const std::string& transactional_id);
std::unique_ptr<reader> make_real_reader(const real_cluster_options& options, isolation how);

inline const char* name_of(isolation how) {
  return how == isolation::committed ? "read_committed" : "read_uncommitted";
}

} // namespace fairuse::kafka
