// SPDX-License-Identifier: Apache-2.0
#include "core/step_output.hpp"

namespace fairuse {

void step_output::clear() {
  decisions.clear();
  counts = {};
  tallies.assign(tallies.size(), {});
  conversations = {};
}

} // namespace fairuse
