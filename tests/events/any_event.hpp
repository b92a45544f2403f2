// SPDX-License-Identifier: Apache-2.0
//
// Any event that the wire can hold, drawn by RapidCheck. REQUIRES: within rc::check.
#pragma once

#include <string>

#include "events/event.hpp"

namespace fairuse {

/// An event that the wire can hold, and who it is about.
struct sample {
  event_arena arena;
  std::string subject;
  event what;
};

/// Not empty, at most 256 bytes, without control characters.
std::string some_id();
std::string some_text();
void fill(sample& to);

} // namespace fairuse
