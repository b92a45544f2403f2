// SPDX-License-Identifier: Apache-2.0
#include "base/system/files.hpp"

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fairuse {

namespace {

error system_error(std::string_view doing, const std::filesystem::path& file) {
  const int number = errno;
  std::string message(doing);
  message.append(" ").append(file.string()).append(": ").append(std::strerror(number));
  return {std::move(message), static_cast<std::errc>(number)};
}

bool is_special(const std::filesystem::path& file) {
  std::error_code ignored;
  const auto what = std::filesystem::status(file, ignored);
  return std::filesystem::exists(what) and not std::filesystem::is_regular_file(what)
         and not std::filesystem::is_directory(what);
}

/// Where a link leads, whether something is there or not; after many links in a ring, one of them.
std::filesystem::path behind_links(std::filesystem::path file) {
  constexpr int links_max = 40;
  std::error_code ignored;
  for (int i = 0; i < links_max and std::filesystem::is_symlink(file, ignored); ++i)
    file = file.parent_path() / std::filesystem::read_symlink(file, ignored);
  return file;
}

/// Where a file system has no locks, nobody is told of another writer.
bool lock(int handle) { return ::flock(handle, LOCK_EX | LOCK_NB) == 0 or errno != EWOULDBLOCK; }

/// Remove what a crash has left; the lock of a writer who lives is held.
result<void> remove_left_over(const std::filesystem::path& file) {
  const int handle = ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (handle < 0) return errno == ENOENT ? result<void>{} : system_error("cannot write", file);
  struct stat what {};
  result<void> done;
  if (::fstat(handle, &what) != 0 or not S_ISREG(what.st_mode))
    done = error{"cannot write " + file.string() + ": what is there is no file"};
  else if (not lock(handle))
    done = error{"cannot write " + file.string() + ": another process is writing it"};
  else if (::unlink(file.c_str()) != 0 and errno != ENOENT)
    done = system_error("cannot write", file);
  ::close(handle);
  return done;
}

/// A new and locked file of that name.
result<int> create_alone(const std::filesystem::path& file, mode_t mode) {
  for (;;) {
    const int handle = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (handle < 0) {
      if (errno != EEXIST) return system_error("cannot write", file);
      if (auto removed = remove_left_over(file); not removed) return removed.error();
      continue;
    }
    struct stat what {};
    // Another process may have taken it for a left-over before it was locked.
    if (lock(handle) and ::fstat(handle, &what) == 0 and what.st_nlink > 0) return int{handle};
    ::close(handle);
  }
}

} // namespace

result<void> sync_folder_of(const std::filesystem::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."};
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return system_error("cannot sync", folder);
  result<void> done;
  if (::fsync(handle) != 0) done = system_error("cannot sync", folder);
  ::close(handle);
  return done;
}

result<void> check_apart(const std::filesystem::path& to, std::span<const std::filesystem::path> read) {
  std::error_code ignored;
  for (const auto& each : read)
    if (not to.empty() and std::filesystem::equivalent(each, to, ignored))
      return error{to.string() + " is one of the files to read"};
  return {};
}

namespace {

// Closes the handle.
result<void> read_to_end(int handle, const std::filesystem::path& file,
                         const std::function<void(std::string_view)>& visit) {
  std::vector<char> block(64 * 1024);
  result<void> done;
  for (;;) {
    const auto got = ::read(handle, block.data(), block.size());
    if (got < 0 and errno == EINTR) continue;
    if (got < 0) done = system_error("cannot read", file);
    if (got <= 0) break;
    visit({block.data(), static_cast<std::size_t>(got)});
  }
  ::close(handle);
  return done;
}

} // namespace

result<void> read_blocks(const std::filesystem::path& file, const std::function<void(std::string_view)>& visit) {
  const int handle = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0) return system_error("cannot read", file);
  return read_to_end(handle, file, visit);
}

result<std::string> read_plain_file(const std::filesystem::path& file) {
  const int handle = ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (handle < 0 and errno != ELOOP) return system_error("cannot read", file);
  struct stat what {};
  if (handle < 0 or ::fstat(handle, &what) != 0 or not S_ISREG(what.st_mode)) {
    if (handle >= 0) ::close(handle);
    return error{"cannot read " + file.string() + ": what is there is no file of its own"};
  }
  std::string bytes;
  if (auto read = read_to_end(handle, file, [&bytes](std::string_view block) { bytes += block; }); not read)
    return read.error();
  return bytes;
}

result<std::string> read_file(const std::filesystem::path& file) {
  std::string bytes;
  if (auto read = read_blocks(file, [&bytes](std::string_view block) { bytes += block; }); not read)
    return read.error();
  return bytes;
}

result<file_replacement> file_replacement::open(std::filesystem::path file, std::string_view suffix, mode_t mode) {
  if (is_special(file)) {
    const int handle = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    if (handle < 0) return system_error("cannot write", file);
    return file_replacement(file, file, handle);
  }
  file = behind_links(std::move(file));
  auto fresh = file;
  fresh += suffix;
  const auto handle = create_alone(fresh, mode);
  if (not handle) return handle.error();
  return file_replacement(std::move(file), std::move(fresh), *handle);
}

file_replacement::file_replacement(std::filesystem::path file, std::filesystem::path fresh, int handle)
  : file_(std::move(file)), fresh_(std::move(fresh)), handle_(handle) {}

file_replacement::file_replacement(file_replacement&& other) noexcept
  : file_(std::move(other.file_)), fresh_(std::move(other.fresh_)), handle_(std::exchange(other.handle_, -1)) {}

file_replacement::~file_replacement() {
  if (handle_ < 0) return;
  // First the name: the lock ends with the handle.
  if (fresh_ != file_) ::unlink(fresh_.c_str());
  ::close(handle_);
}

result<void> file_replacement::write(std::string_view bytes) {
  while (not bytes.empty()) {
    const auto done = ::write(handle_, bytes.data(), bytes.size());
    if (done < 0 and errno == EINTR) continue;
    if (done < 0) return system_error("cannot write", fresh_);
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

result<void> file_replacement::commit(durability how) {
  if (fresh_ == file_) {
    if (::close(std::exchange(handle_, -1)) != 0) return system_error("cannot write", file_);
    return {};
  }
  if (how == durability::durable and ::fsync(handle_) != 0) return system_error("cannot sync", fresh_);
  if (::rename(fresh_.c_str(), file_.c_str()) != 0) return system_error("cannot rename to", file_);
  ::close(std::exchange(handle_, -1));
  if (how == durability::status) return {};
  return sync_folder_of(file_);
}

result<void> check_writable(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return error{"cannot make the folder " + folder.string() + ": " + failed.message()};
  auto file = file_replacement::open(folder / ("writable-" + std::to_string(::getpid())));
  return file ? file->write(std::string(64 * 1024, '\0')) : file.error();
}

result<void> rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error("cannot rename to", to);
  return sync_folder_of(to);
}

result<void> replace_file(const std::filesystem::path& file, std::string_view bytes, durability how) {
  auto fresh = file_replacement::open(file);
  if (not fresh) return fresh.error();
  if (auto written = fresh->write(bytes); not written) return written;
  return fresh->commit(how);
}

} // namespace fairuse
