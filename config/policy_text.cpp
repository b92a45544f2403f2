// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/pure/hex.hpp"
#include "base/system/sha256.hpp"
#include "config/policy_file.hpp"
#include "config/policy_keys.hpp"

namespace fairuse {

namespace {

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' or c == '\\')
      (out += '\\') += c;
    else if (byte < 0x20)
      ((out += "\\u00") += hex_digits[byte >> 4U]) += hex_digits[byte & 0xFU];
    else
      out += c;
  }
  return out += '"';
}

std::string list_of(const std::vector<std::string>& items) {
  std::string text = "[";
  for (const auto& each : items)
    text += (text.size() == 1 ? "" : ",") + each;
  return text + "]";
}

// Writes the keys that it visits as one JSON object.
class text_writer {
public:
  void name(std::string_view key, const std::string& value) { add(key, in_quotes(value)); }
  void duration(std::string_view key, std::int64_t ms, const duration_key& = {}) {
    add(key, in_quotes(yaml::format_duration(ms)));
  }
  void seconds(std::string_view key, std::int32_t value) { duration(key, value * second_ms); }
  void ratio(std::string_view key, std::int32_t nano) { add(key, yaml::format_decimal(nano, 9)); }
  void later_ratio(std::string_view key, std::int32_t nano) {
    if (nano != 0) ratio(key, nano);
  }
  void count(std::string_view key, std::uint32_t value, yaml::bounds) { add(key, std::to_string(value)); }
  void flag(std::string_view key, bool value) { add(key, value ? "true" : "false"); }

  // A value that is none of the choices has no text.
  template <class T>
  void choice(std::string_view key, const T& value, std::initializer_list<yaml::choice<T>> choices,
              const choice_key& = {}) {
    const auto* found =
        std::find_if(choices.begin(), choices.end(), [&](const auto& each) { return each.value == value; });
    add(key, in_quotes(found == choices.end() ? "" : found->text));
  }

  void list(std::string_view key, words<const bool> all, unknown_word) {
    std::vector<std::string> there;
    for (const auto& [word, is_there] : all)
      if (*is_there) there.push_back(in_quotes(word));
    add(key, list_of(there));
  }

  template <class Keys>
  void section(std::string_view key, Keys keys) {
    add(key, text_of(keys));
  }

  void windows(std::string_view key, const std::vector<window_rule>& rules) {
    text_writer all;
    for (const auto& each : rules)
      all.section(each.name, [&](auto& in) { visit_window(in, each); });
    add(key, all.done());
  }

  void plans(std::string_view key, const policy& rules) {
    std::vector<std::string> free;
    for (const auto& each : rules.free_plans)
      free.push_back(in_quotes(each));
    text_writer all;
    all.add("free", list_of(free));
    for (const auto& plan : rules.plans)
      all.section(plan.plan, [&](auto& in) {
        for (std::size_t i = 0; i < rules.windows.size(); ++i)
          in.duration(rules.windows[i].name, plan.caps_ms[i]);
      });
    add(key, all.done());
  }

  void steps(std::string_view key, const std::vector<step_rule>& rules) {
    std::vector<std::string> all;
    for (const auto& each : rules)
      all.push_back(text_of([&](auto& in) { visit_step(in, each); }));
    add(key, list_of(all));
  }

  std::string done() const { return text_ + "}"; }

private:
  template <class Keys>
  static std::string text_of(Keys keys) {
    text_writer in;
    keys(in);
    return in.done();
  }

  void add(std::string_view key, std::string_view json) {
    text_ += (text_.size() == 1 ? "" : ",") + in_quotes(key) + ":";
    text_ += json;
  }

  std::string text_ = "{";
};

} // namespace

std::string canonical(const policy& rules) {
  text_writer text;
  visit_policy(text, rules);
  return text.done();
}

void stamp_digest(policy& rules) { rules.digest = sha256_hex(canonical(rules)); }

} // namespace fairuse
