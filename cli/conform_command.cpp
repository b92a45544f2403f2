// SPDX-License-Identifier: Apache-2.0

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "sim/conform.hpp"

namespace fairuse::cli {

namespace {

int run_file(const std::string& path) {
  std::ifstream file(path);
  if (not file) return fail(exit_usage, "cannot read the scenario '" + path + "'");
  std::ostringstream out;
  const auto done = run_conform(file, out);
  write_out(out.str());
  if (done) return exit_done;
  tell("{}: {}\n", path, done.error().message);
  return exit_usage;
}

std::function<int()> declare_conform(CLI::App& app) {
  auto path = std::make_shared<std::string>();
  app.add_option("scenario", *path, "scenario, one JSON object a line")->required()->check(CLI::ExistingFile);
  return [path] { return run_file(*path); };
}

} // namespace

const command conform_command{
    "conform",
    "Print the compatibility rows of a scenario, driven through the real actors",
    "fairuse conform tests/data/cases/omi-newest-ladder-0005.jsonl",
    declare_conform,
};

} // namespace fairuse::cli
