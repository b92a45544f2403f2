// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/pure/text_table.hpp"
#include "cli/commands.hpp"
#include "cli/log.hpp"
#include "cli/operator_session.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/stop_signal.hpp"
#include "engine/clocks.hpp"
#include "events/time_text.hpp"
#include "streams/kafka/capture/capture_export.hpp"

namespace fairuse::cli {

namespace {

using json = nlohmann::ordered_json;
using kafka::capture_contents;
using kafka::captured_partition;
using kafka::section_kind;

struct capture_options {
  std::string file;
  std::string config_file;
  std::string checkpoint;
  bool replace = false;
  bool as_json = false;
};

command_result<std::unique_ptr<kafka::capture_reader>> open_capture(const std::string& file) {
  std::error_code unknown;
  const auto size = std::filesystem::file_size(file, unknown);
  progress shown{unknown ? 0 : static_cast<std::uint64_t>(size), "bytes checked"};
  auto opened = kafka::capture_reader::open(file, [&shown](std::uint64_t done) { shown.show(done, done); });
  shown.clear();
  if (not opened) return command_error{exit_failed, opened.error().message};
  return std::move(*opened);
}

// export, checkpoint --------------------------------------------------------------------------------------------------

int exit_code_of(kafka::export_fault what) {
  switch (what) {
    case kafka::export_fault::lost:
      return exit_too_little_data;
    case kafka::export_fault::refused:
      return exit_usage;
    case kafka::export_fault::failed:
      break;
  }
  return exit_failed;
}

command_result<int> export_from_topics(const capture_options& wanted, bool is_checkpoint) {
  stop_signal::block();
  // An unfinished file is removed.
  const stop_signal stopped{[part = wanted.file + ".part"] {
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    ::_exit(exit_interrupted);
  }};
  operator_session all;
  if (const auto done = all.open(wanted.config_file); not done) return done.error();
  std::unique_ptr<kafka::capture_reader> checkpoint;
  if (not wanted.checkpoint.empty()) {
    auto opened = open_capture(wanted.checkpoint);
    if (not opened) return opened.error();
    checkpoint = std::move(*opened);
  }
  progress shown{0, "records"};
  const kafka::export_wish wish{
      .app = all.settings().app,
      .cluster = all.cluster_id(),
      .program = FAIRUSE_VERSION,
      .made_at = wall_clock_ms(),
      .outputs = all.settings().outputs,
      .partitions = all.partitions(),
      .replace = wanted.replace,
      .from = checkpoint.get(),
      .progress = [&shown](std::uint64_t records, const std::string&, std::int32_t) { shown.at(records, records); }};
  const auto began = std::chrono::steady_clock::now();
  const auto made = is_checkpoint ? kafka::export_checkpoint(all.brokers(), wish, wanted.file)
                                  : kafka::export_capture(all.brokers(), wish, wanted.file);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  shown.clear();
  if (not made) return command_error{exit_code_of(made.error().fault), made.error().message};
  std::uint64_t epochs = 0;
  for (const auto& each : made->per_partition)
    epochs += each.epochs;
  const auto speed = static_cast<double>(made->records) / std::max(took.count(), 1e-3);
  if (wanted.as_json) {
    const json whole = {{"file", wanted.file}, {"bytes", made->bytes},     {"partitions", all.partitions()},
                        {"epochs", epochs},    {"records", made->records}, {"seconds", took.count()}};
    print_out("{}\n", whole.dump());
  } else {
    print_out("{}: {} bytes, {} partitions, {} epochs, {} records read in {:.1f} s ({:.0f}/s)\n", wanted.file,
              made->bytes, all.partitions(), epochs, made->records, took.count(), speed);
  }
  return exit_done;
}

// inspect -------------------------------------------------------------------------------------------------------------

struct part_view {
  std::uint64_t inputs = 0;
  std::uint64_t outputs = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

part_view view_of(const capture_contents& all, const captured_partition& part) {
  part_view made;
  for (const auto& each : all.sections) {
    if (each.partition != part.partition) continue;
    made.bytes += each.bytes;
    if (each.kind == section_kind::input) made.inputs += each.records;
    if (each.kind == section_kind::output) made.outputs += each.records;
    if (each.kind == section_kind::state) made.rows += each.records;
  }
  return made;
}

std::string epochs_text(const captured_partition& of, bool is_checkpoint) {
  if (is_checkpoint) return of.state_meta.empty() ? "none" : fmt::format("{}", of.first_epoch - 1);
  return of.epochs == 0 ? "none" : fmt::format("{} to {}", of.first_epoch, of.first_epoch + of.epochs - 1);
}

std::string time_or_dash(time_ms at) { return at == 0 ? "-" : to_time_text(at); }

/// Every record unpacks, and there are as many as the table of contents says.
result<void, store_error> read_all(const kafka::capture_reader& capture) {
  std::uint64_t total = 0;
  std::uint64_t done = 0;
  for (const auto& each : capture.contents().sections)
    total += each.records;
  progress shown{total, "records"};
  for (const auto& each : capture.contents().sections) {
    auto records = capture.records(each);
    kafka::captured_record one;
    while (records.next(one)) {
      ++done;
      shown.at(done, done);
    }
    if (not records.failure()) return records.failure();
  }
  return {};
}

/// Policies by digest, of all partitions.
std::vector<std::string> policies_of(const kafka::capture_reader& capture) {
  std::vector<std::string> digests;
  for (const auto& each : capture.contents().sections) {
    if (each.kind != section_kind::policies) continue;
    auto records = capture.records(each);
    kafka::captured_record one;
    while (records.next(one))
      if (one.key) digests.push_back(*one.key);
  }
  std::sort(digests.begin(), digests.end());
  digests.erase(std::unique(digests.begin(), digests.end()), digests.end());
  return digests;
}

void print_table(const kafka::capture_reader& capture, const std::vector<std::string>& policies) {
  const auto& all = capture.contents();
  print_out("{} of {} on cluster {}, made {} by fairuse {}\n", all.is_checkpoint ? "checkpoint" : "capture", all.app,
            all.cluster, time_or_dash(all.made_at), all.program);
  print_out("{} bytes, digest holds, {} partitions\n\n", capture.size(), all.partitions);
  text_table table{{{"partition"},
                    {all.is_checkpoint ? "state of epoch" : "epochs"},
                    {"first now", text_table::align::left},
                    {"last now", text_table::align::left},
                    {"inputs"},
                    {"outputs"},
                    {"rows"},
                    {"bytes"}}};
  for (const auto& each : all.per_partition) {
    const auto view = view_of(all, each);
    table.add({std::to_string(each.partition), epochs_text(each, all.is_checkpoint), time_or_dash(each.first_now),
               time_or_dash(each.last_now), std::to_string(view.inputs), std::to_string(view.outputs),
               std::to_string(view.rows), std::to_string(view.bytes)});
  }
  write_out(table.text(out_width()));
  for (const auto& digest : policies)
    print_out("policy {}\n", digest);
}

void print_json(const kafka::capture_reader& capture, const std::vector<std::string>& policies) {
  const auto& all = capture.contents();
  auto parts = json::array();
  for (const auto& each : all.per_partition) {
    const auto view = view_of(all, each);
    json one = {{"partition", each.partition}, {"epochs", each.epochs}};
    if (each.epochs > 0) {
      one["first_epoch"] = each.first_epoch;
      one["last_epoch"] = each.first_epoch + each.epochs - 1;
    }
    if (not each.state_meta.empty()) one["state_of_epoch"] = each.first_epoch - 1;
    if (each.first_now != 0) one["first_now"] = to_time_text(each.first_now);
    if (each.last_now != 0) one["last_now"] = to_time_text(each.last_now);
    one["inputs"] = view.inputs;
    one["outputs"] = view.outputs;
    one["rows"] = view.rows;
    one["bytes"] = view.bytes;
    parts.push_back(std::move(one));
  }
  auto sections = json::array();
  for (const auto& each : all.sections)
    sections.push_back({{"partition", each.partition},
                        {"topic", each.topic},
                        {"records", each.records},
                        {"bytes", each.bytes},
                        {"topic_began_at", each.low}});
  const json whole = {{"kind", all.is_checkpoint ? "checkpoint" : "capture"},
                      {"app", all.app},
                      {"cluster", all.cluster},
                      {"program", all.program},
                      {"made_at", to_time_text(all.made_at)},
                      {"bytes", capture.size()},
                      {"digest_holds", true},
                      {"policies", policies},
                      {"partitions", std::move(parts)},
                      {"sections", std::move(sections)}};
  print_out("{}\n", whole.dump());
}

command_result<int> inspect(const capture_options& wanted) {
  const auto opened = open_capture(wanted.file);
  if (not opened) return opened.error();
  const auto& capture = *opened;
  if (const auto read = read_all(*capture); not read)
    return command_error{exit_failed, fmt::format("{}: {}", wanted.file, read.error().message)};
  const auto policies = policies_of(*capture);
  wanted.as_json ? print_json(*capture, policies) : print_table(*capture, policies);
  return exit_done;
}

std::function<int()> declare_capture(CLI::App& app) {
  const auto wanted = std::make_shared<capture_options>();
  app.require_subcommand(1);
  auto* from_topics = app.add_subcommand(
      "export", "Write all epochs of all partitions with their inputs, outputs and policies to FILE");
  auto* state = app.add_subcommand(
      "checkpoint", "Write the state of every partition as of its last epoch to FILE, for a later export --from");
  for (auto* each : {from_topics, state}) {
    each->add_option("FILE", wanted->file, "File to write")->required();
    each->add_option("--config", wanted->config_file, "Deployment with streams.kind kafka")->required();
    each->add_flag("--force", wanted->replace, "Replace FILE if it is there");
    each->add_flag("--json", wanted->as_json, "One JSON object instead of the sentence");
  }
  from_topics->add_option("--from", wanted->checkpoint, "Begin behind the states of this checkpoint, not with epoch 0")
      ->check(CLI::ExistingFile);
  auto* inspecting = app.add_subcommand("inspect", "Show what is in FILE, and read all of it once");
  inspecting->add_option("FILE", wanted->file, "A capture or a checkpoint")->required()->check(CLI::ExistingFile);
  inspecting->add_flag("--json", wanted->as_json, "One JSON object instead of the table");
  app.footer(
      "Exit 0: done, 1: a broker, the disk or a damaged file, 2: wrong command or no such file, 5: retention has\n"
      "deleted what a replay needs; the message names the first epoch that can be replayed. docs/capture.md says "
      "more.");
  return [wanted, inspecting, state] {
    return exit_code_of(inspecting->parsed() ? inspect(*wanted) : export_from_topics(*wanted, state->parsed()));
  };
}

} // namespace

const command capture_command = {
    "capture",
    "Export what production on Kafka took in and decided to one file, and look into such files.",
    "fairuse capture export --config config/kafka.yaml today.capture         from epoch 0\n"
    "fairuse capture inspect today.capture\n"
    "fairuse capture checkpoint --config config/kafka.yaml now.checkpoint    before retention deletes the beginning\n"
    "fairuse capture export --config config/kafka.yaml --from now.checkpoint week.capture",
    declare_capture,
};

} // namespace fairuse::cli
