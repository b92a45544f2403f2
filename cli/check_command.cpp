// SPDX-License-Identifier: Apache-2.0

#include "cli/check_command.hpp"

#include <algorithm>
#include <memory>
#include <sstream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "config/deployment.hpp"
#include "config/lint.hpp"
#include "config/policy_file.hpp"
#include "engine/client_library.hpp"
#include "sim/experiment_file.hpp"

namespace fairuse::cli {

namespace {

std::string one_of(const policy& rules) { return rules.name + " " + rules.digest.substr(0, 12); }

std::string counted(std::size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string counted(std::size_t count, const std::string& noun) { return counted(count, noun, noun + "s"); }

// A summary of what may run; empty if the file is refused.
std::string check_one(const std::string& file, yaml::diagnostics& problems) {
  const auto root = yaml::load(file, problems);
  if (not root) return "";
  if (sim::is_experiment(*root)) {
    const auto what = sim::load_experiment(file, problems, sim::policy_advice::warnings);
    problems.sort();
    return what ? "an experiment, " + counted(what->policies.size(), "policy", "policies") + ", "
                      + counted(what->guards.size(), "guard")
                : "";
  }
  if (root->find("policies") != nullptr) {
    const auto all = load_deployment(file, kafka_client_library(), problems);
    return all ? "a deployment, live " + one_of(all->live) + ", " + std::to_string(all->shadows.size()) + " in shadow"
               : "";
  }
  const auto rules = bind_policy(*root, problems);
  if (not rules) return "";
  lint(*rules, *root, problems);
  return one_of(*rules);
}

void print_text(const std::string& file, const yaml::diagnostics& problems, const std::string& accepted,
                std::ostream& out) {
  out << problems.text();
  const auto& list = problems.list();
  const auto warnings = static_cast<std::size_t>(std::count_if(
      list.begin(), list.end(), [](const yaml::diagnostic& d) { return d.level == yaml::severity::warning; }));
  if (problems.ok())
    out << file << ": ok: " << accepted << (warnings == 0 ? "" : ", " + counted(warnings, "warning")) << "\n";
  else
    out << file << ": refused: " << counted(problems.error_count(), "error") << "\n";
}

} // namespace

int run_check(const std::vector<std::string>& files, bool json, std::ostream& out) {
  auto rows = nlohmann::ordered_json::array();
  bool all_ok = true;
  for (const auto& file : files) {
    yaml::diagnostics problems{file};
    const auto accepted = check_one(file, problems);
    all_ok = all_ok and problems.ok();
    if (not json) print_text(file, problems, accepted, out);
    for (const auto& each : problems.list())
      rows.push_back({{"file", each.file},
                      {"line", each.at.line},
                      {"column", each.at.column},
                      {"level", std::string{yaml::to_text(each.level)}},
                      {"message", each.message}});
  }
  if (json) out << rows.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  return all_ok ? exit_done : exit_usage;
}

int run_check(const std::vector<std::string>& files, bool json) {
  std::ostringstream out;
  const int code = run_check(files, json, out);
  write_out(out.str());
  return code;
}

const command check_command{
    "check", "Say what a policy, a deployment or an experiment gets wrong (exit 2) or cannot mean.",
    "fairuse check config/policies/fair.yaml\n"
    "fairuse check --json config/policies/*.yaml\n"
    "fairuse check config/local.yaml\n"
    "fairuse check config/experiments/first.yaml",
    [](CLI::App& app) -> std::function<int()> {
      struct options {
        std::vector<std::string> files;
        bool json = false;
      };
      const auto chosen = std::make_shared<options>();
      app.add_option("files", chosen->files,
                     "Policies, and deployments and experiments with the policies that they name")
          ->required();
      app.add_flag("--json", chosen->json, "One JSON array of findings");
      return [chosen] { return run_check(chosen->files, chosen->json); };
    }};

} // namespace fairuse::cli
