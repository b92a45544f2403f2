// SPDX-License-Identifier: Apache-2.0
#include "api/reviewer/prompts.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "base/pure/hex.hpp"
#include "base/pure/text.hpp"
#include "base/system/files.hpp"
#include "base/system/sha256.hpp"
#include "config/yaml.hpp"
#include "events/json_text.hpp"
#include "events/time_text.hpp"

namespace fairuse {
namespace {

constexpr std::string_view recipes_slot = "{{recipes}}";
constexpr std::string_view windows_slot = "{{windows}}";
constexpr std::string_view conversations_slot = "{{conversations}}";
constexpr std::size_t shown_points_max = 200;
constexpr std::size_t text_bytes_max = std::size_t{64} << 10;

/// The code point at `at`, which moves behind it. REQUIRES: UTF-8.
char32_t take_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const int more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  char32_t point = lead & (0x3fU >> more);
  for (int i = 0; i < more and at < text.size(); ++i)
    point = point << 6 | (static_cast<unsigned char>(text[at++]) & 0x3f);
  return point;
}

/// Of `first` to `last`; sorted.
struct point_range {
  char32_t first;
  char32_t last;
};

/// What has no width, turns the direction of writing, breaks lines or is not there at all.
constexpr std::array<point_range, 21> hidden_points{{
    {0x007f, 0x00a0},   {0x00ad, 0x00ad},   {0x034f, 0x034f},    {0x061c, 0x061c}, {0x115f, 0x1160}, {0x1680, 0x1680},
    {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x2000, 0x200f},    {0x2028, 0x202f}, {0x205f, 0x206f}, {0x3000, 0x3000},
    {0x3164, 0x3164},   {0xe000, 0xf8ff},   {0xfe00, 0xfe0f},    {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xffff},
    {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0x10ffff},
}};

bool is_escaped(char32_t point) {
  // Quotes and the backslash belong to JSON; the others begin the marks by which models tell roles and blocks apart.
  if (point < 0x80)
    return point < 0x20 or point == 0x7f
           or std::string_view("\"\\<>[]{}|`&#").find(static_cast<char>(point)) != std::string_view::npos;
  return std::any_of(hidden_points.begin(), hidden_points.end(),
                     [point](const point_range& each) { return each.first <= point and point <= each.last; });
}

void append_unit(std::string& out, char32_t unit) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4)
    out += hex_digits[unit >> shift & 0xfU];
}

/// At most `points_max` code points of it.
void append_quoted(std::string& out, std::string_view text, std::size_t points_max) {
  out += '"';
  for (std::size_t at = 0; at < text.size() and points_max > 0; --points_max) {
    const auto begin = at;
    const auto point = take_point(text, at);
    if (not is_escaped(point)) {
      out += text.substr(begin, at - begin);
    } else if (point < 0x10000) {
      append_unit(out, point);
    } else {
      append_unit(out, 0xd800 + ((point - 0x10000) >> 10));
      append_unit(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
    }
  }
  out += '"';
}

void append_conversation(std::string& out, const shown_conversation& one) {
  out += '{';
  json_members members{out};
  append_quoted(members.member("id"), one.id, std::string::npos);
  members.time("ended_at", one.at);
  append_quoted(members.member("title"), one.title, shown_points_max);
  append_quoted(members.member("overview"), one.overview, shown_points_max);
  append_quoted(members.member("category"), one.category, shown_points_max);
  members.integer("minutes", one.duration_ms / minute_ms);
  members.text("source", to_text(one.from));
  out += '}';
}

std::string windows_text(const review_request& request) {
  std::string lines;
  for (const auto& each : request.windows)
    lines += (lines.empty() ? "- " : "\n- ") + each.window + ": "
             + yaml::format_duration(each.sum_ms / minute_ms * minute_ms) + ", the limit is "
             + yaml::format_duration(each.cap_ms);
  return lines.empty() ? "- not stated" : lines;
}

/// `slot`, which stands in `text` once, replaced. What replaces it is not read again.
std::string filled(const std::string& text, std::string_view slot, const std::string& by) {
  const auto at = text.find(slot);
  return text.substr(0, at) + by + text.substr(at + slot.size());
}

/// Each of `slots` once, and no other.
result<void> check_slots(const std::filesystem::path& file, std::string_view text,
                         std::span<const std::string_view> slots) {
  for (const auto slot : slots) {
    const auto at = text.find(slot);
    if (at == std::string_view::npos) return error{file.string() + ": " + std::string(slot) + " is missing"};
    if (text.find(slot, at + 1) != std::string_view::npos)
      return error{file.string() + ": " + std::string(slot) + " is there twice"};
  }
  for (auto at = text.find("{{"); at != std::string_view::npos; at = text.find("{{", at + 1)) {
    const auto here = text.substr(at);
    if (std::none_of(slots.begin(), slots.end(), [here](std::string_view slot) { return here.starts_with(slot); }))
      return error{file.string() + ": '" + std::string(here.substr(0, std::min<std::size_t>(here.find('}'), 30)))
                   + "}}' is no place of this text"};
  }
  return {};
}

result<std::string> load_text(const std::filesystem::path& file, std::span<const std::string_view> slots) {
  auto bytes = read_file(file);
  if (not bytes) return bytes.error();
  std::string text{without_byte_order_mark(*bytes)};
  while (text.ends_with('\n') or text.ends_with('\r'))
    text.pop_back();
  if (text.empty()) return error{file.string() + " is empty"};
  if (text.size() > text_bytes_max) return error{file.string() + " has more than 64 KiB"};
  if (text.find_first_of(std::string_view("\r\0", 2)) != std::string::npos)
    return error{file.string() + ": lines must end with a newline alone"};
  if (const auto fault = find_utf8_fault(text))
    return error{file.string() + ": is no UTF-8 from byte " + std::to_string(*fault + 1)
                 + " on; save the file in this encoding"};
  if (const auto good = check_slots(file, text, slots); not good) return good.error();
  return text;
}

} // namespace

result<prompt_texts> load_prompts(const std::filesystem::path& folder, const std::string& version) {
  const auto from = folder / version;
  std::error_code failed;
  if (not std::filesystem::is_directory(from, failed))
    return error{"there are no prompts in " + from.string()
                 + "; reviewer.prompts names the folder of versions, reviewer.prompt_version one of them"};
  constexpr std::array system_slots{recipes_slot};
  constexpr std::array user_slots{windows_slot, conversations_slot};
  prompt_texts texts;
  running_sha256 digest;
  const auto take = [&](std::string_view name, std::span<const std::string_view> slots,
                        std::string& into) -> result<void> {
    auto text = load_text(from / name, slots);
    if (not text) return text.error();
    into = std::move(*text);
    digest.add(into);
    digest.add(std::string_view("\0", 1));
    return {};
  };
  if (const auto good = take("system.txt", system_slots, texts.system); not good) return good.error();
  if (const auto good = take("user.txt", user_slots, texts.user); not good) return good.error();
  for (std::size_t i = 0; i < recipe_names.size(); ++i)
    if (const auto good = take(std::string{recipe_names[i]} + ".txt", {}, texts.recipes[i]); not good)
      return good.error();
  const auto hash = digest.finish();
  texts.version = version + "-" + to_hex(as_bytes(hash).substr(0, 4));
  return texts;
}

std::string conversations_text(const review_request& request) {
  std::string out = "[";
  for (const auto& each : request.conversations) {
    out += out.size() == 1 ? "\n" : ",\n";
    append_conversation(out, each);
  }
  return out + "\n]";
}

chat_messages make_messages(const prompt_texts& texts, const review_request& request) {
  std::string recipes;
  for (std::size_t i = 0; i < texts.recipes.size(); ++i)
    if ((request.recipes >> i & 1U) != 0) recipes += "\n" + texts.recipes[i] + "\n";
  // The conversations hold no braces of their own, so no slot is found in them.
  const auto with_data = filled(texts.user, conversations_slot, conversations_text(request));
  return {filled(texts.system, recipes_slot, recipes), filled(with_data, windows_slot, windows_text(request))};
}

} // namespace fairuse
