// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to api/gate. A small value that one thread writes and any thread reads without waiting for it: readers try
// again if the value changed while they copied it.
// Threads: one writer at a time; readers any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace fairuse {

template <class Row>
class shared_row {
  static_assert(std::is_trivially_copyable_v<Row>);

public:
  void store(const Row& row) {
    std::array<std::uint64_t, words> copy{};
    std::memcpy(copy.data(), &row, sizeof row);
    const auto version = version_.load(std::memory_order_relaxed);
    // Odd while it is being written. A reader that sees a new word sees this, too.
    version_.store(version + 1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < words; ++i)
      words_[i].store(copy[i], std::memory_order_release);
    version_.store(version + 2, std::memory_order_release);
  }

  /// REQUIRES: something was stored.
  Row load() const {
    std::array<std::uint64_t, words> copy{};
    std::uint32_t before = 0;
    std::uint32_t after = 0;
    do {
      before = version_.load(std::memory_order_acquire);
      for (std::size_t i = 0; i < words; ++i)
        copy[i] = words_[i].load(std::memory_order_acquire);
      after = version_.load(std::memory_order_relaxed);
    } while (before != after or before % 2 != 0);
    Row row;
    std::memcpy(static_cast<void*>(&row), copy.data(), sizeof row);
    return row;
  }

  bool is_stored() const { return version_.load(std::memory_order_acquire) >= 2; }

private:
  static constexpr std::size_t words = (sizeof(Row) + 7) / 8;

  std::atomic<std::uint32_t> version_{0};
  std::array<std::atomic<std::uint64_t>, words> words_{};
};

} // namespace fairuse
