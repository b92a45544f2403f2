// SPDX-License-Identifier: Apache-2.0
#include "storage/journal.hpp"

#include <algorithm>

#include <xxhash.h>
#include <zstd.h>

#include "core/rules.hpp"
#include "storage/bytes.hpp"
#include "storage/message_bytes.hpp"
#include "storage/rows.pb.h"

namespace fairuse {

namespace {

constexpr std::uint32_t journal_version_known = 0;
/// Lines are alike, so the fastest level already packs them to a tenth.
constexpr int zstd_level = 1;
/// A commit is bounded by 64 MiB of input and one line more; far above that, a length is damage.
constexpr std::uint64_t input_bytes_max = std::uint64_t{1} << 30;

void write_controls(const stored_controls& from, row::controls& to) {
  to.set_enabled(from.enabled);
  to.set_killed(from.killed);
  to.set_live(from.live);
  for (const auto& shadow : from.shadows)
    to.add_shadows(shadow);
}

stored_controls read_controls(const row::controls& from) {
  stored_controls to{from.enabled(), from.killed(), from.live(), {}};
  to.shadows.assign(from.shadows().begin(), from.shadows().end());
  return to;
}

bool to_refusal(std::uint32_t value, refusal& out) {
  if (value >= refusal_count) return false;
  out = static_cast<refusal>(value);
  return true;
}

bool to_digest(const std::string& from, sha256_hash& to) {
  if (from.size() != to.size()) return false;
  std::copy(from.begin(), from.end(), to.begin());
  return true;
}

} // namespace

std::size_t commit_log::bytes() const {
  return input.size() + decision_bytes.size() + nows.size() * sizeof(time_ms)
         + dead_letters.size() * sizeof(dead_letter_row);
}

void commit_log::clear() {
  first_epoch = 0;
  nows.clear();
  lines.clear();
  input.clear();
  decisions.clear();
  decision_bytes.clear();
  dead_letters.clear();
}

std::string encode_controls(const stored_controls& controls) {
  row::controls message;
  write_controls(controls, message);
  return bytes_of(message);
}

std::uint64_t controls_hash(std::string_view encoded) { return XXH3_64bits(encoded.data(), encoded.size()); }

std::optional<stored_controls> decode_controls(std::string_view row) {
  row::controls message;
  if (not parse(row, message) or message.version() > journal_version_known) return std::nullopt;
  return read_controls(message);
}

std::string encode_meta(const store_meta& meta, const commit_head& head, std::string_view key_check) {
  row::meta message;
  message.set_schema(schema_known);
  message.set_commit(head.commit);
  message.set_epoch(meta.epoch);
  message.set_now(meta.now);
  message.set_chain(std::string(as_bytes(head.chain)));
  for (const auto& from : meta.inputs) {
    auto& to = *message.add_inputs();
    to.set_input(from.input);
    to.set_bytes_read(from.bytes);
    to.set_lines(from.lines);
    to.set_fingerprint(from.fingerprint);
  }
  write_controls(meta.controls, *message.mutable_controls());
  for (const auto& [name, value] : meta.settings) {
    auto& to = *message.add_settings();
    to.set_name(name);
    to.set_value(value);
  }
  message.set_key_check(std::string(key_check));
  if (head.input_floor != INT64_MIN) message.set_input_floor(head.input_floor);
  if (head.decision_floor != INT64_MIN) message.set_decision_floor(head.decision_floor);
  return bytes_of(message);
}

std::optional<decoded_meta> decode_meta(std::string_view row) {
  row::meta message;
  decoded_meta to;
  if (not parse(row, message) or not to_digest(message.chain(), to.head.chain)) return std::nullopt;
  to.schema = message.schema();
  to.head.commit = message.commit();
  to.meta.epoch = message.epoch();
  to.meta.now = message.now();
  for (const auto& from : message.inputs())
    to.meta.inputs.push_back({from.input(), from.bytes_read(), from.lines(), from.fingerprint()});
  to.meta.controls = read_controls(message.controls());
  for (const auto& from : message.settings())
    to.meta.settings[from.name()] = from.value();
  to.key_check = message.key_check();
  if (message.has_input_floor()) to.head.input_floor = message.input_floor();
  if (message.has_decision_floor()) to.head.decision_floor = message.decision_floor();
  return to;
}

sha256_hash chained(const sha256_hash& before, std::string_view block) {
  std::string both(as_bytes(before));
  both.append(block);
  return sha256(both);
}

std::string digest_of_input(std::string_view lines) {
  const auto hash = XXH3_128bits(lines.data(), lines.size());
  std::string bytes;
  append_big_endian(bytes, static_cast<std::uint64_t>(hash.high64));
  append_big_endian(bytes, static_cast<std::uint64_t>(hash.low64));
  return bytes;
}

std::string encode_journal(const commit_log& log, commit_head& before) {
  row::journal_block message;
  message.set_commit(before.commit + 1);
  message.set_first_epoch(log.first_epoch);
  time_ms last = 0;
  for (const auto now : log.nows) {
    message.add_now_steps(now - last);
    last = now;
  }
  message.mutable_lines()->Assign(log.lines.begin(), log.lines.end());
  for (const auto& [place, dead_letter] : log.dead_letters) {
    auto& to = *message.add_refusals();
    to.set_commit_line(dead_letter.commit_line);
    to.set_why(static_cast<std::uint32_t>(dead_letter.why));
    to.set_place(dead_letter.place);
  }
  message.set_controls(controls_hash(encode_controls(log.controls)));
  message.set_decisions(log.decisions.size());
  message.set_decision_digest(std::string(as_bytes(sha256(log.decision_bytes))));
  if (not log.input.empty()) message.set_input_digest(digest_of_input(log.input));
  message.set_rules(decision_rules);
  row::journal_row to;
  to.set_block(bytes_of(message));
  before.chain = chained(before.chain, to.block());
  ++before.commit;
  to.set_chain(std::string(as_bytes(before.chain)));
  return bytes_of(to);
}

std::optional<decoded_journal> decode_journal(std::string_view row) {
  row::journal_row outer;
  row::journal_block message;
  decoded_journal to;
  if (not parse(row, outer) or not to_digest(outer.chain(), to.chain) or not parse(outer.block(), message)
      or message.version() > journal_version_known or message.now_steps_size() != message.lines_size())
    return std::nullopt;
  to.block = outer.block();
  to.commit.number = message.commit();
  to.commit.chain = outer.chain();
  to.commit.decisions = message.decisions();
  to.commit.decision_digest = message.decision_digest();
  to.commit.rules = std::max(message.rules(), 1U);
  time_ms now = 0;
  for (int i = 0; i < message.lines_size(); ++i) {
    now += message.now_steps(i);
    to.commit.epochs.push_back({message.first_epoch() + static_cast<std::uint64_t>(i), now, message.lines(i)});
  }
  for (const auto& from : message.refusals()) {
    auto& made = to.commit.refusals.emplace_back();
    made.commit_line = from.commit_line();
    made.place = from.place();
    if (not to_refusal(from.why(), made.why)) return std::nullopt;
  }
  to.controls = message.controls();
  to.input_digest = message.input_digest();
  return to;
}

std::string encode_dead_letter(const dead_letter& dead_letter) {
  row::dead_letter message;
  message.set_why(static_cast<std::uint32_t>(dead_letter.why));
  message.set_place(dead_letter.place);
  message.set_input(dead_letter.input);
  message.set_line(dead_letter.line);
  message.set_commit_line(dead_letter.commit_line);
  message.set_original(dead_letter.bytes);
  message.set_note(dead_letter.note);
  return bytes_of(message);
}

std::optional<dead_letter> decode_dead_letter(std::string_view row) {
  row::dead_letter message;
  dead_letter to;
  if (not parse(row, message) or message.version() > journal_version_known or not to_refusal(message.why(), to.why))
    return std::nullopt;
  to.place = message.place();
  to.input = message.input();
  to.line = message.line();
  to.commit_line = message.commit_line();
  to.bytes = message.original();
  to.note = message.note();
  return to;
}

input_packer::input_packer() : context_(ZSTD_createCCtx()) {
  auto* context = static_cast<ZSTD_CCtx*>(context_);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, zstd_level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
}

input_packer::~input_packer() { ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(context_)); }

std::string input_packer::pack(std::string_view lines) {
  row::input_block message;
  message.set_raw_bytes(lines.size());
  auto& packed = *message.mutable_packed();
  packed.resize(ZSTD_compressBound(lines.size()));
  packed.resize(
      ZSTD_compress2(static_cast<ZSTD_CCtx*>(context_), packed.data(), packed.size(), lines.data(), lines.size()));
  return bytes_of(message);
}

std::optional<std::string> unpack_input(std::string_view row) {
  row::input_block message;
  if (not parse(row, message) or message.version() > journal_version_known or message.raw_bytes() > input_bytes_max)
    return std::nullopt;
  std::string lines(message.raw_bytes(), '\0');
  const auto size = ZSTD_decompress(lines.data(), lines.size(), message.packed().data(), message.packed().size());
  return ZSTD_isError(size) == 0 and size == lines.size() ? std::optional(std::move(lines)) : std::nullopt;
}

} // namespace fairuse
