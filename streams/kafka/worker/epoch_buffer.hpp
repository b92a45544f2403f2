// SPDX-License-Identifier: Apache-2.0
//
// What one partition will hold in its next epoch: records as they came, and what they decoded to. Keeps the records
// until the epoch is over, because a dead letter of an event that core refuses has its original bytes.
// Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/epoch.hpp"
#include "events/wire.hpp"
#include "storage/partition_meta.hpp"
#include "streams/committed_user.hpp"
#include "streams/kafka/broker/cluster.hpp"
#include "streams/kafka/outputs/outputs.hpp"
#include "streams/kafka/worker/engine_rules.hpp"

namespace fairuse::kafka {

class epoch_buffer {
public:
  /// Keys are checked against `partition` of `count`.
  epoch_buffer(partition_function partition_of, std::int32_t partition, std::int32_t count)
    : partition_of_(partition_of), partition_(partition), count_(count) {}

  /// Record `index` of a batch, of input number `input`: an event, a command to all users or a dead letter.
  void add(const std::shared_ptr<const record_batch>& batch, std::size_t index, std::uint32_t input);

  /// Order by input, then by offset: the order in which records of several inputs came is random, and a replay cannot
  /// repeat it. Call before the epoch is run.
  void put_in_order();

  bool empty() const { return records_ == 0; }
  std::size_t records() const { return records_; }
  std::size_t bytes() const { return bytes_; }
  /// In input order.
  std::span<const addressed_event> events() const { return events_; }
  std::span<const event> commands() const { return commands_; }
  /// Under which leases STT was used; what was refused was not. `refused`: as dead_letters() tells it.
  std::vector<lease_use> leases_used(std::span<const refused_input> refused) const;

  /// The dead letters of the epoch: by the wire and by the partition check, then what core refused, then promotions
  /// that are impossible, each in input order.
  void dead_letters(const epoch_result& decided, std::vector<dead_record>& out,
                    std::vector<refused_input>& places) const;
  /// Most of the first 1,000 records that were read here belong elsewhere.
  bool has_foreign_keys() const;

  void clear();

private:
  struct source {
    std::uint32_t batch;
    std::uint32_t record;
    std::uint32_t input;
  };
  struct refused_record {
    source from;
    refused why;
  };
  struct leased_record {
    std::uint32_t input;
    std::int64_t offset;
    lease_use what;
  };
  result<wire_event, refused> decode(const record_batch& batch, std::size_t index);
  bool belongs_here(const record& what, std::string_view subject);
  dead_record dead_letter(const source& from, refusal why, std::string_view place, std::string note) const;

  partition_function partition_of_;
  std::int32_t partition_;
  std::int32_t count_;
  wire_decoder decoder_;
  event_arena arena_;
  std::vector<std::shared_ptr<const record_batch>> batches_;
  std::vector<addressed_event> events_;
  /// Where events_[i] came from.
  std::vector<source> sources_;
  std::vector<event> commands_;
  std::vector<leased_record> leases_;
  std::vector<source> command_sources_;
  std::vector<refused_record> refused_;
  std::uint32_t last_input_ = 0;
  /// A record came behind one of a later input.
  bool mixed_ = false;
  std::size_t records_ = 0;
  std::size_t bytes_ = 0;
  std::size_t foreign_keys_ = 0;
  std::size_t looked_at_ = 0;
};

} // namespace fairuse::kafka
