// SPDX-License-Identifier: Apache-2.0
//
// Any row of enforcement, for the tests of the gate.
// Pure functions.
#pragma once

#include <cstdint>

#include <rapidcheck.h>
#include <rapidcheck/boost_test.h>

#include "streams/enforcement_row.hpp"

namespace fairuse::test {

inline constexpr time_ms gate_now = 1'772'500'000'000;

inline rc::Gen<time_ms> any_time() { return rc::gen::inRange<time_ms>(gate_now - 40 * day_ms, gate_now + 40 * day_ms); }
inline rc::Gen<time_ms> any_end() { return rc::gen::oneOf(any_time(), rc::gen::just(never)); }

inline enforcement_row draw_row() {
  const auto yes = rc::gen::arbitrary<bool>();
  const auto ms = rc::gen::inRange<std::int64_t>(0, 200 * hour_ms);
  enforcement_row row{.epoch = *rc::gen::inRange<std::uint64_t>(1, 1'000'000),
                      .partition = *rc::gen::inRange(0, 64),
                      .at = static_cast<stage>(*rc::gen::inRange(0, 4)),
                      .economy_stt = *yes,
                      .hard_caps = *yes,
                      .hard_restricted = *yes,
                      .ceiling = *yes,
                      .budget_exhausted = *yes,
                      .content_locked = *yes,
                      .exempt = *yes,
                      .vad_threshold_nano = *rc::gen::inRange(-1'000'000'000, 1'000'000'000),
                      .since = *any_time(),
                      .until = *any_end()};
  if (row.hard_restricted or row.ceiling) {
    row.retry_at = *any_end();
    row.used_ms = *ms;
    row.limit_ms = *ms;
  }
  if (row.budget_exhausted) {
    row.budget_used_ms = *ms;
    row.budget_ms = *ms;
    row.budget_resets_at = *any_end();
  }
  if (row.exempt) row.exempt_until = *any_end();
  return row;
}

inline rc::Gen<enforcement_row> any_row() { return rc::gen::exec(draw_row); }

} // namespace fairuse::test

namespace rc {

template <>
struct Arbitrary<fairuse::enforcement_row> {
  static Gen<fairuse::enforcement_row> arbitrary() { return fairuse::test::any_row(); }
};

inline void showValue(const fairuse::enforcement_row& row, std::ostream& to) {
  to << "epoch " << row.epoch << " stage " << static_cast<int>(row.at) << " until " << row.until;
}

} // namespace rc
