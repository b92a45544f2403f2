// SPDX-License-Identifier: Apache-2.0
//
// What a run did, for people and for programs.
#pragma once

#include <cstdint>
#include <string>

#include "streams/local/local_sink.hpp"

namespace fairuse::cli {

struct run_figures {
  double seconds = 0;
  double cpu_seconds = 0;
  std::uint64_t memory_peak_bytes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t active_users = 0;
  std::uint64_t last_epoch = 0;
};

std::uint64_t dead_letter_count(const run_totals& totals);
/// A table.
std::string summary_text(const run_totals& totals, const run_figures& figures);
/// One line of JSON, without a newline.
std::string summary_json(const run_totals& totals, const run_figures& figures);

} // namespace fairuse::cli
