// SPDX-License-Identifier: Apache-2.0
#include "streams/history/pack_files.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/rules.hpp"
#include "streams/history/file_reader.hpp"
#include "streams/history/history_target.hpp"
#include "streams/history/labels.hpp"

namespace fairuse::history {

namespace {

/// A packer with what was read.
struct filled {
  std::unique_ptr<packer> all;
  files_read read;
};

result<filled, file_failure> fill(const pack_files_wish& wish, const std::filesystem::path& scratch) {
  for (bool takes_arrivals = true;; takes_arrivals = false) {
    filled made;
    made.all = std::make_unique<packer>(pack_options{.scratch = scratch,
                                                     .memory_bytes = wish.memory_bytes,
                                                     .block_events = wish.block_events,
                                                     .judges_lateness = true,
                                                     .pseudonym_key = wish.pseudonym_key,
                                                     .progress = wish.writing,
                                                     .stopped = wish.stopped});
    file_reader reader(wish, *made.all, takes_arrivals);
    auto read = reader.read();
    if (read) {
      made.read = std::move(*read);
      return made;
    }
    const bool can_be_read_again = std::all_of(wish.files.begin(), wish.files.end(), [](const std::string& file) {
      std::error_code ignored;
      return std::filesystem::is_regular_file(file, ignored);
    });
    if (not reader.lost_arrivals() or not can_be_read_again) return read.error();
  }
}

history_contents contents_of(const pack_files_wish& wish, const files_read& read) {
  history_contents made;
  made.program = wish.program;
  made.arrivals_known = read.arrivals_known;
  made.kinds = read.kinds;
  if (read.arrivals_known) made.horizon_ms = horizon_wall_ms;
  if (not wish.labels.empty()) made.labels = known_labels();
  return made;
}

file_failure without_events(const pack_files_wish& wish, const files_read& read) {
  const auto why = read.refusals.empty() ? std::string("They have no line")
                                         : fmt::format("{}: {}: {}", read.refusals.front().where,
                                                       to_text(read.refusals.front().why), read.refusals.front().says);
  return {file_fault::unusable, fmt::format("no event in {}. {}", fmt::join(wish.files, ", "), why)};
}

} // namespace

file_failure cannot_pack(const store_error& why) {
  if (why.message == pack_stopped) return {file_fault::stopped, why.message};
  const bool is_wrong = why.fault == store_fault::misuse or why.fault == store_fault::wrong_key;
  return {is_wrong ? file_fault::unusable : file_fault::failed, why.message};
}

result<packed_history, file_failure> pack_files(const pack_files_wish& wish) {
  auto target = history_target::open(wish.to, wish.replace);
  if (not target) return cannot_pack(target.error());
  auto made = fill(wish, target->scratch());
  if (not made) return made.error();
  packed_history out;
  out.read = std::move(made->read);
  if (made->all->rows() == 0) return without_events(wish, out.read);
  if (not wish.labels.empty()) {
    const auto labels = add_labels(wish.labels, *made->all, wish.stopped);
    if (not labels) return labels.error();
    out.read.labels = *labels;
  }
  auto contents = made->all->finish(target->writer(), contents_of(wish, out.read));
  if (not contents) return cannot_pack(contents.error());
  if (auto done = target->finish(*contents); not done) return cannot_pack(done.error());
  out.labelled_users = made->all->labelled_users();
  out.contents = std::move(*contents);
  std::error_code ignored;
  out.bytes = std::filesystem::file_size(wish.to, ignored);
  return out;
}

} // namespace fairuse::history
