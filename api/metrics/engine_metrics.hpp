// SPDX-License-Identifier: Apache-2.0
//
// The metrics of a running engine (docs/metrics.md), and what it lacks to be ready. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "api/shown_metrics.hpp"
#include "engine/engine_figures.hpp"

namespace fairuse {

void show(const engine_figures& from, shown_metrics& to);

/// A sentence for each partition that does not decide, and one if the group has not said which are ours.
std::vector<std::string> missing_of(const engine_figures& from);

} // namespace fairuse
