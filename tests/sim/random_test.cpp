// SPDX-License-Identifier: Apache-2.0

#include "sim/random.hpp"

#include <array>
#include <cmath>

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

namespace fairuse::sim {

BOOST_AUTO_TEST_SUITE(random)

BOOST_AUTO_TEST_CASE(philox_gives_the_published_numbers) {
  // Known-answer vectors of Random123 (kat_vectors): philox4x32-10 of all zeros and of all ones.
  const philox4x32_ctr_t zeros{{0, 0, 0, 0}};
  const philox4x32_key_t zero_key{{0, 0}};
  const philox4x32_ctr_t of_zeros = philox4x32(zeros, zero_key);
  BOOST_TEST(of_zeros.v[0] == 0x6627e8d5U);
  BOOST_TEST(of_zeros.v[1] == 0xe169c58dU);
  BOOST_TEST(of_zeros.v[2] == 0xbc57ac4cU);
  BOOST_TEST(of_zeros.v[3] == 0x9b00dbd8U);

  const philox4x32_ctr_t ones{{~0U, ~0U, ~0U, ~0U}};
  const philox4x32_key_t one_key{{~0U, ~0U}};
  const philox4x32_ctr_t of_ones = philox4x32(ones, one_key);
  BOOST_TEST(of_ones.v[0] == 0x408f276dU);
  BOOST_TEST(of_ones.v[1] == 0x41c83b0eU);
  BOOST_TEST(of_ones.v[2] == 0xa20bc7c6U);
  BOOST_TEST(of_ones.v[3] == 0x6d5451fdU);
}

BOOST_AUTO_TEST_CASE(a_draw_depends_on_seed_user_purpose_and_index) {
  const draw_words base = draw(1, 2, purpose::day, 3);
  BOOST_TEST((base == draw(1, 2, purpose::day, 3)));
  BOOST_TEST((base != draw(2, 2, purpose::day, 3)));
  BOOST_TEST((base != draw(1 + (1ULL << 32), 2, purpose::day, 3)));
  BOOST_TEST((base != draw(1, 3, purpose::day, 3)));
  BOOST_TEST((base != draw(1, 2 + (1ULL << 32), purpose::day, 3)));
  BOOST_TEST((base != draw(1, 2, purpose::key, 3)));
  BOOST_TEST((base != draw(1, 2, purpose::day, 4)));
  BOOST_TEST((base != draw(1, 2, purpose::day, 3 + (1ULL << 32))));
}

RC_BOOST_PROP(below_and_between_stay_in_range, (std::uint64_t seed, std::uint64_t user)) {
  random_stream random(seed, user, purpose::day);
  const auto bound = *rc::gen::inRange<std::uint32_t>(1, 0xFFFF'FFFF);
  const auto first = *rc::gen::inRange<std::int64_t>(-1'000'000, 1'000'000);
  for (int i = 0; i < 50; ++i) {
    RC_ASSERT(random.below(bound) < bound);
    const std::int64_t drawn = random.between(first, first + bound - 1);
    RC_ASSERT(drawn >= first && drawn < first + bound);
  }
}

BOOST_AUTO_TEST_CASE(below_is_uniform) {
  random_stream random(7, 7, purpose::day);
  std::array<int, 7> counts{};
  constexpr int draws = 70'000;
  for (int i = 0; i < draws; ++i)
    ++counts[random.below(7)];
  double chi_square = 0;
  for (const int count : counts)
    chi_square += (count - draws / 7.0) * (count - draws / 7.0) / (draws / 7.0);
  // 99.9th percentile of chi-square with 6 degrees of freedom.
  BOOST_TEST(chi_square < 22.46);
}

BOOST_AUTO_TEST_CASE(a_chance_is_taken_as_often_as_it_says) {
  random_stream random(7, 8, purpose::day);
  int taken = 0;
  for (int i = 0; i < 100'000; ++i)
    taken += random.chance(20'000) ? 1 : 0;
  BOOST_TEST(std::abs(taken - 2'000) < 200);
  BOOST_TEST(!random.chance(0));
  BOOST_TEST(random.chance(always));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace fairuse::sim
