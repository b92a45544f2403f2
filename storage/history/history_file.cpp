// SPDX-License-Identifier: Apache-2.0
#include "storage/history/history_file.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include <fmt/format.h>
#include <xxhash.h>
#include <zstd.h>

#include "base/pure/hex.hpp"
#include "base/system/files.hpp"
#include "base/system/random_access.hpp"
#include "base/system/sha256.hpp"
#include "storage/bytes.hpp"
#include "storage/history/block_format.hpp"
#include "storage/history/contents.hpp"

namespace fairuse::history {

namespace {

constexpr std::string_view magic{"FUHIST\x1a\n", 8};
constexpr std::uint32_t version_known = 3;
constexpr std::uint32_t version_without_states = 2;
constexpr std::uint32_t version_without_pieces = 1;
constexpr std::size_t head_bytes = 12;
constexpr std::size_t place_bytes = 16;
constexpr std::size_t digest_bytes = 32;
constexpr std::size_t trailer_bytes = place_bytes + digest_bytes;
/// zstd makes a block of 128 KiB from no less than four bytes.
constexpr std::uint64_t ratio_max = std::uint64_t{1} << 15;
constexpr int contents_level = 3;

store_error unreadable() { return {store_fault::io, "it cannot be read"}; }

std::string packed(const std::string& bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const auto size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), contents_level);
  assert(not ZSTD_isError(size));
  out.resize(size);
  return out;
}

/// False: `stored` is not what `bytes` bytes were packed to.
bool unpack(ZSTD_DCtx* by, std::string_view stored, std::uint64_t bytes, std::string& out) {
  if (bytes > part_bytes_max or bytes > stored.size() * ratio_max) return false;
  out.resize(bytes);
  const auto made = ZSTD_decompressDCtx(by, out.data(), out.size(), stored.data(), stored.size());
  return ZSTD_isError(made) == 0 and made == bytes;
}

std::string_view to_text(block_part which) {
  switch (which) {
    case block_part::facts:
      return "facts";
    case block_part::conversations:
      return "conversations";
    case block_part::texts:
      return "texts";
    case block_part::ids:
    case block_part::id_pieces:
      return "ids";
    case block_part::states:
      return "states";
  }
  return "";
}

/// The frames follow each other from the head to the contents, and the counts add up.
bool is_whole(const history_contents& all, std::uint64_t contents_at) {
  std::uint64_t at = head_bytes;
  std::uint64_t users = 0;
  std::uint64_t idle_users = 0;
  for (const auto& block : all.blocks) {
    users += block.sizes.users;
    idle_users += block.sizes.idle_users;
    for (const auto& part : block.parts) {
      if (part.at != at) return false;
      at += part.stored_bytes;
    }
  }
  return at == contents_at and users == all.counts.users and idle_users == all.counts.idle_users;
}

} // namespace

struct history_writer::body {
  explicit body(file_replacement into) : to(std::move(into)) {}

  result<void, store_error> write(std::string_view bytes) {
    if (written == 0) {
      std::string head(magic);
      append_big_endian(head, holds_states ? version_known : version_without_states);
      written = head.size();
      if (const auto done = to.write(head); not done) return store_error_of(done.error());
    }
    written += bytes.size();
    if (const auto done = to.write(bytes); not done) return store_error_of(done.error());
    return {};
  }

  file_replacement to;
  bool holds_states = false;
  std::uint64_t written = 0;
  std::vector<block_entry> blocks;
};

history_writer::history_writer(std::unique_ptr<body> all) : body_{std::move(all)} {}
history_writer::~history_writer() = default;

result<std::unique_ptr<history_writer>, store_error> history_writer::create(std::filesystem::path file, bool replace) {
  std::error_code ignored;
  if (not replace and std::filesystem::exists(file, ignored))
    return store_error{store_fault::misuse, fmt::format("{} is there already: --force replaces it", file.string())};
  auto to = file_replacement::open(std::move(file), ".part", 0600);
  if (not to) return store_error_of(to.error());
  auto made = std::make_unique<body>(std::move(*to));
  return std::unique_ptr<history_writer>(new history_writer(std::move(made)));
}

void history_writer::hold_states() {
  assert(body_->written == 0);
  body_->holds_states = true;
}

result<void, store_error> history_writer::add(const built_block& block) {
  auto& all = *body_;
  if (auto done = all.write({}); not done) return done;
  assert(all.blocks.empty() or all.blocks.back().last_uid < block.first_uid);
  auto& entry = all.blocks.emplace_back();
  entry.sizes = block.sizes;
  entry.first_uid = block.first_uid;
  entry.last_uid = block.last_uid;
  for (std::size_t i = 0; i < block_part_count; ++i) {
    const auto& part = block.parts[i];
    entry.parts[i] = {all.written, static_cast<std::uint32_t>(part.stored.size()), part.bytes, part.checksum};
    if (auto done = all.write(part.stored); not done) return done;
  }
  return {};
}

std::uint64_t history_writer::size() const { return body_->written; }

result<void, store_error> history_writer::finish(history_contents all) {
  assert(body_->holds_states == all.holds_states());
  if (auto done = body_->write({}); not done) return done;
  all.blocks = std::move(body_->blocks);
  const auto plain = encode_contents(all);
  auto tail = packed(plain);
  const auto stored = static_cast<std::uint32_t>(tail.size());
  append_big_endian(tail, body_->written);
  append_big_endian(tail, stored);
  append_big_endian(tail, static_cast<std::uint32_t>(plain.size()));
  tail.append(as_bytes(sha256(tail)));
  if (auto done = body_->write(tail); not done) return done;
  if (const auto done = body_->to.commit(); not done) return store_error_of(done.error());
  return {};
}

history_reader::buffers::buffers() : unpacker{ZSTD_createDCtx()} {}
history_reader::buffers::~buffers() = default;
void history_reader::buffers::freed::operator()(ZSTD_DCtx* gone) const { ZSTD_freeDCtx(gone); }

// Reading -------------------------------------------------------------------------------------------------------------

result<std::unique_ptr<history_reader>, store_error> history_reader::open(const std::filesystem::path& file) {
  auto opened = open_for_reading(file);
  if (not opened) return store_error{store_fault::io, opened.error().message};
  auto made = read(std::move(opened->read), opened->size);
  if (made) return made;
  return store_error{made.error().fault, fmt::format("{}: {}", file.string(), made.error().message)};
}

result<std::unique_ptr<history_reader>, store_error> history_reader::read(random_access from, std::uint64_t size) {
  std::unique_ptr<history_reader> made(new history_reader);
  made->from_ = std::move(from);
  made->size_ = size;
  std::string head(head_bytes, '\0');
  if (size < head_bytes or not made->from_(0, head) or not head.starts_with(magic))
    return damaged("it is not a history of fairuse");
  made->version_ = big_endian<std::uint32_t>(head.data() + magic.size());
  if (made->version_ < version_without_pieces or made->version_ > version_known)
    return store_error{
        store_fault::newer,
        fmt::format("it is a history of version {}, and this program knows version {}", made->version_, version_known)};
  if (size < head_bytes + trailer_bytes) return damaged("it is damaged: it ends too early");
  if (auto done = made->read_contents(); not done) return done.error();
  return made;
}

result<void, store_error> history_reader::read_contents() {
  std::string trailer(trailer_bytes, '\0');
  if (not from_(size_ - trailer_bytes, trailer)) return unreadable();
  const auto at = big_endian<std::uint64_t>(trailer.data());
  const auto stored_bytes = big_endian<std::uint32_t>(trailer.data() + 8);
  const auto bytes = big_endian<std::uint32_t>(trailer.data() + 12);
  if (at < head_bytes or at > size_ or at + stored_bytes != size_ - trailer_bytes)
    return damaged("it is damaged: its end does not say where its contents are, so it was cut or changed");
  std::string stored(stored_bytes, '\0');
  if (not from_(at, stored)) return unreadable();
  const auto sum = sha256(stored + trailer.substr(0, place_bytes));
  std::string plain;
  const buffers read;
  if (as_bytes(sum) != std::string_view(trailer).substr(place_bytes)
      or not unpack(read.unpacker.get(), stored, bytes, plain))
    return damaged("it is damaged: the SHA-256 of its contents does not hold, so it was cut or changed");
  digest_ = to_hex(as_bytes(sum));
  auto contents = decode_contents(plain);
  if (not contents) return contents.error();
  contents_ = std::move(*contents);
  if (contents_.holds_states() != (version_ > version_without_states))
    return damaged("it is damaged: its version is not that of its contents");
  if (not is_whole(contents_, at)) return damaged("it is damaged: its blocks do not add up to its contents");
  return {};
}

store_error history_reader::damaged_block(std::size_t number, const std::string& why) const {
  return damaged(fmt::format("block {} of {} is damaged: {}", number + 1, contents_.blocks.size(), why));
}

result<void, store_error> history_reader::read_part(std::size_t number, block_part which, buffers& out) const {
  const auto index = static_cast<std::size_t>(which);
  const auto& part = contents_.blocks[number].parts[index];
  out.stored.resize(part.stored_bytes);
  if (not from_(part.at, out.stored)) return unreadable();
  if (XXH3_64bits(out.stored.data(), out.stored.size()) == part.checksum
      and unpack(out.unpacker.get(), out.stored, part.bytes, out.parts[index]))
    return {};
  return damaged_block(number, fmt::format("the checksum of its {} does not hold", to_text(which)));
}

result<void, store_error> history_reader::read_block(std::size_t number, wanted_parts wanted, buffers& out) const {
  const auto read = [&](block_part which) { return read_part(number, which, out); };
  const auto bytes_of = [&out](block_part which) -> std::string_view {
    return out.parts[static_cast<std::size_t>(which)];
  };
  block_bytes bytes;
  for (const auto which : {block_part::facts, block_part::conversations})
    if (auto done = read(which); not done) return done;
  bytes.facts = bytes_of(block_part::facts);
  bytes.conversations = bytes_of(block_part::conversations);
  bytes.holds_states = version_ > version_without_states;
  if (bytes.holds_states and wanted.states) {
    if (auto done = read(block_part::states); not done) return done;
    bytes.states = bytes_of(block_part::states);
  }
  if (wanted.texts) {
    if (auto done = read(block_part::texts); not done) return done;
    bytes.texts = bytes_of(block_part::texts);
  }
  if (wanted.ids) {
    if (auto done = read_id_index(number, out, out.ids); not done) return done;
    if (auto done = read_pieces(number, 0, out.ids.index_.pieces.size(), out, out.ids); not done) return done;
    bytes.ids = &out.ids;
  }
  const auto made = decode_block(bytes, wanted.form, out.block);
  const auto& entry = contents_.blocks[number];
  const auto idle = wanted.states ? entry.sizes.idle_users : 0;
  if (made and out.block.users().size() == std::size_t{entry.sizes.users} + idle) return {};
  return damaged_block(number, made ? "it has other users than the contents say" : made.error().message);
}

result<void, store_error> history_reader::read_id_index(std::size_t number, buffers& out, block_ids& ids) const {
  ids.block_ = SIZE_MAX;
  ids.places_.clear();
  if (auto done = read_part(number, block_part::ids, out); not done) return done;
  const auto& bytes = out.parts[static_cast<std::size_t>(block_part::ids)];
  const auto& pieces = contents_.blocks[number].parts[static_cast<std::size_t>(block_part::id_pieces)];
  const auto made = version_ == version_without_pieces ? decode_ids(bytes, ids) : decode_id_index(bytes, ids.index_);
  if (not made) return damaged_block(number, made.error().message);
  if (ids.index_.stored_bytes != pieces.stored_bytes) return damaged_block(number, "its ids are of another size");
  ids.block_ = number;
  return {};
}

/// Pieces [first, end).
result<void, store_error> history_reader::read_pieces(std::size_t number, std::size_t first, std::size_t end,
                                                      buffers& out, block_ids& ids) const {
  if (version_ == version_without_pieces) return {};
  const auto& index = ids.index_;
  id_decoder decoder(first * index.piece_ids, ids);
  if (first == end) return {};
  const auto begins = index.pieces[first].at;
  const auto& last = index.pieces[end - 1];
  out.stored.resize(last.at + last.stored_bytes - begins);
  if (not from_(contents_.blocks[number].parts[static_cast<std::size_t>(block_part::id_pieces)].at + begins,
                out.stored))
    return unreadable();
  auto& bytes = out.parts[static_cast<std::size_t>(block_part::id_pieces)];
  for (auto i = first; i < end; ++i) {
    const auto& piece = index.pieces[i];
    const auto stored = std::string_view(out.stored).substr(piece.at - begins, piece.stored_bytes);
    if (XXH3_64bits(stored.data(), stored.size()) != piece.checksum
        or not unpack(out.unpacker.get(), stored, piece.bytes, bytes))
      return damaged_block(number, "the checksum of its ids does not hold");
    if (const auto made = decoder.add(bytes); not made) return damaged_block(number, made.error().message);
    if (i + 1 < index.pieces.size() and ids.end() != (i + 1) * index.piece_ids)
      return damaged_block(number, "a piece of its ids has others than its index says");
  }
  return {};
}

result<void, store_error> history_reader::read_id(std::size_t number, std::size_t place, buffers& out,
                                                  block_ids& ids) const {
  if (ids.block_ == number and ids.holds(place)) return {};
  if (ids.block_ != number)
    if (auto done = read_id_index(number, out, ids); not done) return done;
  const auto piece = version_ == version_without_pieces ? 0 : place / ids.index_.piece_ids;
  if (piece < ids.index_.pieces.size()) return read_pieces(number, piece, piece + 1, out, ids);
  return {};
}

} // namespace fairuse::history
