// SPDX-License-Identifier: Apache-2.0
//
// The policies and messages that ship with the program, compiled in: `conform`, `demo` and `notifier` must not depend
// on a working directory.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace fairuse {

inline constexpr std::array<std::string_view, 3> preset_names{"fair", "omi-2026-03", "omi-newest"};

/// Text of config/policies/<name>.yaml; nullopt if no such policy ships.
std::optional<std::string_view> preset_text(std::string_view name);

inline constexpr std::array<std::string_view, 2> shipped_locales{"de", "en"};

/// Text of config/messages/<locale>.yaml. REQUIRES: one of shipped_locales.
std::string_view shipped_messages_text(std::string_view locale);

} // namespace fairuse
