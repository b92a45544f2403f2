// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cstdint>
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
#include "cli/told_by_instance.hpp"
#include "engine/instance_view.hpp"
#include "events/refusal.hpp"
#include "events/time_text.hpp"
#include "streams/kafka/worker/partition_shard.hpp"

namespace fairuse::cli {

namespace {

using json = nlohmann::ordered_json;

struct partitions_options {
  std::string config_file;
  std::string state_folder;
  std::optional<std::int64_t> max_lag;
  bool as_json = false;
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
  std::optional<rules_view> rules;
};

template <class T>
std::string text_or_dash(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : "-";
}

std::string on_or_off(bool on) { return on ? "on" : "off"; }

// 0-3, 7
std::string ranges_text(const std::vector<std::int32_t>& ascending) {
  std::string text;
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    const auto first = ascending[i];
    while (i + 1 < ascending.size() and ascending[i + 1] == ascending[i] + 1)
      ++i;
    text += text.empty() ? "" : ", ";
    text += ascending[i] == first ? fmt::format("{}", first) : fmt::format("{}-{}", first, ascending[i]);
  }
  return text;
}

std::string shadows_text(const rules_view& rules) {
  std::string text;
  for (const auto& each : rules.shadows)
    text += (text.empty() ? "" : ", ") + each.name;
  return text.empty() ? "none" : text;
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
    auto read = told_by_instance::read(wanted_.state_folder);
    if (not read) return read.error();
    told_ = std::move(*read);
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
    if (not told_ or not told_->is_current()) return;
    for (const auto& from : told_->view().partitions) {
      if (from.partition < 0 or from.partition >= all_.partitions()) continue;
      auto& to = rows_[static_cast<std::size_t>(from.partition)];
      to.state = from.state;
      to.says = from.says;
      to.rules = from.rules;
      note_incomplete(from);
      if (from.state == "ready") {
        to.pending_rows = from.pending_rows;
        to.active_users = from.active_users;
      }
      if (from.state == "restoring") {
        to.restored = from.restored;
        to.to_restore = from.to_restore;
      }
    }
  }

  void note_incomplete(const partition_view& from) {
    if (not from.rules) return;
    for (const auto& shadow : from.rules->shadows)
      if (shadow.complete_from and *shadow.complete_from > from.now) {
        auto& until = incomplete_until_[shadow.name];
        until = std::max(until, *shadow.complete_from);
      }
  }

  // Each a sentence for a monitor's message.
  std::vector<std::string> what_is_wrong() const {
    std::vector<std::string> wrong;
    if (group_.members.empty())
      wrong.push_back(fmt::format("nobody is in group {}: start an instance with `fairuse run`", all_.settings().app));
    if (told_ and told_->is_wrong())
      wrong.push_back(fmt::format("{}. See its log, and start it again with its --state {}", told_->headline(),
                                  wanted_.state_folder));
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
    if (told_) print_out("{}\n", told_->headline());
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
    if (not told_) return;
    print_rules();
    print_dead_letters();
  }

  // A line for each set of rules: a promotion may have reached some partitions only.
  void print_rules() const {
    std::vector<std::pair<std::optional<rules_view>, std::vector<std::int32_t>>> sets;
    for (const auto& each : rows_) {
      auto rules = each.rules;
      // Partitions load a policy at instants of their own.
      if (rules)
        for (auto& shadow : rules->shadows)
          shadow.complete_from.reset();
      const auto same = [&](const auto& set) { return set.first == rules; };
      auto found = std::find_if(sets.begin(), sets.end(), same);
      if (found == sets.end()) found = sets.insert(sets.end(), {std::move(rules), {}});
      found->second.push_back(each.partition);
    }
    std::size_t live = 11;
    std::size_t partitions = 10;
    for (const auto& [rules, which] : sets) {
      live = std::max(live, rules ? rules->live.name.size() : 0);
      partitions = std::max(partitions, ranges_text(which).size());
    }
    print_out("\n{:<{}}  {:<{}}  {:<11}  {:<7}  {}\n", "partitions", partitions, "live policy", live, "kill switch",
              "enabled", "shadows");
    for (const auto& [rules, which] : sets)
      print_out("{:<{}}  {:<{}}  {:<11}  {:<7}  {}\n", ranges_text(which), partitions, rules ? rules->live.name : "-",
                live, rules ? on_or_off(rules->killed) : "-", rules ? (rules->enabled ? "yes" : "no") : "-",
                rules ? shadows_text(*rules) : "-");
    for (const auto& [name, until] : incomplete_until_)
      print_out("{} is incomplete until {}: it cannot be promoted before\n", name, to_time_text(until));
  }

  void print_dead_letters() const {
    const auto& view = told_->view();
    print_out("\ndead letters since instance {} started: {}\n", view.instance, sum_of(view.dead_letters));
    if (sum_of(view.dead_letters) == 0) return;
    for (std::size_t i = 0; i < refusal_count; ++i)
      if (view.dead_letters[i] > 0) print_out("{:>9}  {}\n", view.dead_letters[i], to_text(static_cast<refusal>(i)));
    print_out("reason and place of each: {}\n",
              reader_command(view.bootstrap, view.dead_letters_topic, headers_format));
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
      if (each.rules) one["rules"] = to_json(*each.rules);
      list.push_back(std::move(one));
    }
    auto members = json::array();
    for (const auto& each : group_.members)
      members.push_back({{"name", each.name}, {"host", each.host}, {"partitions", each.reads.size()}});
    json whole = {{"group", all_.settings().app},
                  {"state", group_.state},
                  {"members", std::move(members)},
                  {"partitions", std::move(list)}};
    if (told_) whole["dead_letters"] = to_json(told_->view().dead_letters);
    print_out("{}\n", whole.dump());
  }

  const partitions_options& wanted_;
  operator_session all_;
  std::optional<told_by_instance> told_;
  kafka::group_description group_;
  std::vector<row> rows_;
  /// Shadows whose sums miss speech, on any partition that is told of.
  std::map<std::string, time_ms> incomplete_until_;
};

std::function<int()> declare_partitions(CLI::App& app) {
  const auto wanted = std::make_shared<partitions_options>();
  app.add_option("--config", wanted->config_file, "Deployment with streams.kind kafka")->required();
  app.add_option("--state", wanted->state_folder,
                 "State folder of an instance on this machine: what it says of itself, its policies and dead letters");
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
