// SPDX-License-Identifier: Apache-2.0

#include "engine/state_folder.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "storage/local_store.hpp"

namespace fairuse {

namespace {

namespace fs = std::filesystem;

bool is_of_kafka_mode(const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return name == "partitions.json" or name.starts_with("worker-"); });
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::error_code unknown;
  std::vector<std::string> names;
  for (fs::directory_iterator each{folder, unknown}, end; not unknown and each != end; each.increment(unknown))
    // The root of a file system has one.
    if (each->path().filename() != "lost+found") names.push_back(each->path().filename().string());
  return names;
}

} // namespace

bool holds_kafka_state(const fs::path& folder) { return is_of_kafka_mode(names_in(folder)); }

bool is_in_use(const fs::path& folder) {
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return true;
  const bool is_free = ::flock(opened, LOCK_SH | LOCK_NB) == 0;
  ::close(opened);
  return not is_free;
}

run_result<void> state_folder::choose(fs::path folder, stream_kind mode) {
  folder_ = std::move(folder);
  std::error_code unknown;
  for (auto at = fs::absolute(folder_).lexically_normal(); not fs::exists(at, unknown) and at.has_relative_path();
       at = at.parent_path())
    if (at.has_filename()) absent_.push_back(at);
  if (fs::exists(folder_, unknown) and not fs::is_directory(folder_, unknown))
    return run_error{run_fault::refused,
                     fmt::format("{} is no folder: name another one with --state", folder_.string())};
  const auto names = names_in(folder_);
  unused_ = names.empty();
  const bool local = holds_local_store(folder_);
  const bool kafka = is_of_kafka_mode(names);
  if (unused_ or (mode == stream_kind::local ? local : kafka)) return lock();
  const auto* holds = local ? "the store of local mode" : kafka ? "the state of an instance on Kafka" : "other files";
  return run_error{run_fault::refused,
                   fmt::format("the folder {} holds {}: name another one with --state, which is made "
                               "if it is not there",
                               folder_.string(), holds)};
}

run_result<void> state_folder::lock() {
  auto taken = folder_lock::take(folder_);
  if (taken) {
    lock_ = std::move(*taken);
    return {};
  }
  const auto& why = taken.error();
  if (why.cause != std::errc::device_or_resource_busy) return run_error{run_fault::failed, why.message};
  return run_error{
      run_fault::failed,
      fmt::format("the state folder {} is in use by another process: stop that one, or name another folder "
                  "with --state",
                  folder_.string())};
}

state_folder::~state_folder() {
  std::error_code ignored;
  if (withdrawn_ and unused_) remove_local_store(folder_);
  for (const auto& each : absent_)
    fs::remove(each, ignored);
}

} // namespace fairuse
