// SPDX-License-Identifier: Apache-2.0
//
// How storage fails: a kind that a program can act on and a message that a person can act on. Messages name folders,
// never a uid.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include "base/pure/result.hpp"

namespace fairuse {

enum class store_fault : std::uint8_t {
  io,        ///< the disk or the system said no
  damaged,   ///< bytes are not what was written
  lost_tail, ///< commits that were published are gone
  disk_full, ///< stopped before there was no room left
  locked,    ///< another process has the store open
  newer,     ///< written by a newer version
  wrong_key, ///< another case key than the one that erased users
  misuse,    ///< a broken promise of the caller; nothing was written
};

struct store_error {
  store_fault fault = store_fault::io;
  std::string message;
};

/// What the system refused, as storage says it.
inline store_error store_error_of(const error& from) {
  return {from.cause == std::errc::no_space_on_device ? store_fault::disk_full : store_fault::io, from.message};
}

/// Done, or an error.
class [[nodiscard]] store_status {
public:
  store_status() = default;
  store_status(store_error error) : error_(std::move(error)) {}
  bool ok() const noexcept { return not error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  /// REQUIRES: not ok.
  const store_error& error() const { return *error_; }

private:
  std::optional<store_error> error_;
};

/// A value, or an error.
template <class T>
class [[nodiscard]] store_result {
public:
  store_result(T value) : value_(std::move(value)) {}
  store_result(store_error error) : value_(std::move(error)) {}
  bool ok() const noexcept { return std::holds_alternative<T>(value_); }
  explicit operator bool() const noexcept { return ok(); }
  /// REQUIRES: ok.
  T& operator*() { return std::get<T>(value_); }
  const T& operator*() const { return std::get<T>(value_); }
  T* operator->() { return &std::get<T>(value_); }
  const T* operator->() const { return &std::get<T>(value_); }
  /// REQUIRES: not ok.
  const store_error& error() const { return std::get<store_error>(value_); }

private:
  std::variant<T, store_error> value_;
};

} // namespace fairuse
