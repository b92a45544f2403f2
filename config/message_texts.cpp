// SPDX-License-Identifier: Apache-2.0
#include "config/message_texts.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/pure/text.hpp"
#include "config/presets.hpp"

namespace fairuse {

namespace {

using yaml::diagnostics;
using yaml::map_reader;
using yaml::need;

constexpr std::array<std::string_view, 4> about_names{"stage", "budget_low", "budget_exhausted", "exemption_ended"};

using placeholder_names = std::vector<std::string_view>;

// Placeholders, first those that always have a value.
struct placeholder_rule {
  placeholder_names always;
  placeholder_names sometimes;

  placeholder_names all() const {
    auto both = always;
    both.insert(both.end(), sometimes.begin(), sometimes.end());
    return both;
  }
};

const placeholder_rule in_subject{{"product"}, {}};
const placeholder_rule in_sum{{"hours", "window"}, {}};
const placeholder_rule in_date{{"day", "month", "year", "hour", "minute", "zone"}, {}};
const placeholder_rule in_stage{{"product", "appeal"}, {"until", "sums", "case"}};
const placeholder_rule in_budget{{"product", "appeal", "used", "budget"}, {"until"}};
const placeholder_rule in_exemption{{"product", "appeal"}, {}};

struct message_place {
  // Empty: the message stands at the top.
  std::string_view group;
  std::string_view key;
  const placeholder_rule& rule;
};

// In the order of language::messages.
const std::array<message_place, 9> message_places{{{"misuse", "warning", in_stage},
                                                   {"misuse", "throttle", in_stage},
                                                   {"misuse", "restrict", in_stage},
                                                   {"credits", "warning", in_stage},
                                                   {"credits", "throttle", in_stage},
                                                   {"credits", "restrict", in_stage},
                                                   {"", "budget_low", in_budget},
                                                   {"", "budget_exhausted", in_budget},
                                                   {"", "exemption_ended", in_exemption}}};
constexpr std::size_t stages_with_message = 3;
constexpr std::size_t first_other = 2 * stages_with_message;

bool is_one_of(const placeholder_names& all, std::string_view name) {
  return std::find(all.begin(), all.end(), name) != all.end();
}

// Reads one file.
class language_binder {
public:
  language_binder(const yaml::node& root, language& into, diagnostics& out)
    : top_{root, "", out}, into_{into}, out_{out} {}

  void bind() {
    bind_words();
    for (const std::string_view group : {"misuse", "credits"})
      if (auto messages = top_.map(group, need::required)) {
        bind_group(group, *messages);
        messages->finish();
      }
    bind_group("", top_);
    top_.finish();
  }

private:
  void bind_words() {
    auto words = top_.map("words", need::required);
    if (not words) return;
    words->text("decimal_point", into_.decimal_point, need::required);
    one(*words, "sum", in_sum, into_.sum);
    if (auto windows = words->map("windows")) {
      for (const auto& key : windows->of().keys)
        windows->text(key.text, into_.windows[key.text]);
      windows->finish();
    }
    one(*words, "date", in_date, into_.date);
    std::vector<std::string> months;
    if (words->texts("months", months, need::required)) {
      if (months.size() == into_.months.size())
        std::move(months.begin(), months.end(), into_.months.begin());
      else
        words->error("months", "expected 12 names, not " + std::to_string(months.size()));
    }
    words->finish();
  }

  void bind_group(std::string_view group, map_reader& messages) {
    for (std::size_t i = 0; i < message_places.size(); ++i) {
      const auto& place = message_places.at(i);
      if (place.group != group) continue;
      if (auto message = messages.map(place.key, need::required)) {
        bind_message(*message, place.rule, into_.messages.at(i));
        message->finish();
      }
    }
  }

  void bind_message(map_reader& from, const placeholder_rule& rule, message_template& into) {
    one(from, "subject", in_subject, into.subject);
    const auto* paragraphs = from.list("text", need::required);
    if (paragraphs == nullptr) return;
    const auto errors_before = out_.error_count();
    for (std::size_t i = 0; i < paragraphs->items.size(); ++i) {
      const auto called = from.called("text") + "[" + std::to_string(i) + "]";
      if (auto made = parse(paragraphs->items[i], called, rule)) into.paragraphs.push_back(std::move(*made));
    }
    if (out_.error_count() == errors_before) check_paragraphs(from, rule, into);
  }

  // A message is never empty, and says how to appeal.
  void check_paragraphs(const map_reader& from, const placeholder_rule& rule, const message_template& message) {
    const auto always_there = [&rule](const text_template& each) {
      return std::none_of(rule.sometimes.begin(), rule.sometimes.end(),
                          [&each](std::string_view name) { return each.names(name); });
    };
    const auto& all = message.paragraphs;
    if (std::none_of(all.begin(), all.end(), always_there))
      out_.error(from.at("text"), from.called("text") + ": every paragraph may be left out; one has to do without "
                                      + listed(rule.sometimes));
    if (std::none_of(all.begin(), all.end(), [](const text_template& each) { return each.names("appeal"); }))
      out_.report(yaml::severity::warning, from.at("text"),
                  from.called("text") + ": does not say how to appeal: {appeal}");
  }

  static std::string listed(const placeholder_names& all) {
    std::string text;
    for (const auto each : all)
      text.append(text.empty() ? "{" : ", {").append(each).append("}");
    return text;
  }

  void one(map_reader& from, std::string_view key, const placeholder_rule& rule, text_template& into) {
    const auto* value = from.any(key, need::required);
    if (value == nullptr) return;
    if (auto made = parse(*value, from.called(key), rule)) into = std::move(*made);
  }

  std::optional<text_template> parse(const yaml::node& of, const std::string& called, const placeholder_rule& rule) {
    const auto text = yaml::read_text(of, called, out_);
    if (not text) return std::nullopt;
    const auto refuse = [&](const std::string& why) {
      out_.error(of.at, called + ": " + why);
      return std::nullopt;
    };
    if (text->empty()) return refuse("is empty");
    std::vector<text_template::piece> pieces;
    std::string_view rest = *text;
    while (not rest.empty()) {
      const auto brace = rest.find_first_of("{}");
      if (brace > 0) pieces.push_back({std::string{rest.substr(0, brace)}, false});
      if (brace == std::string_view::npos) break;
      const auto end = rest.find('}', brace);
      if (rest[brace] == '}' or end == std::string_view::npos)
        return refuse("a brace without its other one; a placeholder is written {until}");
      const auto name = rest.substr(brace + 1, end - brace - 1);
      if (not is_one_of(rule.all(), name)) return refuse(unknown(name, rule));
      pieces.push_back({std::string{name}, true});
      rest.remove_prefix(end + 1);
    }
    return text_template{std::move(pieces)};
  }

  static std::string unknown(std::string_view name, const placeholder_rule& rule) {
    const auto candidates = rule.all();
    return "there is no {" + std::string{name} + "} here" + yaml::did_you_mean_one_of(name, candidates);
  }

  map_reader top_;
  language& into_;
  diagnostics& out_;
};

// False: it was refused.
bool bind_language(const std::optional<yaml::node>& root, language& into, diagnostics& out) {
  if (root) language_binder{*root, into, out}.bind();
  return root and out.ok();
}

} // namespace

std::string_view to_text(notice_about value) { return about_names.at(static_cast<std::size_t>(value)); }

std::optional<notice_about> notice_about_from(std::string_view text) {
  const auto found = std::find(about_names.begin(), about_names.end(), text);
  if (found == about_names.end()) return std::nullopt;
  return static_cast<notice_about>(found - about_names.begin());
}

std::optional<std::string> text_template::filled(const value_of& values) const {
  std::string text;
  for (const auto& each : pieces_) {
    if (not each.is_placeholder) {
      text += each.text;
      continue;
    }
    const auto value = values(each.text);
    if (not value) return std::nullopt;
    text += *value;
  }
  return text;
}

bool text_template::names(std::string_view placeholder) const {
  return std::any_of(pieces_.begin(), pieces_.end(),
                     [&](const piece& each) { return each.is_placeholder and each.text == placeholder; });
}

const message_template& language::message(notice_about about, wording words, stage at) const {
  if (about != notice_about::stage) return messages.at(first_other + static_cast<std::size_t>(about) - 1);
  return messages.at(static_cast<std::size_t>(words) * stages_with_message + static_cast<std::size_t>(at) - 1);
}

message_set load_messages(const std::filesystem::path& folder, diagnostics& out) {
  message_set all;
  std::error_code failed;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator each{folder, failed}, end; not failed and each != end;
       each.increment(failed))
    if (each->path().extension() == ".yaml") files.push_back(each->path());
  if (failed) out.error({}, "cannot read the folder " + folder.string() + ": " + failed.message());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    diagnostics problems{file.string()};
    language made{.locale = file.stem().string()};
    if (not is_locale(made.locale))
      problems.error({}, "is not named as a language, such as en.yaml or pt-BR.yaml");
    else if (bind_language(yaml::load(file, problems), made, problems)
             and not all.try_emplace(lower(made.locale), made).second)
      problems.error({}, "is a second file of this language");
    problems.sort();
    out.add(problems);
  }
  return all;
}

const message_set& shipped_messages() {
  static const message_set all = [] {
    message_set made;
    for (const auto locale : shipped_locales) {
      diagnostics problems{std::string{locale}};
      language each{.locale = std::string{locale}};
      // tests/config hold that they are fine.
      if (not bind_language(yaml::parse(shipped_messages_text(locale), problems), each, problems))
        throw std::logic_error(problems.text());
      made.emplace(lower(each.locale), std::move(each));
    }
    return made;
  }();
  return all;
}

const language* known_language(const message_set& all, std::string_view locale) {
  auto wanted = lower(std::string{locale});
  while (not wanted.empty()) {
    if (const auto found = all.find(wanted); found != all.end()) return &found->second;
    const auto hyphen = wanted.rfind('-');
    wanted.resize(hyphen == std::string::npos ? 0 : hyphen);
  }
  return nullptr;
}

const language& language_for(const message_set& all, std::string_view locale, std::string_view otherwise) {
  const auto* found = known_language(all, locale);
  return found != nullptr ? *found : all.at(lower(std::string{otherwise}));
}

} // namespace fairuse
