// SPDX-License-Identifier: Apache-2.0
//
// Records on the inputs: from users' devices, from admins, from a reviewer that answers review requests, and invalid
// records. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "events/event.hpp"
#include "storage/case_reference.hpp"
#include "tests/protocol/fixture.hpp"

namespace fairuse::protocol {

class traffic {
public:
  explicit traffic(fixture& in) : fixture_(in) {}

  /// A few records.
  void write();
  /// Some of the open questions are answered.
  void review();
  /// A foreign producer begins or ends a transaction on an input.
  void toggle_upstream();
  /// No foreign transaction stays open.
  void finish();

private:
  struct line {
    std::string key;
    std::string text;
  };
  struct upstream {
    simlog::producer_number by = 0;
    simlog::topic_partition part;
  };

  event fact(event_kind kind, time_ms instant, event_detail detail);
  std::string some_user();
  void write_one();
  void speak(const std::string& uid);
  void change_account(const std::string& uid);
  void converse(const std::string& uid);
  void administrate(const std::string& uid);
  time_ms exempt_until() const;
  void command_all();
  void write_invalid(const std::string& uid);
  void send(const std::string& uid, const event& what);
  void put(const simlog::topic_partition& to, std::optional<std::string> key, std::optional<std::string> value);

  fixture& fixture_;
  case_namer names_{case_key};
  event_arena arena_;
  int serial_ = 0;
  std::vector<std::pair<simlog::topic_partition, line>> past_;
  std::map<simlog::topic_partition, std::int64_t> questions_read_;
  std::vector<std::pair<std::string, std::string>> open_questions_;
  std::optional<upstream> upstream_;
  simlog::producer_number upstreams_ = 100;
};

} // namespace fairuse::protocol
