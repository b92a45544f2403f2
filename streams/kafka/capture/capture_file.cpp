// SPDX-License-Identifier: Apache-2.0
#include "streams/kafka/capture/capture_file.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/delimited_message_util.h>
#include <zstd.h>

#include "base/system/files.hpp"
#include "base/system/random_access.hpp"
#include "base/system/sha256.hpp"
#include "storage/bytes.hpp"
#include "storage/message_bytes.hpp"
#include "streams/kafka/capture/capture.pb.h"

namespace fairuse::kafka {

namespace {

constexpr auto magic = capture_begin;
constexpr std::uint32_t version_known = 1;
constexpr std::uint32_t contents_version_known = 0;
constexpr std::size_t head_bytes = 12;
constexpr std::size_t digest_bytes = 32;
constexpr std::size_t trailer_bytes = 8 + digest_bytes;
constexpr std::size_t frame_wanted = std::size_t{1} << 20;
/// The largest record that a deployment may allow is 512 MiB.
constexpr std::uint64_t frame_bytes_max = std::uint64_t{1} << 30;
/// zstd makes a block of 128 KiB from no less than four bytes.
constexpr std::uint64_t ratio_max = std::uint64_t{1} << 15;
constexpr std::size_t pass_bytes = std::size_t{1} << 20;
constexpr int zstd_level = 3;

void put(const captured_record& from, capture::record& to) {
  to.Clear();
  to.set_offset(from.offset);
  to.set_timestamp(from.timestamp);
  if (from.key) to.set_key(*from.key);
  if (from.value) to.set_value(*from.value);
  for (const auto& [name, value] : from.headers) {
    auto& made = *to.add_headers();
    made.set_name(name);
    if (value) made.set_value(*value);
  }
}

void take(capture::record& from, captured_record& to) {
  to.offset = from.offset();
  to.timestamp = from.timestamp();
  to.key.reset();
  to.value.reset();
  if (from.has_key()) to.key = std::move(*from.mutable_key());
  if (from.has_value()) to.value = std::move(*from.mutable_value());
  to.headers.clear();
  for (auto& each : *from.mutable_headers()) {
    auto& made = to.headers.emplace_back(std::move(*each.mutable_name()), std::nullopt);
    if (each.has_value()) made.second = std::move(*each.mutable_value());
  }
}

void put_contents(const capture_contents& from, capture::contents& to) {
  to.set_program(from.program);
  to.set_made_at(from.made_at);
  to.set_app(from.app);
  to.set_cluster(from.cluster);
  to.set_partitions(static_cast<std::uint32_t>(from.partitions));
  to.set_checkpoint(from.is_checkpoint);
  for (const auto& name : from.outputs.all())
    to.add_outputs(name);
  for (const auto& each : from.per_partition) {
    auto& part = *to.add_parts();
    part.set_partition(each.partition);
    part.set_first_epoch(each.first_epoch);
    part.set_epochs(each.epochs);
    part.set_first_now(each.first_now);
    part.set_last_now(each.last_now);
    part.set_state_meta(each.state_meta);
    part.set_state_setup(each.state_setup);
  }
  for (const auto& each : from.sections) {
    auto& section = *to.add_sections();
    section.set_partition(each.partition);
    section.set_kind(static_cast<std::uint32_t>(each.kind));
    section.set_topic(each.topic);
    section.set_records(each.records);
    section.set_bytes(each.bytes);
    section.mutable_frames()->Assign(each.frames.begin(), each.frames.end());
    section.set_low(each.low);
  }
}

bool take_outputs(const capture::contents& from, topic_names& to) {
  if (from.outputs_size() != 8) return false;
  to = {from.outputs(0), from.outputs(1), from.outputs(2), from.outputs(3),
        from.outputs(4), from.outputs(5), from.outputs(6), from.outputs(7)};
  return true;
}

result<void, store_error> take_contents(const capture::contents& from, capture_contents& to) {
  if (not take_outputs(from, to.outputs) or from.partitions() > std::uint32_t{std::numeric_limits<std::int32_t>::max()})
    return damaged("its table of contents is not one");
  to.program = from.program();
  to.made_at = from.made_at();
  to.app = from.app();
  to.cluster = from.cluster();
  to.partitions = static_cast<std::int32_t>(from.partitions());
  to.is_checkpoint = from.checkpoint();
  std::set<std::int32_t> parts;
  for (const auto& each : from.parts()) {
    if (not parts.insert(each.partition()).second or each.partition() < 0 or each.partition() >= to.partitions)
      return damaged(fmt::format("its table of contents has partition {} twice, or of none", each.partition()));
    to.per_partition.push_back({each.partition(), each.first_epoch(), each.epochs(), each.first_now(), each.last_now(),
                                each.state_meta(), each.state_setup()});
  }
  std::set<std::tuple<std::int32_t, std::uint32_t, std::string>> sections;
  for (const auto& each : from.sections()) {
    if (each.kind() < 1 or each.kind() > 5 or not parts.contains(each.partition())
        or not sections.emplace(each.partition(), each.kind(), each.topic()).second)
      return damaged("its table of contents has a section twice, or one of no known kind");
    to.sections.push_back({each.partition(),
                           static_cast<section_kind>(each.kind()),
                           each.topic(),
                           each.records(),
                           each.bytes(),
                           {each.frames().begin(), each.frames().end()},
                           each.low()});
  }
  return {};
}

} // namespace

const capture_section* capture_contents::find(std::int32_t partition, section_kind kind, std::string_view topic) const {
  for (const auto& each : sections)
    if (each.partition == partition and each.kind == kind and (topic.empty() or each.topic == topic)) return &each;
  return nullptr;
}

// Writing -------------------------------------------------------------------------------------------------------------

struct capture_writer::body {
  struct open_section {
    capture_section what;
    std::string buffer;
  };

  file_replacement file;
  std::uint64_t written = 0;
  result<void, store_error> failed;
  running_sha256 sum;
  ZSTD_CCtx* packer = ZSTD_createCCtx();
  std::string packed;
  std::string message;
  capture::record record;
  std::vector<open_section> sections;

  explicit body(file_replacement to) : file(std::move(to)) {}
  ~body() { ZSTD_freeCCtx(packer); }
  body(const body&) = delete;
  body& operator=(const body&) = delete;

  void write(std::string_view bytes) {
    sum.add(bytes);
    write_unsummed(bytes);
  }

  /// The digest, which is not part of what it is the digest of.
  void write_unsummed(std::string_view bytes) {
    written += bytes.size();
    if (not failed) return;
    if (const auto done = file.write(bytes); not done) failed = store_error_of(done.error());
  }

  /// Where it begins.
  std::uint64_t write_frame(std::string_view plain) {
    const auto at = written;
    packed.resize(ZSTD_compressBound(plain.size()));
    packed.resize(ZSTD_compress2(packer, packed.data(), packed.size(), plain.data(), plain.size()));
    std::string length;
    append_big_endian(length, static_cast<std::uint32_t>(packed.size()));
    write(length);
    write(packed);
    return at;
  }

  void flush(open_section& of) {
    if (of.buffer.empty()) return;
    of.what.frames.push_back(write_frame(of.buffer));
    of.buffer.clear();
  }

  result<void, store_error> close() {
    if (not failed) return failed;
    if (const auto done = file.commit(); not done) failed = store_error_of(done.error());
    return failed;
  }
};

capture_writer::capture_writer(std::unique_ptr<body> all) : body_(std::move(all)) {}
capture_writer::~capture_writer() = default;

result<std::unique_ptr<capture_writer>, store_error> capture_writer::create(const std::filesystem::path& file,
                                                                            bool replace) {
  std::error_code ignored;
  if (not replace and std::filesystem::exists(file, ignored))
    return store_error{store_fault::misuse, fmt::format("{} is there already: --force replaces it", file.string())};
  auto to = file_replacement::open(file, ".part", 0600);
  if (not to) return store_error_of(to.error());
  auto made = std::make_unique<body>(std::move(*to));
  ZSTD_CCtx_setParameter(made->packer, ZSTD_c_compressionLevel, zstd_level);
  ZSTD_CCtx_setParameter(made->packer, ZSTD_c_checksumFlag, 1);
  std::string head(magic);
  append_big_endian(head, version_known);
  made->write(head);
  return std::unique_ptr<capture_writer>(new capture_writer(std::move(made)));
}

std::size_t capture_writer::begin_section(capture_section what) {
  what.records = 0;
  what.bytes = 0;
  what.frames.clear();
  body_->sections.push_back({std::move(what), {}});
  return body_->sections.size() - 1;
}

void capture_writer::add(std::size_t section, const captured_record& what) {
  auto& to = body_->sections[section];
  put(what, body_->record);
  const auto size = body_->record.ByteSizeLong();
  auto& buffer = to.buffer;
  if (not buffer.empty() and buffer.size() + size > frame_wanted) body_->flush(to);
  {
    google::protobuf::io::StringOutputStream out(&body_->message);
    body_->message.clear();
    google::protobuf::util::SerializeDelimitedToZeroCopyStream(body_->record, &out);
  }
  buffer += body_->message;
  ++to.what.records;
  to.what.bytes += body_->message.size();
}

std::uint64_t capture_writer::size() const { return body_->written; }
result<void, store_error> capture_writer::failure() const { return body_->failed; }

result<void, store_error> capture_writer::finish(capture_contents all) {
  for (auto& each : body_->sections) {
    body_->flush(each);
    all.sections.push_back(std::move(each.what));
  }
  capture::contents message;
  put_contents(all, message);
  std::string trailer;
  append_big_endian(trailer, body_->write_frame(bytes_of(message)));
  body_->write(trailer);
  const auto digest = body_->sum.finish();
  body_->write_unsummed(as_bytes(digest));
  return body_->close();
}

// Reading -------------------------------------------------------------------------------------------------------------

result<std::unique_ptr<capture_reader>, store_error> capture_reader::open(const std::filesystem::path& file,
                                                                          const digest_progress& progress) {
  auto opened = open_for_reading(file);
  if (not opened) return store_error{store_fault::io, opened.error().message};
  auto made = read(std::move(opened->read), opened->size, progress);
  if (made) return made;
  return store_error{made.error().fault, fmt::format("{}: {}", file.string(), made.error().message)};
}

result<std::unique_ptr<capture_reader>, store_error> capture_reader::read(random_access from, std::uint64_t size,
                                                                          const digest_progress& progress,
                                                                          bool check_digest) {
  std::unique_ptr<capture_reader> made(new capture_reader);
  made->from_ = std::move(from);
  made->size_ = size;
  std::string head(head_bytes, '\0');
  if (size < head_bytes or not made->from_(0, head) or not head.starts_with(magic))
    return damaged("it is not a capture of fairuse");
  if (const auto version = big_endian<std::uint32_t>(head.data() + magic.size()); version != version_known)
    return store_error{
        store_fault::newer,
        fmt::format("it is a capture of version {}, and this program knows version {}", version, version_known)};
  if (size < head_bytes + trailer_bytes) return damaged("it is damaged: it ends too early");
  if (check_digest)
    if (auto holds = made->check_digest(progress); not holds) return holds.error();
  if (auto done = made->read_contents(); not done) return done.error();
  return made;
}

result<void, store_error> capture_reader::check_digest(const digest_progress& progress) const {
  running_sha256 sum;
  const auto end = size_ - digest_bytes;
  std::string some;
  for (std::uint64_t at = 0; at < end; at += some.size()) {
    some.resize(static_cast<std::size_t>(std::min<std::uint64_t>(pass_bytes, end - at)));
    if (not from_(at, some)) return store_error{store_fault::io, "it cannot be read"};
    sum.add(some);
    if (progress) progress(at + some.size());
  }
  std::string is(digest_bytes, '\0');
  if (not from_(end, is)) return store_error{store_fault::io, "it cannot be read"};
  if (is == as_bytes(sum.finish())) return {};
  return damaged("it is damaged: its SHA-256 does not hold, so it was cut or changed; export it again");
}

result<void, store_error> capture_reader::read_frame(std::uint64_t at, std::string& out) const {
  const auto end = size_ - trailer_bytes;
  std::string length(4, '\0');
  if (at < head_bytes or at > end or end - at < length.size() or not from_(at, length))
    return damaged(fmt::format("it is damaged: there is no frame at {}", at));
  const auto size = big_endian<std::uint32_t>(length.data());
  if (size > end - at - length.size()) return damaged(fmt::format("it is damaged: the frame at {} has no end", at));
  std::string packed(size, '\0');
  if (not from_(at + length.size(), packed)) return store_error{store_fault::io, "it cannot be read"};
  const auto plain = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (plain == ZSTD_CONTENTSIZE_ERROR or plain == ZSTD_CONTENTSIZE_UNKNOWN or plain > frame_bytes_max
      or plain > packed.size() * ratio_max)
    return damaged(fmt::format("it is damaged: the frame at {} is not compressed by zstd", at));
  out.resize(plain);
  const auto made = ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
  if (ZSTD_isError(made) != 0 or made != out.size())
    return damaged(fmt::format("it is damaged: the frame at {} does not unpack", at));
  return {};
}

result<void, store_error> capture_reader::read_contents() {
  std::string place(8, '\0');
  if (not from_(size_ - trailer_bytes, place)) return store_error{store_fault::io, "it cannot be read"};
  contents_at_ = big_endian<std::uint64_t>(place.data());
  std::string plain;
  if (auto done = read_frame(contents_at_, plain); not done) return done;
  capture::contents message;
  if (not parse(plain, message)) return damaged("it is damaged: its table of contents does not decode");
  if (message.version() > contents_version_known)
    return store_error{store_fault::newer, "it was written by a newer version of fairuse"};
  return take_contents(message, contents_);
}

bool capture_cursor::open_frame() {
  if (next_frame_ >= of_->frames.size()) {
    if (given_ != of_->records)
      failure_ = damaged(fmt::format("it is damaged: a section of partition {} holds {} records and not {}",
                                     of_->partition, given_, of_->records));
    return false;
  }
  failure_ = from_->read_frame(of_->frames[next_frame_++], frame_);
  at_ = 0;
  return failure_.has_value();
}

bool capture_cursor::next(captured_record& out) {
  if (not failure_) return false;
  while (at_ >= frame_.size())
    if (not open_frame()) return false;
  const auto left = static_cast<int>(std::min<std::size_t>(frame_.size() - at_, std::numeric_limits<int>::max()));
  google::protobuf::io::ArrayInputStream in(frame_.data() + at_, left);
  capture::record message;
  bool ended = false;
  if (given_ >= of_->records or not google::protobuf::util::ParseDelimitedFromZeroCopyStream(&message, &in, &ended)) {
    failure_ = damaged(fmt::format("it is damaged: a record of partition {} does not decode", of_->partition));
    return false;
  }
  at_ += static_cast<std::size_t>(in.ByteCount());
  ++given_;
  take(message, out);
  return true;
}

} // namespace fairuse::kafka
