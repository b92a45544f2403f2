// SPDX-License-Identifier: Apache-2.0
//
// config/messages/<locale>.yaml: what people are told, by language. A text has placeholders such as {until}; what they
// may be is checked when a file is read, so that filling one in cannot fail. config/messages/README.md is for those who
// write them.
// Threads: plain values, nothing shared.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.hpp"
#include "events/decision.hpp"
#include "events/event.hpp"

namespace fairuse {

/// What a user is told of.
enum class notice_about : std::uint8_t { stage, budget_low, budget_exhausted, exemption_ended };

std::string_view to_text(notice_about value);
std::optional<notice_about> notice_about_from(std::string_view text);

/// A text with placeholders.
class text_template {
public:
  using value_of = std::function<std::optional<std::string>(std::string_view placeholder)>;

  struct piece {
    /// A literal text, or the name of a placeholder.
    std::string text;
    bool is_placeholder = false;
  };

  text_template() = default;
  explicit text_template(std::vector<piece> pieces) : pieces_{std::move(pieces)} {}

  /// Nullopt: one of its placeholders has no value.
  std::optional<std::string> filled(const value_of& values) const;
  bool names(std::string_view placeholder) const;
  const std::vector<piece>& pieces() const { return pieces_; }

private:
  std::vector<piece> pieces_;
};

struct message_template {
  text_template subject;
  /// One that has a placeholder without a value is left out.
  std::vector<text_template> paragraphs;
};

/// How one language writes, and what it says.
struct language {
  std::string locale;
  std::string decimal_point;
  /// {hours}, {window}
  text_template sum;
  /// Names of the policies' windows; others go by their own.
  std::map<std::string, std::string, std::less<>> windows;
  /// {day}, {month}, {year}, {hour}, {minute}, {zone}
  text_template date;
  std::array<std::string, 12> months;

  /// REQUIRES: with `about` stage, `at` is not none.
  const message_template& message(notice_about about, wording words, stage at) const;

  /// misuse and credits by stage, then the others.
  std::array<message_template, 9> messages;
};

/// By locale in lower case.
using message_set = std::map<std::string, language, std::less<>>;

/// All `<locale>.yaml` of a folder. What is wrong with them goes to `out`, each file with its own places; then nothing
/// may be used.
message_set load_messages(const std::filesystem::path& folder, yaml::diagnostics& out);
/// Those that ship with the program, compiled in.
const message_set& shipped_messages();

/// That of the locale, else of its first part; nullptr: there is none.
const language* known_language(const message_set& all, std::string_view locale);

/// The language of a user: the locale, else its first part, else `otherwise`. REQUIRES: `all` has `otherwise`.
const language& language_for(const message_set& all, std::string_view locale, std::string_view otherwise);

} // namespace fairuse
