// SPDX-License-Identifier: Apache-2.0
//
// What the log says once about an input that is read on, in either mode. No text names a user.
#pragma once

#include <string_view>

namespace fairuse {

inline constexpr std::string_view reused_id_warning =
    "a command has the id of an earlier command and says something else: it was dropped as a duplicate. Give every "
    "command an id of its own (the run's report counts `reused_command_ids`)";

} // namespace fairuse
