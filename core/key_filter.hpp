// SPDX-License-Identifier: Apache-2.0
//
// Says of nearly every key that was not added before that it was not, at the cost of one word that is read (a Bloom
// filter of one block). Ten bits a key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace fairuse {

class key_filter {
public:
  /// Whether there is one; full() and add() REQUIRE it.
  bool exists() const { return block_ != nullptr; }
  /// An empty filter for `keys_max` keys.
  void begin(std::size_t keys_max);
  void drop() { block_.reset(); }

  /// As many keys as it was made for were added: from here on it would say "perhaps" too often.
  bool full() const { return head().keys_left == 0; }
  /// False: the key was never added before. REQUIRES: not full.
  bool add(std::uint64_t key);
  std::size_t memory_bytes() const { return block_ ? (1 + head().words) * sizeof(std::uint64_t) : 0; }

private:
  struct header {
    std::uint32_t words;
    std::uint32_t keys_left;
  };
  static constexpr std::size_t keys_a_word = 6;

  header& head() { return reinterpret_cast<header&>(block_[0]); }
  const header& head() const { return reinterpret_cast<const header&>(block_[0]); }

  std::unique_ptr<std::uint64_t[]> block_;
};

inline void key_filter::begin(std::size_t keys_max) {
  const auto words = (keys_max + keys_a_word - 1) / keys_a_word;
  block_ = std::make_unique<std::uint64_t[]>(1 + words);
  head() = {static_cast<std::uint32_t>(words), static_cast<std::uint32_t>(keys_max)};
}

inline bool key_filter::add(std::uint64_t key) {
  // Keys are hashes, but need not be good ones. The upper half chooses a word, the lower three bits of it.
  const auto mixed = key * 0x9e3779b97f4a7c15ULL;
  auto& word = block_[1 + ((mixed >> 32) * head().words >> 32)];
  const auto bit = [mixed](unsigned shift) { return std::uint64_t{1} << (mixed >> shift & 63); };
  const auto bits = bit(0) | bit(6) | bit(12);
  const bool perhaps = (word & bits) == bits;
  word |= bits;
  if (not perhaps) --head().keys_left;
  return perhaps;
}

} // namespace fairuse
