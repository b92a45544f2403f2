// SPDX-License-Identifier: Apache-2.0
#include "api/notifier/notice_log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pure/numbers.hpp"
#include "base/system/files.hpp"

namespace fairuse {

namespace {

namespace fs = std::filesystem;

error failure(std::string_view what, const fs::path& file) {
  return error{std::string{"cannot "}.append(what).append(" ").append(file.string()) + ": " + std::strerror(errno),
               static_cast<std::errc>(errno)};
}

// Reading a pipe would wait, and reading a device would never end.
result<int> open_to_append(const fs::path& file) {
  const int handle = ::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0600);
  if (handle < 0) return failure("open", file);
  struct stat what {};
  if (::fstat(handle, &what) == 0 and S_ISREG(what.st_mode)) return int{handle};
  ::close(handle);
  return error{"cannot open " + file.string() + ": what is there is no file. Move it away"};
}

// The bytes up to the last line end.
result<std::uint64_t> whole_bytes(const fs::path& file) {
  std::uint64_t seen = 0;
  std::uint64_t whole = 0;
  auto done = read_blocks(file, [&](std::string_view block) {
    if (const auto end = block.rfind('\n'); end != std::string_view::npos) whole = seen + end + 1;
    seen += block.size();
  });
  if (not done) return done.error();
  return whole;
}

result<void> read_lines(const fs::path& file, const std::function<void(std::string_view)>& visit) {
  std::string rest;
  return read_blocks(file, [&](std::string_view block) {
    for (auto end = block.find('\n'); end != std::string_view::npos; end = block.find('\n')) {
      rest.append(block.substr(0, end));
      visit(rest);
      rest.clear();
      block.remove_prefix(end + 1);
    }
    rest.append(block);
  });
}

} // namespace

notice_log::notice_log(fs::path file, std::int64_t kept_ms, std::uint64_t bytes_max, int handle, std::uint64_t bytes)
  : file_{std::move(file)}, kept_ms_{kept_ms}, bytes_max_{bytes_max}, handle_{handle}, bytes_{bytes} {}

notice_log::notice_log(notice_log&& other) noexcept
  : file_{std::move(other.file_)},
    kept_ms_{other.kept_ms_},
    bytes_max_{other.bytes_max_},
    handle_{std::exchange(other.handle_, -1)},
    bytes_{other.bytes_},
    added_{std::move(other.added_)} {}

notice_log::~notice_log() {
  if (handle_ >= 0) ::close(handle_);
}

result<notice_log> notice_log::open(fs::path file, std::int64_t kept_ms, std::uint64_t bytes_max) {
  const auto handle = open_to_append(file);
  if (not handle) return handle.error();
  notice_log made{std::move(file), kept_ms, bytes_max, *handle, 0};
  const auto whole = whole_bytes(made.file_);
  if (not whole) return whole.error();
  made.bytes_ = *whole;
  if (::ftruncate(*handle, static_cast<off_t>(*whole)) != 0) return failure("cut", made.file_);
  if (auto synced = sync_folder_of(made.file_); not synced) return synced.error();
  return made;
}

// `sent-1772359200000.ndjson`: by the instant, oldest first.
std::vector<fs::path> notice_log::ended_files_of(const fs::path& file) {
  const auto begin = file.stem().string() + "-";
  std::vector<std::pair<time_ms, fs::path>> found;
  std::error_code failed;
  for (fs::directory_iterator each{file.parent_path(), failed}, end; not failed and each != end;
       each.increment(failed)) {
    const auto stem = each->path().stem().string();
    std::error_code unknown;
    if (each->path().extension() != file.extension() or not stem.starts_with(begin)
        or not each->is_regular_file(unknown))
      continue;
    if (const auto at = parse_number<time_ms>(std::string_view{stem}.substr(begin.size())))
      found.emplace_back(*at, each->path());
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> files;
  files.reserve(found.size());
  for (auto& [at, path] : found)
    files.push_back(std::move(path));
  return files;
}

result<void> notice_log::read(const std::function<void(std::string_view)>& visit) const {
  auto files = ended_files_of(file_);
  files.push_back(file_);
  for (const auto& each : files)
    if (auto done = read_lines(each, visit); not done) return done;
  return {};
}

void notice_log::add(std::string_view line) { added_.append(line).append(1, '\n'); }

result<void> notice_log::save(time_ms now) {
  if (added_.empty()) return {};
  if (bytes_ > 0 and bytes_ + added_.size() > bytes_max_)
    if (auto begun = begin_anew(now); not begun) return begun;
  std::string_view rest = added_;
  while (not rest.empty()) {
    const auto written = ::write(handle_, rest.data(), rest.size());
    if (written < 0 and errno == EINTR) continue;
    if (written < 0) return failure("write", file_);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fdatasync(handle_) != 0) return failure("sync", file_);
  bytes_ += added_.size();
  added_.clear();
  return {};
}

result<void> notice_log::begin_anew(time_ms now) {
  const auto named_by = [this](time_ms at) {
    return file_.parent_path() / (file_.stem().string() + "-" + std::to_string(at) + file_.extension().string());
  };
  auto at = now;
  while (fs::exists(named_by(at)))
    ++at;
  if (auto renamed = rename_durably(file_, named_by(at)); not renamed) return renamed;
  const auto handle = open_to_append(file_);
  if (not handle) return handle.error();
  ::close(std::exchange(handle_, *handle));
  bytes_ = 0;
  if (auto synced = sync_folder_of(file_); not synced) return synced;
  for (const auto& each : ended_files_of(file_)) {
    const auto stem = each.stem().string();
    const auto ended = parse_number<time_ms>(std::string_view{stem}.substr(file_.stem().string().size() + 1));
    std::error_code ignored;
    if (ended and *ended + kept_ms_ < now) fs::remove(each, ignored);
  }
  return {};
}

} // namespace fairuse
