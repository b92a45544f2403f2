// SPDX-License-Identifier: Apache-2.0
#include "storage/keys.hpp"

#include "storage/bytes.hpp"

namespace fairuse::keys {

namespace {

void append_uid(std::string& out, std::string_view uid) {
  append_big_endian(out, static_cast<std::uint16_t>(uid.size()));
  out.append(uid);
}

/// The uid behind the type byte; moves `at` behind it.
std::optional<std::string_view> uid_at(std::string_view key, std::size_t& at) {
  if (key.size() < at + sizeof(std::uint16_t)) return std::nullopt;
  const auto size = big_endian<std::uint16_t>(key.data() + at);
  at += sizeof(std::uint16_t);
  if (size > uid_bytes_max or key.size() < at + size) return std::nullopt;
  const auto uid = key.substr(at, size);
  at += size;
  return uid;
}

std::string with_kind(std::string_view prefix, user_row kind, std::size_t more) {
  std::string key;
  key.reserve(prefix.size() + 1 + more);
  key.append(prefix);
  key.push_back(static_cast<char>(kind));
  return key;
}

/// Order of signed numbers as order of bytes.
std::uint32_t biased(hour_number hour) { return static_cast<std::uint32_t>(hour) ^ 0x8000'0000U; }

std::uint64_t biased(time_ms at) { return static_cast<std::uint64_t>(at) ^ 0x8000'0000'0000'0000U; }

} // namespace

std::string user_prefix(std::string_view uid) {
  std::string key(1, user_type);
  key.reserve(uid.size() + 3);
  append_uid(key, uid);
  return key;
}

std::string core(std::string_view prefix) { return with_kind(prefix, user_row::core, 0); }

std::string standing(std::string_view prefix, std::string_view slot) {
  return with_kind(prefix, user_row::standing, slot.size()).append(slot);
}

std::string conversations(std::string_view prefix) { return with_kind(prefix, user_row::conversations, 0); }

std::string hour(std::string_view prefix, user_row kind, hour_number at) {
  auto key = with_kind(prefix, kind, sizeof(std::uint32_t));
  append_big_endian(key, biased(at));
  return key;
}

std::string user_log_prefix(std::string_view uid) {
  std::string key(1, user_log_type);
  append_uid(key, uid);
  return key;
}

std::string user_log(std::string_view uid, time_ms now, std::uint64_t epoch, std::uint32_t index) {
  auto key = user_log_prefix(uid);
  append_big_endian(key, biased(now));
  append_big_endian(key, epoch);
  append_big_endian(key, index);
  return key;
}

std::string due(std::string_view uid) {
  std::string key(1, due_type);
  append_uid(key, uid);
  return key;
}

std::string erased(std::string_view hash) { return std::string(1, erased_type).append(hash); }

std::string policy(std::string_view digest) { return std::string(1, 'p').append(digest); }

std::string controls(std::uint64_t hash) {
  std::string key(1, 'c');
  append_big_endian(key, hash);
  return key;
}

std::string commit(char type, time_ms now, std::uint64_t number) {
  auto key = floor(type, now);
  append_big_endian(key, number);
  return key;
}

std::string entry(char type, time_ms now, std::uint64_t epoch, std::uint32_t index) {
  auto key = commit(type, now, epoch);
  append_big_endian(key, index);
  return key;
}

std::string floor(char type, time_ms floor) {
  std::string key(1, type);
  append_big_endian(key, biased(floor));
  return key;
}

std::optional<user_row_key> parse_user_row(std::string_view key) {
  std::size_t at = 1;
  const auto uid = uid_at(key, at);
  if (not uid or key[0] != user_type or at == key.size()) return std::nullopt;
  auto parsed = parse_behind_prefix(key.substr(at));
  if (parsed) parsed->uid = *uid;
  return parsed;
}

std::optional<user_row_key> parse_behind_prefix(std::string_view rest) {
  if (rest.empty()) return std::nullopt;
  user_row_key parsed;
  parsed.kind = static_cast<user_row>(rest[0]);
  parsed.rest = rest.substr(1);
  switch (parsed.kind) {
    case user_row::core:
    case user_row::conversations:
      return parsed.rest.empty() ? std::optional(parsed) : std::nullopt;
    case user_row::standing:
      return parsed;
    case user_row::hour:
      if (parsed.rest.size() != sizeof(std::uint32_t)) return std::nullopt;
      parsed.hour = static_cast<hour_number>(big_endian<std::uint32_t>(parsed.rest.data()) ^ 0x8000'0000U);
      return parsed;
  }
  return std::nullopt;
}

std::optional<user_log_key> parse_user_log(std::string_view key) {
  std::size_t at = 1;
  const auto uid = uid_at(key, at);
  if (not uid or key[0] != user_log_type or key.size() != at + 2 * sizeof(std::uint64_t) + sizeof(std::uint32_t))
    return std::nullopt;
  const auto now = big_endian<std::uint64_t>(key.data() + at) ^ 0x8000'0000'0000'0000U;
  return user_log_key{*uid, static_cast<time_ms>(now)};
}

std::optional<std::string_view> parse_due(std::string_view key) {
  std::size_t at = 1;
  const auto uid = uid_at(key, at);
  return uid and at == key.size() and key[0] == due_type ? uid : std::nullopt;
}

std::optional<log_key> parse_log(std::string_view key) {
  if (key.size() < 1 + 2 * sizeof(std::uint64_t)) return std::nullopt;
  const auto now = big_endian<std::uint64_t>(key.data() + 1) ^ 0x8000'0000'0000'0000U;
  return log_key{static_cast<time_ms>(now), big_endian<std::uint64_t>(key.data() + 9)};
}

} // namespace fairuse::keys
