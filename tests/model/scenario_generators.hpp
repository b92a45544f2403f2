// SPDX-License-Identifier: Apache-2.0
//
// RapidCheck generators of scenarios. Numbers only, so that shrinking means fewer actions and smaller numbers.
#pragma once

#include <rapidcheck.h>

#include "tests/model/scenario.hpp"

namespace rc {

template <>
struct Arbitrary<fairuse::model::action> {
  static Gen<fairuse::model::action> arbitrary() {
    using fairuse::model::action;
    using fairuse::model::verb;
    const auto what = gen::map(gen::inRange<int>(0, 64), [](int number) {
      // Mostly speech and answers, which change a user most.
      constexpr int last[] = {18, 22, 26, 31, 36, 46, 48, 53, 56, 58, 59, 60, 62, 64};
      int index = 0;
      while (number >= last[index])
        ++index;
      return static_cast<verb>(index);
    });
    const auto byte = gen::map(gen::inRange<int>(0, 64), [](int number) { return static_cast<std::uint8_t>(number); });
    const auto gap = gen::map(gen::inRange<int>(0, fairuse::model::gap_count),
                              [](int number) { return static_cast<std::uint8_t>(number); });
    return gen::build<action>(gen::set(&action::what, what), gen::set(&action::gap, gap),
                              gen::set(&action::choice, byte), gen::set(&action::variant, byte));
  }
};

template <>
struct Arbitrary<fairuse::model::scenario> {
  static Gen<fairuse::model::scenario> arbitrary() {
    using fairuse::model::choices;
    using fairuse::model::scenario;
    const auto byte = gen::map(gen::inRange<int>(0, 60), [](int number) { return static_cast<std::uint8_t>(number); });
    const auto policy = gen::container<choices>(byte);
    const auto shadows = gen::map(gen::container<std::vector<choices>>(policy), [](std::vector<choices> all) {
      if (all.size() > 2) all.resize(2);
      return all;
    });
    // As many as the size allows, so that scenarios get long enough to reach the last stage.
    const auto actions = gen::withSize([](int size) {
      return gen::resize(4 * size,
                         gen::container<std::vector<fairuse::model::action>>(gen::arbitrary<fairuse::model::action>()));
    });
    return gen::build<scenario>(
        gen::set(&scenario::alone),
        gen::set(&scenario::starts_off, gen::map(gen::inRange(0, 8), [](int number) { return number == 7; })),
        gen::set(&scenario::live, policy), gen::set(&scenario::shadows, shadows),
        gen::set(&scenario::actions, actions));
  }
};

} // namespace rc

namespace fairuse::model {

/// RapidCheck's own printing calls this.
inline void showValue(const scenario& what, std::ostream& out) { out << what; }

} // namespace fairuse::model
