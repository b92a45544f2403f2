# SPDX-License-Identifier: Apache-2.0
#
# The guards of the commit protocol, a row each:
#
#   guard(name  source  [[text of the source]]  [[the text with the guard behind a switch]])
#
# A text has to stand in its source exactly once. {gone} is true while a test has taken the guard away
# (removed_guard.hpp). Rows of the same name are taken away together. guards_test.cpp holds a scenario for each name.

# Rows that RocksDB does not have yet are read before those that it has.
guard("pending rows are read"
      storage/partition_store.cpp
      [[if (draining) all.]]
      [[if (draining and not {gone}) all.]])
guard("pending rows are read"
      storage/partition_store.cpp
      [[if (filling.rows.size() > 0) all.]]
      [[if (filling.rows.size() > 0 and not {gone}) all.]])

# E7, G12: an epoch of timers alone repeats its offsets, so that the group refuses a zombie.
guard("offsets in every transaction"
      streams/kafka/worker/kafka_worker.cpp
      [[auto done = producer_->send_offsets(]]
      [[const auto has_records = [](const partition_shard* each) { return each->records() > 0; };
  if ({gone} and std::none_of(which.begin(), which.end(), has_records)) offsets.clear();
  auto done = producer_->send_offsets(]])

# E9: rows may go into the store when their epoch is committed.
guard("the store is written after the commit"
      streams/kafka/worker/kafka_worker.cpp
      [[std::vector<committed_offset> offsets;]]
      [[if ({gone})
    for (auto* each : which) {
      each->keep_rows(*producer_);
      each->store().write_behind();
    }
  std::vector<committed_offset> offsets;]])

# G13: a request of a transaction that did not go through at once must not meet the next one.
guard("a new producer after a doubtful commit"
      streams/kafka/worker/kafka_worker.cpp
      [[if (not doubtful) return;]]
      [[if (not doubtful or {gone}) return;]])
guard("a new producer after a doubtful abort"
      streams/kafka/worker/kafka_worker_recovery.cpp
      [[if (not aborted or producer_->had_errors())]]
      [[if (not aborted or (producer_->had_errors() and not {gone}))]])

# S5: the changelog is restored up to its end, not up to its last stable offset.
guard("the changelog is restored up to its end"
      streams/kafka/worker/takeover.cpp
      [[range(changelog(), isolation::uncommitted)]]
      [[range(changelog(), {gone} ? isolation::committed : isolation::uncommitted)]])

# What an aborted epoch took is fetched again.
guard("records are fetched again after an abort"
      streams/kafka/worker/partition_shard.cpp
      [[inputs_[i].next = meta_.inputs[i].next;
    inputs_[i].count]]
      [[if (not {gone}) inputs_[i].next = meta_.inputs[i].next;
    inputs_[i].count]])

# A gap in the offsets is believed only when it is there a second time.
guard("a gap is fetched twice"
      streams/kafka/worker/partition_shard.cpp
      [[if (state.suspected != what.offset)]]
      [[if (state.suspected != what.offset and not {gone})]])
