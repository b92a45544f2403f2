// SPDX-License-Identifier: Apache-2.0

#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "sim/conform.hpp"

namespace fairuse::cli {

namespace {

int run_file(const std::string& path) {
  std::ifstream file(path);
  if (not file) return fail(exit_usage, "cannot read the scenario '" + path + "'");
  const auto done = run_conform(file, std::cout);
  std::cout.flush();
  if (done) return exit_done;
  std::fprintf(stderr, "%s: %s\n", path.c_str(), done.error().message.c_str());
  return exit_usage;
}

std::function<int()> declare_conform(CLI::App& app) {
  auto path = std::make_shared<std::string>();
  app.add_option("scenario", *path, "scenario, one JSON object a line")->required();
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
