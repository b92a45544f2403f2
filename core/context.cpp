// SPDX-License-Identifier: Apache-2.0
#include "core/context.hpp"

#include <memory>

namespace fairuse::detail {

bool judges(bool exempt, const controls& in_force, const slot_spec& slot) {
  if (in_force.killed or exempt) return false;
  switch (slot.kind) {
    case slot_kind::live:
    case slot_kind::alone:
      return in_force.enabled;
    case slot_kind::off:
      return not in_force.enabled and not slot.only_keeps();
    case slot_kind::shadow:
      break;
  }
  return true;
}

standing& slot_context::touch() {
  if (who.standings.empty()) who.standings.resize(policies().slot_count());
  auto& mine = who.standings[slot];
  if (not mine) mine = std::make_unique<standing>();
  who.changed.standings |= std::uint64_t{1} << slot % 64;
  return *mine;
}

decision& slot_context::write(decision_kind kind, reason why) {
  auto& written = out.decisions.emplace_back();
  written.kind = kind;
  written.why = why;
  written.slot = &spec().label;
  written.time = at;
  if (cause != nullptr) written.cause = event_id(*cause);
  written.sum_count = static_cast<std::uint8_t>(rules().windows.size());
  for (std::size_t window = 0; window < written.sum_count; ++window)
    written.sums[window] = sum_at(who, spec().spans[window], at);
  return written;
}

} // namespace fairuse::detail
