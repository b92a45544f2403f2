// SPDX-License-Identifier: Apache-2.0

#include "streams/kafka/broker/oauth_token.hpp"

#include <cstdint>
#include <optional>

#include <simdjson.h>

#include "base/pure/text.hpp"
#include "base/system/files.hpp"

namespace fairuse::kafka {

namespace {

constexpr std::int64_t latest_second = 253'402'300'799; // the year 9999

int sextet(char c) {
  if (c >= 'A' and c <= 'Z') return c - 'A';
  if (c >= 'a' and c <= 'z') return c - 'a' + 26;
  if (c >= '0' and c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  return c == '_' ? 63 : -1;
}

// base64url without padding (RFC 7515).
std::optional<std::string> decode(std::string_view text) {
  std::string bytes;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const int value = sextet(c);
    if (value < 0) return std::nullopt;
    held = held << 6U | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(held >> bits & 0xffU);
  }
  return bytes;
}

} // namespace

result<oauth_token> parse_token(std::string_view text) {
  const auto first = text.find('.');
  const auto second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos) return error{"is no JWT: three parts with dots between them"};
  const auto claims = decode(text.substr(first + 1, second - first - 1));
  simdjson::dom::parser parser;
  simdjson::dom::element all;
  oauth_token token{std::string{text}, {}, 0};
  if (not claims or parser.parse(*claims).get(all) != simdjson::SUCCESS) return error{"has claims that are no JSON"};
  std::string_view subject;
  std::int64_t seconds = 0;
  double fraction = 0;
  if (all["exp"].get(fraction) == simdjson::SUCCESS and fraction >= 0
      and fraction <= static_cast<double>(latest_second))
    seconds = static_cast<std::int64_t>(fraction);
  if (all["sub"].get(subject) != simdjson::SUCCESS or subject.empty() or seconds == 0)
    return error{"lacks a claim: sub and exp are needed"};
  token.principal = subject;
  token.expires_at = seconds * 1'000;
  return token;
}

result<oauth_token> read_token(const std::filesystem::path& file) {
  auto text = read_file(file);
  if (not text) return error{"the token file " + file.string() + " cannot be read"};
  auto token = parse_token(value_alone(*text));
  if (not token) return error{"the token file " + file.string() + " " + token.error().message};
  return token;
}

} // namespace fairuse::kafka
