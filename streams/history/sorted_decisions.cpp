// SPDX-License-Identifier: Apache-2.0
#include "streams/history/sorted_decisions.hpp"

#include <utility>

namespace fairuse::history {

result<void, store_error> sorted_decisions::add(std::span<const wire_header> headers, std::string_view value) {
  const auto told = reader_.read(headers, value);
  if (not told) return damaged("a decision cannot be read");
  encode_decision(row_, told->slot, rows_.rows(), chain_line(*told, headers, value));
  return rows_.add(told->uid, row_.key, row_.value);
}

result<void, store_error> sorted_decisions::begin() {
  if (auto done = rows_.begin(); not done) return done;
  const auto first = read();
  return first ? result<void, store_error>{} : first.error();
}

result<bool, store_error> sorted_decisions::read() {
  const auto there = rows_.next(from_);
  if (not there) return there.error();
  has_row_ = *there;
  if (has_row_ and not take_slot(from_.key, slot_)) return damaged("a row of the sort cannot be read");
  if (has_row_) uid_ = from_.group;
  return has_row_;
}

result<std::optional<user_decisions>, store_error> sorted_decisions::next() {
  if (not has_row_) return std::optional<user_decisions>();
  user_decisions made;
  made.uid = uid_;
  while (has_row_ and uid_ == made.uid) {
    if (made.slots.empty() or made.slots.back().slot != slot_) made.slots.push_back({slot_, {}});
    made.slots.back().lines.emplace_back(from_.value);
    if (const auto more = read(); not more) return more.error();
  }
  return std::optional(std::move(made));
}

} // namespace fairuse::history
