// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. Follows which policies the slots of one partition have, and notes every change.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "storage/history/history_file.hpp"
#include "storage/local_store.hpp"

namespace fairuse::history {

class policies_in_force {
public:
  /// Canonical text of a policy; empty: unknown.
  using policy_texts = std::function<result<std::string, store_error>(const std::string& digest)>;

  policies_in_force(std::int32_t partition, policy_texts texts, history_contents& into)
    : partition_(partition), texts_(std::move(texts)), into_(into) {}

  /// What an epoch at `from` begins with, as a journal says.
  result<void, store_error> load(time_ms from, const stored_controls& loaded);
  /// A command to all users that was not refused. One that comes again does nothing.
  void obey(time_ms at, const event& command);

private:
  result<std::string, store_error> name_of(const std::string& digest);
  void put(time_ms from, const std::string& slot, const std::string& digest);

  std::int32_t partition_;
  policy_texts texts_;
  history_contents& into_;
  /// By slot.
  std::map<std::string, std::string> digests_;
  std::map<std::string, std::string> names_;
  std::set<std::uint64_t> obeyed_;
};

} // namespace fairuse::history
