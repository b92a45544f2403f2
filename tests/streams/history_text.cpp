// SPDX-License-Identifier: Apache-2.0
#include "tests/streams/history_text.hpp"

#include <stdexcept>

#include "events/wire.hpp"
#include "tests/streams/lines.hpp"

namespace fairuse {

using namespace history;

namespace {

std::unique_ptr<history_reader> opened(const std::filesystem::path& file) {
  auto made = history_reader::open(file);
  if (not made) throw std::runtime_error(made.error().message);
  return std::move(*made);
}

std::string seconds(time_ms at) { return at == never ? "?" : std::to_string((at - test_start) / second_ms); }

std::string name_of(recorded_review::ending value) {
  constexpr const char* names[] = {"open", "answered", "failed", "timed_out"};
  return names[static_cast<std::size_t>(value)];
}

void append_user(std::string& out, const block_user& who) {
  const std::string uid(who.uid);
  for (const auto& step : who.steps)
    for (const auto& each : who.events.subspan(step.first, step.count)) {
      out += uid + " " + seconds(step.now) + " ";
      if (is_broadcast_mark(each))
        out += "command " + std::to_string(each.ms);
      else
        append_event(out, uid, each);
      out += "\n";
    }
  for (const auto& each : who.reviews)
    out += uid + " " + each.slot + "-" + std::to_string(each.number) + " " + name_of(each.ended) + " "
           + seconds(each.requested_at) + " "
           + (each.ended == recorded_review::ending::open ? "?" : seconds(each.ended_at)) + "\n";
}

} // namespace

history_contents contents_of(const std::filesystem::path& file) { return opened(file)->contents(); }

std::string text_of(const std::filesystem::path& file) {
  const auto from = opened(file);
  std::string out;
  history_reader::buffers buffers;
  for (std::size_t i = 0; i < from->contents().blocks.size(); ++i) {
    const auto done = from->read_block(i, {.texts = true, .ids = true}, buffers);
    if (not done) throw std::runtime_error(done.error().message);
    for (const auto& who : buffers.block.users())
      append_user(out, who);
  }
  return out;
}

} // namespace fairuse
