// SPDX-License-Identifier: Apache-2.0
#include "storage/journal.hpp"

#include <algorithm>

#include <xxhash.h>
#include <zstd.h>

#include "storage/bytes.hpp"
#include "storage/message_bytes.hpp"
#include "storage/rows.pb.h"

namespace fairuse {

namespace {

constexpr std::uint32_t version_known = 0;
/// Lines look alike, so the fastest level already makes a tenth of them.
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
  row::controls m;
  write_controls(controls, m);
  return bytes_of(m);
}

std::uint64_t controls_hash(std::string_view encoded) { return XXH3_64bits(encoded.data(), encoded.size()); }

std::optional<stored_controls> decode_controls(std::string_view row) {
  row::controls m;
  if (not parse(row, m) or m.version() > version_known) return std::nullopt;
  return read_controls(m);
}

std::string encode_meta(const store_meta& meta, const commit_head& head, std::string_view key_check) {
  row::meta m;
  m.set_schema(schema_known);
  m.set_commit(head.commit);
  m.set_epoch(meta.epoch);
  m.set_now(meta.now);
  m.set_chain(std::string(as_bytes(head.chain)));
  for (const auto& from : meta.inputs) {
    auto& to = *m.add_inputs();
    to.set_input(from.input);
    to.set_bytes_read(from.bytes);
    to.set_lines(from.lines);
    to.set_fingerprint(from.fingerprint);
  }
  write_controls(meta.controls, *m.mutable_controls());
  for (const auto& [name, value] : meta.settings) {
    auto& to = *m.add_settings();
    to.set_name(name);
    to.set_value(value);
  }
  m.set_key_check(std::string(key_check));
  if (head.input_floor != INT64_MIN) m.set_input_floor(head.input_floor);
  if (head.decision_floor != INT64_MIN) m.set_decision_floor(head.decision_floor);
  return bytes_of(m);
}

std::optional<decoded_meta> decode_meta(std::string_view row) {
  row::meta m;
  decoded_meta to;
  if (not parse(row, m) or not to_digest(m.chain(), to.head.chain)) return std::nullopt;
  to.schema = m.schema();
  to.head.commit = m.commit();
  to.meta.epoch = m.epoch();
  to.meta.now = m.now();
  for (const auto& from : m.inputs())
    to.meta.inputs.push_back({from.input(), from.bytes_read(), from.lines(), from.fingerprint()});
  to.meta.controls = read_controls(m.controls());
  for (const auto& from : m.settings())
    to.meta.settings[from.name()] = from.value();
  to.key_check = m.key_check();
  if (m.has_input_floor()) to.head.input_floor = m.input_floor();
  if (m.has_decision_floor()) to.head.decision_floor = m.decision_floor();
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
  row::journal_block m;
  m.set_commit(before.commit + 1);
  m.set_first_epoch(log.first_epoch);
  time_ms last = 0;
  for (const auto now : log.nows) {
    m.add_now_steps(now - last);
    last = now;
  }
  m.mutable_lines()->Assign(log.lines.begin(), log.lines.end());
  for (const auto& [epoch, now, index, dead_letter] : log.dead_letters) {
    auto& to = *m.add_refusals();
    to.set_commit_line(dead_letter.commit_line);
    to.set_why(static_cast<std::uint32_t>(dead_letter.why));
    to.set_place(dead_letter.place);
  }
  m.set_controls(controls_hash(encode_controls(log.controls)));
  m.set_decisions(log.decisions.size());
  m.set_decision_digest(std::string(as_bytes(sha256(log.decision_bytes))));
  if (not log.input.empty()) m.set_input_digest(digest_of_input(log.input));
  row::journal_row to;
  to.set_block(bytes_of(m));
  before.chain = chained(before.chain, to.block());
  ++before.commit;
  to.set_chain(std::string(as_bytes(before.chain)));
  return bytes_of(to);
}

std::optional<decoded_journal> decode_journal(std::string_view row) {
  row::journal_row outer;
  row::journal_block m;
  decoded_journal to;
  if (not parse(row, outer) or not to_digest(outer.chain(), to.chain) or not parse(outer.block(), m)
      or m.version() > version_known or m.now_steps_size() != m.lines_size())
    return std::nullopt;
  to.block = outer.block();
  to.commit.number = m.commit();
  to.commit.chain = outer.chain();
  to.commit.decisions = m.decisions();
  to.commit.decision_digest = m.decision_digest();
  time_ms now = 0;
  for (int i = 0; i < m.lines_size(); ++i) {
    now += m.now_steps(i);
    to.commit.epochs.push_back({m.first_epoch() + static_cast<std::uint64_t>(i), now, m.lines(i)});
  }
  for (const auto& from : m.refusals()) {
    auto& made = to.commit.refusals.emplace_back();
    made.commit_line = from.commit_line();
    made.place = from.place();
    if (not to_refusal(from.why(), made.why)) return std::nullopt;
  }
  to.controls = m.controls();
  to.input_digest = m.input_digest();
  return to;
}

std::string encode_dead_letter(const dead_letter& dead_letter) {
  row::dead_letter m;
  m.set_why(static_cast<std::uint32_t>(dead_letter.why));
  m.set_place(dead_letter.place);
  m.set_input(dead_letter.input);
  m.set_line(dead_letter.line);
  m.set_commit_line(dead_letter.commit_line);
  m.set_original(dead_letter.bytes);
  return bytes_of(m);
}

std::optional<dead_letter> decode_dead_letter(std::string_view row) {
  row::dead_letter m;
  dead_letter to;
  if (not parse(row, m) or m.version() > version_known or not to_refusal(m.why(), to.why)) return std::nullopt;
  to.place = m.place();
  to.input = m.input();
  to.line = m.line();
  to.commit_line = m.commit_line();
  to.bytes = m.original();
  return to;
}

input_packer::input_packer() : context_(ZSTD_createCCtx()) {
  auto* context = static_cast<ZSTD_CCtx*>(context_);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, zstd_level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
}

input_packer::~input_packer() { ZSTD_freeCCtx(static_cast<ZSTD_CCtx*>(context_)); }

std::string input_packer::pack(std::string_view lines) {
  row::input_block m;
  m.set_raw_bytes(lines.size());
  auto& packed = *m.mutable_packed();
  packed.resize(ZSTD_compressBound(lines.size()));
  packed.resize(
      ZSTD_compress2(static_cast<ZSTD_CCtx*>(context_), packed.data(), packed.size(), lines.data(), lines.size()));
  return bytes_of(m);
}

std::optional<std::string> unpack_input(std::string_view row) {
  row::input_block m;
  if (not parse(row, m) or m.version() > version_known or m.raw_bytes() > input_bytes_max) return std::nullopt;
  std::string lines(m.raw_bytes(), '\0');
  const auto size = ZSTD_decompress(lines.data(), lines.size(), m.packed().data(), m.packed().size());
  return ZSTD_isError(size) == 0 and size == lines.size() ? std::optional(std::move(lines)) : std::nullopt;
}

} // namespace fairuse
