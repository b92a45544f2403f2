// SPDX-License-Identifier: Apache-2.0
#include "streams/history/pack_deployment.hpp"

#include <array>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/system/random_access.hpp"
#include "streams/history/capture_history.hpp"
#include "streams/history/history_target.hpp"
#include "streams/history/labels.hpp"
#include "streams/history/local_history.hpp"

namespace fairuse::history {

namespace {

result<void, store_error> read_all(const pack_deployment_wish& wish, packer& to, history_contents& all) {
  if (not looks_like_capture(wish.from)) return pack_local_store(wish.from, wish.reading, to, all);
  const auto capture = kafka::capture_reader::open(wish.from, {});
  if (not capture) return capture.error();
  return pack_capture(**capture, wish.reading, to, all);
}

} // namespace

bool looks_like_capture(const std::filesystem::path& file) {
  constexpr auto begin = kafka::capture_begin;
  std::array<char, begin.size()> bytes{};
  const auto opened = open_for_reading(file);
  return opened and opened->read(0, bytes) and std::string_view(bytes.data(), bytes.size()) == begin;
}

result<packed_history, file_failure> pack_deployment(const pack_deployment_wish& wish) {
  auto target = history_target::open(wish.to, wish.replace);
  if (not target) return cannot_pack(target.error());
  packer all({.scratch = target->scratch(),
              .pseudonym_key = wish.pseudonym_key,
              .progress = wish.writing,
              .stopped = wish.reading.stopped});
  history_contents contents;
  contents.program = wish.program;
  if (auto done = read_all(wish, all, contents); not done) return cannot_pack(done.error());
  packed_history out;
  if (not wish.labels.empty()) {
    contents.labels = known_labels();
    const auto labels = add_labels(wish.labels, all, wish.reading.stopped);
    if (not labels) return labels.error();
    out.read.labels = *labels;
  }
  auto packed = all.finish(target->writer(), std::move(contents));
  if (not packed) return cannot_pack(packed.error());
  if (auto done = target->finish(*packed); not done) return cannot_pack(done.error());
  out.labelled_users = all.labelled_users();
  out.read.arrivals_known = packed->arrivals_known;
  out.read.kinds = packed->kinds;
  out.contents = std::move(*packed);
  std::error_code ignored;
  out.bytes = std::filesystem::file_size(wish.to, ignored);
  return out;
}

} // namespace fairuse::history
