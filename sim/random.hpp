// SPDX-License-Identifier: Apache-2.0
//
// Random draws of the laboratory: Random123's Philox4x32-10, a function from (seed, user, purpose, index) to 128 bits.
// Every draw names its user and purpose, so it never depends on the draws of another user, thread or purpose.
//
// Integers only. The std::*_distribution classes differ between standard libraries and are not used; probabilities are
// parts per million, distributions are quantile curves (sim/quantile_curve.hpp).
// Threads: a random_stream belongs to one thread; draw() is pure.
#pragma once

#include <array>
#include <cstdint>

#include <Random123/philox.h>

#include "events/event.hpp"

namespace fairuse::sim {

/// What a draw is for. The numbers are part of every seed's result: never renumber.
enum class purpose : std::uint8_t {
  composition = 1, ///< offset of the user sequence
  user = 2,        ///< traits that a user keeps
  day = 3,         ///< one day's sessions
  key = 4,         ///< idempotency keys
  fault = 5,       ///< duplicates and lateness
  reader = 6,      ///< which users the reviewer misreads every time
  review = 7,      ///< one review: latency, failure, verdict
  confidence = 8,  ///< of that verdict
};

/// Parts per million: the unit of probabilities.
using ppm = std::uint32_t;
inline constexpr ppm always = 1'000'000;

using draw_words = std::array<std::uint32_t, 4>;

/// REQUIRES: index < 2^56.
inline draw_words draw(std::uint64_t seed, std::uint64_t user, purpose what, std::uint64_t index) {
  const philox4x32_ctr_t counter{{static_cast<std::uint32_t>(index),
                                  static_cast<std::uint32_t>(index >> 32) << 8 | static_cast<std::uint32_t>(what),
                                  static_cast<std::uint32_t>(user), static_cast<std::uint32_t>(user >> 32)}};
  const philox4x32_key_t key{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const philox4x32_ctr_t out = philox4x32(counter, key);
  return {out.v[0], out.v[1], out.v[2], out.v[3]};
}

/// Consecutive draws for one purpose. `substream` (a day, for example) separates streams of one user and purpose.
class random_stream {
public:
  /// REQUIRES: substream < 2^24.
  random_stream(std::uint64_t seed, std::uint64_t user, purpose what, std::uint32_t substream = 0)
    : seed_(seed), user_(user), index_(std::uint64_t{substream} << 32), what_(what) {}

  std::uint32_t next() {
    if (used_ == words_.size()) {
      words_ = draw(seed_, user_, what_, index_++);
      used_ = 0;
    }
    return words_[used_++];
  }

  std::uint64_t next64() {
    const std::uint64_t high = next();
    return high << 32 | next();
  }

  /// Uniform in [0, bound), without bias (Lemire's multiply and reject). REQUIRES: bound > 0.
  std::uint32_t below(std::uint32_t bound) {
    std::uint64_t product = std::uint64_t{next()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t floor = (0U - bound) % bound;
      while (static_cast<std::uint32_t>(product) < floor)
        product = std::uint64_t{next()} * bound;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

  /// Uniform in [first, last]. REQUIRES: first <= last, last - first < 2^32 - 1.
  std::int64_t between(std::int64_t first, std::int64_t last) {
    return first + below(static_cast<std::uint32_t>(last - first + 1));
  }

  bool chance(ppm probability) { return below(always) < probability; }

private:
  draw_words words_{};
  std::size_t used_ = 4;
  std::uint64_t seed_;
  std::uint64_t user_;
  std::uint64_t index_;
  purpose what_;
};

} // namespace fairuse::sim
