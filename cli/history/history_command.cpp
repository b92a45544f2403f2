// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "base/pure/text_table.hpp"
#include "base/system/files.hpp"
#include "base/system/scratch_folder.hpp"
#include "cli/cases/cut_history.hpp"
#include "cli/commands.hpp"
#include "cli/experiment_report.hpp"
#include "cli/history/history_report.hpp"
#include "cli/log.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"
#include "cli/progress.hpp"
#include "cli/stop_signal.hpp"
#include "config/policy_file.hpp"
#include "config/presets.hpp"
#include "events/time_text.hpp"
#include "storage/case_key.hpp"
#include "storage/history/survey.hpp"
#include "storage/local_store.hpp"
#include "streams/history/pack_deployment.hpp"
#include "streams/history/pack_files.hpp"

namespace fairuse::cli {

namespace {

using namespace history;

struct history_options {
  std::vector<std::string> files;
  std::string state;
  std::string file;
  std::string to;
  bool replace = false;
  std::string columns;
  std::string time_format = "rfc3339";
  std::string units = "ms";
  std::string labels;
  std::string key_file;
  std::string case_key_file;
  std::string user;
  std::string policy;
  std::uint32_t decision = 0;
  bool minimise = false;
  bool as_csv = false;
  bool as_json = false;
};

command_error read_error(const std::string& file, const store_error& why) {
  const bool has_name = why.message.find(file) != std::string::npos;
  return {exit_failed, has_name ? why.message : fmt::format("{}: {}", file, why.message)};
}

command_result<std::unique_ptr<history_reader>> open_history(const std::string& file) {
  auto opened = history_reader::open(file);
  if (not opened) return read_error(file, opened.error());
  return std::move(*opened);
}

// pack ---------------------------------------------------------------------------------------------------------------

std::uint64_t bytes_of(const std::vector<std::string>& files) {
  std::uint64_t sum = 0;
  for (const auto& each : files) {
    std::error_code unknown;
    const auto size = std::filesystem::file_size(each, unknown);
    // A pipe ends when it ends.
    if (unknown) return 0;
    sum += size;
  }
  return sum;
}

command_result<csv_options> csv_of(const history_options& wanted) {
  csv_options made;
  made.time = *time_form_from(wanted.time_format);
  made.unit_ms = wanted.units == "ms" ? 1 : wanted.units == "s" ? second_ms : minute_ms;
  if (wanted.columns.empty()) return made;
  auto columns = csv_columns_from(wanted.columns);
  if (not columns) return command_error{exit_usage, fmt::format("--columns: {}", columns.error().message)};
  made.columns = std::move(*columns);
  return made;
}

int exit_code_of(file_fault what) {
  switch (what) {
    case file_fault::unusable:
      return exit_usage;
    case file_fault::stopped:
      return exit_interrupted;
    case file_fault::failed:
      break;
  }
  return exit_failed;
}

void warn(const files_read& read, const refusal_counts& counts, bool has_columns) {
  for (const auto& each : read.refusals)
    log_line(log_level::warning,
             fmt::format("{} refused as {}, first {}: {}", grouped(counts[static_cast<std::size_t>(each.why)]),
                         to_text(each.why), each.where, each.says));
  for (const auto& each : read.empty_files)
    log_line(log_level::warning, fmt::format("{} has no line", each));
  if (has_columns and not read.has_csv) log_line(log_level::warning, "no FILE is a CSV, so --columns says nothing");
}

command_result<> check_files(const history_options& wanted) {
  if (std::count(wanted.files.begin(), wanted.files.end(), "-") > 1)
    return command_error{exit_usage, "FILE: standard input is named twice"};
  if (wanted.to == "-") return command_error{exit_usage, "--output: a history is a file, not standard output"};
  std::vector<std::filesystem::path> read(wanted.files.begin(), wanted.files.end());
  read.insert(read.end(), {wanted.labels, wanted.key_file, wanted.case_key_file});
  if (const auto apart = check_apart(wanted.to, read); not apart)
    return command_error{exit_usage, apart.error().message};
  return {};
}

command_result<> check_output(const history_options& wanted) {
  const std::filesystem::path read[] = {wanted.file, wanted.policy};
  if (const auto apart = check_apart(wanted.to, read); not apart)
    return command_error{exit_usage, apart.error().message};
  return {};
}

/// Shown while something is read and then written.
class pack_progress {
public:
  pack_progress(std::uint64_t all, const char* unit) : reading_{all, unit} {}
  void read(std::uint64_t done, std::uint64_t units) {
    units_ = units;
    reading_.at(done, units);
  }
  void write(std::uint64_t events) {
    reading_.clear();
    // About: what is left out is among the rows.
    if (not writing_) writing_.emplace(units_, "events written");
    writing_->show(events, events);
  }

private:
  std::uint64_t units_ = 0;
  progress reading_;
  std::optional<progress> writing_;
};

/// Empty: names stay as they are.
command_result<std::string> pseudonym_key_of(const history_options& wanted) {
  if (wanted.key_file.empty()) return std::string();
  auto key = read_key(wanted.key_file, "key of pseudonyms");
  if (not key) return command_error{exit_usage, key.error().message};
  return std::move(*key);
}

result<packed_history, file_failure> pack_given_files(const history_options& wanted, csv_options csv,
                                                      const std::string& key, const stop_signal& stop) {
  pack_progress shown{bytes_of(wanted.files), "rows read"};
  pack_files_wish wish;
  wish.files = wanted.files;
  wish.csv = std::move(csv);
  wish.labels = wanted.labels;
  wish.pseudonym_key = key;
  wish.to = wanted.to;
  wish.replace = wanted.replace;
  wish.program = program_text;
  wish.stopped = [&stop] { return stop.came(); };
  wish.reading = [&shown](std::uint64_t bytes, std::uint64_t rows) { shown.read(bytes, rows); };
  wish.writing = [&shown](std::uint64_t, std::uint64_t events) { shown.write(events); };
  return pack_files(wish);
}

result<packed_history, file_failure> pack_given_deployment(const history_options& wanted, const std::string& key,
                                                           const std::string& case_key, const stop_signal& stop) {
  std::optional<pack_progress> shown;
  pack_deployment_wish wish;
  wish.from = wanted.state.empty() ? wanted.files.front() : wanted.state;
  wish.labels = wanted.labels;
  wish.pseudonym_key = key;
  wish.to = wanted.to;
  wish.replace = wanted.replace;
  wish.program = program_text;
  wish.reading.case_key = case_key;
  wish.reading.stopped = [&stop] { return stop.came(); };
  wish.reading.progress = [&shown](std::uint64_t done, std::uint64_t all) {
    if (not shown) shown.emplace(all, "epochs read");
    shown->read(done, done);
  };
  wish.writing = [&shown](std::uint64_t, std::uint64_t events) {
    if (shown) shown->write(events);
  };
  return pack_deployment(wish);
}

/// What is read: files, or what a deployment has kept.
command_result<bool> is_deployment(const history_options& wanted) {
  if (wanted.files.empty() and wanted.state.empty())
    return command_error{exit_usage, "name the FILEs to read, or --state DIR of a local deployment"};
  if (not wanted.state.empty()) {
    if (not holds_local_store(wanted.state))
      return command_error{exit_usage, fmt::format("there is no store in {}; of Kafka's, `fairuse capture export` "
                                                   "makes a capture that can be packed",
                                                   wanted.state)};
    return true;
  }
  const auto captures = std::count_if(wanted.files.begin(), wanted.files.end(), looks_like_capture);
  if (captures > 0 and wanted.files.size() > 1)
    return command_error{exit_usage, "a capture is packed alone: other files are not of its deployment"};
  return captures > 0;
}

command_result<int> pack(const history_options& wanted) {
  stop_signal::block();
  auto csv = csv_of(wanted);
  if (not csv) return csv.error();
  if (auto done = check_files(wanted); not done) return done.error();
  const auto deployed = is_deployment(wanted);
  if (not deployed) return deployed.error();
  const auto key = pseudonym_key_of(wanted);
  if (not key) return key.error();
  const auto case_key =
      find_case_key(wanted.case_key_file.empty() ? std::nullopt : std::optional<std::string>(wanted.case_key_file));
  if (not case_key) return command_error{exit_usage, case_key.error().message};
  const stop_signal stop{[] {}};
  const auto packed = *deployed ? pack_given_deployment(wanted, *key, case_key->bytes, stop)
                                : pack_given_files(wanted, std::move(*csv), *key, stop);
  if (not packed) {
    if (packed.error().fault == file_fault::stopped) return int{exit_interrupted};
    return command_error{exit_code_of(packed.error().fault), packed.error().message};
  }
  warn(packed->read, packed->contents.counts.refused, not *deployed and not wanted.columns.empty());
  const auto opened = open_history(wanted.to);
  if (not opened) return opened.error();
  const history_report report{wanted.to, **opened, &packed->read, packed->labelled_users, std::nullopt};
  wanted.as_json ? print_out("{}\n", json_of(report).dump()) : write_out(text_of(report));
  return exit_done;
}

// inspect ------------------------------------------------------------------------------------------------------------

command_result<int> inspect(const history_options& wanted) {
  const auto opened = open_history(wanted.file);
  if (not opened) return opened.error();
  const auto& all = **opened;
  progress shown{all.contents().counts.all_events(), "events"};
  const auto seen = survey(all, [&shown](std::uint64_t events) { shown.show(events, events); });
  shown.clear();
  if (not seen) return read_error(wanted.file, seen.error());
  const history_report report{wanted.file, all, nullptr, 0, *seen};
  wanted.as_json ? print_out("{}\n", json_of(report).dump()) : write_out(text_of(report));
  return exit_done;
}

// export -------------------------------------------------------------------------------------------------------------

/// To a file, which is there whole or not at all, or to stdout.
class csv_target {
public:
  command_result<> open(const history_options& wanted) {
    if (wanted.to.empty() or wanted.to == "-") return {};
    std::error_code ignored;
    if (not wanted.replace and std::filesystem::exists(wanted.to, ignored))
      return command_error{exit_usage, fmt::format("{} is there already: --force replaces it", wanted.to)};
    auto made = file_replacement::open(wanted.to, ".part", 0600);
    if (not made) return command_error{exit_failed, made.error().message};
    file_.emplace(std::move(*made));
    return {};
  }
  /// False: no more is taken.
  bool write(std::string_view bytes) {
    if (not file_) {
      write_out(bytes);
      return flush_out();
    }
    failure_ = file_->write(bytes);
    return failure_.has_value();
  }
  command_result<> finish() {
    if (failure_ and file_) failure_ = file_->commit();
    if (not failure_) return command_error{exit_failed, failure_.error().message};
    return {};
  }

private:
  std::optional<file_replacement> file_;
  result<void> failure_;
};

command_result<int> export_csv(const history_options& wanted) {
  stop_signal::block();
  const stop_signal stop{[] {}};
  if (const auto apart = check_output(wanted); not apart) return apart.error();
  const auto opened = open_history(wanted.file);
  if (not opened) return opened.error();
  csv_target to;
  if (auto done = to.open(wanted); not done) return done.error();
  progress shown{(*opened)->contents().counts.all_events(), "events"};
  std::string text(csv_header);
  const auto visited = visit_blocks(**opened, [&](const history_block& block, std::uint64_t events) {
    for (const auto& who : block.users())
      append_csv(text, who);
    const bool is_taken = to.write(text);
    text.clear();
    shown.show(events, events);
    return is_taken and not stop.came();
  });
  shown.clear();
  if (not visited) return read_error(wanted.file, visited.error());
  if (stop.came()) return int{exit_interrupted};
  (void)to.write(text);
  if (auto done = to.finish(); not done) return done.error();
  return exit_done;
}

// cut ----------------------------------------------------------------------------------------------------------------

/// The policy of --policy, or the one that was live all the time.
command_result<policy> policy_to_cut_under(const history_options& wanted, const history_contents& all) {
  if (not wanted.policy.empty()) {
    const auto preset = preset_text(wanted.policy);
    auto made = loaded(wanted.policy, [&](yaml::diagnostics& out) {
      return preset ? parse_policy(*preset, out) : load_policy(wanted.policy, out);
    });
    if (not made) return command_error{exit_usage, wanted.policy + " is refused"};
    return std::move(*made);
  }
  std::vector<std::string> digests;
  for (const auto& each : all.in_force)
    if (each.slot == "live" and std::find(digests.begin(), digests.end(), each.digest) == digests.end())
      digests.push_back(each.digest);
  if (digests.size() == 1)
    for (const auto& each : all.policies)
      if (each.digest == digests.front())
        if (auto made = parse_canonical(each.text)) return std::move(*made);
  return command_error{exit_usage, fmt::format("the history names {} live policies: say which one by --policy",
                                               digests.empty() ? "no" : "several")};
}

/// Nothing is said of events that stay as they are.
command_result<std::string> reduced(const history_options& wanted, const history_contents& all,
                                    const std::filesystem::path& folder, const stop_signal& stop, cut_user& user) {
  if (not wanted.minimise) return std::string();
  const auto rules = policy_to_cut_under(wanted, all);
  if (not rules) return rules.error();
  const auto before = user.parts.events.size();
  const auto kept = minimise(user, *rules, all, {wanted.decision, folder, [&stop] { return stop.came(); }});
  if (not kept) return command_error{stop.came() ? exit_interrupted : exit_usage, kept.error().message};
  const auto& last = user.parts.events.back();
  return fmt::format("{} events became {}: {} is decided again{}\n", before, user.parts.events.size(), kept->says,
                     kept->at <= last.now
                         ? std::string()
                         : fmt::format(" at {}, which is behind the last event: a case of `fairuse test` can ask then, "
                                       "a replay ends before",
                                       to_time_text(kept->at)));
}

command_result<int> cut(const history_options& wanted) {
  stop_signal::block();
  const stop_signal stop{[] {}};
  if (wanted.minimise != (wanted.decision > 0))
    return command_error{exit_usage, "--minimise and --decision N go together: the user's N-th decision is kept"};
  if (not wanted.policy.empty() and not wanted.minimise)
    return command_error{exit_usage, "--policy says whose decision --minimise keeps"};
  if (const auto apart = check_output(wanted); not apart) return apart.error();
  const auto opened = open_history(wanted.file);
  if (not opened) return opened.error();
  const auto& all = (*opened)->contents();
  const scratch_folder folder(std::filesystem::temp_directory_path(), "fairuse-cut");
  if (folder.path().empty()) return command_error{exit_failed, "no folder for scratch files can be made"};
  cut_user user;
  if (const auto done = read_user(**opened, wanted.user, user); not done)
    return command_error{exit_usage, done.error().message};
  const auto told = reduced(wanted, all, folder.path(), stop, user);
  if (not told) return told.error();
  const bool as_history = wanted.to.ends_with(".history");
  std::error_code ignored;
  if (as_history and not wanted.replace and std::filesystem::exists(wanted.to, ignored))
    return command_error{exit_usage, fmt::format("{} is there already: --force replaces it", wanted.to)};
  if (as_history) {
    if (const auto done = write_user(user, user.parts, all, wanted.to); not done)
      return command_error{exit_failed, done.error().message};
  } else {
    csv_target to;
    if (auto done = to.open(wanted); not done) return done.error();
    (void)to.write(kcat_lines(user, user.parts, all.arrivals_known));
    if (auto done = to.finish(); not done) return done.error();
  }
  tell("{}", *told);
  return exit_done;
}

// Declaration --------------------------------------------------------------------------------------------------------

const CLI::Validator file_or_standard_input{
    [](const std::string& name) { return name == "-" ? std::string() : std::string(CLI::ExistingFile(name)); }, "FILE"};

void declare_pack(CLI::App& app, history_options& wanted) {
  app.add_option("FILE", wanted.files,
                 "NDJSON events, what `kcat -C -J` prints, a CSV, or a capture: known by its first line; - is "
                 "standard input")
      ->check(file_or_standard_input);
  app.add_option("--state", wanted.state, "Instead of FILE: the state folder of a local deployment")
      ->excludes("FILE")
      ->check(CLI::ExistingDirectory);
  app.add_option("-o,--output", wanted.to, "The history to write")->required();
  app.add_flag("--force", wanted.replace, "Replace it if it is there");
  auto* columns = app.add_option(
      "--columns", wanted.columns,
      "What the columns of a CSV hold: uid=NAME,time=NAME,ms=NAME and, if there are, lane=, id=, source=");
  app.add_option("--time-format", wanted.time_format, "Of a CSV: rfc3339, unix (seconds) or unix_ms")
      ->check(CLI::IsMember({"rfc3339", "unix", "unix_ms"}))
      ->needs(columns)
      ->capture_default_str();
  app.add_option("--units", wanted.units, "Of the column ms of a CSV: ms, s or min")
      ->check(CLI::IsMember({"ms", "s", "min"}))
      ->needs(columns)
      ->capture_default_str();
  app.add_option("--labels", wanted.labels,
                 "A CSV with the columns uid and label (legitimate, misuse or exhausted): what is known of users")
      ->check(CLI::ExistingFile);
  app.add_option("--pseudonymise", wanted.key_file,
                 "A file with a key of 16 bytes or more: uids, ids, sources and actors become hashes under it, "
                 "categories numbers; free texts, cases and erased users are left out")
      ->check(CLI::ExistingFile)
      ->type_name("KEYFILE");
  app.add_option("--case-key", wanted.case_key_file,
                 "File with the deployment's case key, by which a checkpoint knows erased users; else "
                 "FAIRUSE_CASE_KEY, else the development key")
      ->check(CLI::ExistingFile);
  app.add_flag("--json", wanted.as_json, "One JSON object instead of the summary");
}

void declare_cut(CLI::App& app, history_options& wanted) {
  app.add_option("FILE", wanted.file, "A history")->required()->check(CLI::ExistingFile);
  app.add_option("--user", wanted.user, "Whose events")->required();
  app.add_option("-o,--output", wanted.to,
                 "The file to write: a history if its name ends so, else lines as `kcat -C -J` prints them; stdout if "
                 "there is none");
  app.add_flag("--force", wanted.replace, "Replace it if it is there");
  app.add_flag("--minimise", wanted.minimise, "As few and as short events as make one decision again");
  app.add_option("--decision", wanted.decision, "Which one: the user's N-th (`fairuse replay --decisions` lists them)")
      ->check(number_between(std::uint32_t{1}, std::uint32_t{1'000'000}))
      ->type_name("N");
  app.add_option("--policy", wanted.policy, "Under this policy, a file or a preset, instead of the one that was live");
}

std::function<int()> declare_history(CLI::App& app) {
  const auto wanted = std::make_shared<history_options>();
  app.require_subcommand(1);
  auto* packing =
      app.add_subcommand("pack", "Sort events of files by user, leave out what counts twice, and write them");
  declare_pack(*packing, *wanted);
  auto* inspecting = app.add_subcommand("inspect", "Show what is in FILE, and read all of it once");
  inspecting->add_option("FILE", wanted->file, "A history")->required()->check(CLI::ExistingFile);
  inspecting->add_flag("--json", wanted->as_json, "One JSON object instead of the text");
  auto* exporting = app.add_subcommand("export", "Write speech and STT events as CSV, one a line");
  exporting->add_option("FILE", wanted->file, "A history")->required()->check(CLI::ExistingFile);
  exporting->add_flag("--csv", wanted->as_csv, "The format")->required();
  exporting->add_option("-o,--output", wanted->to, "The file to write; stdout if there is none");
  exporting->add_flag("--force", wanted->replace, "Replace it if it is there");
  auto* cutting = app.add_subcommand("cut", "Write one user's events, all or as few as make one decision again");
  declare_cut(*cutting, *wanted);
  app.footer(
      "Exit 0: done, 1: the disk or a damaged file, 2: wrong command, no such file, the output is there, or input "
      "that\n"
      "cannot be used, 130: Ctrl-C, and nothing is left. docs/replay.md says more.");
  return [wanted, packing, inspecting, cutting] {
    if (packing->parsed()) return exit_code_of(pack(*wanted));
    if (cutting->parsed()) return exit_code_of(cut(*wanted));
    return exit_code_of(inspecting->parsed() ? inspect(*wanted) : export_csv(*wanted));
  };
}

} // namespace

const command history_command = {
    "history",
    "Pack traffic into a file that policies can be tried on, and look into such files.",
    "fairuse history pack events.ndjson -o month.history\n"
    "kcat -C -J -e -b 127.0.0.1:9092 -t fairuse.events.v1 | fairuse history pack - -o month.history\n"
    "fairuse history pack use.csv --columns uid=user,time=started_at,ms=seconds --units s -o month.history\n"
    "fairuse history pack --state fairuse-state -o month.history\n"
    "fairuse history pack --state fairuse-state --pseudonymise research.key -o shared.history\n"
    "fairuse history inspect month.history\n"
    "fairuse history export month.history --csv -o month.csv\n"
    "fairuse history cut month.history --user u-17 --minimise --decision 1 -o crossing.kcat",
    declare_history,
};

} // namespace fairuse::cli
