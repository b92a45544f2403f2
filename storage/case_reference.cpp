// SPDX-License-Identifier: Apache-2.0
#include "storage/case_reference.hpp"

#include "base/pure/hex.hpp"
#include "base/system/sha256.hpp"
#include "storage/bytes.hpp"

namespace fairuse {

namespace {

constexpr std::size_t block_bytes = 64;
constexpr std::size_t reference_bytes = 6;

} // namespace

/// HMAC with both pads hashed in advance: OpenSSL's own set-up of a MAC costs several times the hash.
struct case_namer::parts {
  running_sha256 inner;
  running_sha256 outer;
  running_sha256 work;
};

case_namer::case_namer(std::string_view key) : parts_(std::make_unique<parts>()) {
  const auto hashed = sha256(key);
  std::string pad(key.size() > block_bytes ? as_bytes(hashed) : key);
  pad.resize(block_bytes);
  for (auto& byte : pad)
    byte = static_cast<char>(byte ^ 0x36);
  parts_->inner.add(pad);
  for (auto& byte : pad)
    byte = static_cast<char>(byte ^ 0x36 ^ 0x5C);
  parts_->outer.add(pad);
}

case_namer::~case_namer() = default;
case_namer::case_namer(case_namer&&) noexcept = default;
case_namer& case_namer::operator=(case_namer&&) noexcept = default;

keyed_hash case_namer::hash(std::string_view use, std::string_view message, std::string_view suffix) {
  auto& work = parts_->work;
  work = parts_->inner;
  work.add(use);
  work.add(std::string_view("\0", 1));
  work.add(message);
  work.add(suffix);
  const auto inner = work.finish();
  work = parts_->outer;
  work.add(as_bytes(inner));
  return work.finish();
}

std::string case_namer::reference(std::string_view uid, std::uint32_t strike) {
  std::string suffix;
  append_big_endian(suffix, strike);
  const auto bytes = hash("case", uid, suffix);
  return "FU-" + to_upper_hex(as_bytes(bytes).substr(0, reference_bytes));
}

keyed_hash case_namer::erased(std::string_view uid) { return hash("erased", uid, {}); }

std::string case_namer::check() {
  const auto bytes = hash("check", {}, {});
  return std::string(as_bytes(bytes).substr(0, 8));
}

std::function<std::string(std::string_view, std::uint32_t)> case_naming_of(std::string_view key) {
  return [names = std::make_shared<case_namer>(key)](std::string_view uid, std::uint32_t strike) {
    return names->reference(uid, strike);
  };
}

} // namespace fairuse
