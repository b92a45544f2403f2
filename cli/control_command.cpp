// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/operator_session.hpp"
#include "cli/output.hpp"
#include "engine/clocks.hpp"
#include "engine/kafka_options.hpp"
#include "events/wire.hpp"

namespace fairuse::cli {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view command_source = "fairuse/command";
constexpr std::string_view broadcast = "*";
constexpr int calls_max = 100;

struct control_options {
  std::string config_file;
  std::vector<std::string> words;
  std::string actor;
  std::string reason;
  std::string id;
  bool yes = false;
};

/// A command as an event, but for id and time.
struct wanted_event {
  std::string subject{broadcast};
  event_kind kind = event_kind::admin;
  event_detail detail;
};

std::optional<bool> switch_from(const std::string& word) {
  if (word == "on") return true;
  if (word == "off") return false;
  return std::nullopt;
}

/// The event that the arguments ask for.
result<wanted_event> understand(const control_options& wanted) {
  const auto& words = wanted.words;
  const auto usage = [](const char* how) {
    return error{fmt::format("it is called so: fairuse command --config FILE {} --actor A --reason R", how)};
  };
  wanted_event made;
  admin_command what{.actor = wanted.actor, .reason = wanted.reason};
  const auto& verb = words.front();
  const auto last = switch_from(words.back());
  if (verb == "kill-switch" or verb == "enable") {
    if (words.size() != 2 or not last) return usage(verb == "enable" ? "enable on|off" : "kill-switch on|off");
    what.verb = verb == "enable" ? admin_verb::enable : admin_verb::kill_switch;
    what.on = *last;
  } else if (verb == "promote") {
    if (words.size() != 2) return usage("promote POLICY");
    what.verb = admin_verb::promote_policy;
    what.policy = words[1];
  } else if (verb == "exempt") {
    if (words.size() != 3 or not last) return usage("exempt UID on|off");
    what.verb = admin_verb::exempt;
    what.on = *last;
    made.subject = words[1];
  } else if (verb == "set-stage") {
    const auto to = words.size() == 3 ? stage_from(words[2]) : std::nullopt;
    if (not to) return usage("set-stage UID none|warning|throttle|restrict");
    what.verb = admin_verb::set_stage;
    what.to = *to;
    made.subject = words[1];
  } else if (verb == "reset" or verb == "erase") {
    if (words.size() != 2) return usage(verb == "reset" ? "reset UID" : "erase UID");
    what.verb = admin_verb::reset;
    made.subject = words[1];
  } else {
    static constexpr std::array verbs{"kill-switch"sv, "enable"sv, "promote"sv, "exempt"sv,
                                      "set-stage"sv,   "reset"sv,  "erase"sv};
    return error{
        fmt::format("there is no command '{}'{}", verb, yaml::did_you_mean(verb, {verbs.begin(), verbs.end()}))};
  }
  made.detail = std::move(what);
  if (verb != "erase") return made;
  made.kind = event_kind::erasure;
  made.detail = erasure_request{.actor = wanted.actor, .reason = wanted.reason};
  return made;
}

std::string new_id(std::string_view verb, time_ms now) {
  std::random_device chance;
  return fmt::format("{}-{}-{:08x}", verb, now, chance());
}

class control_session {
public:
  explicit control_session(const control_options& wanted) : wanted_{wanted} {}

  command_result<int> run() {
    const auto what = understand(wanted_);
    if (not what) return command_error{exit_usage, what.error().message};
    const auto line = line_of(*what);
    if (not line) return command_error{exit_usage, line.error().message};
    if (const auto done = prepare(*what); not done) return done.error();
    if (const auto sent = send(what->subject, *line); not sent) return error_of(sent.error());
    print_out("sent as {} to {}\n", id_,
              what->subject == broadcast ? fmt::format("all {} partitions of {}", to_.size(), topic())
                                         : fmt::format("partition {} of {}", to_.front(), topic()));
    print_out("The same --id changes nothing if it is sent again.\n");
    return exit_done;
  }

private:
  // Everything that can refuse it, before anything is sent.
  command_result<> prepare(const wanted_event& what) {
    if (auto opened = all_.open(wanted_.config_file); not opened) return opened;
    if (auto found = find_partitions(what); not found) return found;
    if (auto known = know_policy(what); not known) return known;
    if (what.kind != event_kind::erasure) return {};
    return confirm("Everything about this user is deleted, for good. Go on?", wanted_.yes);
  }

  const std::string& topic() const { return all_.settings().inputs.front(); }

  // Written and read back: what the decoder refuses would become a dead letter.
  result<std::string> line_of(const wanted_event& what) {
    const auto now = wall_clock_ms();
    id_ = wanted_.id.empty() ? new_id(wanted_.words.front(), now) : wanted_.id;
    event_arena arena;
    event made{.instant = now, .time = now, .kind = what.kind};
    made.key = event_key(command_source, id_);
    made.text = arena.keep(command_source, id_);
    made.detail = arena.keep(event_detail{what.detail});
    std::string line;
    append_event(line, what.subject, made);
    wire_decoder decoder;
    event_arena read;
    const auto back = decoder.decode(line, read);
    if (back) return line;
    return error{fmt::format("the command is refused: {} at {}", to_text(back.error().why), back.error().place)};
  }

  command_result<> find_partitions(const wanted_event& what) {
    if (what.subject == broadcast) {
      for (std::int32_t p = 0; p < all_.partitions(); ++p)
        to_.push_back(p);
      return {};
    }
    const auto hash = partition_function_of(all_.settings().partitioner);
    if (hash == nullptr)
      return command_error{exit_usage,
                           "streams.partitioner is unchecked, so it is not known which partition a user is on: "
                           "let the producer of the input send the command"};
    to_.push_back(hash(what.subject, all_.partitions()));
    return {};
  }

  // A policy that is not loaded cannot be promoted, and the engine would ignore the command.
  command_result<> know_policy(const wanted_event& what) {
    const auto* command = std::get_if<admin_command>(&what.detail);
    if (command == nullptr or command->verb != admin_verb::promote_policy) return {};
    std::vector<std::string_view> names;
    for (const auto& each : all_.deployment().shadows)
      names.push_back(each.name);
    if (std::find(names.begin(), names.end(), command->policy) != names.end()) return {};
    return command_error{
        exit_usage, fmt::format("{} loads no shadow policy '{}'{}: only a shadow can be promoted", wanted_.config_file,
                                command->policy, yaml::did_you_mean(command->policy, names))};
  }

  // All copies in one transaction: all partitions get it, or none.
  kafka::call_result<> send(const std::string& subject, const std::string& line) {
    const auto producer = all_.brokers().make_producer(all_.settings().app + ".command");
    const std::vector<std::string> topics{topic()};
    auto done = producer->prepare(topics);
    for (int i = 0; asks_for(done, kafka::next_action::again) and i < calls_max; ++i)
      done = producer->prepare(topics);
    if (done) done = producer->begin();
    if (not done) return done;
    const std::array headers{kafka::header{"content-type", "application/cloudevents+json"}};
    for (const auto partition : to_)
      producer->produce(topic(), partition, subject, line, headers);
    done = producer->flush();
    if (done) done = producer->commit();
    for (int i = 0; asks_for(done, kafka::next_action::again) and i < calls_max; ++i)
      done = producer->commit();
    // What the abort says changes nothing: the command is in no partition.
    if (asks_for(done, kafka::next_action::abort)) (void)producer->abort();
    return done;
  }

  const control_options& wanted_;
  operator_session all_;
  std::string id_;
  std::vector<std::int32_t> to_;
};

std::function<int()> declare_control(CLI::App& app) {
  const auto wanted = std::make_shared<control_options>();
  app.add_option("--config", wanted->config_file, "Deployment with streams.kind kafka")->required();
  app.add_option("WORDS", wanted->words, "What to do, and to whom")->required()->expected(1, 3);
  app.add_option("--actor", wanted->actor, "Who asks for it; stands in the audit log")->required();
  app.add_option("--reason", wanted->reason, "Why; stands in the audit log")->required();
  app.add_option("--id", wanted->id, "Id of the command: sent twice, it holds once. Default: a new one");
  app.add_flag("--yes", wanted->yes, "Do not ask before an erasure");
  app.footer(
      "Exit 0: the command is in the input topic, and holds from the next epoch on. 1: it is not, and no\n"
      "partition has any of it. 2: wrong command or file.");
  return [wanted] { return exit_code_of(control_session{*wanted}.run()); };
}

} // namespace

const command control_command = {
    "command",
    "Send a command to all users, or to one, through the input topic on Kafka.",
    "fairuse command --config config/kafka.yaml kill-switch on --actor ann --reason 'wrong caps'\n"
    "fairuse command --config config/kafka.yaml promote fair-2 --actor ann --reason 'agreed in FU-12'\n"
    "fairuse command --config config/kafka.yaml exempt alice on --actor ann --reason 'press'\n"
    "fairuse command --config config/kafka.yaml set-stage alice none --actor ann --reason 'appeal'\n"
    "fairuse command --config config/kafka.yaml reset alice --actor ann --reason 'appeal' --id appeal-77\n"
    "fairuse command --config config/kafka.yaml erase alice --actor ann --reason 'request of the user'",
    declare_control,
};

} // namespace fairuse::cli
