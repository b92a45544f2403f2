// SPDX-License-Identifier: Apache-2.0

#include "cli/topics_command.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "cli/client_library.hpp"
#include "cli/kafka_options.hpp"
#include "cli/log.hpp"
#include "cli/topics_report.hpp"
#include "config/deployment.hpp"
#include "streams/kafka/admin/topic_admin.hpp"

namespace fairuse::cli {

namespace {

/// How often and how long to look whether new topics are there.
constexpr int new_looks = 15;
constexpr std::chrono::milliseconds new_look_every{200};

struct topics_options {
  std::string config_file;
  bool inputs = false;
  std::int32_t partitions = 0;
  std::int32_t replicas = 0;
  bool json = false;
  bool print_acls = false;
  std::string principal;
};

class topics_session {
public:
  explicit topics_session(const topics_options& wanted) : wanted_{wanted} {}

  int check() {
    if (not load()) return exit_usage;
    if (wanted_.print_acls) {
      fmt::print("{}", acl_commands(deployment_.kafka, wanted_.principal));
      return exit_done;
    }
    return look() ? report() : exit_failed;
  }

  int create() {
    if (not load()) return exit_usage;
    if (not look()) return exit_failed;
    const auto missing = wanted_topics_missing();
    if (not missing) return exit_usage;
    if (missing->empty()) {
      if (not wanted_.json) fmt::print("Nothing to do: every topic is there.\n");
      return report();
    }
    const auto partitions = partitions_of_new();
    return partitions > 0 and create(*missing, partitions) and look_at_new() ? report() : exit_code_;
  }

private:
  bool fail(int code, const std::string& sentence) {
    spdlog::error("{}", sentence);
    exit_code_ = code;
    return false;
  }

  bool load() {
    set_up_log({});
    yaml::diagnostics problems{wanted_.config_file};
    auto loaded = load_deployment(wanted_.config_file, kafka_client_library(), problems);
    for (const auto& each : problems.list())
      fmt::print(stderr, "{}\n", yaml::to_text(each));
    if (not loaded) return fail(exit_usage, wanted_.config_file + " is refused");
    deployment_ = std::move(loaded->settings);
    if (deployment_.streams != stream_kind::kafka)
      return fail(exit_usage,
                  wanted_.config_file + " has no topics: its streams.kind is local; config/kafka.yaml is one on Kafka");
    set_up_log(deployment_.log);
    needs_ = topic_needs_of(deployment_);
    return true;
  }

  bool look() {
    if (admin_ == nullptr) {
      for (const auto& each : transport_warnings(deployment_.kafka, kafka_client_library()))
        spdlog::warn("{}", each);
      auto made = kafka::make_topic_admin(cluster_options(deployment_.kafka));
      if (not made) return fail(exit_usage, made.error().message);
      admin_ = std::move(*made);
    }
    std::vector<std::string> names;
    for (const auto& [role, name] : needs_.topics)
      names.push_back(name);
    const auto answered = admin_->look(names, brokers_, found_);
    return answered.ok() or fail(exit_failed, answered.text);
  }

  // A broker may answer from what it knew a moment ago.
  bool look_at_new() {
    for (auto left = new_looks; look(); --left) {
      const bool all_there = std::all_of(found_.begin(), found_.end(), [](const kafka::found_topic& each) {
        return each.hidden or (each.exists and not each.config.empty());
      });
      if (all_there or left == 0) return true;
      std::this_thread::sleep_for(new_look_every);
    }
    return false;
  }

  std::int32_t replicas() const { return wanted_.replicas > 0 ? wanted_.replicas : std::min(brokers_, 3); }

  // Inputs are other people's topics: they are made only if asked for.
  std::optional<std::vector<kafka::wanted_topic>> wanted_topics_missing() {
    std::vector<kafka::wanted_topic> missing;
    const auto all = kafka::wanted_topics(needs_, replicas());
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (found_[i].exists) continue;
      if (found_[i].hidden) {
        fail(exit_usage, fmt::format("{} may not be seen by this user, so nobody can say whether it is there: create "
                                     "topics as an administrator",
                                     found_[i].topic));
        return std::nullopt;
      }
      if (all[i].role != topic_role::input or wanted_.inputs) {
        missing.push_back(all[i]);
        continue;
      }
      fail(exit_usage, fmt::format("the input {} does not exist: make it, or let `--inputs --partitions N` do so",
                                   found_[i].topic));
      return std::nullopt;
    }
    return missing;
  }

  // As many as the inputs have.
  std::int32_t partitions_of_new() {
    const auto common = kafka::common_partitions(needs_, found_);
    const bool inputs_there = std::any_of(found_.begin(), found_.end(), [&](const kafka::found_topic& each) {
      return each.exists and needs_.topics[static_cast<std::size_t>(&each - found_.data())].first == topic_role::input;
    });
    if (inputs_there and common == 0) {
      fail(exit_failed, "the inputs have different numbers of partitions; `fairuse topics check` names them");
    } else if (common != 0 and wanted_.partitions != 0 and wanted_.partitions != common) {
      fail(exit_usage, fmt::format("--partitions {}: the inputs have {}, and every topic needs as many",
                                   wanted_.partitions, common));
    } else if (common == 0 and wanted_.partitions == 0) {
      fail(exit_usage,
           "--partitions N is needed for new inputs: the most instances that can ever share the work, and it "
           "cannot be changed later");
    } else {
      return common != 0 ? common : wanted_.partitions;
    }
    return 0;
  }

  bool create(const std::vector<kafka::wanted_topic>& missing, std::int32_t partitions) {
    std::vector<kafka::created_topic> made;
    const auto answered = admin_->create(missing, partitions, replicas(), made);
    if (not answered.ok()) return fail(exit_failed, answered.text);
    bool all_made = true;
    for (const auto& each : made) {
      if (each.result.ok() or each.result.code == "TOPIC_ALREADY_EXISTS") {
        if (not wanted_.json) fmt::print("{} {}\n", each.result.ok() ? "created" : "was there", each.topic);
        continue;
      }
      all_made =
          fail(exit_failed, fmt::format("{} was not created: {} ({})", each.topic, each.result.text, each.result.code));
    }
    return all_made;
  }

  int report() {
    const auto different = kafka::differences(needs_, found_, brokers_, tool_options(deployment_.kafka));
    fmt::print("{}", wanted_.json ? topics_json(needs_, found_, different, brokers_)
                                  : topics_table(needs_, found_, different));
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
  int exit_code_ = exit_failed;
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
    "fairuse topics check --config config/kafka.yaml --print-acls --principal User:fairuse",
    [](CLI::App& app) -> std::function<int()> {
      const auto wanted = std::make_shared<topics_options>();
      app.require_subcommand(1);
      auto* create = app.add_subcommand("create", "Create those that are missing, and change nothing");
      declare_common(*create, *wanted);
      create->add_flag("--inputs", wanted->inputs, "The inputs too");
      create->add_option("--partitions", wanted->partitions, "Of new inputs; outputs follow the inputs")
          ->check(CLI::Range(1, 100'000));
      create->add_option("--replication", wanted->replicas, "Copies of each; default: 3, or one on each broker")
          ->check(CLI::Range(1, 100));
      auto* check = app.add_subcommand("check", "Exit 0: as needed, 1: something is wrong, 2: wrong command or file");
      declare_common(*check, *wanted);
      check->add_flag("--print-acls", wanted->print_acls,
                      "The least rights, as kafka-acls.sh commands; asks no broker");
      check->add_option("--principal", wanted->principal, "Who gets them; default: User:<sasl.username>, or the app");
      return [wanted, create] {
        topics_session session{*wanted};
        return create->parsed() ? session.create() : session.check();
      };
    }};

} // namespace fairuse::cli
