// SPDX-License-Identifier: Apache-2.0
#include "api/reviewer/failure_notes.hpp"

#include <fmt/format.h>

namespace fairuse {

void failure_notes::at(time_ms now) {
  now_ = now;
  if (told_.none() or not is_well_ or now - failed_at_ < minute_ms) return;
  told_.reset();
  log_(log_level::info, "verdicts come again");
}

void failure_notes::failed(review_failure why, const std::string& cause) {
  failed_at_ = now_;
  is_well_ = false;
  const auto reason = static_cast<std::size_t>(why);
  if (told_[reason]) return;
  told_.set(reason);
  log_(log_level::warning, fmt::format("no verdict came: {}{}", to_text(why), cause.empty() ? "" : " (" + cause + ")"));
}

} // namespace fairuse
