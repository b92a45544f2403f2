// SPDX-License-Identifier: Apache-2.0
//
// INTERNAL to storage. Numbers in bytes: big-endian in keys, varints in packed rows.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairuse {

template <std::unsigned_integral T>
void append_big_endian(std::string& out, T value) {
  char bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes[sizeof(T) - 1 - i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  out.append(bytes, sizeof(T));
}

/// REQUIRES: sizeof(T) readable bytes.
template <std::unsigned_integral T>
T big_endian(const char* bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(static_cast<std::uint64_t>(value) << 8 | static_cast<unsigned char>(bytes[i]));
  return value;
}

/// Signed to unsigned, small to small.
inline std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
inline std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

inline void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(value | 0x80)));
    value >>= 7;
  }
  out.push_back(static_cast<char>(static_cast<unsigned char>(value)));
}

/// Take a varint off the front; false if there is none.
inline bool take_varint(std::string_view& from, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 and not from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

/// Its length as a varint, then its bytes.
inline void append_text(std::string& out, std::string_view text) {
  append_varint(out, text.size());
  out.append(text);
}

/// Take a text off the front; false if there is none.
inline bool take_text(std::string_view& from, std::string_view& out) {
  std::uint64_t size = 0;
  if (not take_varint(from, size) or size > from.size()) return false;
  out = from.substr(0, size);
  from.remove_prefix(size);
  return true;
}

} // namespace fairuse
