// SPDX-License-Identifier: Apache-2.0
#include "core/permanent_ids.hpp"

#include <algorithm>

namespace fairuse {

id_use note_permanent_id(std::vector<permanent_id>& known, permanent_id what) {
  const auto place = std::lower_bound(known.begin(), known.end(), what.key,
                                      [](const permanent_id& each, std::uint64_t key) { return each.key < key; });
  if (place == known.end() or place->key != what.key) {
    known.insert(place, what);
    return id_use::first;
  }
  const bool both_known = place->content != 0 and what.content != 0;
  return both_known and place->content != what.content ? id_use::reused : id_use::again;
}

} // namespace fairuse
