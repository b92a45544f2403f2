// SPDX-License-Identifier: Apache-2.0
//
// A list of plain values that costs one pointer while it is empty and grows in small steps. Four of them are in every
// user, and most are short: three words each and doubling would be a tenth of what an ordinary user costs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace fairuse {

template <class T>
class compact_list {
  static_assert(std::is_trivially_copyable_v<T> and alignof(T) <= alignof(std::uint64_t));

public:
  std::size_t size() const { return block_ ? head().size : 0; }
  bool empty() const { return size() == 0; }
  T* data() { return block_ ? reinterpret_cast<T*>(block_.get() + 1) : nullptr; }
  const T* data() const { return block_ ? reinterpret_cast<const T*>(block_.get() + 1) : nullptr; }
  T* begin() { return data(); }
  T* end() { return data() + size(); }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size(); }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }

  void push_back(const T& value) { insert(size(), {&value, 1}); }
  /// Before position `at`. REQUIRES: `values` is not part of this list.
  void insert(std::size_t at, std::span<const T> values) {
    reserve(size() + values.size());
    auto* place = data() + at;
    if (at < size()) std::memmove(place + values.size(), place, (size() - at) * sizeof(T));
    if (not values.empty()) std::memcpy(place, values.data(), values.size() * sizeof(T));
    if (block_) head().size += static_cast<std::uint32_t>(values.size());
  }
  /// The first `count` values; memory is kept.
  void erase_front(std::size_t count) {
    if (count == 0) return;
    std::memmove(data(), data() + count, (size() - count) * sizeof(T));
    head().size -= static_cast<std::uint32_t>(count);
  }
  /// Gives the memory back.
  void clear() { block_.reset(); }
  std::size_t memory_bytes() const { return block_ ? words(head().capacity) * sizeof(std::uint64_t) : 0; }

private:
  struct header {
    std::uint32_t size;
    std::uint32_t capacity;
  };
  static std::size_t words(std::size_t capacity) { return 1 + (capacity * sizeof(T) + 7) / 8; }
  header& head() { return reinterpret_cast<header&>(block_[0]); }
  const header& head() const { return reinterpret_cast<const header&>(block_[0]); }

  void reserve(std::size_t wanted) {
    if (wanted == 0 or (block_ and wanted <= head().capacity)) return;
    const auto capacity = std::max(wanted, size() + size() / 16 + 2);
    auto block = std::make_unique<std::uint64_t[]>(words(capacity));
    const header grown{static_cast<std::uint32_t>(size()), static_cast<std::uint32_t>(capacity)};
    std::memcpy(block.get(), &grown, sizeof grown);
    if (not empty()) std::memcpy(block.get() + 1, data(), size() * sizeof(T));
    block_ = std::move(block);
  }

  std::unique_ptr<std::uint64_t[]> block_;
};

} // namespace fairuse
