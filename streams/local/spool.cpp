// SPDX-License-Identifier: Apache-2.0

#include "streams/local/spool.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/pure/numbers.hpp"
#include "base/system/files.hpp"
#include "events/json_text.hpp"

namespace fairuse {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view file_end = ".ndjson";
/// Of a delivery that is being written (base/system/files.hpp).
constexpr std::string_view part_end = ".ndjson.new";
/// More wait for the next call.
constexpr std::size_t files_at_once = 1'000;
constexpr std::size_t bytes_at_once = spool_file_bytes_max;
/// What a writer who was killed left is older than any that is being written.
constexpr std::chrono::hours left_behind_after{1};

/// Names of the files that are there, in order.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code unknown;
  for (fs::directory_iterator each{folder, unknown}, end; not unknown and each != end; each.increment(unknown))
    if (auto name = each->path().filename().string(); name.ends_with(file_end)) names.push_back(std::move(name));
  std::sort(names.begin(), names.end());
  return names;
}

// Names stand in lines of settings and in dead letters.
bool is_line_of_text(std::string_view name) {
  return std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' or c == 0x7f; })
         and not find_utf8_fault(name);
}

std::string shown(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c < ' ' or c > '~'; }, '?');
  return name;
}

/// Where line number `lines` begins.
std::size_t begin_of_line(std::string_view text, std::uint64_t lines) {
  std::size_t begin = 0;
  for (; lines > 0 and begin < text.size(); --lines) {
    const auto end = text.find('\n', begin);
    begin = end == std::string_view::npos ? text.size() : end + 1;
  }
  return begin;
}

// What no writer will put under its name any more.
void remove_left_behind(const fs::path& folder) {
  std::error_code unknown;
  const auto oldest = fs::file_time_type::clock::now() - left_behind_after;
  for (fs::directory_iterator each{folder, unknown}, end; not unknown and each != end; each.increment(unknown)) {
    std::error_code ignored;
    if (each->path().filename().string().ends_with(part_end) and each->last_write_time(ignored) < oldest
        and not ignored)
      fs::remove(each->path(), ignored);
  }
}

} // namespace

fs::path spool_folder(const fs::path& state) { return state / "spool"; }

result<void> put_in_spool(const fs::path& state, std::string_view name, std::string_view lines) {
  assert(lines.size() <= spool_file_bytes_max);
  const auto folder = spool_folder(state);
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return error{fmt::format("cannot make the folder {}: {}", folder.string(), failed.message())};
  return replace_file(folder / fmt::format("{}{}", name, file_end), lines);
}

// `remembered` is a line per file: its name, which may hold spaces, and how many lines of it were read.
spool::spool(const fs::path& state, std::string_view remembered, std::function<void(const std::string&)> notice)
  : folder_{spool_folder(state)}, notice_{std::move(notice)} {
  remove_left_behind(folder_);
  while (not remembered.empty()) {
    const auto line = remembered.substr(0, remembered.find('\n'));
    remembered.remove_prefix(std::min(remembered.size(), line.size() + 1));
    const auto space = line.rfind(' ');
    if (space == std::string_view::npos) continue;
    files_[std::string{line.substr(0, space)}].lines = parse_number<std::uint64_t>(line.substr(space + 1)).value_or(0);
  }
}

std::vector<std::unique_ptr<input_batch>> spool::take() {
  std::vector<std::unique_ptr<input_batch>> taken;
  const auto names = names_in(folder_);
  // Removed, by the last run or by hand.
  std::erase_if(files_, [&](const auto& each) {
    return (not each.second.taken or each.second.whole)
           and not std::binary_search(names.begin(), names.end(), each.first);
  });
  std::size_t bytes = 0;
  has_more_ = false;
  for (const auto& name : names) {
    auto& file = files_[name];
    if (file.taken) continue;
    has_more_ = taken.size() == files_at_once or bytes >= bytes_at_once;
    if (has_more_) break;
    file.taken = true;
    auto batch = read(name, file.lines);
    if (batch == nullptr) continue;
    bytes += batch->size;
    if (batch->lines.empty())
      file.whole = true;
    else
      taken.push_back(std::move(batch));
  }
  return taken;
}

// Nullptr: it cannot be read, and stays where it is.
std::unique_ptr<input_batch> spool::read(const std::string& name, std::uint64_t from) {
  if (not is_line_of_text(name)) {
    notice_(fmt::format("{} is not read: its name is no line of UTF-8. Rename it", (folder_ / shown(name)).string()));
    return nullptr;
  }
  const auto file = folder_ / name;
  std::error_code unknown;
  if (fs::file_size(file, unknown) > spool_file_bytes_max and not unknown) {
    notice_(fmt::format("{} is not read: it has more than {} MiB. Put its lines into smaller files", file.string(),
                        spool_file_bytes_max >> 20U));
    return nullptr;
  }
  // Waiting for who may write a pipe would hold up the engine; a link may lead to what is no delivery.
  const auto text = read_plain_file(file);
  if (not text) {
    notice_(text.error().message + "; it is left where it is");
    return nullptr;
  }
  const auto begin = begin_of_line(*text, from);
  auto batch = batch_from(std::string_view{*text}.substr(begin), decoder_);
  batch->spooled = name;
  batch->first_line = from + 1;
  return batch;
}

void spool::joined(const input_batch& batch, std::uint32_t end) {
  auto& file = files_[batch.spooled];
  file.lines = batch.first_line - 1 + end;
  file.whole = end == batch.lines.size();
}

std::string spool::positions() const {
  std::string text;
  for (const auto& [name, file] : files_)
    if (file.lines > 0) text += fmt::format("{} {}\n", name, file.lines);
  return text;
}

void spool::turn() {
  settle();
  for (auto& [name, file] : files_)
    file.handed = file.whole;
}

// The next commit forgets those that are gone.
void spool::settle() {
  std::erase_if(files_, [this](const auto& each) {
    std::error_code failed;
    if (each.second.handed) fs::remove(folder_ / each.first, failed);
    return each.second.handed and not failed;
  });
}

} // namespace fairuse
