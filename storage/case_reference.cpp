// SPDX-License-Identifier: Apache-2.0
#include "storage/case_reference.hpp"

#include <algorithm>
#include <cassert>

#include <openssl/evp.h>

#include "storage/bytes.hpp"

namespace fairuse {

namespace {

constexpr std::size_t block_bytes = 64;
constexpr std::size_t reference_bytes = 6;

struct free_context {
  void operator()(EVP_MD_CTX* all) const { EVP_MD_CTX_free(all); }
};
using context = std::unique_ptr<EVP_MD_CTX, free_context>;

void update(const context& to, std::string_view bytes) { EVP_DigestUpdate(to.get(), bytes.data(), bytes.size()); }

} // namespace

/// HMAC with both pads hashed in advance: OpenSSL's own set-up of a MAC costs several times the hash.
struct case_namer::parts {
  context inner{EVP_MD_CTX_new()};
  context outer{EVP_MD_CTX_new()};
  context work{EVP_MD_CTX_new()};
};

case_namer::case_namer(std::string_view key) : parts_(std::make_unique<parts>()) {
  std::array<unsigned char, block_bytes> pad{};
  if (key.size() > block_bytes)
    EVP_Digest(key.data(), key.size(), pad.data(), nullptr, EVP_sha256(), nullptr);
  else
    std::copy(key.begin(), key.end(), pad.begin());
  for (auto& byte : pad)
    byte ^= 0x36;
  EVP_DigestInit_ex(parts_->inner.get(), EVP_sha256(), nullptr);
  EVP_DigestUpdate(parts_->inner.get(), pad.data(), pad.size());
  for (auto& byte : pad)
    byte ^= 0x36 ^ 0x5C;
  EVP_DigestInit_ex(parts_->outer.get(), EVP_sha256(), nullptr);
  EVP_DigestUpdate(parts_->outer.get(), pad.data(), pad.size());
}

case_namer::~case_namer() = default;
case_namer::case_namer(case_namer&&) noexcept = default;
case_namer& case_namer::operator=(case_namer&&) noexcept = default;

keyed_hash case_namer::hash(std::string_view use, std::string_view message, std::string_view suffix) {
  keyed_hash out{};
  auto& work = parts_->work;
  EVP_MD_CTX_copy_ex(work.get(), parts_->inner.get());
  update(work, use);
  update(work, std::string_view("\0", 1));
  update(work, message);
  update(work, suffix);
  EVP_DigestFinal_ex(work.get(), out.data(), nullptr);
  EVP_MD_CTX_copy_ex(work.get(), parts_->outer.get());
  EVP_DigestUpdate(work.get(), out.data(), out.size());
  const auto done = EVP_DigestFinal_ex(work.get(), out.data(), nullptr);
  assert(done == 1);
  static_cast<void>(done);
  return out;
}

std::string case_namer::reference(std::string_view uid, std::uint32_t strike) {
  std::string suffix;
  append_big_endian(suffix, strike);
  const auto bytes = hash("case", uid, suffix);
  std::string text = "FU-";
  for (std::size_t i = 0; i < reference_bytes; ++i) {
    text.push_back("0123456789ABCDEF"[bytes[i] >> 4]);
    text.push_back("0123456789ABCDEF"[bytes[i] & 15]);
  }
  return text;
}

keyed_hash case_namer::erased(std::string_view uid) { return hash("erased", uid, {}); }

std::string case_namer::check() {
  const auto bytes = hash("check", {}, {});
  return {reinterpret_cast<const char*>(bytes.data()), 8};
}

} // namespace fairuse
