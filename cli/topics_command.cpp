// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/topics_report.hpp"
#include "config/deployment.hpp"
#include "engine/client_library.hpp"
#include "engine/kafka_options.hpp"
#include "streams/kafka/admin/topic_admin.hpp"

namespace fairuse::cli {

namespace {

kafka::topic_needs topic_needs_of(const deployment& settings) {
  const auto& streams = settings.kafka;
  kafka::topic_needs needs{.replay_ms = settings.retention.input_ms,
                           .decisions_ms = settings.retention.decisions_ms,
                           .record_bytes_max = streams.record_bytes_max,
                           .dead_letter_extra_bytes = kafka_settings::dead_letter_extra_bytes};
  for (const auto& topic : streams.inputs)
    needs.topics.emplace_back(topic_role::input, topic);
  for (const auto& [role, topic] : streams.outputs.named())
    needs.topics.emplace_back(role, *topic);
  if (not settings.notifier.url.empty())
    needs.topics.emplace_back(topic_role::notification_ends, settings.notifier.ends_topic);
  if (not settings.api.forward_key.empty())
    needs.topics.emplace_back(topic_role::instances, settings.api.instances_topic);
  return needs;
}

/// How often and how long to check whether new topics exist.
constexpr int describe_again_max = 15;
constexpr std::chrono::milliseconds describe_every{200};

struct topics_options {
  std::string config_file;
  bool inputs = false;
  std::int32_t partitions = 0;
  std::int32_t replicas = 0;
  bool json = false;
  bool print_acls = false;
  std::string principal;
  std::string holder = "engine";
};

acl_holder holder_of(std::string_view name) {
  if (name == "reviewer") return acl_holder::reviewer;
  return name == "notifier" ? acl_holder::notifier : acl_holder::engine;
}

class topics_session {
public:
  explicit topics_session(const topics_options& wanted) : wanted_{wanted} {}

  command_result<int> check() {
    if (const auto loaded = load(); not loaded) return loaded.error();
    if (wanted_.print_acls) {
      print_out("{}", acl_commands(deployment_, holder_of(wanted_.holder), wanted_.principal));
      return exit_done;
    }
    if (const auto described = describe(); not described) return described.error();
    return report();
  }

  command_result<int> create() {
    if (const auto loaded = load(); not loaded) return loaded.error();
    if (const auto described = describe(); not described) return described.error();
    const auto missing = wanted_topics_missing();
    if (not missing) return missing.error();
    if (missing->empty()) {
      if (not wanted_.json) print_out("Nothing to do: every topic is there.\n");
      return report();
    }
    const auto partitions = partitions_of_new();
    if (not partitions) return partitions.error();
    if (const auto created = create(*missing, *partitions); not created) return created.error();
    if (const auto described = describe_until_new(); not described) return described.error();
    return report();
  }

private:
  command_result<> load() {
    yaml::diagnostics problems{wanted_.config_file};
    auto loaded = load_deployment(wanted_.config_file, kafka_client_library(), problems);
    // What the linter says of policies is for `check` and `run`.
    for (const auto& each : problems.list())
      if (not loaded or each.file == wanted_.config_file) tell("{}\n", yaml::to_text(each));
    if (not loaded) return command_error{exit_usage, wanted_.config_file + " is refused"};
    deployment_ = std::move(loaded->settings);
    if (deployment_.streams != stream_kind::kafka)
      return command_error{exit_usage, wanted_.config_file
                                           + " has no topics: its streams.kind is local; config/kafka.yaml is one on "
                                             "Kafka"};
    set_up_command_log(deployment_.log.level);
    needs_ = topic_needs_of(deployment_);
    return {};
  }

  command_result<> describe() {
    if (admin_ == nullptr) {
      for (const auto& each : transport_warnings(deployment_.kafka, kafka_client_library()))
        spdlog::warn("{}", each);
      auto made = kafka::make_topic_admin(cluster_options(deployment_.kafka, log_line));
      if (not made) return command_error{exit_failed, made.error().message};
      admin_ = std::move(*made);
    }
    std::vector<std::string> names;
    for (const auto& [role, name] : needs_.topics)
      names.push_back(name);
    auto answered = admin_->describe(names);
    if (not answered) return command_error{exit_failed, answered.error().text};
    brokers_ = answered->brokers;
    found_ = std::move(answered->topics);
    return {};
  }

  // A broker may answer from old metadata.
  command_result<> describe_until_new() {
    for (auto left = describe_again_max;; --left) {
      if (auto described = describe(); not described) return described;
      const bool all_there = std::all_of(found_.begin(), found_.end(), [](const kafka::found_topic& each) {
        return each.hidden or (each.exists and not each.config.empty());
      });
      if (all_there or left == 0) return {};
      std::this_thread::sleep_for(describe_every);
    }
  }

  std::int32_t replicas() const { return wanted_.replicas > 0 ? wanted_.replicas : std::min(brokers_, 3); }

  // Inputs belong to other systems: they are created only on request.
  command_result<std::vector<kafka::wanted_topic>> wanted_topics_missing() {
    std::vector<kafka::wanted_topic> missing;
    const auto all = kafka::wanted_topics(needs_, replicas());
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (found_[i].exists) continue;
      if (found_[i].hidden)
        return command_error{exit_usage,
                             fmt::format("{} may not be seen by this user, so it is not known whether it is there: "
                                         "create topics as an administrator",
                                         found_[i].topic)};
      if (all[i].role != topic_role::input or wanted_.inputs) {
        missing.push_back(all[i]);
        continue;
      }
      return command_error{
          exit_usage,
          fmt::format("the input {} does not exist: make it, or let `--inputs --partitions N` do so", found_[i].topic)};
    }
    return missing;
  }

  // As many as the inputs have.
  command_result<std::int32_t> partitions_of_new() {
    const auto common = kafka::common_partitions(needs_, found_);
    const bool inputs_there = std::any_of(found_.begin(), found_.end(), [&](const kafka::found_topic& each) {
      return each.exists and needs_.topics[static_cast<std::size_t>(&each - found_.data())].first == topic_role::input;
    });
    if (inputs_there and common == 0)
      return command_error{exit_failed,
                           "the inputs have different numbers of partitions; `fairuse topics check` names them"};
    if (common != 0 and wanted_.partitions != 0 and wanted_.partitions != common)
      return command_error{exit_usage, fmt::format("--partitions {}: the inputs have {}, and every topic needs as many",
                                                   wanted_.partitions, common)};
    if (common == 0 and wanted_.partitions == 0)
      return command_error{exit_usage,
                           "--partitions N is needed for new inputs: the most instances that can ever share the work, "
                           "and it cannot be changed later"};
    return common != 0 ? common : wanted_.partitions;
  }

  command_result<> create(const std::vector<kafka::wanted_topic>& missing, std::int32_t partitions) {
    const auto answered = admin_->create(missing, partitions, replicas());
    if (not answered) return command_error{exit_failed, answered.error().text};
    command_result<> all_made;
    for (const auto& [topic, made] : *answered) {
      if (made or made.error().code == "TOPIC_ALREADY_EXISTS") {
        if (not wanted_.json) print_out("{} {}\n", made ? "created" : "was there", topic);
        continue;
      }
      // A line for each; the last one is the command's.
      if (not all_made) spdlog::error("{}", all_made.error().text);
      all_made = command_error{exit_failed,
                               fmt::format("{} was not created: {} ({})", topic, made.error().text, made.error().code)};
    }
    return all_made;
  }

  int report() {
    const auto different = kafka::differences(needs_, found_, brokers_, tool_options(deployment_.kafka));
    print_out("{}", wanted_.json ? topics_json(needs_, found_, different, brokers_)
                                 : topics_table(needs_, found_, different, out_width()));
    const bool wrong = std::any_of(different.begin(), different.end(),
                                   [](const kafka::difference& each) { return each.how == kafka::gravity::needed; });
    return wrong ? exit_failed : exit_done;
  }

  const topics_options& wanted_;
  deployment deployment_;
  kafka::topic_needs needs_;
  std::unique_ptr<kafka::topic_admin> admin_;
  std::int32_t brokers_ = 0;
  std::vector<kafka::found_topic> found_;
};

void declare_common(CLI::App& app, topics_options& wanted) {
  app.add_option("--config", wanted.config_file, "Deployment with streams.kind kafka")->required();
  app.add_flag("--json", wanted.json, "One JSON object instead of the table");
}

} // namespace

const command topics_command{
    "topics", "Create the topics of a deployment on Kafka, or say what is wrong with them.",
    "fairuse topics create --config config/kafka.yaml --inputs --partitions 4\n"
    "fairuse topics check --config config/kafka.yaml\n"
    "fairuse topics check --config config/kafka.yaml --print-acls --principal User:fairuse\n"
    "fairuse topics check --config config/kafka.yaml --print-acls --for reviewer --principal User:reviewer",
    [](CLI::App& app) -> std::function<int()> {
      const auto wanted = std::make_shared<topics_options>();
      app.require_subcommand(1);
      auto* create = app.add_subcommand("create", "Create those that are missing, and change nothing");
      declare_common(*create, *wanted);
      create->add_flag("--inputs", wanted->inputs, "The inputs too");
      create->add_option("--partitions", wanted->partitions, "Of new inputs; outputs follow the inputs")
          ->check(number_between(1, 100'000));
      create->add_option("--replication", wanted->replicas, "Copies of each; default: 3, or one on each broker")
          ->check(number_between(1, 100));
      auto* check = app.add_subcommand("check", "Exit 0: as needed, 1: something is wrong, 2: wrong command or file");
      declare_common(*check, *wanted);
      auto* print = check->add_flag("--print-acls", wanted->print_acls,
                                    "The least rights, as kafka-acls.sh commands; asks no broker");
      print->excludes("--json");
      check->add_option("--for", wanted->holder, "With --print-acls: the process that gets them")
          ->check(CLI::IsMember({"engine", "reviewer", "notifier"}))
          ->needs(print);
      check->add_option("--principal", wanted->principal, "Who gets them; default: User:<sasl.username>, or the app")
          ->needs(print);
      return [wanted, create] {
        topics_session session{*wanted};
        return exit_code_of(create->parsed() ? session.create() : session.check());
      };
    }};

} // namespace fairuse::cli
