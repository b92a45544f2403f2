// SPDX-License-Identifier: Apache-2.0

#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>

#include "api/identity/token.hpp"
#include "api/identity/token_file.hpp"
#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "events/json_text.hpp"

namespace fairuse::cli {

namespace {

struct token_options {
  std::string name;
  std::string roles;
  std::string uid;
  bool as_json = false;
};

void show_token(const std::string& token, const std::string& line, bool as_json) {
  if (not as_json) {
    print_out("{}\n{}\n", token, line);
    tell(
        "The first line is the token, which is nowhere else: hand it over and forget it. The second one belongs into "
        "the\nfile that `api.tokens` names.\n");
    return;
  }
  std::string text = "{";
  json_members to{text};
  to.text("token", token);
  to.text("line", line);
  print_out("{}}}\n", text);
}

command_result<int> make_line(const token_options& wanted) {
  const auto roles = roles_from(wanted.roles);
  if (not roles) return command_error{exit_usage, "--roles: " + roles.error().message};
  known_token made{.name = wanted.name, .roles = *roles, .uid = wanted.uid};
  if (const auto fits = check_token(made); not fits) return command_error{exit_usage, fits.error().message};
  const auto token = make_token();
  if (not token) return command_error{exit_failed, token.error().message};
  made.digest = sha256(*token);
  show_token(*token, to_line(made), wanted.as_json);
  return exit_done;
}

std::function<int()> declare_token(CLI::App& app) {
  const auto wanted = std::make_shared<token_options>();
  app.add_option("NAME", wanted->name, "Of the person or service; the audit log shows it")->required();
  app.add_option("--roles", wanted->roles, "What they may do, with commas between")->required();
  app.add_option("--uid", wanted->uid, "With the role user: whose state they see");
  app.add_flag("--json", wanted->as_json, "One JSON object, {token, line}");
  app.footer(
      "Roles: user, viewer, support, policy, admin, producer, gateway, reviewer; docs/api.md says what they may.\n"
      "A token that is not needed any more ends when its line is removed; no restart is needed.");
  return [wanted] { return exit_code_of(make_line(*wanted)); };
}

} // namespace

const command token_command = {
    "token",
    "Make a token for a person or a service that asks the API.",
    "fairuse token gateway-1 --roles gateway\n"
    "fairuse token ann --roles support,policy\n"
    "fairuse token alice --roles user --uid u-17\n"
    "fairuse token gateway-1 --roles gateway --json",
    declare_token,
};

} // namespace fairuse::cli
