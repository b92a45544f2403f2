// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace fairuse {

/// XXH3 over a uid. For look-up only: no order follows from it.
struct uid_hash {
  std::size_t operator()(std::string_view uid) const;
};

} // namespace fairuse
