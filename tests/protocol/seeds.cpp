// SPDX-License-Identifier: Apache-2.0
#include "tests/protocol/seeds.hpp"

#include "tests/protocol/history.hpp"
#include "tests/protocol/independent.hpp"
#include "tests/protocol/replay.hpp"

namespace fairuse::protocol {

namespace {

/// Through a file everything is made once more.
constexpr std::uint64_t captures_every = 10;

} // namespace

void check_outcome(world& in, const std::function<const std::filesystem::path*(std::int32_t)>& folder_of,
                   verdict& made) {
  check_ids(in);
  for (std::int32_t p = 0; p < in.how.partitions; ++p) {
    const auto told = read_history(in, p);
    const auto* folder = folder_of(p);
    if (folder == nullptr) throw broken_promise("I8: nobody owns partition " + std::to_string(p));
    check_store(in, told, *folder);
    check_replay(in, told);
    if (not in.how.promotes) check_decisions(in, told);
    made.epochs += told.epochs.size();
    made.decisions += in.log.records({in.topics.decisions, p}, kafka::isolation::committed).size();
    for (const auto& each : told.epochs)
      for (const auto& range : each.record.inputs)
        made.records += range.count;
  }
  if (in.how.seed % captures_every == 0) check_capture(in);
}

verdict play_seed(const setting& how) {
  verdict made;
  world in(how);
  theatre stage(in);
  try {
    stage.play();
    check_outcome(
        in, [&](std::int32_t p) { return stage.folder_of(p); }, made);
  } catch (const broken_promise& broken) {
    made.wrong = broken.what();
    made.diary = in.diary();
  }
  made.counts = stage.counts();
  return made;
}

} // namespace fairuse::protocol
