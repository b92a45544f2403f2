// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol/seeds.hpp"

#include "tests/protocol/committed_log.hpp"
#include "tests/protocol/independent_model.hpp"
#include "tests/protocol/replay.hpp"

namespace fairuse::protocol {

namespace {

/// Through a file everything is made once more.
constexpr std::uint64_t captures_every = 10;

} // namespace

void check_outcome(fixture& in, const std::function<const std::filesystem::path*(std::int32_t)>& folder_of,
                   run_result& made) {
  check_ids(in);
  for (std::int32_t p = 0; p < in.settings.partitions; ++p) {
    const auto log = read_committed_log(in, p);
    const auto* folder = folder_of(p);
    if (folder == nullptr) throw broken_invariant("I8: no process owns partition " + std::to_string(p));
    check_store(in, log, *folder);
    check_replay(in, log);
    if (not in.settings.promotes) check_decisions(in, log);
    made.epochs += log.epochs.size();
    made.decisions += in.log.records({in.topics.decisions, p}, kafka::isolation::committed).size();
    for (const auto& each : log.epochs)
      for (const auto& range : each.record.inputs)
        made.records += range.count;
  }
  if (in.settings.seed % captures_every == 0) check_capture(in);
}

run_result run_seed(const run_settings& settings) {
  run_result made;
  fixture in(settings);
  cluster_simulation simulation(in);
  try {
    simulation.run();
    check_outcome(
        in, [&](std::int32_t p) { return simulation.folder_of(p); }, made);
  } catch (const broken_invariant& broken) {
    made.wrong = broken.what();
    made.trace = in.trace();
  }
  made.counts = simulation.counts();
  return made;
}

} // namespace fairuse::protocol
