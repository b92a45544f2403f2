// SPDX-License-Identifier: Apache-2.0
#include "streams/history/history_target.hpp"

#include <utility>

#include <fmt/format.h>

namespace fairuse::history {

result<history_target, store_error> history_target::open(const std::filesystem::path& file, bool replace) {
  history_target made;
  auto writer = history_writer::create(file, replace);
  if (not writer) return writer.error();
  made.writer_ = std::move(*writer);
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  made.scratch_ = std::make_unique<scratch_folder>(folder, file.filename().string() + ".scratch");
  if (made.scratch_->path().empty())
    return store_error{store_fault::io, fmt::format("no folder can be made in {}", folder.string())};
  return made;
}

} // namespace fairuse::history
