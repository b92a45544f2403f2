// SPDX-License-Identifier: Apache-2.0
#include "storage/partition_meta.hpp"

#include <algorithm>

#include <xxhash.h>

#include "base/system/sha256.hpp"
#include "storage/bytes.hpp"
#include "storage/journal.hpp"
#include "storage/message_bytes.hpp"
#include "storage/rows.pb.h"

namespace fairuse {

namespace {

constexpr std::uint32_t record_version_known = 0;

/// Controls are a message of their own with one reader and one writer, in journal.cpp.
void put_controls(const stored_controls& from, row::controls& to) { to.ParseFromString(encode_controls(from)); }

bool take_controls(const row::controls& from, stored_controls& to) {
  const auto read = decode_controls(bytes_of(from));
  if (read) to = *read;
  return read.has_value();
}

void put_range(const input_range& from, row::input_range& to) {
  to.set_topic(from.topic);
  to.set_from(from.from);
  to.set_next(from.next);
  to.set_count(from.count);
}

input_range range_of(const row::input_range& from) { return {from.topic(), from.from(), from.next(), from.count()}; }

void put_setup(const partition_setup& from, row::partition_setup& to) {
  for (const auto& topic : from.topics)
    to.add_topics(topic);
  to.set_partition(from.partition);
  to.set_partitions(from.partitions);
  to.set_source(from.source);
  to.set_usage_retention_ms(from.usage_retention_ms);
  to.set_decision_retention_ms(from.decision_retention_ms);
  to.set_horizon_ms(from.horizon_ms);
  to.set_profiles(from.profiles);
  to.set_partitioner(from.partitioner);
  to.set_key_check(from.key_check);
  to.set_program(from.program);
  put_controls(from.controls, *to.mutable_controls());
  to.set_dead_letter_bytes_max(from.dead_letter_bytes_max);
  to.set_rules(from.rules);
}

std::optional<partition_setup> setup_of(const row::partition_setup& from) {
  partition_setup to;
  for (const auto& topic : from.topics())
    to.topics.push_back(topic);
  to.partition = from.partition();
  to.partitions = from.partitions();
  to.source = from.source();
  to.usage_retention_ms = from.usage_retention_ms();
  to.decision_retention_ms = from.decision_retention_ms();
  to.horizon_ms = from.horizon_ms();
  to.profiles = from.profiles();
  to.partitioner = from.partitioner();
  to.key_check = from.key_check();
  to.program = from.program();
  to.dead_letter_bytes_max = from.dead_letter_bytes_max();
  to.rules = std::max(from.rules(), 1U);
  if (not take_controls(from.controls(), to.controls)) return std::nullopt;
  return to;
}

void put_record(const epoch_record& from, row::epoch_record& to) {
  to.set_epoch(from.epoch);
  to.set_now(from.now);
  for (const auto& each : from.inputs)
    put_range(each, *to.add_inputs());
  for (const auto& each : from.refused) {
    auto& refused = *to.add_refused();
    refused.set_topic(each.topic);
    refused.set_offset(each.offset);
    refused.set_why(static_cast<std::uint32_t>(each.why));
    refused.set_place(each.place);
  }
  for (const auto& each : from.skipped)
    put_range(each, *to.add_skipped());
  if (from.setup) put_setup(*from.setup, *to.mutable_setup());
  if (from.timers_max != UINT64_MAX) to.set_timers_max(from.timers_max);
  to.set_outputs(from.outputs);
  to.set_outputs_digest(from.outputs_digest);
  to.set_rows(from.rows);
  to.set_rows_digest(from.rows_digest);
}

std::string chain_after(std::string_view before, std::string_view block) {
  std::string both(before);
  both.append(block);
  return std::string(as_bytes(sha256(both)));
}

} // namespace

std::string encode_partition_meta(const partition_meta& meta, bool of_store) {
  row::partition_meta message;
  message.set_schema(schema_known);
  message.set_epoch(meta.epoch);
  message.set_now(meta.now);
  for (const auto& [topic, next] : meta.inputs) {
    auto& to = *message.add_inputs();
    to.set_topic(topic);
    to.set_next(next);
  }
  message.set_chain(meta.chain);
  message.set_cluster(meta.cluster);
  message.set_partitions(meta.partitions);
  if (meta.partition) message.set_partition(*meta.partition);
  put_controls(meta.controls, *message.mutable_controls());
  for (const auto& [name, value] : meta.settings) {
    auto& to = *message.add_settings();
    to.set_name(name);
    to.set_value(value);
  }
  message.set_key_check(meta.key_check);
  if (of_store) {
    message.set_changelog_next(meta.changelog_next);
    message.set_saved_at(meta.saved_at);
    message.set_restoring(meta.restoring);
  }
  return bytes_of(message);
}

result<partition_meta, meta_fault> decode_partition_meta(std::string_view row) {
  row::partition_meta message;
  partition_meta to;
  if (not parse(row, message)) return meta_fault::damaged;
  if (message.schema() > schema_known) return meta_fault::newer;
  if (message.schema() == 0 or not take_controls(message.controls(), to.controls)) return meta_fault::damaged;
  to.epoch = message.epoch();
  to.now = message.now();
  for (const auto& from : message.inputs())
    to.inputs.push_back({from.topic(), from.next()});
  to.chain = message.chain();
  to.cluster = message.cluster();
  to.partitions = message.partitions();
  if (message.has_partition()) to.partition = message.partition();
  for (const auto& from : message.settings())
    to.settings[from.name()] = from.value();
  to.key_check = message.key_check();
  if (message.has_changelog_next()) to.changelog_next = message.changelog_next();
  to.saved_at = message.saved_at();
  to.restoring = message.restoring();
  return to;
}

std::string encode_epoch_record(epoch_record& record, std::string_view chain_before) {
  row::epoch_record block;
  put_record(record, block);
  row::journal_row whole;
  whole.set_block(bytes_of(block));
  record.chain = chain_after(chain_before, whole.block());
  whole.set_chain(record.chain);
  return bytes_of(whole);
}

std::optional<epoch_record> decode_epoch_record(std::string_view row) {
  row::journal_row whole;
  row::epoch_record message;
  if (not parse(row, whole) or not parse(whole.block(), message) or message.version() > record_version_known)
    return std::nullopt;
  epoch_record to;
  to.epoch = message.epoch();
  to.now = message.now();
  for (const auto& each : message.inputs())
    to.inputs.push_back(range_of(each));
  for (const auto& each : message.refused()) {
    if (each.why() >= refusal_count) return std::nullopt;
    to.refused.push_back({each.topic(), each.offset(), static_cast<refusal>(each.why()), each.place()});
  }
  for (const auto& each : message.skipped())
    to.skipped.push_back(range_of(each));
  if (message.has_setup()) {
    to.setup = setup_of(message.setup());
    if (not to.setup) return std::nullopt;
  }
  if (message.has_timers_max()) to.timers_max = message.timers_max();
  to.outputs = message.outputs();
  to.outputs_digest = message.outputs_digest();
  to.rows = message.rows();
  to.rows_digest = message.rows_digest();
  to.chain = whole.chain();
  return to;
}

bool follows(std::string_view row, std::string_view chain_before) {
  row::journal_row whole;
  return parse(row, whole) and chain_after(chain_before, whole.block()) == whole.chain();
}

struct piece_digest::state {
  kind how;
  running_sha256 sha;
  XXH3_state_t* xxh = XXH3_createState();

  explicit state(kind of) : how(of) { XXH3_128bits_reset(xxh); }
  ~state() { XXH3_freeState(xxh); }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  void feed(std::string_view bytes) {
    if (how == kind::sha256)
      sha.add(bytes);
    else
      XXH3_128bits_update(xxh, bytes.data(), bytes.size());
  }
};

piece_digest::piece_digest(kind how) : state_(std::make_unique<state>(how)) {}
piece_digest::~piece_digest() = default;

void piece_digest::add(std::string_view piece) {
  std::string size;
  append_big_endian(size, static_cast<std::uint32_t>(piece.size()));
  state_->feed(size);
  state_->feed(piece);
}

void piece_digest::add_null() { state_->feed("\xFF\xFF\xFF\xFF"); }

std::string piece_digest::finish() {
  std::string out;
  if (state_->how == kind::sha256) {
    out = as_bytes(state_->sha.finish());
    state_->sha.restart();
  } else {
    const auto hash = XXH3_128bits_digest(state_->xxh);
    append_big_endian(out, static_cast<std::uint64_t>(hash.high64));
    append_big_endian(out, static_cast<std::uint64_t>(hash.low64));
    XXH3_128bits_reset(state_->xxh);
  }
  return out;
}

} // namespace fairuse
