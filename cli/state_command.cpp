// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/pure/result.hpp"
#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/numbers.hpp"
#include "cli/operator_session.hpp"
#include "cli/output.hpp"
#include "storage/case_key.hpp"
#include "storage/case_reference.hpp"
#include "streams/kafka/admin/repair.hpp"

namespace fairuse::cli {

namespace {

using kafka::milliseconds;
using kafka::repair_facts;
using kafka::repair_plan;
using std::chrono::steady_clock;

constexpr milliseconds poll_every{500};
/// The coordinator checks sessions only at intervals.
constexpr milliseconds session_slack{5'000};

struct state_options {
  std::string config_file;
  std::int32_t partition = 0;
  bool yes = false;
  bool reseed = false;
};

class repair_session {
public:
  explicit repair_session(const state_options& wanted) : wanted_{wanted} {}

  command_result<int> run() {
    if (const auto read = read_facts(); not read) return read.error();
    const auto planned = plan_for(facts_);
    if (not planned) return command_error{exit_failed, planned.error().message};
    const auto& plan = *planned;
    if (not wanted_.reseed and is_done(plan)) {
      print_out("Nothing to do: the group and the changelog agree about partition {}.\n", wanted_.partition);
      return exit_done;
    }
    show(plan);
    if (const auto agreed = confirm("Go on?", wanted_.yes); not agreed) return agreed.error();
    const auto done =
        kafka::carry_out(all_.brokers(), target_, plan, [this](const repair_facts& found) { return plan_for(found); });
    if (not done) return error_of(done.error());
    print_out("Done. Start the instances again: partition {} goes on with epoch {}.\n", wanted_.partition,
              plan.epoch + 1);
    return exit_done;
  }

private:
  // Once no instance reads the partition.
  command_result<> read_facts() {
    if (auto opened = all_.open(wanted_.config_file); not opened) return opened;
    if (auto found = find_target(); not found) return found;
    if (auto alone = wait_until_empty(); not alone) return alone;
    const auto committed = [this](std::span<const kafka::topic_partition> parts) {
      return all_.group().committed(parts);
    };
    auto found = kafka::read_facts(all_.brokers(), target_, committed);
    if (not found) return error_of(found.error());
    facts_ = std::move(*found);
    return {};
  }

  command_result<> find_target() {
    if (wanted_.partition >= all_.partitions())
      return command_error{exit_usage, fmt::format("there is no partition {}: {} has 0 to {}", wanted_.partition,
                                                   all_.settings().inputs.front(), all_.partitions() - 1)};
    target_ = {.app = all_.settings().app,
               .inputs = all_.settings().inputs,
               .outputs = all_.settings().outputs,
               .start = all_.settings().start,
               .partition = wanted_.partition,
               .partitions = all_.partitions(),
               .cluster = all_.cluster_id()};
    return {};
  }

  // A static member that was stopped stays in the group until its session ends.
  command_result<> wait_until_empty() {
    const auto until = steady_clock::now() + milliseconds{all_.settings().session_timeout_ms} + session_slack;
    bool told = false;
    while (true) {
      const auto group = all_.group().describe();
      if (not group) return error_of(group.error());
      if (group->members.empty()) return {};
      std::string names;
      for (const auto& each : group->members)
        names += fmt::format("{}{} at {}", names.empty() ? "" : ", ", each.name, each.host);
      if (steady_clock::now() >= until)
        return command_error{exit_failed,
                             fmt::format("group {} is alive: {}. Stop these instances and try again: a partition is "
                                         "repaired while no instance reads it",
                                         all_.settings().app, names)};
      if (not std::exchange(told, true))
        spdlog::warn("group {} still counts {}: waiting up to {} s for sessions of stopped instances to end",
                     all_.settings().app, names,
                     all_.settings().session_timeout_ms / 1'000 + session_slack.count() / 1'000);
      std::this_thread::sleep_for(poll_every);
    }
  }

  result<repair_plan> plan_for(const repair_facts& found) const {
    if (wanted_.reseed) return plan_reseed(target_, found, fresh());
    return plan_adopt(target_, found);
  }

  // As a new partition begins.
  partition_meta fresh() const {
    const auto& settings = all_.deployment().settings;
    partition_meta made;
    made.controls = {.enabled = settings.enabled, .killed = settings.kill_switch};
    made.settings["config.enabled"] = settings.enabled ? "true" : "false";
    made.settings["config.kill_switch"] = settings.kill_switch ? "true" : "false";
    return made;
  }

  bool is_done(const repair_plan& plan) const {
    return std::all_of(plan.offsets.begin(), plan.offsets.end(), [this](const kafka::committed_offset& wanted) {
      return std::any_of(facts_.group.begin(), facts_.group.end(), [&wanted](const kafka::committed_offset& each) {
        return each.of == wanted.of and each.offset == wanted.offset and each.metadata == wanted.metadata;
      });
    });
  }

  std::string stands_at(const std::string& topic) const {
    for (const auto& each : facts_.group)
      if (each.of.topic == topic and each.offset >= 0)
        return fmt::format("offset {} ('{}')", each.offset, each.metadata);
    return "no offset";
  }

  void show(const repair_plan& plan) const {
    print_out("partition {} of group {}\n", wanted_.partition, target_.app);
    print_out("  changelog      {}, {} rows\n",
              facts_.meta ? fmt::format("epoch {}", facts_.meta->epoch) : std::string("nothing"), facts_.rows.size());
    for (const auto& each : plan.offsets)
      print_out("  {}  group: {}  ->  offset {} ('{}')\n", each.of.topic, stands_at(each.of.topic), each.offset,
                each.metadata);
    if (not wanted_.reseed and not plan.records.empty())
      print_out("The changelog lost epochs up to {}: their records are decided once more, under new ids.\n",
                plan.epoch);
    if (wanted_.reseed)
      print_out(
          "The state of every user of this partition is deleted: usage, strikes, stages. Who was erased stays "
          "erased, and commands to everybody keep holding. Captures cannot be replayed across this point.\n");
    flush_out();
  }

  const state_options& wanted_;
  operator_session all_;
  kafka::repair_target target_;
  repair_facts facts_;
};

void declare_common(CLI::App& app, state_options& wanted) {
  app.add_option("--config", wanted.config_file, "Deployment with streams.kind kafka")->required();
  app.add_option("--partition", wanted.partition, "Number of the partition")
      ->required()
      ->check(number_between(0, 1'000'000));
  app.add_flag("--yes", wanted.yes, "Do not ask");
}

std::function<int()> declare_state(CLI::App& app) {
  const auto wanted = std::make_shared<state_options>();
  app.require_subcommand(1);
  auto* adopt = app.add_subcommand(
      "adopt", "Believe the changelog: set the group's offsets to where its last epoch ended. Loses nothing");
  declare_common(*adopt, *wanted);
  auto* reseed = app.add_subcommand(
      "reseed", "Start over: delete the partition's state, and read on from where the group, or the changelog, stands");
  declare_common(*reseed, *wanted);
  return [wanted, reseed] {
    wanted->reseed = reseed->parsed();
    return exit_code_of(repair_session{*wanted}.run());
  };
}

} // namespace

const command state_command = {
    "state",
    "Repair a partition that is refused, on Kafka, while no instance runs.",
    "fairuse state adopt --config config/kafka.yaml --partition 3       the changelog is right, the offsets are not\n"
    "fairuse state reseed --config config/kafka.yaml --partition 3      the state is lost or unwanted: start over\n"
    "fairuse state adopt --config config/kafka.yaml --partition 3 --yes",
    declare_state,
};

} // namespace fairuse::cli
