// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/numbers.hpp"
#include "cli/operator_session.hpp"
#include "cli/output.hpp"
#include "engine/clocks.hpp"
#include "streams/kafka/worker/partition_shard.hpp"

namespace fairuse::cli {

namespace {

using json = nlohmann::ordered_json;

/// An instance writes its view every second; an older one is of a process that has ended or hangs.
constexpr std::int64_t view_age_max_ms = 10'000;

struct partitions_options {
  std::string config_file;
  std::string state_folder;
  std::optional<std::int64_t> max_lag;
  bool as_json = false;
};

/// The view that an instance wrote to its state folder.
struct local_view {
  std::string instance;
  bool running = false;
  /// It said that it ended.
  bool ended = false;
  std::int64_t age_ms = 0;
  std::map<std::int32_t, json> partitions;
};

struct row {
  std::int32_t partition = 0;
  std::string owner;
  /// ready, restoring, refused, failed; empty: not known here.
  std::string state;
  std::string says;
  std::optional<std::uint64_t> epoch;
  /// Last stable offsets minus the group's; nullopt: the group has none.
  std::optional<std::int64_t> lag;
  std::optional<std::int64_t> restored;
  std::optional<std::int64_t> to_restore;
  std::optional<std::uint64_t> pending_rows;
  std::optional<std::uint64_t> active_users;
};

template <class T>
void take(const json& from, const char* key, std::optional<T>& to) {
  if (const auto found = from.find(key); found != from.end() and found->is_number()) to = found->template get<T>();
}

template <class T>
std::string text_or_dash(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : "-";
}

class partitions_session {
public:
  explicit partitions_session(const partitions_options& wanted) : wanted_{wanted} {}

  command_result<int> run() {
    if (const auto opened = all_.open(wanted_.config_file); not opened) return opened.error();
    if (const auto read = read_local(); not read) return read.error();
    if (const auto asked = ask_group(); not asked) return error_of(asked.error());
    if (const auto asked = ask_lag(); not asked) return error_of(asked.error());
    add_local();
    wanted_.as_json ? print_json() : print_table();
    const auto wrong = what_is_wrong();
    for (const auto& each : wrong)
      log_line(log_level::error, each);
    return wrong.empty() ? exit_done : exit_failed;
  }

private:
  command_result<> read_local() {
    if (wanted_.state_folder.empty()) return {};
    const auto file = std::filesystem::path{wanted_.state_folder} / "partitions.json";
    std::ifstream from{file};
    if (not from)
      return command_error{exit_usage, fmt::format("there is no {}: no instance has run with --state {}", file.string(),
                                                   wanted_.state_folder)};
    const auto text = json::parse(from, nullptr, false);
    if (not text.is_object() or not text.contains("partitions"))
      return command_error{exit_failed, fmt::format("{} is damaged; a running instance writes it anew", file.string())};
    local_.emplace();
    local_->instance = text.value("instance", "");
    local_->age_ms = std::max<std::int64_t>(0, wall_clock_ms() - text.value("at", std::int64_t{0}));
    local_->ended = not text.value("running", false);
    local_->running = not local_->ended and local_->age_ms <= view_age_max_ms;
    for (const auto& each : text["partitions"])
      local_->partitions[each.value("partition", -1)] = each;
    return {};
  }

  kafka::call_result<> ask_group() {
    auto asked = all_.group().describe();
    if (not asked) return std::move(asked).error();
    group_ = std::move(*asked);
    rows_.resize(static_cast<std::size_t>(all_.partitions()));
    for (std::size_t p = 0; p < rows_.size(); ++p)
      rows_[p].partition = static_cast<std::int32_t>(p);
    const auto prefix = all_.settings().app + ".";
    for (const auto& member : group_.members)
      for (const auto& part : member.reads)
        if (part.partition >= 0 and part.partition < all_.partitions())
          rows_[static_cast<std::size_t>(part.partition)].owner =
              member.name.starts_with(prefix) ? member.name.substr(prefix.size()) : member.name;
    return {};
  }

  kafka::call_result<> ask_lag() {
    std::vector<kafka::topic_partition> parts;
    for (const auto& each : rows_)
      for (const auto& topic : all_.settings().inputs)
        parts.push_back({topic, each.partition});
    const auto found = all_.group().committed(parts);
    if (not found) return found.error();
    for (const auto& at : *found) {
      if (at.offset < 0) continue;
      const auto log = all_.brokers().range(at.of, kafka::isolation::committed);
      if (not log) return log.error();
      auto& to = rows_[static_cast<std::size_t>(at.of.partition)];
      to.lag = to.lag.value_or(0) + std::max<std::int64_t>(0, log->high - at.offset);
      to.epoch = kafka::epoch_of_metadata(at.metadata);
    }
    return {};
  }

  void add_local() {
    if (not local_) return;
    for (auto& each : rows_) {
      const auto found = local_->partitions.find(each.partition);
      if (found == local_->partitions.end() or not local_->running) continue;
      each.state = found->second.value("state", "");
      each.says = found->second.value("says", "");
      if (each.state == "ready") {
        take(found->second, "pending_rows", each.pending_rows);
        take(found->second, "active_users", each.active_users);
      }
      take(found->second, "restored", each.restored);
      take(found->second, "to_restore", each.to_restore);
    }
  }

  // Each a sentence for a monitor's message.
  std::vector<std::string> what_is_wrong() const {
    std::vector<std::string> wrong;
    if (group_.members.empty())
      wrong.push_back(fmt::format("nobody is in group {}: start an instance with `fairuse run`", all_.settings().app));
    if (local_ and not local_->running and not local_->ended)
      wrong.push_back(fmt::format("instance {} was killed or hangs: start it again with its --state {}",
                                  local_->instance, wanted_.state_folder));
    for (const auto& each : rows_) {
      if (each.state == "refused" or each.state == "failed")
        wrong.push_back(fmt::format("partition {} is {}", each.partition, each.state));
      if (each.owner.empty() and not group_.members.empty() and group_.state == "Stable")
        wrong.push_back(fmt::format("no member reads partition {}", each.partition));
      if (wanted_.max_lag and each.lag.value_or(0) > *wanted_.max_lag)
        wrong.push_back(fmt::format("partition {} is {} records behind, more than --max-lag {}", each.partition,
                                    *each.lag, *wanted_.max_lag));
    }
    return wrong;
  }

  static std::string state_text(const row& of) {
    if (of.state == "restoring" and of.to_restore)
      return fmt::format("restoring {} of {}", of.restored.value_or(0), *of.to_restore);
    if (not of.state.empty()) return of.state;
    return of.owner.empty() ? "no member reads it" : "";
  }

  void print_table() const {
    print_out("group {}: {}, {} member{}, {} partitions\n", all_.settings().app, group_.state, group_.members.size(),
              group_.members.size() == 1 ? "" : "s", rows_.size());
    if (local_ and local_->running) print_out("state as instance {} tells it\n", local_->instance);
    if (local_ and not local_->running)
      print_out("instance {} was last heard {} s ago: it ended, or waits for a broker\n", local_->instance,
                local_->age_ms / 1'000);
    std::size_t owner = 5;
    std::size_t state = 5;
    for (const auto& each : rows_) {
      owner = std::max(owner, each.owner.size());
      state = std::max(state, state_text(each).size());
    }
    print_out("\n{:>9}  {:<{}}  {:<{}}  {:>9}  {:>9}  {:>8}  {:>8}\n", "partition", "owner", owner, "state", state,
              "epoch", "lag", "pending", "active");
    for (const auto& each : rows_)
      print_out("{:>9}  {:<{}}  {:<{}}  {:>9}  {:>9}  {:>8}  {:>8}\n", each.partition,
                each.owner.empty() ? "-" : each.owner, owner, state_text(each), state, text_or_dash(each.epoch),
                text_or_dash(each.lag), text_or_dash(each.pending_rows), text_or_dash(each.active_users));
    for (const auto& each : rows_)
      if (not each.says.empty() and each.state != "ready")
        print_out("\npartition {} ({}): {}\n", each.partition, each.state, each.says);
  }

  void print_json() const {
    auto list = json::array();
    for (const auto& each : rows_) {
      json one = {{"partition", each.partition}};
      const auto put = [&one](const char* key, const auto& value) {
        if (value) one[key] = *value;
      };
      if (not each.owner.empty()) one["owner"] = each.owner;
      if (not each.state.empty()) one["state"] = each.state;
      if (not each.says.empty()) one["says"] = each.says;
      put("epoch", each.epoch);
      put("lag", each.lag);
      put("restored", each.restored);
      put("to_restore", each.to_restore);
      put("pending_rows", each.pending_rows);
      put("active_users", each.active_users);
      list.push_back(std::move(one));
    }
    auto members = json::array();
    for (const auto& each : group_.members)
      members.push_back({{"name", each.name}, {"host", each.host}, {"partitions", each.reads.size()}});
    const json whole = {{"group", all_.settings().app},
                        {"state", group_.state},
                        {"members", std::move(members)},
                        {"partitions", std::move(list)}};
    print_out("{}\n", whole.dump());
  }

  const partitions_options& wanted_;
  operator_session all_;
  std::optional<local_view> local_;
  kafka::group_description group_;
  std::vector<row> rows_;
};

std::function<int()> declare_partitions(CLI::App& app) {
  const auto wanted = std::make_shared<partitions_options>();
  app.add_option("--config", wanted->config_file, "Deployment with streams.kind kafka")->required();
  app.add_option("--state", wanted->state_folder, "State folder of an instance on this machine: what it says itself");
  app.add_option("--max-lag", wanted->max_lag, "Records that a partition may be behind; more is exit 1")
      ->check(number_between(std::int64_t{0}, INT64_MAX));
  app.add_flag("--json", wanted->as_json, "One JSON object instead of the table");
  app.footer(
      "Exit 0: as it should be, 1: nobody is in the group, a partition is refused or read by nobody, or further "
      "behind\n"
      "than --max-lag, the instance of --state was killed, or no broker answers, 2: wrong command or file.\n"
      "Lag is committed records that the group has not decided on, over all inputs of the partition. The\n"
      "marker of a transaction that ends a log, as of a `fairuse command`, counts as one until the next record.");
  return [wanted] { return exit_code_of(partitions_session{*wanted}.run()); };
}

} // namespace

const command partitions_command = {
    "partitions",
    "Show who reads which partition on Kafka, how far behind it is, and what is refused.",
    "fairuse partitions --config config/kafka.yaml                    as the group sees it\n"
    "fairuse partitions --config config/kafka.yaml --state state      and as the instance here does\n"
    "fairuse partitions --config config/kafka.yaml --json",
    declare_partitions,
};

} // namespace fairuse::cli
