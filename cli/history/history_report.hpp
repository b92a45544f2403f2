// SPDX-License-Identifier: Apache-2.0
//
// What is in a history, as text and as JSON.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "storage/history/survey.hpp"
#include "streams/history/pack_files.hpp"

namespace fairuse::cli {

struct history_report {
  std::string file;
  const history::history_reader& of;
  /// Where a history was packed just now.
  const history::files_read* read = nullptr;
  std::uint64_t labelled_users = 0;
  /// Where all of it was read.
  std::optional<history::history_survey> survey;
};

std::string text_of(const history_report& report);
nlohmann::ordered_json json_of(const history_report& report);

} // namespace fairuse::cli
