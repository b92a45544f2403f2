// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/identity. What a file says, read again when the file changes. A file that cannot be read, or is
// refused, leaves what was read before in force, and is logged once.
// Threads: any. One of them reads the file; the others go on with what was read before.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/pure/log_level.hpp"
#include "base/pure/result.hpp"
#include "events/event.hpp"

namespace fairuse {

/// What changes when a file does.
struct file_stamp {
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  /// Nobody can set this one back.
  std::int64_t changed_ns = 0;
  friend bool operator==(const file_stamp&, const file_stamp&) = default;
};

/// Nullopt: no file is there.
std::optional<file_stamp> stamp_of(const std::filesystem::path& file);

/// All of a regular file of at most 1 MiB.
result<std::string> read_small_file(const std::filesystem::path& file);

template <class Content>
class watched_file {
public:
  using parser = result<Content> (*)(std::string_view text, const std::string& file);
  using log_function = std::function<void(log_level, const std::string&)>;

  static constexpr std::int64_t look_every_ms = 1'000;
  static constexpr std::int64_t insist_every_ms = 60'000;

  /// An error: the file is refused now.
  static result<std::unique_ptr<watched_file>> open(const std::filesystem::path& file, parser parse, log_function log) {
    std::unique_ptr<watched_file> made{new watched_file{file, parse, std::move(log)}};
    if (auto read = made->read(stamp_of(file)); not read) return read.error();
    return made;
  }

  /// Looks at the file first, if the last look was more than a second ago.
  std::shared_ptr<const Content> content(time_ms now) {
    if (is_over(looked_at_, look_every_ms, now))
      if (const std::unique_lock reading{reading_, std::try_to_lock}; reading.owns_lock()) look(now);
    return held();
  }

  /// For who misses something in `known`: what another thread has read meanwhile, or what the file says now, whatever
  /// its stamp, but the file is read at most once a minute. Nullptr: there is nothing newer than `known`.
  std::shared_ptr<const Content> newer_than(const std::shared_ptr<const Content>& known, time_ms now) {
    const std::scoped_lock reading{reading_};
    if (held() == known and is_over(insisted_at_, insist_every_ms, now)) {
      insisted_at_ = now;
      read_again(stamp_of(file_));
    }
    auto newest = held();
    return newest == known ? nullptr : newest;
  }

private:
  watched_file(std::filesystem::path file, parser parse, log_function log)
    : file_{std::move(file)}, parse_{parse}, log_{std::move(log)} {}

  /// In both directions: a clock may be set back, and threads bring instants that are a little apart.
  static bool is_over(time_ms since, std::int64_t wait_ms, time_ms now) {
    return since == never or std::abs(now - since) >= wait_ms;
  }

  std::shared_ptr<const Content> held() const {
    const std::scoped_lock lock{mutex_};
    return content_;
  }

  // REQUIRES of all three: `reading_` is held.
  void look(time_ms now) {
    looked_at_ = now;
    if (auto stamp = stamp_of(file_); stamp != stamp_) read_again(stamp);
  }

  void read_again(std::optional<file_stamp> stamp) {
    const auto is_new = read(stamp);
    if (not is_new) {
      const auto& message = is_new.error().message;
      if (std::exchange(told_, message) != message)
        log_(log_level::error, message + "; what was read of it before stays in force");
      return;
    }
    told_.clear();
    if (*is_new) log_(log_level::info, file_.string() + " was read again");
  }

  /// False: it says what it said before. The stamp was taken before, so what is written behind it is seen later.
  result<bool> read(std::optional<file_stamp> stamp) {
    stamp_ = stamp;
    auto text = read_small_file(file_);
    if (not text) return text.error();
    if (content_ and *text == text_) return false;
    auto content = parse_(*text, file_.string());
    if (not content) return content.error();
    text_ = std::move(*text);
    const std::scoped_lock lock{mutex_};
    content_ = std::make_shared<const Content>(std::move(*content));
    return true;
  }

  const std::filesystem::path file_;
  const parser parse_;
  const log_function log_;
  std::atomic<time_ms> looked_at_{never};
  std::mutex reading_;
  /// Under `reading_`.
  std::optional<file_stamp> stamp_;
  time_ms insisted_at_ = never;
  /// The error that was logged last, and the text that is in force.
  std::string told_;
  std::string text_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Content> content_;
};

} // namespace fairuse
