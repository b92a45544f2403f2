// SPDX-License-Identifier: Apache-2.0
//
// A history in the making: its file, and a folder beside it for what memory does not hold. Without finish() nothing is
// left of either.
// Threads: one.
#pragma once

#include <filesystem>
#include <memory>

#include "base/system/scratch_folder.hpp"
#include "storage/history/history_file.hpp"

namespace fairuse::history {

class history_target {
public:
  /// Error (misuse): the file is there and `replace` is false.
  static result<history_target, store_error> open(const std::filesystem::path& file, bool replace);

  const std::filesystem::path& scratch() const { return scratch_->path(); }
  history_writer& writer() { return *writer_; }
  result<void, store_error> finish(const history_contents& all) { return writer_->finish(all); }

private:
  history_target() = default;
  std::unique_ptr<history_writer> writer_;
  std::unique_ptr<scratch_folder> scratch_;
};

} // namespace fairuse::history
