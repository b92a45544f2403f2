// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/system/scratch_folder.hpp"
#include "cli/commands.hpp"
#include "cli/history/recorded_replay.hpp"
#include "cli/log.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/stop_signal.hpp"
#include "config/policy_file.hpp"
#include "engine/kafka_options.hpp"
#include "storage/case_key.hpp"
#include "streams/kafka/capture/verify.hpp"

namespace fairuse::cli {

namespace {

using json = nlohmann::ordered_json;
using kafka::verify_outcome;

struct verify_options {
  std::string file;
  std::string state;
  std::string case_key_file;
  std::string scratch;
  unsigned workers = 0;
  bool as_json = false;
};

int exit_code_of(verify_outcome what) {
  switch (what) {
    case verify_outcome::equal:
      return exit_done;
    case verify_outcome::differs:
      return exit_differs;
    case verify_outcome::lost:
      return exit_too_little_data;
    case verify_outcome::refused:
      return exit_usage;
    case verify_outcome::damaged:
    case verify_outcome::failed:
      break;
  }
  return exit_failed;
}

kafka::replay_tools tools(std::string case_key) {
  return {.case_key = std::move(case_key),
          .text_of = canonical,
          .parse = parse_canonical,
          .partitioner = [](const std::string& name) -> std::optional<kafka::partition_function> {
            for (const auto how : {key_partitioner::murmur2, key_partitioner::consistent, key_partitioner::fnv1a,
                                   key_partitioner::unchecked})
              if (fairuse::to_text(how) == name) return partition_function_of(how);
            return std::nullopt;
          }};
}

class verify_session {
public:
  explicit verify_session(const verify_options& wanted) : wanted_{wanted} {}

  command_result<int> run() {
    stop_signal::block();
    if (const auto found = find_key(); not found) return found.error();
    if (const auto opened = open(); not opened) return opened.error();
    const scratch_folder scratch{
        wanted_.scratch.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path{wanted_.scratch},
        "fairuse-verify"};
    const stop_signal stopped{[&scratch] {
      std::error_code ignored;
      std::filesystem::remove_all(scratch.path(), ignored);
      ::_exit(exit_interrupted);
    }};
    if (scratch.path().empty())
      return command_error{exit_failed, "no folder for stores can be made: --scratch names another"};
    std::uint64_t epochs = 0;
    for (const auto& each : capture_->contents().per_partition)
      epochs += each.epochs;
    progress shown{epochs, "records"};
    const auto began = std::chrono::steady_clock::now();
    const auto made = kafka::verify(
        *capture_,
        {.with = tools(case_key_),
         .scratch = scratch.path(),
         .workers = wanted_.workers > 0 ? wanted_.workers : std::max(1U, std::thread::hardware_concurrency()),
         .progress = [&shown](std::uint64_t done, std::uint64_t records) { shown.show(done, records); }});
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    shown.clear();
    wanted_.as_json ? print_json(made, took.count()) : print_text(made, took.count());
    return exit_code_of(made.what);
  }

private:
  command_result<> find_key() {
    auto found = find_case_key(
        wanted_.case_key_file.empty() ? std::nullopt : std::optional<std::filesystem::path>{wanted_.case_key_file});
    if (not found) return command_error{exit_usage, found.error().message};
    case_key_ = found->bytes;
    return {};
  }

  command_result<> open() {
    std::error_code unknown;
    const auto size = std::filesystem::file_size(wanted_.file, unknown);
    progress shown{unknown ? 0 : static_cast<std::uint64_t>(size), "bytes checked"};
    auto opened = kafka::capture_reader::open(wanted_.file, [&shown](std::uint64_t done) { shown.show(done, done); });
    shown.clear();
    if (not opened) return command_error{exit_failed, opened.error().message};
    capture_ = std::move(*opened);
    if (not capture_->contents().is_checkpoint) return {};
    return command_error{exit_usage,
                         fmt::format("{} is a checkpoint and holds no epochs: `fairuse capture export --from` begins a "
                                     "capture with it",
                                     wanted_.file)};
  }

  static void print_text(const kafka::verify_result& made, double seconds) {
    const auto& n = made.counts;
    if (made.what == verify_outcome::equal) {
      print_out("equal: {} partitions, {} epochs, {} records in, {} records out in {:.1f} s ({:.0f} records in/s)\n",
                n.partitions, n.epochs, n.records, n.outputs, seconds,
                static_cast<double>(n.records) / std::max(seconds, 1e-3));
      if (n.compared < n.outputs)
        print_out("{} of them are no longer on their topics (compaction, retention): by the journal's digest alone\n",
                  n.outputs - n.compared);
      return;
    }
    print_out("{}: {}\n", to_text(made.what), made.message);
    if (made.where)
      print_out("  what        {}, byte {}\n  production  {}\n  replay      {}\n", made.where->what, made.where->byte,
                made.where->captured, made.where->replayed);
    print_out("{} epochs before it are equal, over all partitions tried\n", n.epochs);
  }

  static void print_json(const kafka::verify_result& made, double seconds) {
    const auto& n = made.counts;
    json whole = {{"verdict", to_text(made.what)},  {"partitions", n.partitions}, {"epochs", n.epochs},
                  {"records", n.records},           {"outputs", n.outputs},       {"compared", n.compared},
                  {"dead_letters", n.dead_letters}, {"policies", n.policies},     {"seconds", seconds}};
    if (not made.message.empty()) whole["says"] = made.message;
    if (made.where)
      whole["difference"] = {
          {"partition", made.where->partition}, {"epoch", made.where->epoch},         {"topic", made.where->topic},
          {"number", made.where->number},       {"offset", made.where->offset},       {"what", made.where->what},
          {"byte", made.where->byte},           {"production", made.where->captured}, {"replay", made.where->replayed}};
    print_out("{}\n", whole.dump(-1, ' ', false, json::error_handler_t::replace));
  }

  const verify_options& wanted_;
  std::string case_key_;
  std::unique_ptr<kafka::capture_reader> capture_;
};

command_result<int> run(const verify_options& wanted) {
  if (not wanted.state.empty())
    return verify_state({wanted.state, wanted.case_key_file, wanted.scratch, wanted.as_json});
  if (wanted.file.empty())
    return command_error{exit_usage, "name a capture to verify, or --state DIR of a local deployment"};
  return verify_session{wanted}.run();
}

std::function<int()> declare_verify(CLI::App& app) {
  const auto wanted = std::make_shared<verify_options>();
  auto* file = app.add_option("FILE", wanted->file, "What `fairuse capture export` wrote")->check(CLI::ExistingFile);
  app.add_option("--state", wanted->state, "Instead of FILE: the state folder of a local deployment")
      ->excludes(file)
      ->check(CLI::ExistingDirectory);
  app.add_option("--case-key", wanted->case_key_file,
                 "File with the case key of production; else FAIRUSE_CASE_KEY, else the development key");
  app.add_option("--scratch", wanted->scratch, "Folder for what the replay needs, which is removed afterwards");
  app.add_option("--workers", wanted->workers,
                 "Threads for the partitions of FILE; 0 is one per processor. No result depends on it");
  app.add_flag("--json", wanted->as_json, "One JSON object instead of the sentences");
  app.footer(
      "Exit 0: what is made again equals what production decided, 1: a damaged file or the disk, 2: wrong command,\n"
      "no such file, another case key, decided by other rules, or a store that has neither its first input nor a\n"
      "checkpoint, 3: it differs, and the first difference is shown, 5: inputs that an epoch took are not there.");
  return [wanted] { return exit_code_of(run(*wanted)); };
}

} // namespace

const command verify_command = {
    "verify",
    "Make all decisions of a capture or of a local deployment once more, and compare them byte for byte.",
    "fairuse verify --state fairuse-state\n"
    "fairuse verify today.capture\n"
    "fairuse verify today.capture --case-key case.key\n"
    "fairuse verify today.capture --json | jq .difference",
    declare_verify,
};

} // namespace fairuse::cli
