// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to admin: librdkafka's objects of admin calls, each owned by one pointer.
#pragma once

#include <memory>

#include <librdkafka/rdkafka.h>

namespace fairuse::kafka {

struct admin_deleter {
  void operator()(rd_kafka_AdminOptions_t* it) const { rd_kafka_AdminOptions_destroy(it); }
  void operator()(rd_kafka_ConfigResource_t* it) const { rd_kafka_ConfigResource_destroy(it); }
  void operator()(rd_kafka_NewTopic_t* it) const { rd_kafka_NewTopic_destroy(it); }
  void operator()(rd_kafka_event_t* it) const { rd_kafka_event_destroy(it); }
};

template <class T>
using admin_owned = std::unique_ptr<T, admin_deleter>;

} // namespace fairuse::kafka
