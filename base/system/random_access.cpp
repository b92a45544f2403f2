// SPDX-License-Identifier: Apache-2.0
#include "base/system/random_access.hpp"

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fairuse {

result<opened_file> open_for_reading(const std::filesystem::path& file) {
  const auto system_error = [&file] {
    return error{"cannot read " + file.string() + ": " + std::strerror(errno), static_cast<std::errc>(errno)};
  };
  const int handle = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0) return system_error();
  const std::shared_ptr<const int> kept(new int(handle), [](const int* each) {
    ::close(*each);
    delete each;
  });
  struct stat facts {};
  if (::fstat(handle, &facts) != 0) return system_error();
  if (not S_ISREG(facts.st_mode)) return error{file.string() + " is no file"};
  auto read = [kept](std::uint64_t at, std::span<char> out) {
    while (not out.empty()) {
      const auto done = ::pread(*kept, out.data(), out.size(), static_cast<off_t>(at));
      if (done < 0 and errno == EINTR) continue;
      if (done <= 0) return false;
      out = out.subspan(static_cast<std::size_t>(done));
      at += static_cast<std::uint64_t>(done);
    }
    return true;
  };
  return opened_file{std::move(read), static_cast<std::uint64_t>(facts.st_size)};
}

} // namespace fairuse
