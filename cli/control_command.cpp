// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/numbers.hpp"
#include "cli/operator_session.hpp"
#include "cli/output.hpp"
#include "cli/promotion_check.hpp"
#include "cli/told_by_instance.hpp"
#include "engine/clocks.hpp"
#include "engine/engine.hpp"
#include "engine/kafka_options.hpp"
#include "events/time_text.hpp"
#include "events/wire.hpp"
#include "storage/local_reader.hpp"
#include "streams/local/sealer.hpp"
#include "streams/local/spool.hpp"
#include "streams/policy_choice.hpp"

namespace fairuse::cli {

namespace {

constexpr std::string_view command_source = "fairuse/command";
constexpr std::string_view broadcast = "*";
constexpr int calls_max = 100;

struct control_options {
  std::string config_file;
  std::string state_folder;
  std::vector<std::string> words;
  std::string actor;
  std::string reason;
  std::string id;
  std::string until;
  std::string digest;
  bool yes = false;
};

/// A command as an event, but for id and time.
struct wanted_event {
  std::string subject{broadcast};
  event_kind kind = event_kind::admin;
  event_detail detail;
};

/// How a command is typed. The names are those on the wire; an erasure is an event of its own there.
struct command_form {
  std::string_view name;
  std::string_view arguments;
};
constexpr std::array forms{
    command_form{"kill_switch", "on|off"},
    command_form{"enable", "on|off"},
    command_form{"promote_policy", "POLICY [--digest DIGEST]"},
    command_form{"exempt", "UID on|off [--until TIME]"},
    command_form{"set_stage", "UID none|warning|throttle|restrict"},
    command_form{"reset", "UID"},
    command_form{"clear_strike", "UID STRIKE"},
    command_form{"restore_strike", "UID STRIKE"},
    command_form{"appeal", "UID STRIKE TEXT"},
    command_form{"resolve", "UID STRIKE [NOTES]"},
    command_form{"reopen", "UID STRIKE [NOTES]"},
    command_form{"erase", "UID"},
};

bool read_switch(const std::string& word, bool& out) {
  out = word == "on";
  return out or word == "off";
}

/// As people type it, too: events have upper case only.
bool read_strike(const std::string& word, admin_command& out) {
  auto upper = word;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char each) { return each >= 'a' and each <= 'z' ? static_cast<char>(each - 'a' + 'A') : each; });
  if (is_case_reference(upper)) {
    out.reference = upper;
    return true;
  }
  out.strike = strict_number<std::uint32_t>(word).value_or(0);
  return out.strike != 0;
}

/// Behind the strike.
bool takes_text(admin_verb verb) {
  return verb == admin_verb::resolve or verb == admin_verb::reopen or verb == admin_verb::appeal;
}

/// The words behind the user; false if they do not fit.
bool read_arguments(std::span<const std::string> words, admin_command& out) {
  if (out.verb == admin_verb::reset) return words.empty();
  if (takes_text(out.verb) and words.size() == 2) {
    (out.verb == admin_verb::appeal ? out.text : out.notes) = words.back();
    words = words.first(1);
  }
  if (words.size() != 1 or (out.verb == admin_verb::appeal and out.text.empty())) return false;
  const auto& word = words.front();
  switch (out.verb) {
    case admin_verb::set_stage: {
      const auto to = stage_from(word);
      out.to = to.value_or(stage::none);
      return to.has_value();
    }
    case admin_verb::resolve:
    case admin_verb::reopen:
    case admin_verb::clear_strike:
    case admin_verb::restore_strike:
    case admin_verb::appeal:
      return read_strike(word, out);
    case admin_verb::exempt:
    case admin_verb::enable:
    case admin_verb::kill_switch:
      return read_switch(word, out.on);
    case admin_verb::promote_policy:
      out.policy = word;
      return true;
    case admin_verb::reset:
      break;
  }
  return false;
}

constexpr std::string_view strike_advice =
    ". STRIKE is the strike's number, or the case reference of its e-mail: FU- and 12 hexadecimal digits";

bool names_strike(std::optional<admin_verb> verb) {
  return verb == admin_verb::clear_strike or verb == admin_verb::restore_strike or (verb and takes_text(*verb));
}

/// Of an exemption that begins; empty: it does not end by itself.
result<void> read_until(const std::string& text, time_ms now, admin_command& out) {
  if (text.empty()) return {};
  if (out.verb != admin_verb::exempt or not out.on) return error{"--until belongs to `exempt UID on`"};
  const auto until = time_from(text);
  if (not until) return error{fmt::format("'{}' is no time: write it like 2026-11-22T00:00:00Z", text)};
  if (*until <= now) return error{fmt::format("{} is over: the exemption would end before it begins", text)};
  out.until = *until;
  return {};
}

result<void> read_digest(const std::string& text, admin_command& out) {
  if (text.empty()) return {};
  if (out.verb != admin_verb::promote_policy) return error{"--digest belongs to `promote_policy POLICY`"};
  if (not is_digest_prefix(text))
    return error{
        fmt::format("'{}' is no digest: 12 to 64 digits of 0 to 9 and a to f, as `fairuse check` and decisions "
                    "show them",
                    text)};
  out.digest = text;
  return {};
}

error no_such_command(const std::string& name) {
  std::vector<std::string_view> names;
  for (const auto& each : forms)
    names.push_back(each.name);
  auto guess = yaml::did_you_mean(name, names);
  // More is missing than a slip of the finger leaves out.
  const auto longer = std::find_if(names.begin(), names.end(), [&](auto each) { return each.starts_with(name); });
  if (guess.empty() and longer != names.end()) guess = fmt::format("; did you mean '{}'?", *longer);
  if (guess.empty()) guess = yaml::did_you_mean_one_of(name, names);
  return error{fmt::format("there is no command '{}'{}", name, guess)};
}

/// The event that the arguments ask for.
result<wanted_event> understand(const control_options& wanted) {
  std::span<const std::string> words(wanted.words);
  const auto& name = words.front();
  const auto form = std::find_if(forms.begin(), forms.end(), [&](const auto& each) { return each.name == name; });
  if (form == forms.end()) return no_such_command(name);
  const auto verb = admin_verb_from(name);
  admin_command what{.verb = verb.value_or(admin_verb::reset), .actor = wanted.actor, .reason = wanted.reason};
  wanted_event made;
  words = words.subspan(1);
  const bool about_one = not verb or not is_broadcast(*verb);
  const bool fits = not about_one or not words.empty();
  if (about_one and fits) {
    made.subject = words.front();
    words = words.subspan(1);
  }
  if (not fits or not read_arguments(words, what))
    return error{fmt::format("it is called so: fairuse command --config FILE {} {} --actor A --reason R{}", name,
                             form->arguments, names_strike(verb) ? strike_advice : "")};
  if (const auto read = read_until(wanted.until, wall_clock_ms(), what); not read) return read.error();
  if (const auto read = read_digest(wanted.digest, what); not read) return read.error();
  if (verb) {
    made.detail = std::move(what);
    return made;
  }
  made.kind = event_kind::erasure;
  made.detail = erasure_request{.actor = wanted.actor, .reason = wanted.reason};
  return made;
}

/// For the help.
std::string all_forms() {
  std::string text;
  for (const auto& [name, arguments] : forms)
    text += fmt::format("  {} {}\n", name, arguments);
  return text;
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
    if (auto loaded = all_.load(wanted_.config_file); not loaded) return loaded.error();
    const bool is_local = all_.deployment().settings.streams == stream_kind::local;
    auto sent = is_local ? deliver(*what, *line) : send(*what, *line);
    if (not sent) return sent.error();
    print_out("sent as {} to {}\nThe same --id changes nothing if it is sent again.\n", id_, *sent);
    return exit_done;
  }

private:
  command_result<> confirm_erasure(const wanted_event& what) const {
    if (what.kind != event_kind::erasure) return {};
    return confirm("Everything about this user is deleted, for good. Go on?", wanted_.yes);
  }

  // Local mode: into the second input of the engine, which need not run.
  command_result<std::string> deliver(const wanted_event& what, const std::string& line) {
    const auto& state = wanted_.state_folder.empty() ? run_settings{}.state_folder : wanted_.state_folder;
    const auto store = local_reader::open(state);
    if (not store) return no_local_store(state, store.error(), wanted_from_store::user);
    if (setting_of((*store)->meta().settings, "clock") == to_text(clock_kind::events))
      return command_error{exit_usage, fmt::format("the store in {} runs by --clock events: put the command into the "
                                                   "file that is read, with a `time` of that file",
                                                   state)};
    if (auto sure = confirm_erasure(what); not sure) return sure.error();
    const auto now = wall_clock_ms();
    const auto name = fmt::format("{:013}-{}", now, new_id("command", now));
    if (const auto put = put_in_spool(state, name, line + '\n'); not put)
      return command_error{exit_failed, put.error().message};
    return fmt::format("the engine in {}: it holds from its next epoch on", state);
  }

  // Kafka mode: everything that can refuse it comes before anything is sent.
  command_result<std::string> send(const wanted_event& what, const std::string& line) {
    if (auto connected = all_.connect(); not connected) return connected.error();
    if (auto found = find_partitions(what); not found) return found.error();
    if (auto known = know_policy(what); not known) return known.error();
    if (auto sure = confirm_erasure(what); not sure) return sure.error();
    if (const auto sent = send(what.subject, line); not sent) return error_of(sent.error());
    return what.subject == broadcast ? fmt::format("all {} partitions of {}", to_.size(), topic())
                                     : fmt::format("partition {} of {}", to_.front(), topic());
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

  command_result<> know_policy(const wanted_event& what) {
    const auto* command = std::get_if<admin_command>(&what.detail);
    if (command == nullptr or command->verb != admin_verb::promote_policy) return {};
    std::optional<told_by_instance> told;
    if (not wanted_.state_folder.empty()) {
      auto read = told_by_instance::read(wanted_.state_folder);
      if (not read) return read.error();
      told = std::move(*read);
    }
    const auto checked = check_promotion({.policy = command->policy,
                                          .deployment = all_.deployment(),
                                          .config_file = wanted_.config_file,
                                          .told = told ? &*told : nullptr,
                                          .partitions = static_cast<std::size_t>(all_.partitions())});
    if (not checked) return checked.error();
    for (const auto& each : *checked)
      log_line(log_level::warning, each);
    return {};
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
  app.add_option("--config", wanted->config_file, "Deployment of the engine")->required();
  app.add_option(
      "--state", wanted->state_folder,
      "Local mode: state folder of the engine. Kafka: that of an instance on this machine, to know whether it "
      "has loaded what `promote_policy` names");
  app.add_option("WORDS", wanted->words, "What to do, to whom, and how")->required()->expected(1, 4);
  app.add_option("--actor", wanted->actor, "Who asks for it; stands in the audit log")->required();
  app.add_option("--reason", wanted->reason, "Why; stands in the audit log")->required();
  app.add_option("--until", wanted->until,
                 "Last instant of an exemption, RFC 3339. Default: it does not end by itself");
  app.add_option("--digest", wanted->digest,
                 "Promote the policy only if its digest begins so: it is the one that was agreed on");
  app.add_option("--id", wanted->id, "Id of the command: sent twice, it holds once. Default: a new one");
  app.add_flag("--yes", wanted->yes, "Do not ask before an erasure");
  app.footer(
      "WORDS are one of these, as in events; STRIKE is a number or a case reference (FU-...):\n"
      + all_forms() +
      "\nExit 0: the command is in the engine's input, and holds from the next epoch on. 1: it is not, and no\n"
      "partition has any of it. 2: wrong command or file.");
  return [wanted] { return exit_code_of(control_session{*wanted}.run()); };
}

} // namespace

const command control_command = {
    "command",
    "Send a command to all users, or to one, through the input of the engine.",
    "fairuse command --config config/kafka.yaml kill_switch on --actor ann --reason 'wrong caps'\n"
    "fairuse command --config config/kafka.yaml promote_policy fair-2 --actor ann --reason 'agreed' --state state\n"
    "fairuse command --config config/kafka.yaml exempt alice on --actor ann --reason 'press' --until "
    "2099-06-30T23:59:59Z\n"
    "fairuse command --config config/kafka.yaml set_stage alice none --actor ann --reason 'appeal'\n"
    "fairuse command --config config/kafka.yaml clear_strike alice FU-68DCFFAAADE2 --actor ann --reason 'a lecture'\n"
    "fairuse command --config config/local.yaml --state state restore_strike alice 2 --actor ann --reason 'no "
    "lecture'\n"
    "fairuse command --config config/kafka.yaml reset alice --actor ann --reason 'appeal' --id appeal-77\n"
    "fairuse command --config config/kafka.yaml erase alice --actor ann --reason 'request of the user'",
    declare_control,
};

} // namespace fairuse::cli
