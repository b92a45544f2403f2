// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to streams/history. Follows which policies the slots of one partition have and which switches are on, and
// notes every change and every run that begins with others than commands had made.
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

  /// What an epoch begins with, as a journal says. `begins`: the epoch, and what else holds; its controls are `loaded`.
  result<void, store_error> load(history_run begins, const stored_controls& loaded);
  /// A command with this id took effect before.
  void know(std::uint64_t key) { obeyed_.insert(key); }
  /// A command to all users that was not refused. One that comes again does nothing.
  void obey(time_ms at, const event& command);

private:
  result<std::string, store_error> name_of(const std::string& digest);
  void put(time_ms from, const std::string& slot, const std::string& digest);
  void note_slots(time_ms from, std::map<std::string, std::string> wanted);
  void note_run(history_run begins);

  std::int32_t partition_;
  policy_texts texts_;
  history_contents& into_;
  /// By slot.
  std::map<std::string, std::string> digests_;
  std::map<std::string, std::string> names_;
  std::set<std::uint64_t> obeyed_;
  /// What the last run left, with the commands since; without one: not begun.
  history_run last_;
  bool begun_ = false;
};

} // namespace fairuse::history
