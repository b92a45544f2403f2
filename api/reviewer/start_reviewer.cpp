// SPDX-License-Identifier: Apache-2.0

#include "api/reviewer/start_reviewer.hpp"

#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "api/reviewer/access.hpp"
#include "api/reviewer/kafka_requests.hpp"
#include "api/reviewer/local_requests.hpp"
#include "api/reviewer/prompts.hpp"
#include "base/system/files.hpp"
#include "engine/clocks.hpp"
#include "engine/kafka_options.hpp"
#include "streams/local/spool.hpp"

namespace fairuse {

namespace {

/// Names of the host and of the process's start, so that reviewers do not try again in step.
std::uint64_t seed_of_process() {
  return static_cast<std::uint64_t>(wall_clock_ms()) ^ (std::uint64_t(::getpid()) << 40U);
}

/// The endpoint of a reviewer that answers from recordings.
constexpr const char* nobody = "https://nobody.invalid";

run_error refusal_from(const error& why) { return {run_fault::refused, why.message}; }

run_result<std::unique_ptr<review_source>> kafka_source(const deployment& settings, const reviewer_setup& setup,
                                                        std::unique_ptr<kafka::cluster>& brokers) {
  const auto& from = settings.kafka;
  const auto instance = instance_of(from, setup.variable(instance_variable), host_name());
  if (not instance) return refusal_from(instance.error());
  auto made = open_brokers(from, setup.log);
  if (not made) return std::move(made.error());
  brokers = std::move(*made);
  auto source = kafka_requests::open({.group = reviewer_group(from),
                                      .instance = fmt::format("{}.{}", reviewer_group(from), *instance),
                                      .requests = from.outputs.review_requests,
                                      .enforcement = from.outputs.enforcement,
                                      .input = from.inputs.front(),
                                      .log = setup.log},
                                     *brokers);
  if (not source) return run_error{run_fault::failed, source.error().message};
  return std::unique_ptr<review_source>(std::move(*source));
}

run_result<std::unique_ptr<review_source>> local_source_of(const reviewer_setup& setup) {
  auto source = local_requests::open(setup.state);
  if (not source) return refusal_from(source.error());
  // A verdict that cannot be kept would be paid again at every start.
  for (const auto& folder : {spool_folder(setup.state), setup.state / "reviewer"})
    if (const auto good = check_writable(folder); not good)
      return run_error{run_fault::failed, "verdicts could not be kept: " + good.error().message};
  return std::unique_ptr<review_source>(std::move(*source));
}

} // namespace

run_result<review_caller_options> caller_options_of(const deployment& settings, const reviewer_setup& setup) {
  review_caller_options options{.settings = settings.reviewer,
                                .record = setup.record,
                                .play = setup.play,
                                .seed = seed_of_process(),
                                .log = setup.log};
  // Recordings are found by the model's name, so its variable counts there, too.
  if (not setup.play.empty() and options.settings.endpoint.empty()) options.settings.endpoint = nobody;
  auto access = find_access(options.settings, setup.variable);
  if (not access) return refusal_from(access.error());
  for (const auto& note : access->notes)
    setup.log(log_level::info, note);
  options.settings = std::move(access->settings);
  options.key = std::move(access->key);
  auto prompts = load_prompts(options.settings.prompts, options.settings.prompt_version);
  if (not prompts) return refusal_from(prompts.error());
  options.prompts = std::move(*prompts);
  return options;
}

run_result<started_reviewer> start_reviewer(const deployment& settings, const reviewer_setup& setup) {
  const bool local = settings.streams == stream_kind::local;
  auto calling = caller_options_of(settings, setup);
  if (not calling) return calling.error();
  std::unique_ptr<kafka::cluster> brokers;
  auto source = local ? local_source_of(setup) : kafka_source(settings, setup, brokers);
  if (not source) return source.error();
  const auto folder = local ? setup.state / "reviewer" : setup.state;
  auto lock = folder_lock::take(folder);
  if (not lock) return run_error{run_fault::failed, lock.error().message};
  calling->limits_file = folder / "limits";
  setup.log(log_level::info,
            fmt::format("model {} at {}, prompts {}, {} at a time, state in {}", calling->settings.model,
                        setup.play.empty() ? calling->settings.endpoint : setup.play.string(), calling->prompts.version,
                        calling->settings.concurrency, folder.string()));
  auto made = reviewer::make({.calling = std::move(*calling),
                              .listen = settings.reviewer.listen,
                              .until_end = setup.until_end,
                              .clock = wall_clock_ms,
                              .log = setup.log},
                             std::move(*source));
  if (not made) return made.error();
  return started_reviewer{std::move(*lock), std::move(brokers), std::move(*made)};
}

} // namespace fairuse
