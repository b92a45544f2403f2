// SPDX-License-Identifier: Apache-2.0

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/status_report.hpp"
#include "cli/told_by_instance.hpp"
#include "engine/stored_policies.hpp"
#include "events/time_text.hpp"
#include "storage/case_key.hpp"
#include "storage/case_reference.hpp"
#include "storage/local_reader.hpp"
#include "streams/policy_choice.hpp"

namespace fairuse::cli {

namespace {

struct status_options {
  std::string state = "fairuse-state";
  std::string uid;
  std::string at;
  std::string case_key_file;
  bool json = false;
};

int show(const status_options& wanted) {
  auto key = find_case_key(wanted.case_key_file.empty() ? std::nullopt
                                                        : std::optional<std::filesystem::path>{wanted.case_key_file});
  if (not key) return fail(exit_usage, key.error().message);
  auto opened = local_reader::open(wanted.state);
  if (not opened) return fail(no_local_store(wanted.state, opened.error(), wanted_from_store::user));
  const auto& reader = **opened;
  const auto meta = reader.meta();
  if (meta.epoch == 0) return fail(exit_usage, fmt::format("the store in {} has seen no event yet", wanted.state));
  const auto read = read_stored_policies(reader, wanted.state);
  if (not read) return fail(exit_failed, read.error().message);
  const auto& policies = *read;
  auto found = reader.load(wanted.uid, *policies, meta.now, key->bytes);
  if (not found) return fail(exit_failed, found.error().message);
  if (*found == nullptr) return fail(exit_usage, fmt::format("the store in {} knows no such user", wanted.state));
  auto at = meta.now;
  if (not wanted.at.empty()) {
    const auto asked = time_from(wanted.at);
    if (not asked) return fail(exit_usage, "--at takes an instant such as 2026-11-22T09:30:00Z");
    if (*asked < meta.now)
      return fail(exit_usage, fmt::format("--at is before the last epoch ({}): the past is asked of a capture",
                                          to_time_text(meta.now)));
    at = *asked;
  }
  case_namer names{key->bytes};
  const bool same_key = setting_of(meta.settings, "case_key") == names.check();
  if (not same_key)
    log_line(log_level::warning,
             "case references are not shown: the store has another case key (FAIRUSE_CASE_KEY, --case-key)");
  const status_question question{
      .who = **found,
      .in_force = {.enabled = meta.controls.enabled, .killed = meta.controls.killed, .policies = policies.get()},
      .uid = wanted.uid,
      .at = at,
      .epoch = meta.epoch,
      .names = same_key ? &names : nullptr};
  print_out("{}", wanted.json ? status_json(question) + "\n" : status_text(question, out_width()));
  return exit_done;
}

std::function<int()> declare_status(CLI::App& app) {
  auto wanted = std::make_shared<status_options>();
  app.add_option("--state", wanted->state, "Folder of the store")->capture_default_str();
  app.add_option("--user", wanted->uid, "User id")->required();
  app.add_option("--at", wanted->at, "Instant to look at, from the last epoch on; a stage that ends before it is over");
  app.add_option("--case-key", wanted->case_key_file, "File with the case key, if FAIRUSE_CASE_KEY does not hold it");
  app.add_flag("--json", wanted->json, "JSON instead of text");
  return [wanted] { return show(*wanted); };
}

} // namespace

const command status_command = {
    "status",
    "Explain one user: stage, sums against caps, budget, strikes, and when each ends.",
    "fairuse status --state fairuse-state --user alice\n"
    "fairuse status --state fairuse-state --user alice --at 2026-11-23T00:00:00Z\n"
    "fairuse status --state fairuse-state --user alice --json",
    declare_status,
};

} // namespace fairuse::cli
