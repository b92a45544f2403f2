// SPDX-License-Identifier: Apache-2.0
#include "events/json_scan.hpp"

#include <algorithm>
#include <cstring>

#include "base/pure/numbers.hpp"

namespace fairuse {

namespace {

constexpr bool is_space(char c) { return c == ' ' or c == '\t' or c == '\n' or c == '\r'; }

constexpr bool is_digit(char c) { return c >= '0' and c <= '9'; }

/// The value of four hex digits, or -1.
int hex4(std::string_view text) {
  const auto value = text.size() < 4 ? std::nullopt : parse_number<unsigned>(text.substr(0, 4), 16);
  return value ? static_cast<int>(*value) : -1;
}

constexpr bool is_high_surrogate(int unit) { return unit >= 0xd800 and unit < 0xdc00; }

constexpr bool is_low_surrogate(int unit) { return unit >= 0xdc00 and unit < 0xe000; }

/// Length of a UTF-8 sequence by its first byte; 0: not a first byte.
constexpr std::size_t utf8_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc2 or lead > 0xf4) return 0;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/// The second byte excludes overlong forms, surrogates and what lies beyond U+10FFFF.
constexpr bool utf8_second_fits(unsigned char lead, unsigned char second) {
  const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  return second >= low and second <= high;
}

/// Recursive descent over RFC 8259. Every function returns false once there is a fault.
class fault_finder {
public:
  fault_finder(std::string_view text, std::size_t depth_max) : text_(text), depth_max_(depth_max) {}

  std::optional<json_fault> run() {
    skip_space();
    if (value(0)) {
      skip_space();
      if (at_ < text_.size()) fail(refusal::not_json);
    }
    return fault_ ? fault_ : number_fault_;
  }

private:
  bool fail(refusal why) { return fail(why, at_); }

  bool fail(refusal why, std::size_t byte) {
    fault_ = json_fault{why, byte};
    return false;
  }

  /// True if there is another byte; else the text is truncated.
  bool more() { return at_ < text_.size() or fail(refusal::truncated, text_.size()); }

  void skip_space() {
    while (at_ < text_.size() and is_space(text_[at_]))
      ++at_;
  }

  bool character(char wanted) {
    if (not more()) return false;
    if (text_[at_] != wanted)
      return static_cast<unsigned char>(text_[at_]) < 0x80 ? fail(refusal::not_json) : stray_utf8();
    ++at_;
    return true;
  }

  /// A byte beyond ASCII where none belongs: bad_utf8 if it is not even a character.
  bool stray_utf8() {
    const auto begin = at_;
    return utf8() and fail(refusal::not_json, begin);
  }

  bool value(std::size_t depth) {
    if (not more()) return false;
    switch (text_[at_]) {
      case '{':
        return container(depth + 1, '}');
      case '[':
        return container(depth + 1, ']');
      case '"':
        return string();
      case 't':
        return literal("true");
      case 'f':
        return literal("false");
      case 'n':
        return literal("null");
      default:
        if (text_[at_] == '-' or is_digit(text_[at_])) return number();
        return static_cast<unsigned char>(text_[at_]) < 0x80 ? fail(refusal::not_json) : stray_utf8();
    }
  }

  bool container(std::size_t depth, char closing) {
    if (depth > depth_max_) return fail(refusal::too_deep);
    ++at_;
    skip_space();
    if (at_ < text_.size() and text_[at_] == closing) {
      ++at_;
      return true;
    }
    while (true) {
      if (closing == '}' and not name()) return false;
      if (not value(depth)) return false;
      skip_space();
      if (at_ < text_.size() and text_[at_] == closing) {
        ++at_;
        return true;
      }
      if (not character(',')) return false;
      skip_space();
    }
  }

  bool name() {
    if (not more()) return false;
    if (text_[at_] != '"') return character('"');
    if (not string()) return false;
    skip_space();
    if (not character(':')) return false;
    skip_space();
    return true;
  }

  bool literal(std::string_view wanted) {
    for (const char c : wanted)
      if (not character(c)) return false;
    return true;
  }

  bool string() {
    ++at_;
    while (more()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c < 0x20) return fail(refusal::not_json);
      if (not(c == '\\' ? escape() : utf8())) return false;
    }
    return false;
  }

  bool escape() {
    const auto begin = at_++;
    if (not more()) return false;
    if (text_[at_] != 'u') {
      if (std::string_view("\"\\/bfnrt").find(text_[at_]) == std::string_view::npos) return fail(refusal::not_json);
      ++at_;
      return true;
    }
    int unit = 0;
    if (not code_unit(unit)) return false;
    if (is_low_surrogate(unit)) return fail(refusal::bad_utf8, begin);
    if (not is_high_surrogate(unit)) return true;
    // The text may have been cut before the other half.
    for (const char c : std::string_view("\\u")) {
      if (not more()) return false;
      if (text_[at_] != c) return fail(refusal::bad_utf8, begin);
      at_ += c == '\\' ? 1 : 0;
    }
    return code_unit(unit) and (is_low_surrogate(unit) or fail(refusal::bad_utf8, begin));
  }

  /// `uXXXX`, from the `u`.
  bool code_unit(int& unit) {
    ++at_;
    const auto begin = at_;
    for (; at_ < begin + 4; ++at_) {
      if (not more()) return false;
      const char lower = static_cast<char>(text_[at_] | 0x20);
      if (not is_digit(text_[at_]) and not(lower >= 'a' and lower <= 'f')) return fail(refusal::not_json);
    }
    unit = hex4(text_.substr(begin));
    return true;
  }

  bool utf8() {
    const auto begin = at_;
    const auto lead = static_cast<unsigned char>(text_[at_++]);
    const auto length = utf8_length(lead);
    if (length == 0) return fail(refusal::bad_utf8, begin);
    for (std::size_t i = 1; i < length; ++i, ++at_) {
      if (not more()) return false;
      const auto next = static_cast<unsigned char>(text_[at_]);
      if (i == 1 ? not utf8_second_fits(lead, next) : (next & 0xc0) != 0x80) return fail(refusal::bad_utf8, begin);
    }
    return true;
  }

  bool digits() {
    if (not more()) return false;
    if (not is_digit(text_[at_])) return fail(refusal::not_json);
    while (at_ < text_.size() and is_digit(text_[at_]))
      ++at_;
    return true;
  }

  bool number() {
    const auto begin = at_;
    if (text_[at_] == '-') ++at_;
    if (at_ < text_.size() and text_[at_] == '0')
      ++at_;
    else if (not digits())
      return false;
    bool integer = true;
    if (at_ < text_.size() and text_[at_] == '.') {
      integer = false;
      ++at_;
      if (not digits()) return false;
    }
    if (at_ < text_.size() and (text_[at_] == 'e' or text_[at_] == 'E')) {
      integer = false;
      ++at_;
      if (at_ < text_.size() and (text_[at_] == '+' or text_[at_] == '-')) ++at_;
      if (not digits()) return false;
    }
    if (not number_fault_ and not fits(text_.substr(begin, at_ - begin), integer))
      number_fault_ = json_fault{refusal::integer_overflow, begin};
    return true;
  }

  static bool fits(std::string_view number, bool integer) {
    // A number that is too small is zero to every parser.
    if (not integer)
      return parse_number<double>(number) or number.find("e-") != number.npos or number.find("E-") != number.npos;
    return number.front() == '-' ? parse_number<std::int64_t>(number).has_value()
                                 : parse_number<std::uint64_t>(number).has_value();
  }

  std::string_view text_;
  std::size_t depth_max_;
  std::size_t at_ = 0;
  std::optional<json_fault> fault_;
  std::optional<json_fault> number_fault_;
};

// The text is valid from here on, so no end can be missing.

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  while (is_space(text[at]))
    ++at;
  return at;
}

std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; text[at] != '"'; ++at)
    at += text[at] == '\\' ? 1 : 0;
  return at + 1;
}

std::size_t skip_value(std::string_view text, std::size_t at) {
  if (text[at] == '"') return skip_string(text, at);
  if (text[at] != '{' and text[at] != '[') {
    while (at < text.size() and text[at] != ',' and text[at] != '}' and text[at] != ']' and not is_space(text[at]))
      ++at;
    return at;
  }
  std::size_t open = 0;
  do {
    if (text[at] == '"') {
      at = skip_string(text, at);
      continue;
    }
    if (text[at] == '{' or text[at] == '[')
      ++open;
    else if (text[at] == '}' or text[at] == ']')
      --open;
    ++at;
  } while (open > 0);
  return at;
}

} // namespace

std::optional<json_fault> find_json_fault(std::string_view text, std::size_t depth_max) {
  return fault_finder(text, depth_max).run();
}

std::optional<std::size_t> find_lone_surrogate(std::string_view text) {
  for (std::size_t at = 0; (at = text.find('\\', at)) != std::string_view::npos;) {
    if (text[at + 1] != 'u') {
      at += 2;
      continue;
    }
    const int unit = hex4(text.substr(at + 2));
    if (is_low_surrogate(unit)) return at;
    if (is_high_surrogate(unit)) {
      const auto next = text.substr(at + 6);
      if (not next.starts_with("\\u") or not is_low_surrogate(hex4(next.substr(2)))) return at;
      at += 6;
    }
    at += 6;
  }
  return std::nullopt;
}

std::string_view raw_member(std::string_view object, std::size_t n) {
  // From the opening brace, which white space may precede.
  auto at = skip_spaces(object, 0);
  for (std::size_t i = 0;; ++i) {
    at = skip_spaces(object, at + 1); // behind the brace or the comma
    at = skip_string(object, at);
    at = skip_spaces(object, at);
    const auto begin = skip_spaces(object, at + 1); // behind the colon
    const auto end = skip_value(object, begin);
    if (i == n) return object.substr(begin, end - begin);
    at = skip_spaces(object, end);
  }
}

std::optional<std::int32_t> nano_from(std::string_view number) {
  const bool negative = number.starts_with('-');
  number.remove_prefix(negative ? 1 : 0);
  const auto exponent_at = std::min(number.find_first_of("eE"), number.size());
  const auto mantissa = number.substr(0, exponent_at);
  std::int64_t exponent = 0;
  if (exponent_at < number.size()) {
    auto text = number.substr(exponent_at + 1);
    text.remove_prefix(text.starts_with('+') ? 1 : 0);
    constexpr std::int64_t beyond = 1'000'000'000; // further than any line has digits
    const auto value = parse_number<std::int64_t>(text).value_or(text.starts_with('-') ? -beyond : beyond);
    exponent = std::clamp(value, -beyond, beyond);
  }
  // The value is 0.ddd * 10^point, with the first digit that is not 0 leading.
  const auto dot = std::min(mantissa.find('.'), mantissa.size());
  const auto first = mantissa.find_first_of("123456789");
  if (first == mantissa.npos) return 0;
  const auto point =
      static_cast<std::int64_t>(dot) - static_cast<std::int64_t>(first) + (first > dot ? 1 : 0) + exponent;
  if (negative or point > 1) return std::nullopt;
  if (point == 1)
    return mantissa[first] == '1' and mantissa.find_first_of("123456789", first + 1) == mantissa.npos
               ? std::optional(1'000'000'000)
               : std::nullopt;
  // Zeros before the first digit use up some of the nine places.
  std::int32_t nano = 0;
  auto at = first;
  for (std::int64_t place = point; place > -9; --place) {
    if (at == dot) ++at;
    nano = nano * 10 + (at < mantissa.size() ? mantissa[at++] - '0' : 0);
  }
  return nano;
}

} // namespace fairuse
