// SPDX-License-Identifier: Apache-2.0

#include "api/notifier/sent_notices.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "api/json_members.hpp"
#include "api/notifier/notice_log.hpp"
#include "api/topic_reader.hpp"
#include "base/system/stoppable_pause.hpp"

namespace fairuse {

namespace {

constexpr std::chrono::milliseconds look_every{1'000};
constexpr kafka::milliseconds wait_for_ends{500};

/// 0: there is no such file.
std::uint64_t inode_of(const std::filesystem::path& file) {
  struct stat what {};
  return ::stat(file.c_str(), &what) == 0 and S_ISREG(what.st_mode) ? what.st_ino : 0;
}

} // namespace

sent_notices::sent_notices(std::filesystem::path state)
  : thread_{
      [this, folder = std::move(state) / "notifier"](const std::stop_token& stop) { follow_files(folder, stop); }} {}

sent_notices::sent_notices(kafka::cluster& brokers, std::string ends_topic,
                           std::function<void(log_level, const std::string&)> log)
  : thread_{[this, &brokers, topic = std::move(ends_topic), told = std::move(log)](const std::stop_token& stop) {
      follow_topic(brokers, topic, told, stop);
    }} {}

std::vector<sent_notice> sent_notices::of(const std::string& uid) const {
  const std::lock_guard guard{mutex_};
  const auto found = users_.find(uid);
  if (found == users_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

void sent_notices::take(std::string_view line) {
  const auto all = nlohmann::json::parse(line, nullptr, false);
  if (not all.is_object() or text_in(all, "end") != "sent") return;
  const auto uid = text_in(all, "user");
  const auto about = notice_about_from(text_in(all, "about"));
  if (uid.empty() or not about) return;
  const sent_notice made{*about, stage_from(text_in(all, "stage")).value_or(stage::none), time_in(all, "time", 0)};
  const std::lock_guard guard{mutex_};
  auto& kept = users_[uid];
  kept.push_back(made);
  if (kept.size() > kept_per_user) kept.pop_front();
}

void sent_notices::follow_files(const std::filesystem::path& folder, const std::stop_token& stop) {
  do
    read_files(folder);
  while (pause_for(look_every, stop));
}

// The file may have got the instant into its name since the last look, and another one begun.
void sent_notices::read_files(const std::filesystem::path& folder) {
  auto files = notice_log::ended_files_of(folder / "sent.ndjson");
  files.push_back(folder / "sent.ndjson");
  const auto known = std::find_if(files.begin(), files.end(),
                                  [this](const auto& each) { return inode_ != 0 and inode_of(each) == inode_; });
  for (auto at = known == files.end() ? files.begin() : known; at != files.end(); ++at) {
    const auto inode = inode_of(*at);
    if (inode == 0) continue;
    read_file_from(*at, inode == inode_ ? offset_ : 0);
    inode_ = inode;
  }
}

// Up to the last line that has its end.
void sent_notices::read_file_from(const std::filesystem::path& file, std::uint64_t offset) {
  std::ifstream in{file, std::ios::binary};
  in.seekg(static_cast<std::streamoff>(offset));
  offset_ = offset;
  for (std::string line; std::getline(in, line) and not in.eof();) {
    offset_ += line.size() + 1;
    take(line);
  }
}

void sent_notices::follow_topic(kafka::cluster& brokers, const std::string& topic,
                                const std::function<void(log_level, const std::string&)>& log,
                                const std::stop_token& stop) {
  topic_reader reader{brokers, topic};
  const auto told = [this](const kafka::record& what, const std::vector<kafka::header>&) {
    if (what.value) take(*what.value);
  };
  bool follows = false;
  bool has_read = false;
  std::string last_told;
  while (not stop.stop_requested()) {
    kafka::call_result<> done;
    if (not follows) {
      done = reader.follow_all();
      follows = done.has_value();
      has_read = false;
      // From the beginning: what was read before comes again.
      const std::lock_guard guard{mutex_};
      if (follows) users_.clear();
    } else if (not has_read) {
      const auto all = reader.read_all(wait_for_ends, told);
      if (all) has_read = *all;
      if (not all) done = all.error();
    } else {
      done = reader.read_some(wait_for_ends, told);
    }
    if (done) continue;
    follows = follows and has_read;
    if (std::exchange(last_told, done.error().text) != done.error().text)
      log(log_level::warning, fmt::format("messages that were sent are not shown: {} cannot be read: {} ({})", topic,
                                          done.error().text, done.error().code));
    if (not pause_for(look_every, stop)) return;
  }
}

} // namespace fairuse
