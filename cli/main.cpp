// SPDX-License-Identifier: Apache-2.0
//
// The table of subcommands, the format of --help, and the answer to a typing mistake.

#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "config/yaml.hpp"

namespace {

using namespace fairuse;
using namespace fairuse::cli;

// In the order in which --help lists them.
const command* const commands[] = {
    &demo_command,      &run_command,     &reviewer_command,   &notifier_command, &token_command,
    &decisions_command, &status_command,  &partitions_command, &control_command,  &state_command,
    &topics_command,    &capture_command, &verify_command,     &history_command,  &simulate_command,
    &replay_command,    &test_command,    &check_command,      &conform_command,  &capacity_command,
};

/// Help that begins with what people type.
class examples_first final : public CLI::Formatter {
public:
  explicit examples_first(std::string examples) : examples_{std::move(examples)} { column_width(34); }
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    std::string text = app->get_description() + "\n\nExamples:\n";
    std::string_view rest = examples_;
    while (not rest.empty()) {
      const auto end = rest.find('\n');
      text.append("  ").append(rest.substr(0, end)).append("\n");
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
    return text + "\n" + CLI::Formatter::make_help(app, std::move(name), mode);
  }
  std::string make_description(const CLI::App*) const override { return {}; }

private:
  std::string examples_;
};

constexpr const char* main_examples =
    "fairuse run --config config/local.yaml --input events.ndjson --until-end\n"
    "fairuse decisions --state fairuse-state\n"
    "fairuse status --state fairuse-state --user alice\n"
    "fairuse simulate config/experiments/first.yaml\n"
    "fairuse SUBCOMMAND --help";

constexpr const char* exit_codes =
    "Exit codes: 0 done, 1 failed (disk, broker, damage), 2 wrong command, no such file or input that cannot be used,\n"
    "3 decisions differ, 4 a guard failed, 5 not enough data, 130 Ctrl-C. docs/operations.md says more.";

/// The first word that is no option: the subcommand.
std::string_view first_word(int argc, char** argv) {
  for (int i = 1; i < argc; ++i)
    if (argv[i][0] != '-') return argv[i];
  return {};
}

bool is_known(std::string_view word) {
  for (const auto* each : commands)
    if (each->name == word) return true;
  return false;
}

/// The subcommands that were named, each behind a space.
std::string named_commands(const CLI::App& app, int argc, char** argv) {
  std::string words;
  const auto* at = &app;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.empty()) continue;
    const auto named = at->get_subcommands([&word](const CLI::App* each) { return each->get_name() == word; });
    if (named.empty()) continue;
    words.append(" ").append(word);
    at = named.front();
  }
  return words;
}

int refuse_word(std::string_view word) {
  std::vector<std::string_view> names;
  for (const auto* each : commands)
    names.emplace_back(each->name);
  const auto hint = yaml::did_you_mean(word, names);
  tell("fairuse: there is no subcommand '{}'{}\n`fairuse --help` lists them.\n", word, hint);
  return exit_usage;
}

/// An empty value is a variable of a shell that was not set, never a wish.
void refuse_empty_values(CLI::App& app) {
  const CLI::Validator not_empty{
      [](const std::string& value) { return value.empty() ? std::string{"'' is empty"} : std::string{}; }, ""};
  for (auto* each : app.get_options())
    if (each->get_items_expected_max() > 0) each->check(not_empty);
  // Subcommands and groups of options.
  for (auto* each : app.get_subcommands({}))
    refuse_empty_values(*each);
}

/// The arguments from the last to the first, as the parser takes them. `--name=` is an empty value, where the parser
/// would take the next argument for it.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> all;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    const bool is_empty_value = word.starts_with("--") and word.find('=') == word.size() - 1;
    if (is_empty_value) word.pop_back();
    all.push_back(std::move(word));
    if (is_empty_value) all.emplace_back();
  }
  return {all.rbegin(), all.rend()};
}

int show_help(const CLI::App& app, const CLI::ParseError& asked) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = app.exit(asked, out, err);
  write_out(out.str());
  return code;
}

int run(int argc, char** argv) {
  CLI::App app{"fairuse: a fair-use engine that is proven before it is switched on.", "fairuse"};
  app.formatter(std::make_shared<examples_first>(main_examples));
  app.set_version_flag("--version", program_text);
  app.require_subcommand(0, 1);
  app.footer(exit_codes);
  std::vector<std::pair<CLI::App*, std::function<int()>>> declared;
  for (const auto* each : commands) {
    auto* sub = app.add_subcommand(each->name, each->summary);
    sub->formatter(std::make_shared<examples_first>(each->examples));
    declared.emplace_back(sub, each->declare(*sub));
    refuse_empty_values(*sub);
  }
  const auto word = first_word(argc, argv);
  if (not word.empty() and not is_known(word)) return refuse_word(word);
  try {
    app.parse(arguments_of(argc, argv));
  } catch (const CLI::ParseError& error) {
    const bool asked = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
    if (asked) return show_help(app, error);
    tell("fairuse: {}\n`fairuse{} --help` shows what it takes.\n", error.what(), named_commands(app, argc, argv));
    return exit_usage;
  }
  for (const auto& [sub, run] : declared)
    if (sub->parsed()) return run();
  write_error(app.help());
  return exit_usage;
}

} // namespace

int main(int argc, char** argv) {
  hold_standard_descriptors();
  set_up_command_log();
  return end_output(run(argc, argv));
}
