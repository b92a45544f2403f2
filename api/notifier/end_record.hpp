// SPDX-License-Identifier: Apache-2.0
//
// How a notice ended, as a line of `sent.ndjson` in local mode and as a record of the log's topic on Kafka.
// Pure functions.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "api/notifier/notice.hpp"
#include "api/notifier/notice_source.hpp"

namespace fairuse {

/// `with_body`: what the webhook was to get, of one that was given up.
std::string end_record(const notice& what, const delivery& end, bool with_body);
/// It was tried for the first time at what.tried_since, and failed.
std::string failing_record(const notice& what);

/// What such lines say of notices that may be given again.
class known_ends {
public:
  /// Lines in their order; other text is passed over.
  void take(std::string_view line);
  /// True once: it has ended.
  bool has_ended(const std::string& id) { return ended_.erase(id) > 0; }
  /// `never`: it was not tried yet.
  time_ms tried_since(const std::string& id);
  /// Nothing is known of any notice that may be given again.
  bool empty() const { return ended_.empty() and tried_.empty(); }
  void clear();

private:
  std::set<std::string> ended_;
  std::map<std::string, time_ms> tried_;
};

} // namespace fairuse
