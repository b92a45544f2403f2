// SPDX-License-Identifier: Apache-2.0
//
//   torture_judge --config FILE [--state DIR]...
//
// Reads all topics of a Kafka deployment that stands still and checks that everything happened exactly once. Prints
// counts and findings as JSON. Exit code 0: nothing is wrong; 1: something is; 2: it could not read the topics. The
// case key is in FAIRUSE_CASE_KEY.
#include <cstdio>
#include <cstdlib>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "engine/client_library.hpp"
#include "tests/torture/evidence.hpp"

namespace fairuse::torture {

namespace {

evidence collect(const std::filesystem::path& config, const std::vector<std::filesystem::path>& states) {
  yaml::diagnostics problems(config.string());
  auto loaded = load_deployment(config, kafka_client_library(), problems);
  if (not loaded) give_up("the deployment " + config.string() + " is refused");
  const char* key = std::getenv("FAIRUSE_CASE_KEY");
  evidence all{.deployment = std::move(*loaded), .case_key = key == nullptr ? "" : key, .states = states};
  const auto& settings = all.deployment.settings.kafka;
  topics from(bootstrap_servers(settings));
  all.cluster = from.cluster_id();
  for (const auto& input : settings.inputs)
    all.inputs.push_back(from.read(input));
  all.partitions = all.inputs.front().size();
  all.decisions = from.read(settings.outputs.decisions);
  all.notifications = from.read(settings.outputs.notifications);
  all.enforcement = from.read(settings.outputs.enforcement);
  all.review_requests = from.read(settings.outputs.review_requests);
  all.dead_letters = from.read(settings.outputs.dead_letters);
  all.journal = from.read(settings.outputs.journal);
  all.changelog = from.read(settings.outputs.changelog);
  for (const auto& input : settings.inputs) {
    auto& list = all.offsets.emplace_back();
    for (std::size_t p = 0; p < all.partitions; ++p)
      list.push_back(from.committed(settings.app, input, static_cast<std::int32_t>(p)));
  }
  return all;
}

findings judge(const evidence& all) {
  findings out;
  for (std::size_t p = 0; p < all.partitions; ++p) {
    const auto epochs = read_journal(all, p, out);
    check_journal(all, p, epochs, out);
    check_outputs(all, p, epochs, out);
    check_changelog(all, p, epochs, out);
    check_model(all, p, epochs, out);
  }
  return out;
}

} // namespace

} // namespace fairuse::torture

int main(int argc, char** argv) {
  using namespace fairuse::torture;
  CLI::App app{"Check that a deployment on Kafka did everything exactly once."};
  std::string config;
  std::vector<std::filesystem::path> states;
  app.add_option("--config", config)->required();
  app.add_option("--state", states);
  CLI11_PARSE(app, argc, argv);
  const auto out = judge(collect(config, states));
  const nlohmann::ordered_json text = {{"wrong", out.wrong_count}, {"counts", out.counts}, {"findings", out.wrong}};
  std::puts(text.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
  return out.wrong_count == 0 ? 0 : 1;
}
