// SPDX-License-Identifier: Apache-2.0
#include "api/reviewer/recordings.hpp"

#include <simdjson.h>

#include "base/system/files.hpp"
#include "events/json_scan.hpp"
#include "events/json_text.hpp"

namespace fairuse {
namespace {

std::filesystem::path file_of(const std::filesystem::path& folder, const std::string& name) {
  return folder / (name + ".json");
}

} // namespace

result<void> make_recordings(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code failed;
  if (not fs::exists(folder, failed)) {
    fs::create_directories(folder, failed);
    if (failed) return error{"cannot make the folder " + folder.string() + ": " + failed.message()};
    fs::permissions(folder, fs::perms::owner_all, failed);
  }
  if (not fs::is_directory(folder, failed)) return error{folder.string() + " is no folder"};
  return check_writable(folder);
}

result<void> write_recording(const std::filesystem::path& folder, const std::string& name, const std::string& request,
                             const recorded_answer& answer) {
  std::string text = "{";
  json_members members{text};
  members.text("request", request);
  members.text("answer", answer.text);
  members.integer("took_ms", answer.took_ms);
  text += "}\n";
  // An answer is anything; what is no UTF-8 could not be read again.
  if (find_json_fault(text, 8)) return error{"an answer that is no UTF-8 was not recorded"};
  auto file = file_replacement::open(file_of(folder, name), ".new", 0600);
  if (not file) return file.error();
  if (auto written = file->write(text); not written) return written;
  return file->commit(durability::status);
}

result<std::optional<recorded_answer>> read_recording(const std::filesystem::path& folder, const std::string& name) {
  const auto file = file_of(folder, name);
  std::error_code failed;
  if (not std::filesystem::exists(file, failed)) return std::optional<recorded_answer>{};
  const auto text = read_file(file);
  if (not text) return text.error();
  simdjson::dom::parser parser;
  std::string_view answer;
  std::int64_t took_ms = 0;
  const auto all = parser.parse(*text);
  if (all["answer"].get(answer) != simdjson::SUCCESS or all["took_ms"].get(took_ms) != simdjson::SUCCESS)
    return error{file.string() + " is no recording; remove it"};
  return std::optional<recorded_answer>{{std::string{answer}, took_ms}};
}

} // namespace fairuse
