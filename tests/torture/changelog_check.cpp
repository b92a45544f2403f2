// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "storage/partition_store.hpp"
#include "tests/torture/evidence.hpp"

namespace fairuse::torture {

namespace {

using state_rows = std::map<std::string, std::string>;

void fold(const stored_record& from, state_rows& into) {
  if (*from.key == partition_meta_key()) return;
  if (from.value)
    into[*from.key] = *from.value;
  else
    into.erase(*from.key);
}

/// The rows of one epoch, up to its meta record.
class epochs_of_changelog {
public:
  epochs_of_changelog(std::size_t partition, const std::vector<epoch_record>& epochs, findings& out)
    : partition_(partition), epochs_(epochs), out_(out) {}

  void take(const stored_record& each) {
    if (not each.key) return out_.fail(fmt::format("changelog [{}] {}: no key", partition_, each.offset));
    if (*each.key == partition_meta_key()) return take_meta(each);
    digest_.add(*each.key);
    each.value ? digest_.add(*each.value) : digest_.add_null();
    ++rows_;
  }

  void end() const {
    if (rows_ != 0 or at_ != epochs_.size())
      out_.fail(fmt::format("partition {}: the changelog ends in epoch {} after {} rows, the journal has {} epochs",
                            partition_, at_, rows_, epochs_.size()));
  }

private:
  void take_meta(const stored_record& each) {
    const auto digest = digest_.finish();
    const auto rows = std::exchange(rows_, 0);
    const auto where = fmt::format("changelog [{}] {}", partition_, each.offset);
    const auto meta = decode_partition_meta(each.value.value_or(""));
    if (not meta) return out_.fail(where + ": the meta record does not decode");
    if (at_ >= epochs_.size()) return out_.fail(fmt::format("{}: epoch {} is not in the journal", where, meta->epoch));
    const auto& record = epochs_[at_++];
    if (meta->epoch != record.epoch or meta->now != record.now or meta->chain != record.chain)
      out_.fail(fmt::format("{}: the meta record of epoch {} is not that of the journal's epoch {}", where, meta->epoch,
                            record.epoch));
    if (rows != record.rows or digest != record.rows_digest)
      out_.fail(fmt::format("{}: {} rows in epoch {}, the journal says {}, or their digests differ", where, rows,
                            meta->epoch, record.rows));
    for (const auto& range : record.inputs)
      if (range.topic >= meta->inputs.size() or meta->inputs[range.topic].next != range.next)
        out_.fail(fmt::format("{}: epoch {} has other inputs than the journal", where, meta->epoch));
    out_.counts["changelog_rows"] += rows;
  }

  std::size_t partition_;
  const std::vector<epoch_record>& epochs_;
  findings& out_;
  piece_digest digest_{piece_digest::kind::xxh3_128};
  std::uint64_t rows_ = 0;
  std::size_t at_ = 0;
};

void compare(const state_rows& wanted, const state_rows& got, const std::string& where, findings& out) {
  std::size_t missing = 0;
  std::size_t other = 0;
  for (const auto& [key, value] : wanted) {
    const auto found = got.find(key);
    missing += found == got.end() ? 1 : 0;
    other += found != got.end() and found->second != value ? 1 : 0;
  }
  const auto common = wanted.size() - missing;
  if (missing != 0 or other != 0 or got.size() != common)
    out.fail(fmt::format("{}: {} rows are missing, {} are different and {} too many, of {}", where, missing, other,
                         got.size() - common, wanted.size()));
  out.counts["store_rows"] += got.size();
}

void check_store(const evidence& from, std::size_t partition, const std::filesystem::path& folder, bool& current,
                 std::uint64_t last, findings& out) {
  const auto opened = partition_store::open(
      folder, {.case_key = from.case_key, .usage_retention_ms = from.deployment.settings.retention.usage_ms});
  if (not opened) return out.fail(folder.filename().string() + ": " + opened.error().message);
  const auto& store = **opened;
  const auto& meta = store.meta();
  // A restore that was cut off has a part of the changelog; the next takeover completes it.
  if (not meta or meta->restoring) return;
  const auto where = fmt::format("store {} of partition {} at epoch {}",
                                 folder.parent_path().parent_path().filename().string(), partition, meta->epoch);
  current = current or meta->epoch == last;
  state_rows wanted;
  for (const auto& each : from.changelog[partition].records) {
    if (each.offset >= meta->changelog_next) break;
    if (each.key) fold(each, wanted);
  }
  state_rows got;
  const auto read = store.each_row([&got](const state_row& row) { got.emplace(row.key, row.value.value_or("")); });
  if (not read) return out.fail(where + ": " + read.error().message);
  compare(wanted, got, where, out);
  ++out.counts["stores"];
}

} // namespace

void check_changelog(const evidence& from, std::size_t partition, const std::vector<epoch_record>& epochs,
                     findings& out) {
  epochs_of_changelog walk(partition, epochs, out);
  for (const auto& each : from.changelog[partition].records)
    walk.take(each);
  walk.end();
  if (from.states.empty() or epochs.empty()) return;
  bool current = false;
  for (const auto& state : from.states)
    for (const auto& entry : std::filesystem::directory_iterator(state)) {
      const auto folder = entry.path() / fmt::format("p{:05}", partition);
      if (entry.is_directory() and std::filesystem::exists(folder))
        check_store(from, partition, folder, current, epochs.back().epoch, out);
    }
  if (not current)
    out.fail(fmt::format("partition {}: no store is at the last epoch, {}", partition, epochs.back().epoch));
}

} // namespace fairuse::torture
