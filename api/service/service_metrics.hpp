// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/service. What its parts have counted, as metrics (docs/metrics.md).
// Threads: any.
#pragma once

#include "api/gate/gate_view.hpp"
#include "api/gate/lease_table.hpp"
#include "api/http/http_server.hpp"
#include "api/shown_metrics.hpp"

namespace fairuse {

void show(const gate_view& from, bool is_local, shown_metrics& to);
void show(const lease_counts& from, shown_metrics& to);
void show(const http_counters& from, shown_metrics& to);

} // namespace fairuse
