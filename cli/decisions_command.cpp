// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <simdjson.h>

#include "base/pure/base64.hpp"
#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/stop_signal.hpp"
#include "cli/told_by_instance.hpp"
#include "events/json_text.hpp"
#include "events/time_text.hpp"
#include "storage/local_reader.hpp"
#include "storage/stored_logs.hpp"

namespace fairuse::cli {

namespace {

constexpr std::size_t page = 1'000;
constexpr std::chrono::milliseconds follow_every{100};

struct decisions_options {
  std::string state = "fairuse-state";
  bool follow = false;
  bool dead_letters = false;
  bool raw = false;
  bool json = false;
};

int fail_reading(const store_error& error) {
  flush_out();
  return fail(exit_failed, error.message);
}

// The line as it came under `text`, or under `base64` where it is no text.
std::string dead_letter_line(const stored_dead_letter& dead_letter) {
  const auto& what = dead_letter.what;
  std::string line = R"({"reason":)";
  append_json(line, to_text(what.why));
  line += R"(,"input":)";
  append_json(line, what.input);
  line += R"(,"line":)";
  append_json(line, static_cast<std::int64_t>(what.line));
  if (not what.place.empty()) {
    line += R"(,"place":)";
    append_json(line, what.place);
  }
  line += R"(,"remedy":)";
  append_json(line, remedy(what.why, what.place, what.note));
  line += fmt::format(R"(,"epoch":{},"time":"{}",)", dead_letter.epoch, to_time_text(dead_letter.now));
  const bool is_text = simdjson::validate_utf8(what.bytes.data(), what.bytes.size());
  line += is_text ? R"("text":)" : R"("base64":)";
  append_json(line, is_text ? what.bytes : to_base64(what.bytes));
  return line + "}";
}

result<std::size_t, store_error> print_decisions(const stored_logs& logs, log_cursor& from) {
  auto some = logs.decisions(from, page);
  if (not some) return some.error();
  for (const auto& each : *some)
    write_out(each + "\n");
  return some->size();
}

result<std::size_t, store_error> print_dead_letters(const stored_logs& logs, log_cursor& from, bool raw) {
  auto some = logs.dead_letters(from, page);
  if (not some) return some.error();
  for (const auto& each : *some) {
    const auto line = raw ? each.what.bytes : dead_letter_line(each);
    write_out(line + "\n");
  }
  return some->size();
}

int print_all(const decisions_options& wanted) {
  stop_signal::block();
  const stop_signal stop{[] {}};
  auto opened = local_reader::open(wanted.state);
  const auto what = wanted.dead_letters ? wanted_from_store::dead_letters : wanted_from_store::decisions;
  if (not opened) return fail(no_local_store(wanted.state, opened.error(), what));
  auto& reader = **opened;
  log_cursor from;
  while (not stop.came()) {
    const auto printed = wanted.dead_letters ? print_dead_letters(reader.logs(), from, wanted.raw)
                                             : print_decisions(reader.logs(), from);
    if (not printed) return fail_reading(printed.error());
    if (not flush_out()) return exit_done;
    if (*printed > 0) continue;
    if (not wanted.follow) return exit_done;
    if (not wait_while_read(follow_every)) return exit_done;
    if (const auto done = reader.catch_up(); not done) return fail_reading(done.error());
  }
  return stop.was_interrupt() ? exit_interrupted : exit_done;
}

std::function<int()> declare_decisions(CLI::App& app) {
  auto wanted = std::make_shared<decisions_options>();
  app.add_option("--state", wanted->state, "Folder of the store")->capture_default_str();
  app.add_flag("--follow", wanted->follow, "Go on with what is committed from now on, until Ctrl-C");
  auto* dead_letters = app.add_flag("--dead-letters", wanted->dead_letters,
                                    "Print refused input lines instead, with reason, input and line number");
  app.add_flag("--raw", wanted->raw, "With --dead-letters: the lines themselves, byte for byte")->needs(dead_letters);
  app.add_flag("--json", wanted->json, "Has no effect: the output is NDJSON already");
  return [wanted] { return print_all(*wanted); };
}

} // namespace

const command decisions_command = {
    "decisions",
    "Print committed decisions in order, one CloudEvents JSON object a line.",
    "fairuse decisions --state fairuse-state\n"
    "fairuse decisions --state fairuse-state --follow | jq .data.decision    beside a running engine\n"
    "fairuse decisions --state fairuse-state --dead-letters                  what was refused, and why",
    declare_decisions,
};

} // namespace fairuse::cli
